"""Who may do what with decisions. Predicates on (thing, person); they import no model.

Whether a delegation of signature is in force is said in words by `workflow.decisions`; here
it only opens the door. Whether a role is still held is checked again under the lock.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.utils import timezone

from workflow.opinion_rules import acts_in_charge, is_in_force, may_examine

if TYPE_CHECKING:
    from accounts.models import Organisation, User
    from workflow.models import Case, Decision, DecisionParty, SignatureDelegation

COORDINATORS = frozenset({"coordinator"})


def may_propose(case: "Case", user: "User | None") -> bool:
    """Whoever examines the case, or a coordinator of the office in charge."""
    if user is None or not may_examine(case, user):
        return False
    coordinates = user.acting is not None and user.acting.role == "coordinator"
    return coordinates or case.instructor_id in {None, user.pk}


def may_withdraw_decision(case: "Case", user: "User | None") -> bool:
    """A coordinator of the office in charge, or of the agency it belongs to."""
    if user is None or user.acting is None:
        return False
    acting = user.acting
    office = case.office
    return (
        acting.is_active
        and acting.role == "coordinator"
        and office is not None
        and acting.organisation_id in {office.pk, office.parent_id}
        and acting.department_id in {None, *case.department_codes}
        and not _writes(case, user)
    )


def party_of(
    parties: "Iterable[DecisionParty]", case: "Case", user: "User | None"
) -> "DecisionParty | None":
    """The body that decides in whose name the person acts, inside their perimeter.

    The branch in charge acts for its agency. Nobody decides on what they write with the team.
    """
    if user is None or user.acting is None or not user.acting.is_active:
        return None
    acting = user.acting
    if acting.department_id not in {None, *case.department_codes}:
        return None
    bodies = {acting.organisation_id}
    if acting.organisation_id == case.office_id and acting.organisation.parent_id:
        bodies.add(acting.organisation.parent_id)
    found = next((one for one in parties if one.organisation_id in bodies), None)
    return None if found is None or _writes(case, user) else found


def may_sign(case: "Case", user: "User | None") -> bool:
    """Today, by one's own role or by a delegation in force, for a body that decides."""
    decision = case.decisions.filter(state="proposed").first()
    if decision is None or user is None:
        return False
    party = party_of(decision.parties.all(), case, user)
    return party is not None and (
        is_signatory(user) or any(covers(one, case) for one in delegations_of(party, user))
    )


def is_signatory(user: "User") -> bool:
    return user.acting is not None and user.acting.role == "signatory"


def delegations_of(party: "DecisionParty", user: "User") -> "list[SignatureDelegation]":
    """Those the person holds of the body that decides, or of the branch they act for."""
    if user.acting is None:
        return []
    bodies = {party.organisation_id, user.acting.organisation_id}
    return list(
        user.signature_delegations.filter(organisation__in=bodies).select_related("organisation")
    )


def covers(delegation: "SignatureDelegation", case: "Case") -> bool:
    """Whether a delegation lets its holder sign a decision on this case, today."""
    return reaches(delegation, case) and is_in_force(
        delegation.valid_from,
        delegation.valid_to,
        revoked=delegation.revoked_at is not None,
        today=timezone.localdate(),
    )


def reaches(delegation: "SignatureDelegation", case: "Case") -> bool:
    """Whether the case lies inside the perimeter of a delegation."""
    return delegation.department_id in {None, *case.department_codes}


def may_manage_delegations(organisation: "Organisation", user: "User") -> bool:
    """The signatory or the coordinator of the organisation; those of an agency, in its branches.

    Somebody limited to a département gives no delegation.
    """
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.department_id is None
        and acting.role in {"signatory", "coordinator"}
        and acting.organisation_id in {organisation.pk, organisation.parent_id}
    )


def may_prepare(case: "Case", user: "User", decision: "Decision | None") -> bool:
    """See a decision that does not exist yet: the office in charge and the bodies that decide."""
    if acts_in_charge(
        case, user, frozenset({"agent", "coordinator", "signatory", "reviewer", "president"})
    ):
        return True
    return decision is not None and party_of(decision.parties.all(), case, user) is not None


def _writes(case: "Case", user: "User") -> bool:
    return str(case.community.team_role(user)) in {"owner", "editor"}
