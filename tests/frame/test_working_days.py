from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpts_portal.working_days import (
    add_working_days,
    is_public_holiday,
    is_working_day,
    working_day_on_or_before,
    working_days_between,
)

days = st.dates(min_value=date(2000, 1, 1), max_value=date(2099, 12, 31))
counts = st.integers(min_value=-60, max_value=60)
departments = st.sampled_from(["", "31", "57", "67", "68", "971", "972", "973", "974", "976"])

NATIONAL_2027 = [
    date(2027, 1, 1),
    date(2027, 3, 29),
    date(2027, 5, 1),
    date(2027, 5, 6),
    date(2027, 5, 8),
    date(2027, 5, 17),
    date(2027, 7, 14),
    date(2027, 8, 15),
    date(2027, 11, 1),
    date(2027, 11, 11),
    date(2027, 12, 25),
]


def year(number: int, department: str = "") -> list[date]:
    first = date(number, 1, 1)
    every_day = (first + timedelta(days=rank) for rank in range(365))
    return [day for day in every_day if is_public_holiday(day, department)]


@pytest.mark.parametrize("department", ["", "31", "2A", "75", "unknown"])
def test_eleven_holidays_are_everyone_s(department):
    assert year(2027, department) == NATIONAL_2027


@pytest.mark.parametrize("department", ["57", "67", "68"])
def test_alsace_and_moselle_add_good_friday_and_saint_stephen(department):
    assert year(2027, department) == sorted([*NATIONAL_2027, date(2027, 3, 26), date(2027, 12, 26)])


@pytest.mark.parametrize(
    ("department", "abolition"),
    [
        ("971", date(2027, 5, 27)),
        ("972", date(2027, 5, 22)),
        ("973", date(2027, 6, 10)),
        ("974", date(2027, 12, 20)),
        ("976", date(2027, 4, 27)),
    ],
)
def test_each_overseas_departement_keeps_the_abolition_of_slavery(department, abolition):
    assert abolition in year(2027, department)
    assert abolition not in year(2027)


@pytest.mark.parametrize(
    ("start", "count", "department", "expected"),
    [
        (date(2026, 11, 20), 1, "", date(2026, 11, 23)),  # a Friday, then a Monday
        (date(2026, 11, 22), 1, "", date(2026, 11, 23)),  # a Sunday
        (date(2026, 11, 22), 0, "", date(2026, 11, 22)),
        (date(2026, 11, 22), -1, "", date(2026, 11, 20)),
        (date(2027, 5, 4), 2, "", date(2027, 5, 7)),  # over Ascension Day
        (date(2026, 12, 24), 1, "", date(2026, 12, 28)),
        (date(2025, 12, 24), 1, "", date(2025, 12, 26)),
        (date(2025, 12, 24), 1, "67", date(2025, 12, 29)),
        (date(2026, 4, 2), 1, "57", date(2026, 4, 7)),  # Good Friday to Easter Monday
        (date(2026, 4, 2), 10, "", date(2026, 4, 17)),
    ],
)
def test_working_days_are_counted_over_week_ends_and_holidays(start, count, department, expected):
    assert add_working_days(start, count, department) == expected


def test_a_day_off_moves_to_the_working_day_before():
    assert [working_day_on_or_before(date(2026, 5, day)) for day in range(7, 12)] == [
        date(2026, 5, 7),
        date(2026, 5, 7),  # Friday 8 May
        date(2026, 5, 7),
        date(2026, 5, 7),
        date(2026, 5, 11),
    ]


def test_the_first_day_is_not_counted_and_the_last_one_is():
    assert working_days_between(date(2026, 11, 20), date(2026, 11, 23)) == 1
    assert working_days_between(date(2026, 11, 23), date(2026, 11, 23)) == 0
    assert working_days_between(date(2026, 11, 23), date(2026, 11, 27)) == 4
    assert working_days_between(date(2026, 11, 27), date(2026, 11, 23)) == -4


@given(days, counts, departments)
def test_a_count_of_working_days_ends_on_one_unless_it_is_zero(start, count, department):
    end = add_working_days(start, count, department)
    assert end == start if count == 0 else is_working_day(end, department)


@given(days, st.integers(min_value=0, max_value=60), departments)
def test_counting_back_what_was_added_gives_the_same_number(start, count, department):
    end = add_working_days(start, count, department)
    assert working_days_between(start, end, department) == count


@given(days, st.integers(0, 200), st.integers(0, 200), departments)
def test_two_spans_in_a_row_hold_the_days_of_both(start, first, second, department):
    middle, end = start + timedelta(days=first), start + timedelta(days=first + second)
    both = working_days_between(start, middle, department) + working_days_between(
        middle, end, department
    )
    assert working_days_between(start, end, department) == both


@given(days, departments)
def test_the_working_day_before_is_never_more_than_five_days_away(day, department):
    before = working_day_on_or_before(day, department)
    assert is_working_day(before, department)
    assert timedelta(0) <= day - before <= timedelta(days=5)
