"""The money of the contracts a person sees: sums by département and région, then the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.core.paginator import Page
from django.db import connection

from accounts.models import User
from accounts.viewers import stand_in, viewer_of
from cpts_portal.composed import Composed
from cpts_portal.paging import page_of
from workflow.models import Case

PAGE_SIZE: Final = 25
FIRST_YEAR: Final = 2019
ZERO: Final = Decimal("0.00")


@dataclass(frozen=True)
class Sum:
    """What some contracts engage and were paid in a civil year."""

    name: str
    contracts: int
    engaged: Decimal
    paid: Decimal
    department: str = ""

    @property
    def left(self) -> Decimal:
        return self.engaged - self.paid


@dataclass(frozen=True)
class RegionSums:
    """A région: its sum, then that of each of its départements."""

    total: Sum
    departments: list[Sum]


class ContractLine(NamedTuple):
    """A contract of the list, and its money in the civil year."""

    public_id: UUID
    reference: str
    title: str
    size: str
    department: str
    ends_on: date
    engaged: Decimal
    paid: Decimal
    total: int

    @property
    def left(self) -> Decimal:
        return self.engaged - self.paid


# Written by hand around `visible_to`: composing it took longer than running it. The sums and a
# page of the list are of the same contracts: they are gathered once. « OFFSET 0 » reads the year at
# once: planned for any desk, it was looked up contract by contract.
_BOARD: Final = """
    WITH held AS MATERIALIZED (
        SELECT seen.id, seen.title, seen.region_id, contract.money_department AS department,
               contract.ends_on, money.engaged, money.paid
          FROM ({seen}) AS seen
          JOIN contracts_contract AS contract
            ON contract.case_ptr_id = seen.id AND contract.signed_on IS NOT NULL
          LEFT JOIN (
                   SELECT contract_id, engaged, paid FROM contracts_contractyear
                    WHERE year = %(year)s OFFSET 0
               ) AS money ON money.contract_id = seen.id
    ), sums AS (
        SELECT region_id, department, count(*) AS contracts,
               coalesce(sum(engaged), 0) AS engaged, coalesce(sum(paid), 0) AS paid
          FROM held GROUP BY region_id, department
    ), listed AS (
        SELECT *, row_number() OVER (ORDER BY title, id) AS rank
          FROM held
         WHERE %(department)s::text IN ('', department)
         ORDER BY title, id LIMIT %(count)s OFFSET %(start)s
    )
    SELECT true AS is_sum, row_number() OVER (ORDER BY region.name, sums.department) AS rank,
           region.name, coalesce(department.name, ''), sums.department, sums.contracts,
           sums.engaged, sums.paid, NULL::uuid, NULL, NULL, NULL::date
      FROM sums
      JOIN territories_region AS region ON region.code = sums.region_id
      LEFT JOIN territories_department AS department ON department.code = sums.department
     UNION ALL
    SELECT false, listed.rank, listed.title, '', listed.department, 0,
           coalesce(listed.engaged, 0), coalesce(listed.paid, 0), one.public_id, one.reference,
           one.size_class, listed.ends_on
      FROM listed
      JOIN workflow_case AS one ON one.id = listed.id
     ORDER BY is_sum DESC, rank
"""
_COLUMNS: Final = ("pk", "title", "state", "region_id")


@lru_cache
def _seen(shape: tuple[bool, bool] | None) -> Composed:
    """The contracts seen by a viewer of this shape; None: all of them, for the administrator."""

    def compose() -> Any:
        cases = Case.objects.all() if shape is None else Case.objects.seen_by(stand_in(shape))
        return cases.filter(kind=Case.Kind.CONTRACT).values(*_COLUMNS)

    return Composed(compose)


@lru_cache
def _named(statement: str, shape: tuple[bool, bool] | None) -> str:
    """The statement around the contracts seen, whose columns and values are named."""
    before, after = statement.split("{seen}")
    inner = _seen(shape).sql.split("%s")
    values = [f"%(seen_{rank})s" for rank in range(len(inner) - 1)]
    seen = "".join(part + name for part, name in zip(inner, [*values, ""], strict=True))
    names = ", ".join("id" if name == "pk" else name for name in _COLUMNS)
    return f"{before}SELECT {names} FROM ({seen}) AS inside ({names}){after}"  # noqa: S608 - our own


def run_seen(
    statement: str, user: User, *, sums_all: bool = False, **values: Any
) -> list[tuple[Any, ...]]:
    """The rows of a statement whose « {seen} » are the contracts the person sees.

    Its values are named: « %(today)s ». With `sums_all` the administrator has them all, whose
    pages they do not open: their sums are for them, what waits in them is not.
    """
    viewer = viewer_of(user)
    shape = None if sums_all and user.acting is None and user.is_superuser else viewer.shape
    given = _seen(shape).parameters(**viewer._asdict())
    named = {f"seen_{rank}": value for rank, value in enumerate(given)}
    with connection.cursor() as cursor:
        cursor.execute(_named(statement, shape), named | values)
        return cursor.fetchall()


@dataclass(frozen=True)
class Board:
    """The sums of the contracts a person sees, and a page of their list."""

    sums: list[RegionSums]
    lines: list[ContractLine]
    page: Page[Any]


def read_board(user: User, year: int, department: str, page: str | None) -> Board:
    """Engaged and paid in a civil year, by région and département; the contracts by name.

    The list is that of a département; an empty code keeps them all. One query.
    """
    sums: list[RegionSums] = []

    def read(start: int, count: int) -> list[ContractLine]:
        nonlocal sums
        given = {"year": year, "department": department, "start": start, "count": count}
        rows = run_seen(_BOARD, user, sums_all=True, **given)
        sums = _sums([row for row in rows if row[0]])
        total = sum(
            one.contracts
            for region in sums
            for one in region.departments
            if department in {"", one.department}
        )
        return [_line(row, total) for row in rows if not row[0]]

    lines, found = page_of(read, page, PAGE_SIZE)
    return Board(sums, lines, found)


def _sums(rows: Sequence[tuple[Any, ...]]) -> list[RegionSums]:
    regions: dict[str, list[Sum]] = {}
    for _, _, region, name, code, count, engaged, paid, *_ in rows:
        label = f"{name} ({code})" if name else code or "Sans département"
        regions.setdefault(region, []).append(Sum(label, count, engaged, paid, code))
    return [RegionSums(_added(region, found), found) for region, found in regions.items()]


def _added(name: str, rows: Sequence[Sum]) -> Sum:
    return Sum(
        name,
        sum(one.contracts for one in rows),
        sum((one.engaged for one in rows), ZERO),
        sum((one.paid for one in rows), ZERO),
    )


def _line(row: tuple[Any, ...], total: int) -> ContractLine:
    _, _, title, _, department, _, engaged, paid, public_id, reference, size, ends_on = row
    return ContractLine(
        public_id, reference, title, size, department, ends_on, engaged, paid, total
    )


def years_offered(today: date) -> range:
    """The civil years that contracts of the agreement may have money in."""
    return range(FIRST_YEAR, today.year + 7)


def asked_year(text: str, today: date) -> int:
    """The civil year of the address; the current one for anything else."""
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else today.year
    return year if year in years_offered(today) else today.year
