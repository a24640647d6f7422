"""What time does to a request: reminders before its date, an alert after it."""

import logging
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from workflow import complement_rules as rules
from workflow.complement_mails import tell_office_overdue, tell_team_due
from workflow.complements import Action, State, locked_case, note
from workflow.models import CompletionRequest

logger = logging.getLogger(__name__)

# Days before and after the last day on which the team is reminded.
BEFORE: Final = (7, 2)
AFTER: Final = (1, 15)


def follow_requests(*, today: date | None = None) -> int:
    """Remind teams before and after the last day, and tell offices once it has passed.

    It can run as often as one likes: each thing is done once per request and last day. After a
    stop of several days only the most pressing reminder is sent. Nothing is ever closed here.
    """
    today = today or timezone.localdate()
    near = CompletionRequest.objects.filter(
        state=State.SENT,
        due_on__lte=today + timedelta(days=max(BEFORE)),
        case__state__in=rules.ANSWERING_STATES,
    )
    return sum(_each(near.order_by("pk").values_list("pk", flat=True), today))


def _each(ids: Iterable[int], today: date) -> list[bool]:
    done = []
    for pk in list(ids):
        try:
            with transaction.atomic():
                done.append(_remind(pk, today))
        except Exception:
            logger.exception("Completion request %s could not be followed", pk)
    return done


def _remind(pk: int, today: date) -> bool:
    request = CompletionRequest.objects.get(pk=pk)
    case = locked_case(request.case_id)
    request.refresh_from_db()
    if request.state != State.SENT or request.due_on is None or request.sent_at is None:
        return False
    left = (request.due_on - today).days
    if left < 0 and _once(request, Action.OVERDUE, f"{request.due_on}"):
        tell_office_overdue(case, request)
    given = (request.due_on - timezone.localdate(request.sent_at)).days
    reached = (
        [day for day in BEFORE if left <= day < given]
        if left >= 0
        else [-day for day in AFTER if -left >= day]
    )
    if not reached:
        return False
    day = min(reached)
    if not _once(request, Action.REMINDED, f"{request.due_on}:{day}"):
        return False
    tell_team_due(case, request, day=day, is_over=left < 0)
    return True


def _once(request: CompletionRequest, action: str, cause: str) -> bool:
    """Write a line of the log unless it is there already: the case is locked."""
    if request.logs.filter(action=action, cause=cause).exists():
        return False
    note(request, action, cause=cause)
    return True
