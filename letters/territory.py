"""What the pages say of a territory: its figures in words, its lines under their département."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.formats import number_format

from procedures.schema import Procedure
from territories.models import (
    Commune,
    Department,
    DepartmentOutline,
    Intercommunality,
    Territory,
    TerritoryPart,
)
from territories.population import DepartmentShare, TerritorySummary

NBSP = "\u00a0"
# Beyond this many communes the page opens one département at a time.
MAX_OPEN_LINES = 300


def figure(number: int) -> str:
    """A number as French readers write it."""
    return number_format(number, use_l10n=True, force_grouping=True)


def plural(count: int, one: str, many: str) -> str:
    """« 1 commune », « 2 400 communes »."""
    return f"{figure(count)}{NBSP}{one if count <= 1 else many}"


@dataclass(frozen=True)
class Figures:
    """The territory in sentences, ready to be shown."""

    communes: str
    population: str
    source: str
    size: str
    size_note: str
    # Number of the size class from 1 to 4, 0 when there is none yet.
    size_rank: int
    floor: str
    declared: str
    caveats: tuple[str, ...]


def figures(summary: TerritorySummary, procedure: Procedure) -> Figures:
    size = next((o for o in procedure.size_rule.options if o.key == summary.size_class), None)
    return Figures(
        communes=_communes(summary),
        population=plural(summary.population, "habitant", "habitants"),
        source=_source(summary),
        size=size.label if size else "",
        size_note=procedure.size_rule.note,
        size_rank=int(size.key[1]) if size else 0,
        floor=procedure.floor.text if summary.below_floor and not summary.is_empty else "",
        declared=_declared(summary),
        caveats=_caveats(summary),
    )


def _communes(summary: TerritorySummary) -> str:
    if summary.is_empty:
        return "Aucune commune pour l’instant"
    text = plural(summary.commune_count, "commune", "communes")
    details = []
    if summary.arrondissement_count:
        details.append(plural(summary.arrondissement_count, "arrondissement", "arrondissements"))
    if summary.part_count:
        details.append(plural(summary.part_count, "partie de commune", "parties de commune"))
    return f"{text}, dont {' et '.join(details)}" if details else text


def _source(summary: TerritorySummary) -> str:
    if summary.population_year is None:
        return ""
    return (
        f"Population légale municipale {summary.population_year} de l’INSEE, "
        f"communes au 1er janvier {summary.cog_year}."
    )


def _declared(summary: TerritorySummary) -> str:
    if summary.declared_population is None:
        return ""
    gap = summary.gap or 0
    text = plural(summary.declared_population, "habitant", "habitants")
    if gap and summary.population:
        share = number_format(100 * abs(gap) / summary.population, 1, use_l10n=True)
        sign = "de plus" if gap > 0 else "de moins"
        text += f", soit {figure(abs(gap))} {sign} que le calcul ({share}{NBSP}%)"
    elif not gap:
        text += ", comme le calcul"
    return f"{text}. {summary.declared_population_reason}"


def _caveats(summary: TerritorySummary) -> tuple[str, ...]:
    said = []
    if summary.unknown_population_count:
        said.append(
            f"L’INSEE ne publie pas la population de "
            f"{plural(summary.unknown_population_count, 'commune', 'communes')}{NBSP}: "
            "le total est un minimum."
        )
    if summary.parts_without_figure:
        count = plural(summary.parts_without_figure, "partie de commune", "parties de commune")
        said.append(f"{count} sans nombre d’habitants{NBSP}: le total est un minimum.")
    return tuple(said)


# --- The lines -------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """The lines of one département; `lines` is None while it is folded."""

    share: DepartmentShare
    label: str
    lines: Sequence[TerritoryPart] | None


def groups(territory: Territory, summary: TerritorySummary, opened: str = "") -> list[Group]:
    """The territory's lines by département, in one query.

    A large territory comes folded but for the département `opened`.
    """
    folded = summary.commune_count > MAX_OPEN_LINES
    parts = territory.parts.select_related("commune").order_by(
        "commune__name_key", "commune_id", "part_name"
    )
    if folded:
        parts = parts.filter(commune__department_id=opened)
    by_department: dict[str, list[TerritoryPart]] = {}
    if opened or not folded:
        for part in parts:
            by_department.setdefault(part.commune.department_id, []).append(part)
    return [
        Group(
            share,
            f"{share.name} ({share.code}){NBSP}: "
            f"{plural(share.commune_count, 'commune', 'communes')}, "
            f"{plural(share.population, 'habitant', 'habitants')}",
            by_department.get(share.code) if share.code == opened or not folded else None,
        )
        for share in sorted(summary.departments, key=lambda share: share.code)
    ]


# --- What a search offers --------------------------------------------------------------


@dataclass(frozen=True)
class Whole:
    """An EPCI that can be added in one gesture."""

    siren: str
    name: str
    count: str


@dataclass(frozen=True)
class Offer:
    """A commune found, whether it is there already, and its EPCI."""

    code: str
    label: str
    population: str
    is_there: bool
    whole: Whole | None


def offers(text: str, territory: Territory) -> list[Offer]:
    """The communes that answer a search, in four queries whatever their number."""
    matches = Commune.objects.search(text)
    codes = [match.code for match in matches]
    there = set(
        territory.parts.filter(commune_id__in=codes, part_name="").values_list("commune", flat=True)
    )
    wholes = _wholes_of(codes)
    return [
        Offer(
            match.code,
            match.label,
            "" if match.population is None else plural(match.population, "habitant", "habitants"),
            match.code in there,
            wholes.get(match.code),
        )
        for match in matches
    ]


def intercommunalities(text: str) -> list[Whole]:
    return [_whole(found) for found in Intercommunality.objects.search(text)]


def _whole(intercommunality: Intercommunality) -> Whole:
    count = plural(intercommunality.commune_count, "commune", "communes")
    return Whole(intercommunality.siren, intercommunality.name, count)


def _wholes_of(codes: Sequence[str]) -> dict[str, Whole]:
    """The EPCI of each commune, with its number of communes."""
    sirens = dict(
        Commune.objects.filter(code__in=codes, intercommunality__isnull=False).values_list(
            "code", "intercommunality_id"
        )
    )
    found = {
        item.siren: _whole(item)
        for item in Intercommunality.objects.filter(siren__in=set(sirens.values())).annotate(
            commune_count=Count("communes", filter=Q(communes__is_active=True))  # type: ignore[no-redef]
        )
    }
    return {code: found[siren] for code, siren in sirens.items() if siren in found}


def suggestion(territory: Territory, code: str) -> Whole | None:
    """The EPCI of a commune just added, unless all of it is there."""
    whole = _wholes_of([code]).get(code)
    if whole is None:
        return None
    left = Commune.objects.filter(intercommunality_id=whole.siren, is_active=True).exclude(
        territory_parts__territory=territory
    )
    return whole if left.exists() else None


def departments() -> QuerySet[Any, Any]:
    """The départements to choose from; `is_drawn` are those the map can show."""
    drawn = DepartmentOutline.objects.filter(pk=OuterRef("pk"))
    return Department.objects.select_related("region").annotate(is_drawn=Exists(drawn))


def map_codes(territory: Territory) -> dict[str, Any]:
    """What the map of a territory fills, in one query.

    `whole` and `parts` are INSEE codes; `departments` those of the territory, the one with most
    communes first; `others` the territories of other CPTS that the viewer may know of.
    """
    lines = territory.parts.values_list("commune_id", "commune__department_id", "part_name")
    by_department: dict[str, int] = {}
    whole, parts = [], set()
    for code, department, part_name in lines.order_by("commune_id"):
        by_department[department] = by_department.get(department, 0) + 1
        if part_name:
            parts.add(code)
        else:
            whole.append(code)
    return {
        "whole": whole,
        "parts": sorted(parts),
        "departments": sorted(by_department, key=lambda code: (-by_department[code], code)),
        "others": [],
    }
