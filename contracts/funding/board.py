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


# Written by hand around `visible_to`: composing it took longer than running it.
_SUMS: Final = """
    WITH seen AS MATERIALIZED ({seen})
    SELECT region.name, coalesce(department.name, ''), contract.money_department, count(*),
           coalesce(sum(money.engaged), 0), coalesce(sum(money.paid), 0)
      FROM seen
      JOIN contracts_contract AS contract
        ON contract.case_ptr_id = seen.id AND contract.signed_on IS NOT NULL
      JOIN territories_region AS region ON region.code = seen.region_id
      LEFT JOIN territories_department AS department
        ON department.code = contract.money_department
      LEFT JOIN contracts_contractyear AS money
        ON money.contract_id = seen.id AND money.year = %s
     GROUP BY region.name, department.name, contract.money_department
     ORDER BY region.name, contract.money_department
"""
_LINES: Final = """
    WITH seen AS MATERIALIZED ({seen})
    SELECT seen.public_id, seen.reference, seen.title, seen.size_class,
           contract.money_department, contract.ends_on,
           coalesce(money.engaged, 0), coalesce(money.paid, 0), count(*) OVER ()
      FROM seen
      JOIN contracts_contract AS contract
        ON contract.case_ptr_id = seen.id AND contract.signed_on IS NOT NULL
      LEFT JOIN contracts_contractyear AS money
        ON money.contract_id = seen.id AND money.year = %s
     WHERE (%s = '' OR contract.money_department = %s)
     ORDER BY seen.title, seen.id LIMIT %s OFFSET %s
"""
_COLUMNS: Final = ("pk", "public_id", "reference", "title", "size_class", "region_id")


@lru_cache
def _seen(shape: tuple[bool, bool] | None) -> Composed:
    """The contracts seen by a viewer of this shape; None: all of them, for the administrator."""

    def compose() -> Any:
        cases = Case.objects.all() if shape is None else Case.objects.seen_by(stand_in(shape))
        return cases.filter(kind=Case.Kind.CONTRACT).values(*_COLUMNS)

    return Composed(compose)


@lru_cache
def _around(statement: str, shape: tuple[bool, bool] | None) -> str:
    """The statement around the contracts seen, whose columns are named again."""
    inner = _seen(shape).sql
    names = ", ".join("id" if name == "pk" else name for name in _COLUMNS)
    named = f"SELECT {names} FROM ({inner}) AS inside ({names})"  # noqa: S608 - our own columns
    return statement.replace("{seen}", named)


@lru_cache
def _named(statement: str, shape: tuple[bool, bool] | None) -> str:
    """The same, with the values of the contracts seen named in their order."""
    before, after = statement.split("{seen}")
    inner = _around("{seen}", shape).split("%s")
    names = [f"%(seen_{rank})s" for rank in range(len(inner) - 1)]
    seen = "".join(part + name for part, name in zip(inner, [*names, ""], strict=True))
    return before + seen + after


def _run(statement: str, user: User, *values: Any) -> list[tuple[Any, ...]]:
    return _execute(statement, user, values)


def run_seen(statement: str, user: User, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a statement whose « {seen} » are the contracts the person sees.

    Its values are named: « %(today)s ».
    """
    return _execute(statement, user, values)


def _execute(
    statement: str, user: User, values: tuple[Any, ...] | dict[str, Any]
) -> list[tuple[Any, ...]]:
    viewer = viewer_of(user)
    shape = None if user.acting is None and user.is_superuser else viewer.shape
    given = _seen(shape).parameters(**viewer._asdict())
    with connection.cursor() as cursor:
        if isinstance(values, dict):
            named = {f"seen_{rank}": value for rank, value in enumerate(given)}
            cursor.execute(_named(statement, shape), named | values)
        else:
            cursor.execute(_around(statement, shape), [*given, *values])
        return cursor.fetchall()


def read_sums(user: User, year: int) -> list[RegionSums]:
    """Engaged and paid in a civil year, by région and département, in one query."""
    regions: dict[str, list[Sum]] = {}
    for region, name, code, count, engaged, paid in _run(_SUMS, user, year):
        label = f"{name} ({code})" if name else code or "Sans département"
        regions.setdefault(region, []).append(Sum(label, count, engaged, paid, code))
    return [RegionSums(_added(region, rows), rows) for region, rows in regions.items()]


def _added(name: str, rows: Sequence[Sum]) -> Sum:
    return Sum(
        name,
        sum(one.contracts for one in rows),
        sum((one.engaged for one in rows), ZERO),
        sum((one.paid for one in rows), ZERO),
    )


def read_lines(
    user: User, year: int, department: str, page: str | None
) -> tuple[list[ContractLine], Page[Any]]:
    """A page of the contracts the person sees, by name, in one query."""

    def read(start: int, count: int) -> list[ContractLine]:
        rows = _run(_LINES, user, year, department, department, count, start)
        return [ContractLine(*row) for row in rows]

    return page_of(read, page, PAGE_SIZE)


def years_offered(today: date) -> range:
    """The civil years that contracts of the agreement may have money in."""
    return range(FIRST_YEAR, today.year + 7)


def asked_year(text: str, today: date) -> int:
    """The civil year of the address; the current one for anything else."""
    year = int(text) if text.isascii() and text.isdigit() and len(text) == 4 else today.year
    return year if year in years_offered(today) else today.year
