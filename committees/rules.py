"""Who runs a committee's sessions. A predicate on (committee, person); it reads nothing."""

from typing import TYPE_CHECKING

from workflow.opinion_rules import DRAFTERS

if TYPE_CHECKING:
    from accounts.models import User

COMMITTEE = "committee"


def sits_on_a_committee(user: "User") -> bool:
    """Acting for a committee, in whatever role: they read its sessions."""
    return user.acting is not None and user.acting.organisation.kind == COMMITTEE


def may_run(body_id: int, user: "User") -> bool:
    """Plan, call, hold and close: the secretary and the president, for the whole committee."""
    acting = user.acting
    return (
        acting is not None
        and acting.is_active
        and acting.organisation_id == body_id
        and acting.organisation.kind == COMMITTEE
        and acting.department_id is None
        and acting.role in DRAFTERS[COMMITTEE]
    )
