"""Who asks for complements and who gives them. Predicates on (case, person); no model imported."""

from typing import TYPE_CHECKING, Final

from workflow.desk_rules import roles_to_follow
from workflow.opinion_rules import acts_in_charge
from workflow.states import CaseState

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case

# While the office in charge may ask. During the opinions too: a body should not have to judge an
# incomplete file, and the bodies go on reading what was deposited.
ASKING_STATES: Final = (
    CaseState.IN_CONSULTATION,
    CaseState.UNDER_REVIEW,
    CaseState.COMPLETION_REQUESTED,
)
# While the team may answer: not once a decision is proposed on what was deposited.
ANSWERING_STATES: Final = ASKING_STATES


def follows(case: "Case", user: "User | None") -> bool:
    """Whoever follows the case in the office in charge, unless they write it with its team."""
    return acts_in_charge(case, user, roles_to_follow(case.state))


def may_request(case: "Case", user: "User | None") -> bool:
    """Prepare a request, send it, and change it once sent."""
    return case.state in ASKING_STATES and follows(case, user)


def may_prepare_answer(case: "Case", user: "User") -> bool:
    """Owners and editors, in their own name."""
    return (
        case.state in ANSWERING_STATES
        and user.acting is None
        and str(case.team_role(user)) in {"owner", "editor"}
    )


def may_answer(case: "Case", user: "User | None") -> bool:
    """An owner deposits the answer, as they did the case."""
    return (
        user is not None
        and case.state in ANSWERING_STATES
        and user.acting is None
        and str(case.team_role(user)) == "owner"
    )
