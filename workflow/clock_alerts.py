"""Telling the office in charge that a deadline comes near, once per deadline and threshold."""

import logging
from collections.abc import Iterator
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership
from cpts_portal.mails import queue_template_mail
from outbox.registry import handles
from outbox.services import publish
from workflow.clock import (
    Clock,
    ClockState,
    Silence,
    UnreadableLedgerError,
    alerts_due,
    day_in_words,
)
from workflow.clock_rules import case_page, clock_rule, longest_alert
from workflow.models import Case, CaseQuerySet
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
            clock, rule = clock_of(case, today=today), clock_rule(case.kind)
        except (UnreadableLedgerError, LookupError):
            logger.exception("The clock of case %s cannot be read: nobody is told", case.pk)
            continue
        due = alerts_due(clock, rule, today=today, department_code=working_department(case))
        if due and clock.deadline:
            yield case, clock.deadline.isoformat(), due[-1]


@handles(ALERT)
def tell_office(case_id: int, deadline: str, threshold: int) -> None:
    """Queue one mail per person of the office in charge, if the alert still holds.

    Meanwhile the case may have been decided, suspended, or its ledger corrected.
    """
    case = Case.objects.select_related("office").get(pk=case_id)
    clock = clock_of(case)
    if not _still_holds(clock, deadline):
        return
    for address in _addresses(case):
        queue_template_mail(
            key=f"clock-alert:{case.pk}:{deadline}:{threshold}",
            recipient=address,
            template="workflow/clock_alert",
            context=_context(case, clock),
        )


def _still_holds(clock: Clock, deadline: str) -> bool:
    return (
        clock.state == ClockState.RUNNING
        and clock.deadline == date.fromisoformat(deadline)
        and not clock.silence_took_effect
    )


def _addresses(case: Case) -> list[str]:
    """Those who work at the office in charge and may see the case; else the office's own."""
    if case.office is None:
        return []
    people = Membership.objects.filter(
        Q(department=None) | Q(department__in=case.department_codes),
        organisation=case.office,
        is_active=True,
        user__is_active=True,
    )
    addresses = sorted(set(people.values_list("user__email", flat=True)))
    return addresses or [address for address in [case.office.email] if address]


def _context(case: Case, clock: Clock) -> dict[str, str]:
    acceptance = clock.silence_means == Silence.ACCEPTANCE
    return {
        "title": case.title,
        "reference": case.reference or "",
        "kind": case.get_kind_display().lower(),
        "deadline": day_in_words(clock.deadline) if clock.deadline else "",
        "meaning": "acceptation" if acceptance else "rejet",
        "url": settings.PORTAL_URL + reverse(case_page(case.kind), args=[case.public_id]),
        **_time_left(clock),
    }


def _time_left(clock: Clock) -> dict[str, str]:
    """The time left, for the subject and for the text."""
    if not clock.days_left:
        return {"left": "dernier jour", "left_in_full": "c’est aujourd’hui"}
    left = f"il reste {_counted(clock.days_left, 'jour')}"
    working = _counted(clock.working_days_left or 0, "jour ouvré")
    return {"left": left, "left_in_full": f"{left}, dont {working}"}


def _counted(number: int, noun: str) -> str:
    """« 1 jour ouvré », « 9 jours ouvrés », with an unbreakable space."""
    if number > 1:
        noun = " ".join(f"{word}s" for word in noun.split())
    return f"{number}\N{NO-BREAK SPACE}{noun}"
