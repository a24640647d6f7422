"""The printed map of a territory, from the communes a deposit froze and the outlines of the day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils import timezone

from cpts_portal.words import NBSP, figure
from territories.checks import names
from territories.contours import current_contours
from territories.geometry import Graph, pieces
from territories.map_svg import MOST_NEIGHBOURS, Outline, around, draw, draw_shades, frames
from territories.models import Commune, CommuneOutline, ContourSet, Department
from territories.outlines import decode

_COLUMNS: Final = (
    "commune_id",
    "commune__name",
    "department_id",
    "commune__population",
    "west",
    "south",
    "east",
    "north",
    "label_x",
    "label_y",
    "rings",
)
_NAMED_DEPARTMENTS: Final = 6


@dataclass(frozen=True)
class TerritoryMap:
    """The drawing, what stands for it where it cannot be seen, and the text below it."""

    svg: str
    description: str
    caption: str


def printed_map(lines: Iterable[tuple[str, str]], *, cog_year: int | None) -> TerritoryMap | None:
    """The map of (INSEE code, name of the part or nothing) lines, in five queries.

    `cog_year` is the year of the communes. None without outlines: the document does without.
    """
    contours = current_contours()
    if contours is None:
        return None
    by_part: dict[str, bool] = {}
    for code, part in lines:
        by_part[code] = bool(part)
    rows = CommuneOutline.objects.filter(commune__in=list(by_part))
    graph = dict(rows.values_list("commune_id", "neighbours"))
    if not graph:
        return None
    inside = _read(rows.order_by("commune_id"))
    outlines = [*inside, *_around(inside, graph)]
    departments = dict(
        Department.objects.filter(pk__in={one.department for one in outlines}).values_list(
            "code", "name"
        )
    )
    parts = {code for code, is_part in by_part.items() if is_part}
    missing = sorted(by_part.keys() - graph.keys())
    description = _description(by_part, len(pieces(by_part, graph)), inside, departments, missing)
    return TerritoryMap(
        svg=draw(
            outlines,
            whole=by_part.keys() - parts,
            parts=parts,
            departments=departments,
            description=description,
        ),
        description=description,
        caption=_caption(contours, cog_year, missing, has_parts=bool(parts)),
    )


def shaded_map(shades: Mapping[str, str], *, description: str) -> str:
    """A map for a screen with each commune in its colour, by INSEE code, in two queries or three.

    Empty without outlines.
    """
    inside = _read(CommuneOutline.objects.filter(commune__in=list(shades)).order_by("commune_id"))
    if not inside:
        return ""
    return draw_shades([*inside, *_around(inside, {})], shades=shades, description=description)


def _read(rows: Any) -> list[Outline]:
    return [
        Outline(
            code,
            name,
            department,
            population or 0,
            (west, south, east, north),
            (x, y),
            decode(rings),
        )
        for code, name, department, population, west, south, east, north, x, y, rings in (
            rows.values_list(*_COLUMNS)
        )
    ]


def _around(inside: Sequence[Outline], graph: Graph) -> list[Outline]:
    """What the frames show beside the territory, in one query."""
    targets = frames([outline.box for outline in inside])
    seen = Q()
    for target in targets:
        west, south, east, north = around(target, frame_count=len(targets))
        seen |= Q(west__lte=east, east__gte=west, south__lte=north, north__gte=south)
    others = CommuneOutline.objects.filter(seen).exclude(
        commune__in=[outline.code for outline in inside]
    )
    found = _read(others.order_by("commune_id")[: MOST_NEIGHBOURS + 1])
    if len(found) <= MOST_NEIGHBOURS:
        return found
    # A country in one frame: what touches the territory, and nothing farther.
    near = {code for around_one in graph.values() for code in around_one}
    return _read(others.filter(commune__in=near).order_by("commune_id"))


def _description(
    codes: Mapping[str, bool],
    piece_count: int,
    inside: Sequence[Outline],
    departments: Mapping[str, str],
    missing: Sequence[str],
) -> str:
    """« Carte : 45 communes d’un seul tenant, Tarn (81). Les plus peuplées : Gaillac, Lavaur. »"""
    count = len(codes)
    if count == 1:
        what = f"1{NBSP}commune"
    elif missing:
        what = f"{figure(count)}{NBSP}communes"
    elif piece_count == 1:
        what = f"{figure(count)}{NBSP}communes d’un seul tenant"
    else:
        what = f"{figure(count)}{NBSP}communes en {piece_count}{NBSP}morceaux"
    where = sorted({one.department for one in inside})
    listed = [f"{departments.get(code, code)} ({code})" for code in where[:_NAMED_DEPARTMENTS]]
    more = len(where) - len(listed)
    if more > 0:
        listed.append(f"et {more} autres départements" if more > 1 else "et un autre département")
    largest = sorted(inside, key=lambda one: (-one.population, one.code))[:3]
    label = "Commune" if count == 1 else "Les plus peuplées"
    return (
        f"Carte{NBSP}: {what}, {', '.join(listed)}. "
        f"{label}{NBSP}: {', '.join(one.name for one in largest)}."
    )


def _caption(
    contours: ContourSet, cog_year: int | None, missing: Sequence[str], *, has_parts: bool
) -> str:
    said = ["Le territoire est hachuré, en trait épais, parmi les communes voisines"]
    if has_parts:
        said.append(
            f"hachures penchées dans l’autre sens et en tirets{NBSP}: commune prise en partie"
        )
    said.append(f"tirets entre les communes{NBSP}: limites de départements")
    text = f"{f'{NBSP}; '.join(said)}."
    if missing:
        known = {one.code: one for one in Commune.objects.filter(pk__in=missing)}
        text += f" Sans contour, non dessinées{NBSP}: {names(missing, known)}."
    host = urlsplit(contours.source).hostname if contours.source.startswith("https://") else ""
    text += (
        f" Source{NBSP}: contours communaux{f' de {host}' if host else ''} chargés sur le portail "
        f"le {timezone.localdate(contours.loaded_at):%d/%m/%Y}"
    )
    return f"{text}, communes au 1er janvier {cog_year} (INSEE)." if cog_year else f"{text}."
