"""Automatic reminders, in business days: after three, after eight, then two before the end.

Each stage reaches a member once. A run that was missed only tells the most pressing one.
"""

from datetime import date
from typing import Final

from django.db import transaction
from django.utils import timezone

from cpts_portal.working_days import is_working_day, working_days_between
from signatures.campaigns import COOL_DOWN
from signatures.models import Campaign, Invitation
from signatures.telling import publish_mails
from workflow.services import working_department

AFTER: Final = ((3, 1), (8, 2))
BEFORE_END: Final = 2
LAST_STAGE: Final = 3


def stage_of(invited_on: date, closes_on: date, today: date, department: str) -> int:
    """Which reminder is due on a day: 0 for none yet, 3 near the end."""
    if working_days_between(today, closes_on, department) <= BEFORE_END:
        return LAST_STAGE
    gone = working_days_between(invited_on, today, department)
    return max((stage for days, stage in AFTER if gone >= days), default=0)


def send_reminders(today: date | None = None) -> int:
    """Write the reminders that are due today; how many. Running it again writes none."""
    day = today or timezone.localdate()
    sent = 0
    for campaign in Campaign.objects.filter(
        state=Campaign.State.OPEN, closes_on__gte=day
    ).select_related("case__office"):
        department = working_department(campaign.case)
        if is_working_day(day, department):
            sent += _remind(campaign, day, department)
    return sent


@transaction.atomic
def _remind(campaign: Campaign, day: date, department: str) -> int:
    Invitation.objects.filter(
        campaign=campaign, state=Invitation.State.POSTPONED, postponed_until__lte=day
    ).update(state=Invitation.State.WAITING, postponed_until=None)
    # Somebody else's lock: their own verb is at work, the next run will see to it.
    waiting = campaign.invitations.select_for_update(skip_locked=True).filter(
        state=Invitation.State.WAITING,
        disowned_at__isnull=True,
        reminder_stage__lt=LAST_STAGE,
    )
    due = []
    for one in waiting.exclude(email=""):
        stage = stage_of(timezone.localdate(one.invited_at), campaign.closes_on, day, department)
        rested = one.told_at is None or timezone.now() - one.told_at >= COOL_DOWN
        if stage > one.reminder_stage and rested:
            one.reminder_stage = stage
            due.append(one)
    Invitation.objects.bulk_update(due, ["reminder_stage"], batch_size=500)
    publish_mails("reminder", due)
    return len(due)
