"""What the simulator says of a territory and of its variants, ready to be shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import NBSP, euros, figure
from letters.models import LetterOfIntent, TerritoryVariant
from procedures.rates import Funding, current_rates, yearly_funding
from procedures.schema import Procedure
from territories.checks import people
from territories.models import Territory
from territories.overlap import Line, part_key
from territories.population import size_class
from workflow.overlaps import KnownOverlap, Overlap, find_overlaps_of, known_overlaps
from writing.territory import plural

# Communes named before « et 12 autres ».
_NAMED: Final = 30
TO_CONFIRM: Final = "montant à confirmer"
_FULL_YEAR: Final = (
    "Une année pleine, les six missions engagées, avant les résultats. La part variable est un "
    "maximum."
)


# --- Thresholds ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distance:
    """How far another size is: inhabitants to gain (positive) or to lose (negative)."""

    size: str
    inhabitants: int


def distances(
    population: int, thresholds: Sequence[int]
) -> tuple[Distance | None, Distance | None]:
    """The size below and the size above, None where there is none.

    The last size begins above its bound, the others at theirs: see `size_class`.
    """
    last = thresholds[-1]
    firsts = [bound + 1 if bound == last else bound for bound in thresholds]
    below = [first for first in firsts if first <= population]
    above = [first for first in firsts if first > population]
    down = up = None
    if below:
        down = Distance(size_class(below[-1] - 1, thresholds), below[-1] - 1 - population)
    if above:
        up = Distance(size_class(above[0], thresholds), above[0] - population)
    return down, up


def distance_sentences(population: int, thresholds: Sequence[int], on: date) -> list[str]:
    """Both directions, with what the operating grant would change by."""
    here = _operating(size_class(population, thresholds), on)
    said = []
    for one in distances(population, thresholds):
        if one is None:
            continue
        way = "de plus" if one.inhabitants > 0 else "de moins"
        sentence = (
            f"{people(abs(one.inhabitants))} {way} et le territoire serait de taille {one.size[1]}"
        )
        there = _operating(one.size, on)
        if here is not None and there is not None and here != there:
            change = there - here
            sign = "+" if change > 0 else ""
            sentence += f"{NBSP}: {sign}{euros(change)} de fonctionnement par an"
        said.append(f"{sentence}.")
    return said


def _operating(size: str, on: date) -> Decimal | None:
    return yearly_funding(current_rates(), size, on).operating


# --- Money --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Money:
    """A year of funding in words: the sum, then each line."""

    headline: str
    rows: list[list[str]]
    notes: list[str]


def money(size: str, on: date) -> Money:
    """What a size brings in a year, as far as its rates are known; never a guess."""
    funding = yearly_funding(current_rates(), size, on)
    rows = [["Fonctionnement", _amount(funding.operating), "–"]]
    for one in funding.missions:
        label = (
            f"{one.mission.label} (facultative)" if one.mission.is_optional else one.mission.label
        )
        variable = _amount(one.variable)
        if one.crisis is not None:
            variable = f"{euros(one.crisis)} si une crise est reconnue"
        rows.append([label, _amount(one.fixed), variable])
    rows.append(["Total, hors crise", _amount(_plus(funding)), _amount(funding.variable)])
    notes = [_FULL_YEAR]
    if funding.total is None:
        notes.append(
            f"«{NBSP}Montant à confirmer{NBSP}»{NBSP}: le portail n’a pas de source pour cette "
            "taille. Il ne devine pas."
        )
    if funding.sources:
        notes.append(f"Sources{NBSP}: {' ; '.join(funding.sources)}.".replace(" ;", f"{NBSP};"))
    return Money(headline(funding), rows, notes)


def _plus(funding: Funding) -> Decimal | None:
    if funding.operating is None or funding.fixed is None:
        return None
    return funding.operating + funding.fixed


def _amount(amount: Decimal | None) -> str:
    return TO_CONFIRM if amount is None else euros(amount)


def headline(funding: Funding) -> str:
    """« jusqu’à 397 500 € », « 60 000 €, missions : montant à confirmer »."""
    if funding.total is not None:
        return f"jusqu’à {euros(funding.total)}"
    if funding.operating is None:
        return TO_CONFIRM
    return f"{euros(funding.operating)} de fonctionnement{NBSP}; missions{NBSP}: {TO_CONFIRM}"


# --- Comparing ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A territory beside the others: that of the letter, or a variant."""

    variant: TerritoryVariant | None
    name: str
    communes: str
    difference: str
    population: str
    size: str
    thresholds: list[str]
    money: str
    overlaps: str


@dataclass
class _Drawn:
    lines: list[Line]
    communes: set[str]

    @property
    def population(self) -> int:
        return sum(line.population or 0 for line in self.lines)


_LINES: Final = """
    SELECT part.territory_id, commune.code, coalesce(commune.parent_id, commune.code),
           part.part_name,
           CASE WHEN part.part_name = '' THEN commune.population ELSE part.part_population END
      FROM territories_territorypart AS part
      JOIN territories_commune AS commune ON commune.code = part.commune_id
     WHERE part.territory_id = ANY(%s)
"""


def _read(territories: Iterable[int]) -> dict[int, _Drawn]:
    """The lines of several territories, in one query."""
    found = {pk: _Drawn([], set()) for pk in territories}
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [list(found)])
        for territory, code, whole, part, population in cursor.fetchall():
            found[territory].lines.append(Line(code, part_key(part), population))
            found[territory].communes.add(whole)
    return found


def compare(
    letter: LetterOfIntent,
    territory: Territory,
    variants: Sequence[TerritoryVariant],
    procedure: Procedure,
) -> list[Column]:
    """The letter's territory, then each variant, in two queries whatever their number."""
    drawn = _read([territory.pk, *(one.territory_id for one in variants)])
    ordered = [drawn[territory.pk], *(drawn[one.territory_id] for one in variants)]
    met = find_overlaps_of([one.lines for one in ordered], community_id=letter.community_id)
    today = timezone.localdate()
    return [
        _column(variant, one, overlaps, letter=ordered[0], procedure=procedure, today=today)
        for variant, one, overlaps in zip([None, *variants], ordered, met, strict=True)
    ]


def _column(
    variant: TerritoryVariant | None,
    drawn: _Drawn,
    overlaps: Sequence[Overlap],
    *,
    letter: _Drawn,
    procedure: Procedure,
    today: date,
) -> Column:
    thresholds = procedure.size_rule.thresholds
    size = size_class(drawn.population, thresholds) if drawn.lines else ""
    label = next((one.label for one in procedure.size_rule.options if one.key == size), size)
    shared = {code for one in overlaps for code in one.communes}
    return Column(
        variant=variant,
        name=variant.name if variant else "Territoire de la lettre",
        communes=figure(len(drawn.communes)),
        difference=_difference(drawn, letter) if variant else "–",
        population=figure(drawn.population),
        size=label or "–",
        thresholds=distance_sentences(drawn.population, thresholds, today) if size else [],
        money=headline(yearly_funding(current_rates(), size, today)) if size else "–",
        overlaps=(
            f"{plural(len(shared), 'commune', 'communes')}, avec {len(overlaps)} autre"
            f"{'s' if len(overlaps) > 1 else ''} CPTS"
            if overlaps
            else "aucun"
        ),
    )


def _difference(drawn: _Drawn, letter: _Drawn) -> str:
    mine, theirs = _keys(drawn), _keys(letter)
    gained, lost = len(mine - theirs), len(theirs - mine)
    if not gained and not lost:
        return "la même que la lettre"
    said = [f"+{figure(gained)}"] if gained else []
    return ", ".join([*said, *([f"−{figure(lost)}"] if lost else [])])


def _keys(drawn: _Drawn) -> set[tuple[str, str]]:
    return {(line.commune, line.part_key) for line in drawn.lines}


# --- One variant against the letter ---------------------------------------------------------------


@dataclass(frozen=True)
class Against:
    """What a variant changes: communes by name, overlaps as this person may know them."""

    added: list[str]
    removed: list[str]
    gained: list[KnownOverlap]
    lost: list[KnownOverlap]
    kept: list[KnownOverlap]

    @property
    def added_words(self) -> str:
        return _listed(self.added)

    @property
    def removed_words(self) -> str:
        return _listed(self.removed)

    @property
    def is_nothing(self) -> bool:
        return not self.added and not self.removed


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    if more <= 1:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} et {figure(more)} autres"


def against_letter(
    letter: LetterOfIntent, territory: Territory, variant: TerritoryVariant, user: User
) -> Against:
    """The variant beside the letter's territory."""
    drawn = _read([territory.pk, variant.territory_id])
    before, after = drawn[territory.pk], drawn[variant.territory_id]
    was, is_now = find_overlaps_of([before.lines, after.lines], community_id=letter.community_id)
    return Against(
        added=_names(_keys(after) - _keys(before), variant.territory_id),
        removed=_names(_keys(before) - _keys(after), territory.pk),
        gained=known_overlaps(_without(is_now, was), user),
        lost=known_overlaps(_without(was, is_now), user),
        kept=known_overlaps(_common(is_now, was), user),
    )


def _by_case(found: Sequence[Overlap]) -> Mapping[int, set[tuple[str, str]]]:
    return {one.case_id: {(line.commune, line.part_key) for line in one.lines} for one in found}


def _without(found: Sequence[Overlap], others: Sequence[Overlap]) -> list[Overlap]:
    """What of the first is not in the others, by case."""
    known = _by_case(others)
    kept = []
    for one in found:
        here = known.get(one.case_id, set())
        lines = [line for line in one.lines if (line.commune, line.part_key) not in here]
        if lines:
            kept.append(Overlap(one.case_id, one.stage, lines))
    return kept


def _common(found: Sequence[Overlap], others: Sequence[Overlap]) -> list[Overlap]:
    known = _by_case(others)
    kept = []
    for one in found:
        here = known.get(one.case_id, set())
        lines = [line for line in one.lines if (line.commune, line.part_key) in here]
        if lines:
            kept.append(Overlap(one.case_id, one.stage, lines))
    return kept


_NAMES: Final = """
    SELECT commune.code, commune.name, part.part_name
      FROM territories_territorypart AS part
      JOIN territories_commune AS commune ON commune.code = part.commune_id
     WHERE part.territory_id = %s AND commune.code = ANY(%s)
     ORDER BY commune.name_key, commune.code, part.part_name
"""


def _names(keys: set[tuple[str, str]], territory: int) -> list[str]:
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, [territory, sorted({code for code, _ in keys})])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [
        f"{name} ({code}){f', {part}' if part else ''}"
        for code, name, part in rows
        if (code, part_key(part)) in keys
    ]
