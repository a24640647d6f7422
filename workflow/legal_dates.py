"""Legal dates: one function, tested, for every period counted in months."""

import calendar
from datetime import date


def add_months(start: date, months: int) -> date:
    """The same day `months` later, or the last day of a shorter month.

    31 December plus two months is 28 or 29 February. Weekends and holidays do not extend
    the period: the law's days are calendar days.

    Raises ValueError for a negative number of months.
    """
    if months < 0:
        raise ValueError("A legal period is counted forwards.")
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month0 + 1)[1])
    return date(year, month0 + 1, day)
