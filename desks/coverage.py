"""The coverage of a région as an agency looks at it: what is asked, the lists, the white zones.

Who covers what is read by `workflow.coverage`; nothing here reads a case.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models.expressions import RawSQL
from django.utils import timezone
from django.utils.formats import number_format

from accounts.models import User
from cpts_portal.addresses import address
from cpts_portal.composed import Composed, Given
from cpts_portal.words import NBSP, figure
from territories.models import Region
from workflow.coverage import (
    FIRST_DAY,
    LABELS,
    LETTERS,
    MOST_HOLDERS,
    Coverage,
    Covered,
    Holder,
    Holders,
    Status,
    Total,
    known_statuses,
    read_holders,
    totals,
)

PAGE_SIZE: Final = 25
BY_COMMUNE: Final = "communes"
BY_INTERCOMMUNALITY: Final = "epci"
BY_DEPARTMENT: Final = "departements"
VIEWS: Final = {
    BY_COMMUNE: "Par commune",
    BY_INTERCOMMUNALITY: "Par intercommunalité",
    BY_DEPARTMENT: "Par département",
}
BY_POPULATION: Final = "population"
BY_NAME: Final = "nom"


@dataclass(frozen=True)
class Choices:
    """What the address asks for. `on` is None for today."""

    region: str
    on: date | None = None
    view: str = BY_COMMUNE
    status: Status | None = None
    department: str = ""
    siren: str = ""
    order: str = BY_POPULATION

    def query(self, **changes: Any) -> str:
        """The address of the same look, with these changes."""
        asked = replace(self, **changes)
        said = {
            "region": asked.region,
            "date": asked.on.isoformat() if asked.on else "",
            "vue": asked.view if asked.view != BY_COMMUNE else "",
            "statut": str(asked.status or ""),
            "departement": asked.department,
            "epci": asked.siren,
            "tri": asked.order if asked.order != BY_POPULATION else "",
        }
        return urlencode({name: value for name, value in said.items() if value})

    def url(self, **changes: Any) -> str:
        """The page of the same look, with these changes, on its list."""
        return f"{address('desks:coverage')}?{self.query(**changes)}#liste"


def read_choices(asked: Mapping[str, str], region: str) -> tuple[Choices, str]:
    """What the address asks for, and what is wrong with its day, as a sentence.

    What means nothing is read as if it were not there.
    """
    on, refusal = read_day(asked.get("date", ""))
    status = asked.get("statut", "")
    view = asked.get("vue", "")
    return Choices(
        region=region,
        on=on,
        view=view if view in VIEWS else BY_COMMUNE,
        status=Status(status) if status in list(Status) else None,
        department=asked.get("departement", "").replace("\0", "")[:3],
        siren=asked.get("epci", "").replace("\0", "")[:9],
        order=BY_NAME if asked.get("tri") == BY_NAME else BY_POPULATION,
    ), refusal


def read_day(text: str) -> tuple[date | None, str]:
    """A day gone by, None for today or for what cannot be read, and why it cannot."""
    text = text.strip()[:20]
    if not text:
        return None, ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None, (
            "La date ne peut pas être lue. Écrivez-la comme 2026-03-12, ou choisissez-la dans le "
            "calendrier. La page montre la couverture d’aujourd’hui."
        )
    if day > timezone.localdate():
        return None, (
            f"Le {day:%d/%m/%Y} n’est pas encore passé{NBSP}: personne ne sait qui couvrira quoi. "
            "Choisissez un jour passé. La page montre la couverture d’aujourd’hui."
        )
    if day < FIRST_DAY:
        return None, (
            f"Les CPTS n’existent dans la loi que depuis le {FIRST_DAY:%d/%m/%Y}. Choisissez un "
            "jour plus récent. La page montre la couverture d’aujourd’hui."
        )
    return (None if day == timezone.localdate() else day), ""


def region_options(allowed: Sequence[str] | None) -> list[tuple[str, str]]:
    """The régions a person may look at, by name; None: all those that have an agency."""
    if allowed is not None:
        return _REGIONS.rows(codes=list(allowed))
    found = Region.objects.filter(has_ars=True)
    return list(found.order_by("name").values_list("code", "name"))


_REGIONS: Final = Composed(
    lambda: (
        Region.objects.filter(pk__in=RawSQL("SELECT unnest(%s::varchar[])", [Given("codes")]))
        .order_by("name")
        .values_list("code", "name")
    )
)


# --- Figures ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figure:
    """One status: how many communes and inhabitants, and the list behind them."""

    status: Status
    label: str
    letter: str
    communes: str
    population: str
    share: str
    note: str
    url: str


def share(part: int, whole: int) -> str:
    """« 12,3 % »."""
    return f"{number_format(100 * part / whole if whole else 0, 1, use_l10n=True)}{NBSP}%"


def figures(coverage: Coverage, choices: Choices) -> list[Figure]:
    """The communes of the région by status; each leads to its list."""
    found = _kept(coverage, "totals", lambda: totals(coverage.communes))
    whole = sum(one.population for one in found.values())
    return [
        _figure(status, found.get(status, Total()), whole, choices) for status in known_statuses()
    ]


def _figure(status: Status, total: Total, whole: int, choices: Choices) -> Figure:
    note = ""
    if total.partial:
        note = f"dont {figure(total.partial)} en partie"
    return Figure(
        status=status,
        label=LABELS[status],
        letter=LETTERS[status],
        communes=figure(total.communes),
        population=figure(total.population),
        share=share(total.population, whole),
        note=note,
        url=choices.url(view=BY_COMMUNE, status=status, department="", siren=""),
    )


def _kept(coverage: Coverage, name: str, make: Callable[[], Any]) -> Any:
    """What is worked out of a coverage is kept with it."""
    if name not in coverage.kept:
        coverage.kept[name] = make()
    return coverage.kept[name]


# --- White zones ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Zone:
    """An EPCI or a département: what no CPTS covers of it, in communes and inhabitants."""

    key: str
    name: str
    communes: int
    population: int
    bare_communes: int
    bare_population: int


def zones(coverage: Coverage, view: str) -> list[Zone]:
    """The EPCI or the départements of a région, with what is white of each."""
    return _kept(coverage, f"zones {view}", lambda: _zones(coverage, view))


def _zones(coverage: Coverage, view: str) -> list[Zone]:
    by_department = view == BY_DEPARTMENT
    names = coverage.departments if by_department else coverage.intercommunalities
    counts: dict[str, list[int]] = {key: [0, 0, 0, 0] for key in names}
    for one in coverage.communes:
        count = counts.get(one.department if by_department else one.siren)
        if count is None:
            continue
        population = one.population or 0
        is_bare = one.status == Status.NOTHING
        count[0] += 1
        count[1] += population
        count[2] += is_bare
        count[3] += population if is_bare else 0
    return [
        Zone(key, f"{names[key]} ({key})" if by_department else names[key], *count)
        for key, count in counts.items()
    ]


@dataclass(frozen=True)
class ZoneRow:
    name: str
    communes: str
    communes_url: str
    bare_communes: str
    bare_url: str
    bare_population: str
    share: str


def zone_rows(
    coverage: Coverage, choices: Choices, page: str | None
) -> tuple[list[ZoneRow], Page[Any]]:
    """One page of the EPCI or of the départements, those with most bare inhabitants first."""
    listed = zones(coverage, choices.view)
    if choices.view == BY_INTERCOMMUNALITY and choices.department:
        here = {one.siren for one in coverage.communes if one.department == choices.department}
        listed = [one for one in listed if one.key in here]
    if choices.order == BY_NAME:
        listed = sorted(listed, key=lambda one: (one.name, one.key))
    else:
        listed = sorted(listed, key=lambda one: (-one.bare_population, one.name, one.key))
    shown = Paginator(listed, PAGE_SIZE).get_page(page)
    return [_zone_row(one, choices) for one in shown], shown


def _zone_row(zone: Zone, choices: Choices) -> ZoneRow:
    here = {"department": zone.key, "siren": ""}
    if choices.view == BY_INTERCOMMUNALITY:
        here = {"department": "", "siren": zone.key}
    return ZoneRow(
        name=zone.name,
        communes=figure(zone.communes),
        communes_url=choices.url(view=BY_COMMUNE, status=None, **here),
        bare_communes=figure(zone.bare_communes),
        bare_url=choices.url(view=BY_COMMUNE, status=Status.NOTHING, **here),
        bare_population=figure(zone.bare_population),
        share=share(zone.bare_population, zone.population),
    )


# --- Communes ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class CommuneRow:
    name: str
    code: str
    place: str
    population: str
    label: str
    letter: str
    status: Status
    holders: list[Holder]
    # « et 3 autres », when there are more than a row shows.
    more: str


def listed(coverage: Coverage, choices: Choices) -> list[Covered]:
    """The communes that the choices keep, in their order."""
    found: Iterable[Covered] = coverage.communes
    if choices.status is not None:
        found = (one for one in found if one.status == choices.status)
    if choices.department:
        found = (one for one in found if one.department == choices.department)
    if choices.siren:
        found = (one for one in found if one.siren == choices.siren)
    # They come by population.
    if choices.order == BY_NAME:
        return sorted(found, key=lambda one: (one.name_key, one.code))
    return list(found)


def commune_rows(
    coverage: Coverage, choices: Choices, user: User, page: str | None
) -> tuple[list[CommuneRow], Page[Any]]:
    """One page of the communes, each with who holds it, in two queries."""
    shown = Paginator(listed(coverage, choices), PAGE_SIZE).get_page(page)
    bare = Status.NOTHING
    held = read_holders(
        [one.code for one in shown if one.status != bare], user, choices.on, most=MOST_HOLDERS
    )
    return [_commune_row(one, coverage, held.get(one.code, Holders())) for one in shown], shown


def _commune_row(one: Covered, coverage: Coverage, holders: Holders) -> CommuneRow:
    place = f"{coverage.departments.get(one.department, '')} ({one.department})"
    if one.siren:
        place = f"{coverage.intercommunalities[one.siren]}, {place}"
    label = LABELS[one.status]
    more = holders.total - len(holders.shown)
    return CommuneRow(
        name=one.name,
        code=one.code,
        place=place,
        population="non publiée" if one.population is None else figure(one.population),
        label=f"{label}, en partie" if one.is_partial else label,
        letter=LETTERS[one.status],
        status=one.status,
        holders=holders.shown,
        more=f"et {more} autre{'s' if more > 1 else ''}" if more > 0 else "",
    )


def in_words(choices: Choices, coverage: Coverage) -> str:
    """What narrows the list, « Lettre déposée, Tarn (81) »; empty when nothing does."""
    said = []
    if choices.status is not None:
        said.append(LABELS[choices.status])
    if choices.department:
        name = coverage.departments.get(choices.department, "département inconnu")
        said.append(f"{name} ({choices.department})")
    if choices.siren:
        said.append(coverage.intercommunalities.get(choices.siren, "intercommunalité inconnue"))
    return ", ".join(said)
