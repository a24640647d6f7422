"""Working days, for people; the law's own periods run on calendar days.

A working day is a day from Monday to Friday that is not a public holiday where the office
stands: Alsace, Moselle and each overseas territory have holidays of their own. Départements
are given by code (« 2A », « 57 », « 974 »); an empty or ordinary one has the national holidays.
"""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from holidays import country_holidays

ONE_DAY: Final = timedelta(days=1)
SATURDAY: Final = 5

# The library's own codes for the départements and collectivities that have more holidays.
_SUBDIVISIONS: Final = {
    "57": "57",
    "67": "6AE",
    "68": "6AE",
    "971": "971",
    "972": "972",
    "973": "973",
    "974": "974",
    "975": "PM",
    "976": "976",
    "977": "BL",
    "978": "MF",
    "986": "WF",
    "987": "PF",
    "988": "NC",
}


# One year at a time in a set of ours: the library's own object fills itself as it is read,
# and a second thread could read a year that the first has not finished.
@lru_cache(maxsize=512)
def _public_holidays(subdivision: str | None, year: int) -> frozenset[date]:
    return frozenset(country_holidays("FR", subdiv=subdivision, years=year, expand=False))


def is_public_holiday(day: date, department_code: str = "") -> bool:
    return day in _public_holidays(_SUBDIVISIONS.get(department_code), day.year)


def is_working_day(day: date, department_code: str = "") -> bool:
    return day.weekday() < SATURDAY and not is_public_holiday(day, department_code)


def working_day_on_or_before(day: date, department_code: str = "") -> date:
    """The day itself if people work on it, else the last working day before it."""
    while not is_working_day(day, department_code):
        day -= ONE_DAY
    return day


def add_working_days(start: date, count: int, department_code: str = "") -> date:
    """The `count`-th working day after `start`, or before it for a negative count.

    The starting day is never counted; a count of zero gives it back, working day or not.
    """
    step = ONE_DAY if count >= 0 else -ONE_DAY
    day = start
    for _ in range(abs(count)):
        day += step
        while not is_working_day(day, department_code):
            day += step
    return day


def working_days_between(start: date, end: date, department_code: str = "") -> int:
    """How many working days are left on the evening of `start`, up to `end` included.

    Negative when `end` comes first: working days gone by since then.
    """
    if end < start:
        return -working_days_between(end, start, department_code)
    days = (start + ONE_DAY * rank for rank in range(1, (end - start).days + 1))
    return sum(is_working_day(day, department_code) for day in days)
