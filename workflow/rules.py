"""Who may do what with any filed case. Predicates on (case, person); they import no model."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case


def may_correct_clock(case: "Case", user: "User") -> bool:
    """A coordinator, acting for an organisation on whose desk the case is, in their perimeter."""
    acting = user.acting
    if acting is None or not acting.is_active or acting.role != "coordinator":
        return False
    if acting.department_id and acting.department_id not in case.department_codes:
        return False
    return case.desks.filter(organisation=acting.organisation_id).exists()
