"""When summaries leave: at 7 in Paris, each working day, or the first one of the week."""

from datetime import date, datetime, time, timedelta
from typing import Final

from django.utils import timezone

from cpts_portal.working_days import is_working_day
from notifications.kinds import Cadence

HOUR: Final = time(7)
ONE_DAY: Final = timedelta(days=1)


def leaving_at(day: date) -> datetime:
    """7 o'clock of a day, in the portal's time zone."""
    return timezone.make_aware(datetime.combine(day, HOUR))


def cut_off(cadence: Cadence, day: date) -> datetime | None:
    """What was written before this moment is in the summary of the day; None: none leaves.

    A weekly summary stops at Monday, 7 o'clock, and leaves on the first working day from then
    on; had nothing been able to leave that day, it leaves on the next.
    """
    if not is_working_day(day):
        return None
    if cadence == Cadence.DAILY:
        return leaving_at(day)
    return leaving_at(day - ONE_DAY * day.weekday())


def summary_name(cadence: Cadence, day: date) -> str:
    """Names the summary of a day or of a week: there is one for each person."""
    if cadence == Cadence.DAILY:
        return f"digest:daily:{day.isoformat()}"
    year, week, _ = day.isocalendar()
    return f"digest:weekly:{year}-{week:02d}"


def next_digest_day(cadence: Cadence, written_at: datetime) -> date:
    """The day of the summary that will hold what was written at this moment."""
    day = timezone.localdate(written_at)
    while (limit := cut_off(cadence, day)) is None or limit <= written_at:
        day += ONE_DAY
    return day
