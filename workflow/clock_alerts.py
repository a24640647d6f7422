"""Telling the office in charge that a deadline comes near, once per deadline and threshold."""

import logging
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone

from cpts_portal.words import long_date
from outbox.registry import handles
from outbox.services import publish
from workflow.clock import Clock, ClockState, Silence, UnreadableLedgerError, alerts_due
from workflow.clock_rules import clock_rule, longest_alert
from workflow.clock_words import counted
from workflow.models import Case, CaseQuerySet
from workflow.notices import office_of, tell
from workflow.services import clock_of, working_department

logger = logging.getLogger(__name__)

ALERT = "workflow.clock_alert"


# An alert that would fall on days off comes this much earlier, at the very most.
_DAYS_OFF = timedelta(days=14)


def cases_on_the_clock(today: date) -> CaseQuerySet:
    """The cases whose clock has not ended and whose deadline is near enough to be told."""
    longest = timedelta(days=longest_alert())
    return Case.objects.filter(
        clock_state__in=(ClockState.RUNNING, ClockState.SUSPENDED),
        deadline_on__range=(today, today + longest + _DAYS_OFF),
    )


def publish_due_alerts(*, today: date | None = None) -> None:
    """Leave the worker one alert for each case that has reached a threshold.

    It can run as often as one likes: an alert has one key for its case, deadline and
    threshold. After a stop of several days only the most pressing one is told. A case that
    cannot be read is logged and holds up no other.
    """
    today = today or timezone.localdate()
    for case, deadline, threshold in _due(today):
        with transaction.atomic():
            publish(
                ALERT,
                key=f"{case.pk}:{deadline}:{threshold}",
                case_id=case.pk,
                deadline=deadline,
                threshold=threshold,
            )


def _due(today: date) -> Iterator[tuple[Case, str, int]]:
    cases = cases_on_the_clock(today).select_related("office").prefetch_related("clock_events")
    for case in cases.order_by("pk").iterator(chunk_size=500):
        try:
            clock, rule = clock_of(case, today=today), clock_rule(case)
        except (UnreadableLedgerError, LookupError):
            logger.exception("The clock of case %s cannot be read: nobody is told", case.pk)
            continue
        due = alerts_due(clock, rule, today=today, department_code=working_department(case))
        if due and clock.deadline:
            yield case, clock.deadline.isoformat(), due[-1]


@handles(ALERT)
def tell_office(case_id: int, deadline: str, threshold: int) -> None:
    """Tell each person of the office in charge, if the alert still holds.

    Meanwhile the case may have been decided, suspended, or its ledger corrected.
    """
    case = Case.objects.select_related("office").get(pk=case_id)
    clock = clock_of(case)
    if not _still_holds(clock, deadline):
        return
    tell(
        case,
        "clock_alert",
        key=f"clock-alert:{case.pk}:{deadline}:{threshold}",
        to=office_of(case),
        template="workflow/clock_alert",
        context=_context(clock),
        body=case.office,
    )


def _still_holds(clock: Clock, deadline: str) -> bool:
    return (
        clock.state == ClockState.RUNNING
        and clock.deadline == date.fromisoformat(deadline)
        and not clock.silence_took_effect
    )


def _context(clock: Clock) -> dict[str, str]:
    acceptance = clock.silence_means == Silence.ACCEPTANCE
    return {
        "deadline": long_date(clock.deadline) if clock.deadline else "",
        "meaning": "acceptation" if acceptance else "rejet",
        **_time_left(clock),
    }


def _time_left(clock: Clock) -> dict[str, str]:
    """The time left, for the subject and for the text."""
    if not clock.days_left:
        return {"left": "dernier jour", "left_in_full": "c’est aujourd’hui"}
    left = f"il reste {counted(clock.days_left, 'jour')}"
    working = counted(clock.working_days_left or 0, "jour ouvré")
    return {"left": left, "left_in_full": f"{left}, dont {working}"}
