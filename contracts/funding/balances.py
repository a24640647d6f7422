"""What a contract's lines and payments add up to, by mission and year."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import connection

from contracts.funding.schedule import (
    Line,
    years_of,
)
from contracts.funding.storing import line_from_row
from contracts.funding.totals import ZERO
from contracts.models import (
    Contract,
    Schedule,
    ScheduleLine,
)
from cpts_portal.composed import Composed, Given
from cpts_portal.memo import Memo

# Written by hand: the pages of a contract read it.
_ACCOUNT: Final = """
    SELECT 'schedule', schedule.id, '', 0
      FROM contracts_schedule AS schedule
     WHERE schedule.contract_id = %(contract)s AND schedule.is_current
     UNION ALL
    SELECT 'part', part.year, part.mission, sum(part.amount)
      FROM contracts_paymentpart AS part
      JOIN contracts_payment AS payment
        ON payment.id = part.payment_id AND payment.cancelled_at IS NULL
     WHERE payment.contract_id = %(contract)s
     GROUP BY part.year, part.mission
     UNION ALL
    SELECT 'paid', 0, '', sum(payment.amount)
      FROM contracts_payment AS payment
     WHERE payment.contract_id = %(contract)s AND payment.cancelled_at IS NULL
"""


@dataclass
class Balance:
    """A mission in a year of the contract: what the schedule says, what was paid.

    `due` is what was to be paid by the day it is read; `expected` all of it, at most.
    """

    year: int
    mission: str
    expected: Decimal = ZERO
    due: Decimal = ZERO
    paid: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """What should have been paid and was not; negative when too much was."""
        return self.due - self.paid


@dataclass
class Account:
    """A contract's lines and payments, added up."""

    balances: list[Balance]
    # Paid and given to no mission: the contract had no schedule then.
    unallocated: Decimal = ZERO
    lines: tuple[Line, ...] = ()
    # The number of the schedule the lines are of; 0 when there is none.
    schedule: int = 0

    @property
    def expected(self) -> Decimal:
        return sum((one.expected for one in self.balances), ZERO)

    @property
    def due(self) -> Decimal:
        return sum((one.due for one in self.balances), ZERO)

    @property
    def paid(self) -> Decimal:
        return sum((one.paid for one in self.balances), ZERO) + self.unallocated

    @property
    def left(self) -> Decimal:
        return self.due - self.paid


def account_of(contract: Contract, *, on: date) -> Account:
    """The balances of a contract on a day, by year and mission, in one query or two."""
    with connection.cursor() as cursor:
        cursor.execute(_ACCOUNT, {"contract": contract.pk})
        read = cursor.fetchall()
    schedule = sum(number for what, number, *_ in read if what == "schedule")
    lines = _lines_of(schedule) if schedule else ()
    parts = {(year, mission): paid for what, year, mission, paid in read if what == "part"}
    found: dict[tuple[int, str], Balance] = {}
    for line in lines:
        one = found.setdefault((line.year, line.mission), Balance(line.year, line.mission))
        one.expected += line.amount
        if line.due_on <= on and not line.is_ceiling:
            one.due += line.amount
    allocated = ZERO
    for (year, mission), amount in sorted(parts.items()):
        one = found.setdefault((year, mission), Balance(year, mission))
        one.paid += amount
        allocated += amount
    paid = sum((amount or ZERO for what, *_, amount in read if what == "paid"), ZERO)
    balances = sorted(found.values(), key=lambda one: one.year)
    return Account(balances, paid - allocated, lines, schedule)


# The lines of a schedule never change: a process keeps those it has read.
_read_lines: Final = Memo[tuple[Line, ...]](limit=8_000_000, weigh=lambda lines: 700 * len(lines))


_CURRENT: Final = Composed(
    lambda: Schedule.objects.current().filter(contract_id=Given("contract")).values_list("pk")
)


def current_lines(contract: Contract) -> tuple[int, tuple[Line, ...]]:
    """The number of the schedule in force and its lines, in their order; 0 and nothing without."""
    found = _CURRENT.rows(contract=contract.pk)
    if not found:
        return 0, ()
    return found[0][0], _lines_of(found[0][0])


def _lines_of(schedule: int) -> tuple[Line, ...]:
    rows = ScheduleLine.objects.filter(schedule=schedule).order_by("rank")
    return _read_lines.get((schedule,), lambda: tuple(line_from_row(row) for row in rows))


def contract_year_on(contract: Contract, on: date) -> int | None:
    """The number of the year of the contract a day is in."""
    if contract.starts_on is None or contract.ends_on is None:
        return None
    for one in years_of(contract.starts_on, contract.ends_on):
        if one.starts_on <= on < one.ends_before:
            return one.number
    return None
