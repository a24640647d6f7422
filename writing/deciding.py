"""A written case is decided: what goes with the decision, whatever it opens."""

from accounts.models import User
from workflow.approving import record_taken
from workflow.complement_ending import abandon_requests
from workflow.models import Decision, TransitionLog
from writing.models import WrittenCase


def settle(case: WrittenCase, *, log: TransitionLog, actor: User) -> Decision:
    """Take the decision: nothing more is asked of the team."""
    decision = record_taken(case, log=log, actor=actor)
    abandon_requests(case, actor=actor, reason="Une décision est prise.")
    return decision


def settle_refusal(case: WrittenCase, *, log: TransitionLog, actor: User) -> None:
    settle(case, log=log, actor=actor)
