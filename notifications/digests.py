"""Summaries: what each person chose to read once a day or once a week, in one mail."""

import logging
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cpts_portal import words
from cpts_portal.mails import render_mail
from cpts_portal.words import NBSP
from notifications.kinds import Cadence
from notifications.models import Notification
from notifications.schedule import cut_off, summary_name
from outbox.services import mail_exists, queue_mail

logger = logging.getLogger(__name__)

# A mail of more lines is not read: the rest is a figure, and the link.
LISTED: Final = 50


@dataclass(frozen=True)
class CaseLines:
    """What a summary says of one case."""

    about: str
    titles: list[str]


def write_digests(*, now: datetime | None = None) -> int:
    """Write the summaries that are due; how many were written.

    It can run as often as one likes: a summary has one name per person and day or week, and
    its mail is written in the transaction that marks what it holds. A person whose summary
    fails holds up no other.
    """
    now = now or timezone.now()
    day = timezone.localdate(now)
    written = 0
    for cadence in (Cadence.DAILY, Cadence.WEEKLY):
        limit = cut_off(cadence, day)
        if limit is None or limit > now:
            continue
        waiting = Notification.objects.waiting_for_a_digest(cadence).filter(created_at__lt=limit)
        for user_id in list(waiting.order_by().values_list("user_id", flat=True).distinct()):
            try:
                written += _write(user_id, cadence, day, limit)
            except Exception:
                logger.exception("The summary of person %s could not be written", user_id)
    return written


@transaction.atomic
def _write(user_id: int, cadence: Cadence, day: date, limit: datetime) -> bool:
    # Two workers never write the summary of one person at once.
    person = User.objects.select_for_update(of=("self",)).get(pk=user_id)
    rows = list(
        Notification.objects.waiting_for_a_digest(cadence)
        .filter(user=person, created_at__lt=limit)
        .order_by("about", "created_at", "pk")
    )
    key = summary_name(cadence, day)
    if not rows or mail_exists(key=key, recipient=person.email):
        return False
    marked = Notification.objects.filter(pk__in=[row.pk for row in rows])
    if not person.is_active:
        marked.update(cadence=Cadence.NONE)
        return False
    mail = render_mail(
        "notifications/digest",
        {
            "first_name": person.first_name,
            "count": _counted(len(rows), "notification"),
            "cases": [
                CaseLines(about, [row.title for row in lines])
                for about, lines in groupby(rows[:LISTED], key=lambda row: row.about)
            ],
            "left_out": _counted(len(rows) - LISTED, "autre") if len(rows) > LISTED else "",
            "weekly": cadence == Cadence.WEEKLY,
            "day": words.day(day),
            "url": settings.PORTAL_URL + reverse("notifications:list"),
        },
        preferences_url=settings.PORTAL_URL + reverse("notifications:choices"),
    )
    sent = queue_mail(
        key=key,
        recipient=person.email,
        subject=mail.subject,
        text_body=mail.text,
        html_body=mail.html,
    )
    marked.update(mail=sent, digested_at=timezone.now())
    return True


def _counted(number: int, noun: str) -> str:
    """« 1 notification », « 12 notifications »."""
    return f"{number}{NBSP}{noun}{'s' if number > 1 else ''}"
