"""What the pages say of a territory: its figures in words, its lines under their département."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape as _e
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.formats import number_format
from django.utils.safestring import SafeString

from accounts.models import User
from cpts_portal.composed import Composed
from cpts_portal.memo import Memo
from cpts_portal.words import figure
from procedures.schema import Procedure
from territories.models import (
    Commune,
    Department,
    DepartmentOutline,
    Intercommunality,
    Territory,
)
from territories.population import DepartmentShare, TerritorySummary
from workflow.overlaps import known_neighbours
from writing.models import WrittenCase

NBSP = "\u00a0"
# Beyond this many communes the page opens one département at a time.
MAX_OPEN_LINES = 300


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


class Line(NamedTuple):
    """One line of a territory: a whole commune, or a named part of it.

    `population` is the commune's and `part_population` the part's, in inhabitants, None where
    nobody gives it.
    """

    pk: int
    code: str
    name: str
    # Separated by commas.
    postal_codes: str
    population: int | None
    part_name: str
    part_population: int | None


@dataclass(frozen=True)
class Group:
    """One département, and the rows of its table as HTML: None while it is folded."""

    share: DepartmentShare
    label: str
    rows: SafeString | None


# The lines that a page shows, by département.
Lines = tuple[tuple[str, tuple[Line, ...]], ...]


def read_lines(territory: Territory, summary: TerritorySummary, opened: str = "") -> Lines:
    """The territory's lines by département, in one query.

    Those of a large territory are left out, but for the département `opened`.
    """
    folded = summary.commune_count > MAX_OPEN_LINES
    if folded and not opened:
        return ()
    return _lines(territory, opened if folded else None)


def groups(
    lines: Lines, summary: TerritorySummary, *, may_edit: bool, standalone: bool
) -> list[Group]:
    """The départements of a territory, those that have no `lines` folded.

    `standalone`: on the territory's own page, whose form takes lines away; inside a step the
    script does.
    """
    by_department = dict(lines)

    def rows(department: str) -> SafeString | None:
        if department not in by_department:
            return None
        return _rows(by_department[department], may_edit=may_edit, standalone=standalone)

    return [
        Group(
            share,
            f"{share.name} ({share.code}){NBSP}: "
            f"{plural(share.commune_count, 'commune', 'communes')}, "
            f"{plural(share.population, 'habitant', 'habitants')}",
            rows(share.code),
        )
        for share in sorted(summary.departments, key=lambda share: share.code)
    ]


# Written by hand: as models, two hundred communes take ten times as long.
_LINES = """
    SELECT commune.department_id, part.id, commune.code, commune.name,
           array_to_string(commune.postal_codes, ', '), commune.population,
           part.part_name, part.part_population
      FROM territories_territorypart AS part
      JOIN territories_commune AS commune ON commune.code = part.commune_id
     WHERE part.territory_id = %(territory)s
       AND (%(department)s::text IS NULL OR commune.department_id = %(department)s)
     ORDER BY commune.name_key, commune.code, part.part_name
"""


def _lines(territory: Territory, department: str | None) -> Lines:
    """The lines by département, of one département when it is given."""
    found: dict[str, list[Line]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LINES, {"territory": territory.pk, "department": department})
        for code, *line in cursor.fetchall():
            found.setdefault(code, []).append(Line(*line))
    return tuple((code, tuple(lines)) for code, lines in found.items())


# About fifty territories of two hundred communes.
_kept_rows = Memo[SafeString](limit=8_000_000, weigh=len)


def _rows(lines: tuple[Line, ...], *, may_edit: bool, standalone: bool) -> SafeString:
    """Written in Python rather than in a template, as `writing.markup` is, once for these lines."""
    pick = may_edit and standalone
    remove = (_REMOVE_HERE if standalone else _REMOVE_BY_SCRIPT) if may_edit else ""

    def drawn() -> SafeString:
        return SafeString("".join(_row(line, pick=pick, remove=remove) for line in lines))

    return _kept_rows.get((lines, pick, remove), drawn)


# What takes a line away: `{pk}` is the line, `{said}` what a screen reader adds.
_REMOVE_HERE = (
    '<button class="portal-link-button" type="submit" name="part" value="{pk}" data-remove>'
    'Retirer<span class="fr-sr-only"> {said}</span></button>'
)
_REMOVE_BY_SCRIPT = (
    '<button class="portal-link-button" type="button" hidden value="{pk}" data-remove>'
    'Retirer<span class="fr-sr-only"> {said}</span></button>'
)


def _row(line: Line, *, pick: bool, remove: str) -> str:
    name, part = _e(line.name), _e(line.part_name)
    if part:
        inhabitants, otherwise = line.part_population, "non indiqué"
        aside = f' <span class="portal-muted">(partie{NBSP}: {part})</span>'
    else:
        inhabitants, otherwise, aside = line.population, "non publié", ""
    chosen = (
        '<td class="territory-table__pick"><input type="checkbox" name="part"'
        f' value="{line.pk}" aria-label="Choisir {name}{f", {part}" if part else ""}"></td>'
        if pick
        else ""
    )
    taken_away = (
        f'<td class="territory-table__remove">'
        f"{remove.format(pk=line.pk, said=f'{name} {part}')}</td>"
        if remove
        else ""
    )
    return (
        f'<tr>{chosen}<th scope="row">{name}{aside}</th>'
        f'<td class="territory-table__code" data-label="INSEE">{line.code}</td>'
        '<td class="territory-table__code" data-label="Code postal">'
        f"{line.postal_codes}</td>"
        f'<td class="portal-number">{otherwise if inhabitants is None else figure(inhabitants)}'
        f"</td>{taken_away}</tr>"
    )


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


@dataclass(frozen=True)
class Gathering:
    """A département, or an EPCI that has a commune in it, as it would be added in one gesture."""

    # INSEE code of the département, SIREN of the EPCI.
    key: str
    name: str
    # « 14 communes, 49 881 habitants ».
    facts: str
    # « 3 communes sont déjà dans le territoire », or nothing.
    note: str
    is_there: bool


def gatherings(territory: Territory, code: str) -> tuple[Gathering, list[Gathering]] | None:
    """A département and its EPCI by name, in three queries; None for an unknown code.

    An EPCI counts all its communes, in another département too.
    """
    department = Department.objects.filter(pk=code).first()
    if department is None:
        return None
    communes = Commune.objects.filter(is_active=True, kind=Commune.Kind.COMMUNE)
    counts = {
        "communes": Count("pk"),
        "people": Coalesce(Sum("population"), 0),
        "there": Count(
            "pk", filter=Exists(territory.parts.filter(commune=OuterRef("pk")).values("pk"))
        ),
    }
    epci = Intercommunality.objects.filter(
        communes__department=department, communes__is_active=True
    )
    rows = (
        communes.filter(intercommunality__in=epci)
        .values("intercommunality_id", "intercommunality__name")
        .annotate(**counts)
        .order_by("intercommunality__name")
    )
    whole = communes.filter(department=department).aggregate(**counts)
    return _gathering(department.code, f"{department.name} ({department.code})", whole), [
        _gathering(row["intercommunality_id"], row["intercommunality__name"], row) for row in rows
    ]


def _gathering(key: str, name: str, counts: Mapping[str, Any]) -> Gathering:
    there, count = counts["there"], counts["communes"]
    people = plural(counts["people"], "habitant", "habitants")
    return Gathering(
        key,
        name,
        f"{plural(count, 'commune', 'communes')}, {people}",
        f"{plural(there, 'est', 'sont')} déjà dans le territoire" if there else "",
        is_there=there == count,
    )


def suggestion(territory: Territory, code: str) -> Whole | None:
    """The EPCI of a commune just added, unless all of it is there."""
    whole = _wholes_of([code]).get(code)
    if whole is None:
        return None
    left = Commune.objects.filter(intercommunality_id=whole.siren, is_active=True).exclude(
        territory_parts__territory=territory
    )
    return whole if left.exists() else None


_DEPARTMENTS: Final = Composed(
    lambda: Department.objects.annotate(
        is_drawn=Exists(DepartmentOutline.objects.filter(pk=OuterRef("pk")))
    ).values_list("code", "name", "is_drawn")
)


def departments() -> tuple[tuple[str, str, bool], ...]:
    """The départements to choose from: code, name, and whether the map can show it."""
    return tuple(_DEPARTMENTS.rows())


# Both lists, for each département that may be chosen in them.
_kept_options = Memo[SafeString](limit=2_000_000, weigh=len)


def department_options(
    found: tuple[tuple[str, str, bool], ...], chosen: str = "", *, on_map: bool = False
) -> SafeString:
    """The options of a list of départements, drawn once: of those of the map alone, or of all."""

    def drawn() -> SafeString:
        return SafeString(
            "".join(
                f'<option value="{code}"{" selected" if code == chosen else ""}>'
                f"{code} – {_e(name)}</option>"
                for code, name, is_drawn in found
                if is_drawn or not on_map
            )
        )

    # Not the text of an address: only a département can be chosen.
    known = chosen if chosen and any(code == chosen for code, *_ in found) else ""
    return _kept_options.get((found, known, on_map), drawn)


def map_codes(case: WrittenCase, user: User, drawn: Sequence[str] = ()) -> dict[str, Any]:
    """What the map of a territory fills, in a constant number of queries.

    `whole` and `parts` are INSEE codes; `departments` those of the territory, the one with most
    communes first; `others` the territories of other CPTS that the viewer may know of, in these
    départements and in those that are `drawn` beside them.
    """
    lines = case.community.territory.parts.values_list(
        "commune_id", "commune__department_id", "part_name"
    )
    by_department: dict[str, int] = {}
    whole, parts = [], set()
    for code, department, part_name in lines.order_by("commune_id"):
        by_department[department] = by_department.get(department, 0) + 1
        if part_name:
            parts.add(code)
        else:
            whole.append(code)
    departments = sorted(by_department, key=lambda code: (-by_department[code], code))
    return {
        "whole": whole,
        "parts": sorted(parts),
        "departments": departments,
        "others": known_neighbours(
            user, departments=[*departments, *drawn], community_id=case.community_id
        ),
    }
