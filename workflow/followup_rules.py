"""Who may do what after a decision. Predicates on (case, person); they import no model."""

from typing import TYPE_CHECKING

from workflow.opinion_rules import may_examine
from workflow.readers import Reader

if TYPE_CHECKING:
    from accounts.models import User
    from workflow.models import Case

DECIDED = frozenset({"accepted", "tacitly_accepted"})
DECIDING = frozenset({"under_review", "completion_requested", "decision_proposed"})


def may_follow_up(case: "Case", user: "User | None") -> bool:
    """Lift reserves, record aids, hold the meeting: who examines for the office in charge."""
    return may_examine(case, user)


def may_answer_reserves(case: "Case", user: "User") -> bool:
    """Who writes for the CPTS, in their own name."""
    return user.acting is None and case.team_role(user) in {"owner", "editor"}


def has_followups(case: "Case", _user: "User", reader: Reader) -> bool:
    """The team and the offices once the case is accepted; the office in charge while it decides,
    since an aid may be granted with the decision. Never the bodies asked for an opinion."""
    if reader == Reader.OFFICE:
        return case.state in DECIDED | DECIDING
    return reader in {Reader.LEAD, Reader.INFORMED} and case.state in DECIDED
