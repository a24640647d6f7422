"""What a contract pays and when, from its dates, its size, its missions and the rates.

Pure: no database. Amounts are euros, exact to the cent (`Decimal`). Sources of the rules: national
agreement of 20 June 2019, article 9.1 (operating grant, advance of 75 %, anniversary), and
docs/decisions/0017-argent-du-contrat.md for what the agreement leaves open.
"""

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Final

from cpts_portal.words import NBSP, day, euros
from procedures.rates import Rate, RateTable, Share

# The operating grant is of no mission.
OPERATING: Final = ""
ADVANCE: Final = Fraction(3, 4)
LONGEST_YEARS: Final = 10
_DAY: Final = timedelta(days=1)
_CENT: Final = Decimal("0.01")


class Step(StrEnum):
    """Which part of a year's right a line pays."""

    FULL = "full"
    ADVANCE = "advance"
    BALANCE = "balance"
    RESULTS = "results"
    CRISIS = "crisis"
    REGULARISATION = "regularisation"


# --- What is given --------------------------------------------------------------------------------


@dataclass(frozen=True)
class MissionStart:
    """A mission of the contract; its start is None while nobody has said it."""

    key: str
    starts_on: date | None


@dataclass(frozen=True)
class Terms:
    """What the contract says from a day on: an amendment adds some.

    `rates` are those it was signed at: new national rates reach it by an amendment.
    """

    effective_on: date
    size: str
    missions: tuple[MissionStart, ...]
    rates: RateTable

    @cached_property
    def suits_any_size(self) -> bool:
        """Whether its rates are the same for every size: those of a CPOM."""
        return not any(one.size for one in self.rates.rates)

    @cached_property
    def amounts(self) -> Mapping[tuple[Share, str], list[Rate]]:
        """Its rates by share and mission, for its size, from the oldest to the newest."""
        found: dict[tuple[Share, str], list[Rate]] = {}
        for one in sorted(self.rates.rates, key=lambda rate: rate.valid_from):
            if one.size == self.size:
                found.setdefault((one.share, one.mission), []).append(one)
        return found


@dataclass(frozen=True)
class Achievement:
    """An indicator at the end of a year: its weight in the mission, its rate between 0 and 1."""

    weight: Decimal
    rate: Decimal


@dataclass(frozen=True)
class Results:
    """What the parties agreed on a mission for a year, and the day they did."""

    agreed_on: date
    indicators: tuple[Achievement, ...]

    @cached_property
    def rate(self) -> Fraction:
        """The rate of the mission: the mean of its indicators, each by its weight.

        Raises ValueError for a rate beyond 0 and 1, a weight below 0, or weights of nothing.
        """
        for one in self.indicators:
            if not 0 <= one.rate <= 1 or one.weight < 0:
                raise ValueError(
                    f"Un indicateur a un taux de {one.rate} et un poids de {one.weight}"
                    f"{NBSP}: le taux va de 0 à 1, le poids n’est pas négatif."
                )
        weights = sum(Fraction(one.weight) for one in self.indicators)
        if not weights:
            raise ValueError(
                f"Les indicateurs de la mission n’ont aucun poids{NBSP}: donnez-leur-en un."
            )
        reached = sum(Fraction(one.weight) * Fraction(one.rate) for one in self.indicators)
        return Fraction(reached, weights)


@dataclass(frozen=True)
class Engagement:
    """A contract, as far as money is concerned. `ends_on` is its last day.

    `signed_on` is None for a simulation. `results` are by year of the contract, from 1, and by
    mission. `crises` are the days on which the agency recognised one.
    """

    starts_on: date
    ends_on: date
    terms: tuple[Terms, ...]
    signed_on: date | None = None
    results: Mapping[tuple[int, str], Results] | None = None
    crises: tuple[date, ...] = ()


# --- What is worked out ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Piece:
    """Days at one rate: euros a year, days counted, days of the whole year."""

    rate: Decimal
    days: int
    days_in_year: int
    source: str
    is_confirmed: bool


@dataclass(frozen=True)
class Line:
    """An amount that falls due. Negative: a regularisation in favour of the payer.

    `year` is that of the contract, from 1; `mission` is empty for the operating grant.
    `is_ceiling`: the most that results may bring, until they are agreed.
    """

    due_on: date
    year: int
    mission: str
    share: Share
    step: Step
    amount: Decimal
    pieces: tuple[Piece, ...]
    is_ceiling: bool = False

    @property
    def key(self) -> tuple[int, str, Share]:
        """The right that the line pays a part of."""
        return self.year, self.mission, self.share

    @property
    def is_confirmed(self) -> bool:
        return all(one.is_confirmed for one in self.pieces)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.source for one in self.pieces))


@dataclass(frozen=True)
class Schedule:
    """The lines in the order they fall due; `problems` keep the contract from being signed."""

    lines: tuple[Line, ...]
    problems: tuple[str, ...]

    def total(self, year: int | None = None) -> Decimal:
        """What is due at most for a year of the contract, or for all of them."""
        return sum(
            (one.amount for one in self.lines if year in (None, one.year)), start=Decimal("0.00")
        )


@dataclass(frozen=True)
class Year:
    """A year of the contract. `ends_before` is the day after its last one."""

    number: int
    starts_on: date
    ends_before: date
    # Days of the whole year: a contract that ends early counts some of them.
    days: int


def anniversary(starts_on: date, years: int) -> date:
    """The same day `years` later. A contract of 29 February has it on the 28th, but in leap years.

    Counted from the first day each time, so that 29 February comes back when it exists.
    """
    year = starts_on.year + years
    last = calendar.monthrange(year, starts_on.month)[1]
    return date(year, starts_on.month, min(starts_on.day, last))


def five_years(starts_on: date) -> date:
    """The last day of a contract of five years."""
    return anniversary(starts_on, 5) - _DAY


def years_of(starts_on: date, ends_on: date) -> list[Year]:
    """The years of a contract; the last may be cut short by its end."""
    found: list[Year] = []
    number = 1
    begins = starts_on
    while begins <= ends_on:
        next_begins = anniversary(starts_on, number)
        ends_before = min(next_begins, ends_on + _DAY)
        found.append(Year(number, begins, ends_before, (next_begins - begins).days))
        begins = next_begins
        number += 1
    return found


def compute_schedule(contract: Engagement) -> Schedule:
    """Every line of a contract, and what keeps it from being signed, as sentences.

    What cannot be worked out has a sentence and no line; what stands on a rate that nothing
    confirms has both. Raises ValueError for results that are no rates.
    """
    problems = _date_problems(contract)
    if problems:
        return Schedule((), tuple(problems))
    work = _Work(contract)
    lines = work.lines()
    return Schedule(tuple(lines), tuple(work.problems))


def _date_problems(contract: Engagement) -> list[str]:
    starts, ends = contract.starts_on, contract.ends_on
    if not contract.terms:
        return ["Le contrat ne dit ni sa taille ni ses missions : complétez-le."]
    if starts > ends:
        return [
            (
                f"Le contrat commence le {day(starts)}, après sa fin le {day(ends)}{NBSP}: "
                "corrigez l’une des deux dates."
            )
        ]
    if anniversary(starts, LONGEST_YEARS) <= ends:
        return [
            (
                f"Le contrat irait du {day(starts)} au {day(ends)}{NBSP}: plus de {LONGEST_YEARS} "
                "ans. Vérifiez les deux dates."
            )
        ]
    late = [one for one in contract.terms if one.effective_on > ends]
    if late:
        return [
            (
                f"Un avenant prendrait effet le {day(late[0].effective_on)}, après la fin du "
                f"contrat le {day(ends)}{NBSP}: corrigez sa date."
            )
        ]
    if any(one.effective_on > two.effective_on for one, two in pairwise(contract.terms)):
        return ["Les avenants ne sont pas dans l’ordre de leurs dates d’effet : corrigez-les."]
    return []


@dataclass(frozen=True)
class _Span:
    terms: Terms
    first: date
    # The day after the last one.
    before: date


class _Work:
    def __init__(self, contract: Engagement) -> None:
        self.contract = contract
        self.years = years_of(contract.starts_on, contract.ends_on)
        self.labels = {
            one.key: one.label for terms in contract.terms for one in terms.rates.missions
        }
        self.order = {key: rank for rank, key in enumerate([OPERATING, *self.labels])}
        self.segments = _segments(contract)
        self._found: dict[str, None] = {}

    @property
    def problems(self) -> list[str]:
        return list(self._found)

    def _problem(self, sentence: str) -> None:
        self._found.setdefault(sentence)

    def lines(self) -> list[Line]:
        self._check_missions()
        lines: list[Line] = []
        missions = sorted(
            {one.key for terms in self.contract.terms for one in terms.missions},
            key=lambda key: self.order.get(key, len(self.order)),
        )
        for year in self.years:
            lines += self._operating(year)
            for mission in missions:
                lines += self._mission(year, mission)
        lines.sort(key=lambda one: (one.due_on, one.year, self.order.get(one.mission, 99)))
        return lines

    def _check_missions(self) -> None:
        ends = self.contract.ends_on
        for terms in self.contract.terms:
            if not (terms.size or terms.suits_any_size):
                self._problem("La taille du contrat n’est pas dite : choisissez-la.")
            for one in terms.missions:
                label = self.labels.get(one.key)
                if label is None:
                    self._problem(
                        f"La mission «{NBSP}{one.key}{NBSP}» n’est pas dans les tarifs{NBSP}: "
                        "choisissez une mission de l’accord."
                    )
                elif one.starts_on is None:
                    self._problem(
                        f"{label}{NBSP}: la mission n’a pas de date de début, rien n’est prévu "
                        "pour elle. Donnez-lui une date, ou retirez-la du contrat."
                    )
                elif one.starts_on > ends:
                    self._problem(
                        f"{label}{NBSP}: la mission commencerait le {day(one.starts_on)}, après la "
                        f"fin du contrat le {day(ends)}. Corrigez sa date."
                    )

    def _not_before_signature(self, when: date) -> date:
        signed = self.contract.signed_on
        return when if signed is None else max(when, signed)

    # --- Rights ---------------------------------------------------------------------------------

    def _operating(self, year: Year) -> list[Line]:
        pieces = self._pieces(year, OPERATING, Share.OPERATING)
        if not pieces:
            return []
        due = self._not_before_signature(year.starts_on)
        right = _cents(_exact(pieces))
        return [Line(due, year.number, OPERATING, Share.OPERATING, Step.FULL, right, pieces)]

    def _mission(self, year: Year, mission: str) -> list[Line]:
        if mission not in self.labels:
            return []
        begins = self._begins(year, mission)
        if begins is None:
            return []
        fixed = self._pieces(year, mission, Share.FIXED)
        lines: list[Line] = []
        if fixed:
            exact = _exact(fixed)
            right, advance = _cents(exact), _cents(exact * ADVANCE)
            first = self._not_before_signature(begins)
            last = self._not_before_signature(year.ends_before)
            number, share = year.number, Share.FIXED
            lines = [
                Line(first, number, mission, share, Step.ADVANCE, advance, fixed),
                Line(last, number, mission, share, Step.BALANCE, right - advance, fixed),
            ]
        # Without a fixed share the whole mission is to be confirmed, which has been said.
        if fixed:
            lines += self._variable(year, mission)
        lines += self._crisis(year, mission)
        return [one for one in lines if one.amount]

    def _variable(self, year: Year, mission: str) -> list[Line]:
        # The mission of crises has no other variable share than that of a crisis.
        if self._has(Share.CRISIS, mission) and not self._has(Share.VARIABLE, mission):
            return []
        pieces = self._pieces(year, mission, Share.VARIABLE)
        if not pieces:
            return []
        exact = _exact(pieces)
        due = self._not_before_signature(year.ends_before)
        results = (self.contract.results or {}).get((year.number, mission))
        if results is not None:
            exact, due = exact * results.rate, max(due, results.agreed_on)
        return [
            Line(due, year.number, mission, Share.VARIABLE, Step.RESULTS, _cents(exact), pieces,
                 is_ceiling=results is None)
        ]  # fmt: skip

    def _crisis(self, year: Year, mission: str) -> list[Line]:
        begins = self._begins(year, mission)
        recognised = [
            one for one in self.contract.crises if begins and begins <= one < year.ends_before
        ]
        if not recognised or not self._has(Share.CRISIS, mission):
            return []
        pieces = self._pieces(year, mission, Share.CRISIS)
        if not pieces:
            return []
        exact = _exact(pieces)
        due = self._not_before_signature(year.ends_before)
        results = (self.contract.results or {}).get((year.number, mission))
        if results is not None:
            exact, due = exact * results.rate, max(due, results.agreed_on)
        return [Line(due, year.number, mission, Share.CRISIS, Step.CRISIS, _cents(exact), pieces,
                     is_ceiling=results is None)]  # fmt: skip

    def _has(self, share: Share, mission: str) -> bool:
        return any((share, mission) in terms.amounts for terms in self.contract.terms)

    def _begins(self, year: Year, mission: str) -> date | None:
        """The first day of the year on which the mission is under way."""
        spans = self._spans(year, mission)
        return spans[0].first if spans else None

    def _spans(self, year: Year, mission: str) -> "list[_Span]":
        """The days of a year on which a mission, or the grant, is due, terms by terms."""
        found = []
        for terms, segment_from, segment_before in self.segments:
            first = max(segment_from, year.starts_on)
            before = min(segment_before, year.ends_before)
            if mission != OPERATING:
                start = next((one.starts_on for one in terms.missions if one.key == mission), None)
                if start is None:
                    continue
                first = max(first, start)
            if first < before and (terms.size or terms.suits_any_size):
                found.append(_Span(terms, first, before))
        return found

    def _pieces(self, year: Year, mission: str, share: Share) -> tuple[Piece, ...]:
        """The days of a year at their rates; nothing when a day of them has no rate, or two."""
        pieces: list[Piece] = []
        is_whole = True
        for span in self._spans(year, mission):
            at = span.first
            for rate in span.terms.amounts.get((share, mission), []):
                starts = max(rate.valid_from, span.first)
                ends = span.before
                if rate.valid_to is not None:
                    ends = min(ends, rate.valid_to + _DAY)
                if starts >= ends:
                    continue
                if starts != at:
                    is_whole = False
                    if starts > at:
                        self._hole(mission, share, span.terms.size, at, starts)
                    else:
                        self._overlap(mission, span.terms.size, starts, min(at, ends))
                if not rate.is_confirmed:
                    self._unconfirmed(mission, span.terms.size, rate)
                days = (ends - starts).days
                pieces.append(Piece(rate.amount, days, year.days, rate.source, rate.is_confirmed))
                at = max(at, ends)
            if at < span.before:
                is_whole = False
                self._hole(mission, share, span.terms.size, at, span.before)
        return tuple(_joined(pieces)) if is_whole else ()

    def _name(self, mission: str, size: str) -> str:
        label = self.labels.get(mission, "Fonctionnement") if mission else "Fonctionnement"
        return f"{label}, taille{NBSP}{size[1:]}"

    def _hole(self, mission: str, share: Share, size: str, first: date, before: date) -> None:
        what = "part variable" if share == Share.VARIABLE else "tarif"
        self._problem(
            f"{self._name(mission, size)}{NBSP}: aucun{'e' if what != 'tarif' else ''} {what} "
            f"publié{'e' if what != 'tarif' else ''} du {day(first)} au {day(before - _DAY)}. Le "
            "montant est à confirmer par l’administrateur national."
        )

    def _overlap(self, mission: str, size: str, first: date, before: date) -> None:
        self._problem(
            f"{self._name(mission, size)}{NBSP}: deux tarifs valent du {day(first)} au "
            f"{day(before - _DAY)}. L’administrateur national doit n’en garder qu’un."
        )

    def _unconfirmed(self, mission: str, size: str, rate: Rate) -> None:
        self._problem(
            f"{self._name(mission, size)}{NBSP}: le montant de {euros(rate.amount)} n’est pas "
            "confirmé. Il sert à simuler, pas à signer."
        )


def _segments(contract: Engagement) -> list[tuple[Terms, date, date]]:
    """Each terms with the days they hold: from, and the day after."""
    found = []
    ends_before = contract.ends_on + _DAY
    for rank, terms in enumerate(contract.terms):
        first = contract.starts_on if rank == 0 else max(terms.effective_on, contract.starts_on)
        following = contract.terms[rank + 1 :]
        before = min([ends_before, *(one.effective_on for one in following)])
        if first < before:
            found.append((terms, first, before))
    return found


def _joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Neighbours at the same rate made one: an amendment may leave an amount as it was."""
    found: list[Piece] = []
    for one in pieces:
        if found and replace(found[-1], days=one.days) == one:
            found[-1] = replace(one, days=found[-1].days + one.days)
        else:
            found.append(one)
    return found


def _exact(pieces: Iterable[Piece]) -> Fraction:
    return sum(
        (Fraction(one.rate) * one.days / one.days_in_year for one in pieces), start=Fraction(0)
    )


def _cents(exact: Fraction) -> Decimal:
    """To the nearest cent, half upwards."""
    return (Decimal((exact * 200 + 1) // 2) / 100).quantize(_CENT)


def at_rate(line: Line, rate: Fraction) -> Decimal:
    """What the right of a line comes to at the rate of its results, as the schedule has it."""
    return _cents(_exact(line.pieces) * rate)


# --- Amendments -----------------------------------------------------------------------------------


def until(terms: Sequence[Terms], last_day: date) -> tuple[Terms, ...]:
    """The terms of a contract that ends early: what would have come after it never does."""
    return tuple(
        replace(
            one,
            missions=tuple(
                each
                for each in one.missions
                if each.starts_on is None or each.starts_on <= last_day
            ),
        )
        for one in terms
        if one.effective_on <= last_day
    )


def with_rates(terms: Sequence[Terms], effective_on: date, rates: RateTable) -> tuple[Terms, ...]:
    """The terms of a contract once other rates hold from a day on; the rest stays as it was.

    What an amendment signed before will change later still changes then, at the new rates.
    """
    first = max(effective_on, terms[0].effective_on)
    held = [one for one in terms if one.effective_on <= first][-1]
    return (
        *(one for one in terms if one.effective_on < first),
        replace(held, effective_on=first, rates=rates),
        *(replace(one, rates=rates) for one in terms if one.effective_on > first),
    )


def amend(before: Sequence[Line], after: Sequence[Line], as_of: date) -> tuple[Line, ...]:
    """The schedule once something has changed on the day `as_of`: an amendment, results, an end.

    `before` is the schedule in force, `after` what would have been computed with the change known
    from the first day. What fell due until that day stays as it was; the difference is one
    regularisation a right, due that day; what comes later is that of `after`.
    """
    kept = [one for one in before if one.due_on <= as_of and not one.is_ceiling]
    settled: dict[tuple[int, str, Share], Decimal] = {}
    for one in kept:
        settled[one.key] = settled.get(one.key, Decimal(0)) + one.amount
    due: dict[tuple[int, str, Share], Decimal] = {}
    basis: dict[tuple[int, str, Share], tuple[Piece, ...]] = {}
    lines = list(kept)
    for one in after:
        basis[one.key] = one.pieces
        if one.key not in settled:
            lines.append(one if one.is_ceiling else replace(one, due_on=max(one.due_on, as_of)))
        elif one.due_on > as_of:
            lines.append(one)
        else:
            due[one.key] = due.get(one.key, Decimal(0)) + one.amount
    for key, amount in settled.items():
        difference = due.get(key, Decimal(0)) - amount
        if difference:
            year, mission, share = key
            pieces = basis.get(key) or next(one.pieces for one in kept if one.key == key)
            lines.append(Line(as_of, year, mission, share, Step.REGULARISATION, difference, pieces))
    lines.sort(key=lambda one: one.due_on)
    return tuple(lines)
