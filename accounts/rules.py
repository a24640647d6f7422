"""Who may give and end roles in an organisation. Predicates; they import no model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import Membership, Organisation, User

# The roles each nature of organisation gives.
ROLES: dict[str, tuple[str, ...]] = {
    "ars": ("agent", "coordinator", "signatory"),
    "ars_branch": ("agent", "coordinator", "signatory"),
    "one_stop_desk": ("reviewer", "coordinator", "president"),
    "urps": ("reviewer", "coordinator", "president"),
    "cpam": ("agent", "coordinator", "signatory"),
    "msa": ("agent", "coordinator", "signatory"),
    "committee": ("secretary", "coordinator", "president"),
}


def may_manage_people(organisation: "Organisation", user: "User") -> bool:
    """A coordinator, in their organisation and its branches; staff, in their own name."""
    acting = user.acting
    if acting is None:
        return user.is_staff
    if acting.role != "coordinator":
        return False
    if acting.organisation_id == organisation.pk:
        return True
    return acting.organisation_id == organisation.parent_id and acting.department_id in {
        None,
        organisation.department_id,
    }


def may_give(
    organisation: "Organisation", *, role: str, department: str | None, user: "User"
) -> bool:
    """A role the organisation has, never wider than the giver's own perimeter."""
    if not may_manage_people(organisation, user) or role not in ROLES[organisation.kind]:
        return False
    limit = user.acting.department_id if user.acting else None
    return limit is None or limit == (department or organisation.department_id)


def may_end(membership: "Membership", user: "User") -> bool:
    """Whoever manages the organisation, but not one's own role: someone else decides that."""
    limit = user.acting.department_id if user.acting else None
    return (
        membership.user_id != user.pk
        and may_manage_people(membership.organisation, user)
        and limit in {None, membership.department_id, membership.organisation.department_id}
    )
