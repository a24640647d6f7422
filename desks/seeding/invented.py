"""A case before its rows: where it is, what it is called, how far it went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from desks.seeding.regions import Region
from desks.seeding.rows import Rows
from procedures import registry
from territories.population import size_class
from workflow.models import Case
from workflow.states import OPEN_STATES, CaseState

# Of a hundred cases, how many stand in each state.
_STATES: Final = (
    (CaseState.DEPOSITED, 6),
    (CaseState.IN_CONSULTATION, 14),
    (CaseState.UNDER_REVIEW, 22),
    (CaseState.COMPLETION_REQUESTED, 8),
    (CaseState.DECISION_PROPOSED, 5),
    (CaseState.ACCEPTED, 27),
    (CaseState.REFUSED, 8),
    (CaseState.WITHDRAWN, 7),
    (CaseState.CLOSED, 3),
)
# The states in which somebody of the office may follow the case.
_TAKEN_UP: Final = frozenset(
    {
        CaseState.UNDER_REVIEW,
        CaseState.COMPLETION_REQUESTED,
        CaseState.DECISION_PROPOSED,
        CaseState.ACCEPTED,
        CaseState.REFUSED,
    }
)
_WITH_AN_INSTRUCTOR: Final = 0.8
_LANDSCAPES: Final = (
    "Vallée", "Plaine", "Coteaux", "Bassin", "Rives", "Portes", "Pays", "Monts", "Causses",
    "Lacs", "Collines", "Gorges", "Plateau", "Bocage", "Confluent", "Terres", "Vignes", "Landes",
)  # fmt: skip


@dataclass(frozen=True)
class Seeded:
    """One invented case, before its rows."""

    pk: int
    name: str
    reference: str
    state: CaseState
    at: datetime
    lead: int
    office: int
    instructor: int | None
    # Each commune, with its département.
    communes: list[tuple[Any, str]]
    population: int
    size: str

    @property
    def departments(self) -> list[str]:
        return list(dict.fromkeys(code for _, code in self.communes))


def invent(rows: Rows, number: int, region: Region, leads: Sequence[int]) -> Seeded:
    """The case of that rank; `leads` own the CPTS in turn."""
    pick = rows.random
    department = pick.choice(sorted(region.communes))
    communes = _communes(rows, region, department)
    population = max(1, sum(one[2] for one, _ in communes))
    state = pick.choices(*zip(*_STATES, strict=True))[0]
    on = _deposited_on(rows, state)
    office = _office(region, department, state)
    people = region.examiners.get(office, [])
    is_taken = state in _TAKEN_UP and people and pick.random() < _WITH_AN_INSTRUCTOR
    key = (region.prefix, region.code, on.year)
    rows.counters[key] = rows.counters.get(key, 0) + 1
    return Seeded(
        pk=rows.next(Case),
        name=f"CPTS {pick.choice(_LANDSCAPES)} de {communes[0][0][1]} {number}",
        reference=f"{region.prefix}-{region.code}-{on.year}-{rows.counters[key]:04d}",
        state=state,
        at=datetime(on.year, on.month, on.day, 8 + number % 9, number % 60, tzinfo=UTC),
        lead=leads[number % len(leads)],
        office=office,
        instructor=pick.choice(people) if is_taken else None,
        communes=communes,
        population=population,
        size=size_class(population, registry.get(*region.procedure).size_rule.thresholds),
    )


def _deposited_on(rows: Rows, state: CaseState) -> date:
    """Open cases are recent, as they are in life; the others go back five years."""
    oldest = 70 if state in OPEN_STATES else 1_800
    return rows.today - timedelta(days=rows.random.randint(1, oldest))


def _communes(rows: Rows, region: Region, department: str) -> list[tuple[Any, str]]:
    here = region.communes[department]
    size = min(rows.random.randint(3, 8), len(here))
    start = rows.random.randint(0, len(here) - size)
    chosen = [(one, department) for one in here[start : start + size]]
    if rows.random.random() < 0.06 and len(region.communes) > 1:
        other = rows.random.choice(sorted(set(region.communes) - {department}))
        chosen.append((rows.random.choice(region.communes[other]), other))
    return chosen


def _office(region: Region, department: str, state: CaseState) -> int:
    kind = registry.get(*region.procedure).addressee.kind
    before_hand_over = {CaseState.DEPOSITED, CaseState.IN_CONSULTATION}
    if kind == "one_stop_desk" and region.desk is not None:
        # The Guichet hands most of them over; some are withdrawn before.
        return region.desk if state in before_hand_over else region.agency
    if kind == "ars":
        return region.agency
    return region.branches.get(department, region.agency)
