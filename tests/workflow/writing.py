"""Messages between a team and an office, for tests."""

import uuid
from typing import Any

from accounts.models import User
from letters.models import LetterOfIntent
from tests.workflow import asking
from workflow.messages import Written, send_message
from workflow.models import Message


def agent_of(letter: LetterOfIntent) -> User:
    """Someone who follows the letter in the office in charge."""
    office = asking.fresh(letter).office
    assert office
    role = "reviewer" if office.kind == "one_stop_desk" else "agent"
    return asking.member(office, role)


def written(text: str, **changes: Any) -> Written:
    return Written.of(text=text, **changes)


def send(
    letter: LetterOfIntent,
    user: User,
    text: str = "Bonjour.",
    *,
    submission: uuid.UUID | None = None,
    **changes: Any,
) -> Message:
    return send_message(
        letter,
        user=user,
        written=written(text, **changes),
        submission=submission or uuid.uuid4(),
    )
