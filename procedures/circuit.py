"""The way of a filed case through the hands its region names: opinions, synthesis, decision.

Frozen dataclasses read from the `[circuit]` table of a procedure. Deadlines and amounts are
parameters with their source: where no text gives one, the source says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property


class Body(StrEnum):
    """A body that takes part in a circuit: the same words as `accounts.Organisation.Kind`."""

    ARS = "ars"
    ARS_BRANCH = "ars_branch"
    ONE_STOP_DESK = "one_stop_desk"
    URPS = "urps"
    CPAM = "cpam"
    MSA = "msa"
    COMMITTEE = "committee"


class Decider(StrEnum):
    """Who may decide, alone or jointly."""

    ARS = "ars"
    CPAM = "cpam"


class Silence(StrEnum):
    """What the silence of the administration means at the end of the legal period."""

    REFUSAL = "refusal"  # CRPA, L. 231-4
    ACCEPTANCE = "acceptance"  # CRPA, L. 231-1, or a special text


class ConsultationKind(StrEnum):
    """What is asked of a body."""

    EXPECTED = "expected"  # an opinion is awaited
    INFORMATION = "information"  # the case is shown, nothing is awaited


class Scope(StrEnum):
    """Which bodies of a kind are meant."""

    REGION = "region"  # those that serve the whole region
    DEPARTMENT = "department"  # those of each département of the territory


class SilenceOfBody(StrEnum):
    """What it means that a body did not answer in time."""

    NO_OPINION = "no_opinion"  # the case goes on without its opinion
    DEEMED_GIVEN = "deemed_given"  # the formality is fulfilled: « réputé rendu »


@dataclass(frozen=True, kw_only=True)
class LegalPeriod:
    """How long the administration has, in months, and what its silence then means."""

    months: int
    silence: Silence
    source: str


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """Who decides. More than one: each approves the same text, in any order."""

    by: tuple[Decider, ...]
    # Key of the consultation whose outcome comes before any decision; empty: none is awaited.
    after: str = ""
    source: str

    @property
    def is_joint(self) -> bool:
        return len(self.by) > 1


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One step of a scale, the lowest first."""

    value: int
    label: str


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One thing a body judges, with a mark and a comment."""

    key: str
    label: str
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The criteria a body fills in, all on one scale."""

    key: str
    label: str
    source: str
    scale: tuple[Mark, ...]
    criteria: tuple[Criterion, ...]

    def mark(self, value: int) -> Mark | None:
        """The step of the scale with this value, or None."""
        return next((mark for mark in self.scale if mark.value == value), None)


@dataclass(frozen=True, kw_only=True)
class PlannedConsultation:
    """A line of the plan: which bodies, at which stage, for what."""

    key: str
    label: str
    kind: ConsultationKind
    body: Body
    scope: Scope
    # Codes of the organisations, where the kind and the scope would name too many.
    organisations: tuple[str, ...] = ()
    # Bodies of a stage are asked once every opinion of the stage before is settled.
    stage: int = 1
    # Calendar days to answer; None for a body that is only informed.
    days: int | None = None
    # Key of the grid; empty: a position and a text are enough.
    grid: str = ""
    silence: SilenceOfBody | None = None
    source: str

    @property
    def is_expected(self) -> bool:
        return self.kind == ConsultationKind.EXPECTED


@dataclass(frozen=True, kw_only=True)
class Reminders:
    """Days before and after its deadline on which a body that has not answered is written to."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SynthesisRule:
    """The body in charge sums the opinions up, then hands the case over to whoever examines it."""

    by: Body
    transmitted_to: Body
    label: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """The meeting that follows an acceptance, for all the professionals of the territory."""

    label: str
    held_by: tuple[Body, ...]
    source: str


@dataclass(frozen=True, kw_only=True)
class Financing:
    """An aid a decision may grant. `amount` in euros; None: the decision sets it."""

    key: str
    label: str
    paid_by: Body
    amount: Decimal | None
    # The amount is the most that can be given, not a fixed sum.
    is_ceiling: bool
    valid_from: date
    valid_to: date | None
    source: str

    def is_in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """Everything between a deposit and a decision, for one kind of case in one region."""

    period: LegalPeriod
    decision: DecisionRule
    consultations: tuple[PlannedConsultation, ...]
    reminders: Reminders
    grids: tuple[Grid, ...]
    synthesis: SynthesisRule | None
    meeting: Meeting | None
    financing: tuple[Financing, ...]

    @cached_property
    def expects_opinions(self) -> bool:
        return any(line.is_expected for line in self.consultations)

    @cached_property
    def stages(self) -> tuple[int, ...]:
        """The stages of the plan, in order."""
        return tuple(sorted({line.stage for line in self.consultations}))

    def lines_of(self, stage: int) -> Iterator[PlannedConsultation]:
        return (line for line in self.consultations if line.stage == stage)

    def line(self, key: str) -> PlannedConsultation:
        """Raises KeyError when the plan has no such line."""
        return {line.key: line for line in self.consultations}[key]

    def grid(self, key: str) -> Grid:
        """Raises KeyError when the circuit has no such grid."""
        return {grid.key: grid for grid in self.grids}[key]
