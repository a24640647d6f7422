"""Who may do what with a contract and its money. Predicates on (contract, person).

Seeing it is being on the team, or having the contract on one's desk: `Contract.objects.visible_to`.
"""

from typing import TYPE_CHECKING

from contracts import terms
from workflow.states import CaseState

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User
    from contracts.models import Contract


PAYERS = frozenset({"agent", "coordinator", "signatory"})


def may_record_payments(contract: "Contract", user: "User") -> bool:
    """An agent of who pays this contract, once it is signed: its CPAM; its agency for a CPOM."""
    acting = user.acting
    if acting is None or not contract.is_signed:
        return False
    if contract.cpam_id is None:
        return acting.organisation_id == contract.ars_id and acting.role in PAYERS
    return keeps_payments_of(user) == contract.cpam_id


def keeps_payments_of(user: "User") -> int | None:
    """The CPAM whose payments the person records, in the role they act in; else None."""
    acting = user.acting
    if acting is None or acting.organisation.kind != "cpam":
        return None
    if acting.role not in PAYERS:
        return None
    return acting.organisation_id


def sees_money(user: "User") -> bool:
    """Who has a dashboard of money: agents of an agency or of a CPAM, the administrator."""
    acting = user.acting
    if acting is None:
        return bool(user.is_superuser)
    return acting.organisation.kind in {"ars", "ars_branch", "cpam"}


def may_amend_nationally(user: "User") -> bool:
    """The national administrator, in their own name: who prepares the rates brings them too."""
    return user.acting is None and user.is_staff and user.has_perm("contracts.change_ratetable")


# --- The parties ----------------------------------------------------------------------------------

# Who writes for an agency or a fund, and who commits it.
WRITERS = frozenset({"agent", "coordinator", "signatory"})


def party_of(contract: "Contract", user: "User | None") -> str:
    """The party in whose name the person writes the contract: cpts, ars or cpam; else nothing.

    The branches of the agency act for it, in their perimeter. Whoever writes for the CPTS writes
    for no other party, in whatever role they act.
    """
    if user is None:
        return ""
    team_role = str(contract.team_role(user))
    if user.acting is None:
        return terms.CPTS if team_role in {"owner", "editor"} else ""
    acting = user.acting
    stands = acting.is_active and acting.role in WRITERS and team_role not in {"owner", "editor"}
    if not stands or acting.department_id not in {None, *contract.department_codes}:
        return ""
    if acting.organisation_id == contract.cpam_id:
        return terms.CPAM
    has_left = {acting.department_id, acting.organisation.department_id}.intersection(
        contract.left_department_codes
    )
    if contract.ars_id in {acting.organisation_id, acting.organisation.parent_id} and not has_left:
        return terms.ARS
    return ""


def may_write(contract: "Contract", user: "User | None") -> bool:
    """Change the shared draft, comment on it, propose, answer: each party does."""
    return contract.state == CaseState.DRAFT and party_of(contract, user) != ""


def may_commit(contract: "Contract", user: "User | None") -> bool:
    """Speak for a party: mark its agreement. For the CPTS, the person responsible for it."""
    return commits_as(party_of(contract, user), contract, user)


def commits_as(party: str, contract: "Contract", user: "User | None") -> bool:
    """The same of who writes for `party`, as `party_of` said."""
    if user is None or not party:
        return False
    return party != terms.CPTS or str(contract.team_role(user)) == "owner"


def may_freeze(contract: "Contract", user: "User | None") -> bool:
    """Any party, once all have marked their agreement."""
    return may_commit(contract, user)


def may_reopen(contract: "Contract", user: "User | None") -> bool:
    """The portal when a signer refuses; a party that takes the text back."""
    return user is None or may_commit(contract, user)


def may_give_up(contract: "Contract", user: "User | None") -> bool:
    """Any party: nobody is bound before all have signed."""
    return may_commit(contract, user)


def may_close(contract: "Contract", user: "User | None") -> bool:
    """The portal, on the last day; a party, when the end it asked for takes effect."""
    return user is None or may_commit(contract, user)


def is_the_portal(_contract: "Contract", user: "User | None") -> bool:
    """Nobody does it by hand: it follows from something else."""
    return user is None


def can_be_frozen(contract: "Contract") -> bool:
    return not contract.missing_for("freeze_to_sign")


def region_imported_by(user: "User | AnonymousUser") -> str | None:
    """The région whose existing CPTS the person takes over: its code, « » for every région.

    The national administrator, in their own name; a coordinator of an agency whose role has the
    whole région. None for anybody else.
    """
    acting = getattr(user, "acting", None)
    if acting is None:
        return "" if getattr(user, "is_superuser", False) else None
    if acting.organisation.kind != "ars" or acting.role != "coordinator" or acting.department_id:
        return None
    return str(acting.organisation.region_id)
