"""What the page of a territory's figures says: each one beside its département, region, France."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from communities.models import Community
from cpts_portal.composed import Composed
from cpts_portal.memo import Memo
from cpts_portal.words import NBSP, figure
from diagnosis import figures
from diagnosis.figures import SIZES, Area, Figure
from diagnosis.models import Addition, Indicator, Level
from territories.population import TerritorySummary, summarise

# A territory over more départements is compared with those where most of its people live.
MOST_DEPARTMENTS: Final = 2
UNKNOWN: Final = "–"


@dataclass(frozen=True)
class Bar:
    """One line of a chart: its words, and its bar drawn beside them."""

    label: str
    value: str
    drawn: SafeString


@dataclass(frozen=True)
class Row:
    """A figure for each set of communes, in words, with where it comes from."""

    label: str
    cells: tuple[str, ...]
    source: str
    # What bars are drawn from, and the sets of communes they are of; nothing without a chart.
    values: tuple[Decimal | None, ...] = ()
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_chart(self) -> bool:
        return bool(self.values)

    @property
    def bars(self) -> list[Bar]:
        return bars(self.columns, self.values, self.cells) if self.values else []


class Said(NamedTuple):
    """What is said of an indicator."""

    pk: int
    key: str | None
    name: str
    source: str
    year: int
    unit: str
    addition: str
    rate_per: int | None
    decimals: int
    weights_name: str | None
    weights_year: int | None


_SAID: Final = Composed(
    lambda: Indicator.objects.filter(Q(is_shown=True) | Q(key=figures.EARLIER_POPULATION))
    .order_by("name", "-year", "pk")
    .values_list(
        "pk", "key", "name", "source", "year", "unit", "addition", "rate_per", "decimals",
        "weights__name", "weights__year",
    )
)  # fmt: skip


def _read_indicators() -> tuple[list[Said], Said | None]:
    """Those that are shown, and the population of before, which only serves a comparison."""
    found = [Said(*row) for row in _SAID.rows()]
    earlier = next((one for one in found if one.key == figures.EARLIER_POPULATION), None)
    return [one for one in found if one.key is None], earlier


@dataclass(frozen=True)
class Epci:
    name: str
    held: int
    commune_count: int


@dataclass(frozen=True)
class Board:
    """All that is known of a territory. `columns` name its sets of communes, itself first."""

    summary: TerritorySummary
    columns: list[str]
    reference: list[Row]
    loaded: list[Row]
    epci: list[Epci]
    # Sentences on what the figures leave out.
    caveats: list[str]

    @property
    def is_empty(self) -> bool:
        return self.summary.is_empty


def read_board(community: Community) -> Board:
    """Read it in a constant number of queries, however many communes and indicators."""
    territory = community.territory
    summary = summarise(territory)
    if summary.is_empty:
        return Board(summary, [], [], [], [], [])
    codes = _areas_of(summary, community)
    areas = _read_areas(territory.pk, codes)
    columns = [area.name for area in areas.values()]
    indicators, earlier = _read_indicators()
    loaded = _read_loaded(territory.pk, indicators, codes)
    return Board(
        summary=summary,
        columns=columns,
        reference=_reference_rows(list(areas.values()), summary, earlier),
        loaded=[_loaded_row(one, columns, loaded[one.pk], summary) for one in indicators],
        epci=_read_epci(territory.pk),
        caveats=_caveats(summary),
    )


# What the boards of some hundreds of territories weigh.
_kept: Final = Memo[SafeString](limit=8_000_000, weigh=len)


def markup(board: Board) -> SafeString:
    """The figures as a page shows them, drawn once for all that they say."""
    said = (*board.columns, *board.caveats, *board.epci, *board.reference, *board.loaded)
    return _kept.get(
        said,
        lambda: SafeString(render_to_string("diagnosis/_board.html", {"board": board})),
    )


_Key = tuple[str, str]
TERRITORY: Final[_Key] = ("territory", "")


def _areas_of(summary: TerritorySummary, community: Community) -> list[_Key]:
    """The sets of communes the territory is compared with, the smallest first."""
    departments = [(str(Level.DEPARTMENT), one) for one in summary.department_codes]
    region = (str(Level.REGION), community.region_id)
    return [*departments[:MOST_DEPARTMENTS], region, (str(Level.COUNTRY), "")]


def _as_arrays(codes: list[_Key]) -> list[list[str]]:
    return [[level for level, _ in codes], [code for _, code in codes]]


_AREAS: Final = """
    SELECT level, code, name, population, commune_count, epci_count, sizes,
           population_then, population_now
      FROM diagnosis_areafigures JOIN unnest(%s::text[], %s::text[]) AS wanted (level, code)
     USING (level, code)
"""
_FIGURES: Final = """
    SELECT indicator_id, level, code, value, low, high, known, commune_count, population
      FROM diagnosis_indicatorfigure JOIN unnest(%s::text[], %s::text[]) AS wanted (level, code)
     USING (level, code)
     WHERE indicator_id = ANY(%s)
"""


def _read_areas(territory: int, codes: list[_Key]) -> dict[_Key, Area]:
    held = figures.area_of_territory(territory, "Votre territoire")
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(_AREAS, _as_arrays(codes))
        for level, code, *row in cursor.fetchall():
            found[level, code] = figures.area(*row)
    own = {TERRITORY: held} if held else {}
    return own | {key: found[key] for key in codes if key in found}


def _read_loaded(
    territory: int, indicators: list[Said], codes: list[_Key]
) -> dict[int, list[Figure | None]]:
    """For each indicator, its figure for the territory then for each set of communes."""
    numbers = [one.pk for one in indicators]
    if not numbers:
        return {}
    own = figures.of_territory(territory, numbers)
    known: dict[tuple[int, _Key], Figure] = {}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, [*_as_arrays(codes), numbers])
        for number, level, code, *row in cursor.fetchall():
            known[number, (level, code)] = Figure(*row)
    return {
        number: [own.get(number), *(known.get((number, key)) for key in codes)]
        for number in numbers
    }


_EPCI: Final = """
    SELECT epci.name, held.count, count(*)
      FROM (SELECT commune.intercommunality_id AS siren,
                   count(DISTINCT coalesce(commune.parent_id, commune.code)) AS count
              FROM territories_territorypart AS part
              JOIN territories_commune AS commune ON commune.code = part.commune_id
             WHERE part.territory_id = %s GROUP BY 1) AS held
      JOIN territories_intercommunality AS epci ON epci.siren = held.siren
      JOIN territories_commune AS commune ON commune.intercommunality_id = epci.siren
           AND commune.is_active AND commune.kind = 'commune'
     GROUP BY epci.siren, epci.name, held.count
     ORDER BY held.count DESC, epci.name
"""


def _read_epci(territory: int) -> list[Epci]:
    with connection.cursor() as cursor:
        cursor.execute(_EPCI, [territory])
        return [Epci(*row) for row in cursor.fetchall()]


# --- What the reference data says -----------------------------------------------------------------


def _reference_rows(
    areas: list[Area], summary: TerritorySummary, earlier: "Said | None"
) -> list[Row]:
    population = f"INSEE, population municipale {summary.population_year}"
    communes = f"Code officiel géographique {summary.cog_year}"
    rows = [
        _row("Habitants", [figure(area.population) for area in areas], population),
        _row("Communes", [figure(area.commune_count) for area in areas], communes),
        _row("Intercommunalités (EPCI)", [figure(area.epci_count) for area in areas], communes),
    ]
    for rank, (_, label) in enumerate(SIZES):
        shares = [area.share(rank) for area in areas]
        rows.append(_compared(f"Communes {label}", areas, shares, population))
    if earlier is not None:
        changes = [area.change for area in areas]
        label = f"Évolution de la population de {earlier.year} à {summary.population_year}"
        source = f"{population} ; {earlier.source}"
        rows.append(_compared(label, areas, changes, source, signed=True))
    return rows


def _row(label: str, cells: list[str], source: str) -> Row:
    return Row(label, tuple(cells), source)


def _compared(
    label: str,
    areas: list[Area],
    values: list[Decimal | None],
    source: str,
    *,
    signed: bool = False,
) -> Row:
    cells = tuple(_percent(value, signed=signed) for value in values)
    return Row(label, cells, source, tuple(values), tuple(area.name for area in areas))


def _percent(value: Decimal | None, *, signed: bool) -> str:
    return UNKNOWN if value is None else f"{in_words(value, 1, signed=signed)}{NBSP}%"


# --- What was loaded ------------------------------------------------------------------------------


def _loaded_row(
    indicator: Said, columns: list[str], found: list[Figure | None], summary: TerritorySummary
) -> Row:
    source = f"{indicator.source}, {indicator.year}"
    notes = _missing(found[0], summary)
    match indicator.addition:
        case Addition.NONE:
            cells = [_range(one, indicator) for one in found]
            label = f"{indicator.name} ({indicator.unit})"
            return Row(label, tuple(cells), source, notes=tuple(notes))
        case Addition.MEAN:
            values = [one.value if one else None for one in found]
            cells = [_said(value, max(1, min(2, indicator.decimals))) for value in values]
            label = f"{indicator.name} ({indicator.unit})"
            notes.append(f"Moyenne pondérée par {weights_in_words(indicator)}.")
        case _ if indicator.rate_per:
            rates = [one.rate(indicator.rate_per) if one else None for one in found]
            sums = [_said(one.value if one else None, indicator.decimals) for one in found]
            values = rates
            per = figure(indicator.rate_per)
            label = f"{indicator.name} ({indicator.unit} pour {per} habitants)"
            cells = [
                rate if rate == UNKNOWN else f"{rate} ({total} en tout)"
                for rate, total in zip((_said(one, 1) for one in rates), sums, strict=True)
            ]
        case _:
            cells = [_said(one.value if one else None, indicator.decimals) for one in found]
            label = f"{indicator.name} ({indicator.unit})"
            return Row(label, tuple(cells), source, notes=tuple(notes))
    return Row(label, tuple(cells), source, tuple(values), tuple(columns), tuple(notes))


def weights_in_words(indicator: Said) -> str:
    """« la population municipale », or the indicator that weighs."""
    if indicator.weights_name is not None:
        return f"« {indicator.weights_name} ({indicator.weights_year}) »"
    return "la population municipale"


def _missing(found: Figure | None, summary: TerritorySummary) -> list[str]:
    """Which communes of the territory have no value, as a sentence."""
    if found is None or not found.missing_count:
        return []
    count = found.missing_count
    names = list(found.missing)
    if count > len(names):
        more = count - len(names)
        listed = f"{', '.join(names)} et {more} autre{'s' if more > 1 else ''}"
    else:
        listed = f"{', '.join(names[:-1])} et {names[-1]}" if len(names) > 1 else names[0]
    sentence = f"{count} commune{'s' if count > 1 else ''} sans valeur : {listed}."
    if summary.part_count:
        sentence += " Une partie de commune n’a pas de valeur à elle."
    return [sentence]


def _range(found: Figure | None, indicator: Said) -> str:
    if found is None or found.low is None or found.high is None:
        return UNKNOWN
    decimals = min(2, indicator.decimals)
    low, high = in_words(found.low, decimals), in_words(found.high, decimals)
    return low if low == high else f"de {low} à {high}"


def _said(value: Decimal | None, decimals: int) -> str:
    return UNKNOWN if value is None else in_words(value, min(2, decimals))


def in_words(value: Decimal, decimals: int, *, signed: bool = False) -> str:
    """« 1 234,5 », « −0,3 », « +2,1 » where `signed`; a number rounded to so many decimals."""
    rounded = round(value, decimals)
    whole, _, rest = f"{abs(rounded):f}".partition(".")
    said = figure(int(whole)) + (f",{rest}" if rest else "")
    sign = "−" if rounded < 0 else "+" if signed and rounded > 0 else ""
    return f"{sign}{said}"


def _caveats(summary: TerritorySummary) -> list[str]:
    found = []
    if summary.part_count:
        found.append(
            "Le territoire compte des parties de communes : leurs habitants sont ceux que vous "
            "avez indiqués, et seules les communes entières entrent dans les autres chiffres."
        )
    if summary.unknown_population_count:
        found.append("L’INSEE ne donne pas la population de toutes les communes du territoire.")
    if summary.is_behind or summary.gone_count:
        found.append(
            "Des communes ont changé depuis que le territoire est dessiné : acceptez l’année "
            "nouvelle dans la lettre pour avoir tous les chiffres."
        )
    return found


# --- Bars -----------------------------------------------------------------------------------------

_WIDTH: Final = 200
_HEIGHT: Final = 12


def bars(
    labels: Sequence[str], values: Sequence[Decimal | None], cells: Sequence[str]
) -> list[Bar]:
    """One bar for each set of communes, on one scale that holds zero. Its words are beside it."""
    known = [value for value in values if value is not None]
    low, high = min([Decimal(0), *known]), max([Decimal(0), *known])
    scale = (high - low) or Decimal(1)

    def across(value: Decimal) -> int:
        return round((value - low) * _WIDTH / scale)

    return [
        Bar(label, cell, _drawn(across(min(value or Decimal(0), Decimal(0))),
                                across(max(value or Decimal(0), Decimal(0))),
                                across(Decimal(0)), is_first=rank == 0))
        for rank, (label, value, cell) in enumerate(zip(labels, values, cells, strict=True))
    ]  # fmt: skip


def _drawn(start: int, end: int, zero: int, *, is_first: bool) -> SafeString:
    return format_html(
        '<svg class="diagnosis-bar" viewBox="0 0 {} {}" preserveAspectRatio="none" '
        'aria-hidden="true" focusable="false"><rect class="{}" x="{}" y="0" width="{}" '
        'height="{}"/><rect class="diagnosis-bar__zero" x="{}" y="0" width="1" height="{}"/></svg>',
        _WIDTH,
        _HEIGHT,
        "diagnosis-bar__own" if is_first else "diagnosis-bar__other",
        start,
        max(1, end - start),
        _HEIGHT,
        min(zero, _WIDTH - 1),
        _HEIGHT,
    )
