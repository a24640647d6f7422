"""Who arranges the cases on a desk. Predicates on (case, person); they import no model."""

from typing import TYPE_CHECKING

from workflow.opinion_rules import EXAMINERS, FOLLOWERS, acts_in_charge
from workflow.states import OPEN_STATES, CaseState

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case


def roles_to_follow(state: str) -> frozenset[str]:
    """The roles of the office in charge that follow a case in this state."""
    return FOLLOWERS if state == CaseState.IN_CONSULTATION else EXAMINERS


def may_assign(case: "Case", user: "User | None") -> bool:
    """Whoever may follow the case in the office in charge gives it to a colleague, or takes it."""
    return case.state in OPEN_STATES and acts_in_charge(case, user, roles_to_follow(case.state))


def arranges_labels(user: "User") -> bool:
    """The people of an office make its labels, put them on cases and take them off."""
    return user.acting is not None and user.acting.is_active
