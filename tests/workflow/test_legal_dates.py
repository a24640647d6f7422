import calendar
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workflow.legal_dates import add_months

days = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))
months = st.integers(min_value=0, max_value=600)


@pytest.mark.parametrize(
    ("start", "added", "expected"),
    [
        (date(2026, 3, 12), 2, date(2026, 5, 12)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2026, 12, 30), 2, date(2027, 2, 28)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 29)),
        (date(2099, 12, 31), 2, date(2100, 2, 28)),
        (date(2026, 11, 30), 2, date(2027, 1, 30)),
        (date(2026, 5, 1), 0, date(2026, 5, 1)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_last_one(start, added, expected):
    assert add_months(start, added) == expected


@given(days, months)
@example(date(2027, 12, 31), 2)
def test_the_month_reached_is_always_the_one_counted(start, added):
    end = add_months(start, added)
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == added


@given(days, months)
def test_the_day_is_kept_unless_the_month_is_too_short(start, added):
    end = add_months(start, added)
    last = calendar.monthrange(end.year, end.month)[1]
    assert end.day == min(start.day, last)


@given(days, days, months)
def test_who_deposits_later_never_waits_less_long(first, second, added):
    earlier, later = sorted((first, second))
    assert add_months(earlier, added) <= add_months(later, added)


@given(days, st.integers(min_value=0, max_value=300), st.integers(min_value=0, max_value=300))
def test_two_periods_in_a_row_never_end_after_the_sum_of_both(start, first, second):
    in_two_steps = add_months(add_months(start, first), second)
    assert timedelta(0) <= add_months(start, first + second) - in_two_steps <= timedelta(days=3)


def test_a_legal_period_never_runs_backwards():
    with pytest.raises(ValueError, match="forwards"):
        add_months(date(2026, 3, 12), -1)
