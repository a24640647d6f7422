"""Who may do what with the money of a contract. Predicates on (contract, person).

Seeing it is being on the team, or having the contract on one's desk: `Contract.objects.visible_to`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from contracts.models import Contract


def may_record_payments(contract: "Contract", user: "User") -> bool:
    """An agent of the CPAM that pays this contract, once it is signed."""
    return contract.is_signed and keeps_payments_of(user) == contract.cpam_id is not None


def keeps_payments_of(user: "User") -> int | None:
    """The CPAM whose payments the person records, in the role they act in; else None."""
    acting = user.acting
    if acting is None or acting.organisation.kind != "cpam":
        return None
    if acting.role not in {"agent", "coordinator", "signatory"}:
        return None
    return acting.organisation_id


def sees_money(user: "User") -> bool:
    """Who has a dashboard of money: agents of an agency or of a CPAM, the administrator."""
    acting = user.acting
    if acting is None:
        return bool(user.is_superuser)
    return acting.organisation.kind in {"ars", "ars_branch", "cpam"}
