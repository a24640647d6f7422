"""The map of a territory for paper: one self-contained drawing, black on white.

Pure functions from outlines to SVG 1.1: lines, texts and clipping, no style sheet, no pattern,
so that any engine draws it alike. Corners are rounded to the drawing's own grid before anything
else: a border shared by two communes is then one line, drawn once, whoever it belongs to.
A territory in pieces far apart has one frame for each.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import ceil, cos, floor, hypot, radians
from typing import Final

from territories.outlines import STEPS_PER_DEGREE, Ring

Point = tuple[int, int]
Edge = tuple[Point, Point]
# West, south, east and north, in steps of the grid.
Bounds = tuple[int, int, int, int]
# Left, top, right and bottom, in units of the drawing.
Box = tuple[float, float, float, float]

# A unit of the drawing is a fifth of a millimetre.
UNITS_PER_MM: Final = 5
WIDTH: Final = 174 * UNITS_PER_MM
_HEIGHTS: Final = (90 * UNITS_PER_MM, 128 * UNITS_PER_MM)
_GAP: Final = 3 * UNITS_PER_MM
_MOST_FRAMES: Final = 6
# What is drawn around the territory: a share of its size, and at least this many kilometres.
_MARGIN_SHARE: Final = 0.12
_MARGIN_KM: Final = 3.0
_KM_PER_STEP: Final = 111.32 / STEPS_PER_DEGREE
# Pieces farther from each other than this, and than once and a half their size, part.
_APART_KM: Final = 15.0
_APART_SHARE: Final = 1.5
# Beyond this many neighbours, only those that touch the territory are drawn.
MOST_NEIGHBOURS: Final = 2_000
_HATCH: Final = 9
_PART_HATCH: Final = 16
_NAME_SIZE: Final = 13
_DEPARTMENT_SIZE: Final = 14
_MOST_NAMES: Final = 14
_MOST_NAMES_AROUND: Final = 6
# Width of a letter as a share of its height, on the safe side.
_LETTER: Final = 0.57
_SCALES_KM: Final = (0.5, 1, 2, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Outline:
    """A commune to draw: `box` and `label` (where its name goes) in steps of the grid."""

    code: str
    name: str
    department: str
    population: int
    box: Bounds
    label: tuple[int, int]
    rings: Sequence[Ring]


def frames(boxes: Collection[Bounds]) -> list[Bounds]:
    """What the frames of the map must hold, in steps: one box, or one for each far piece."""
    groups = list(dict.fromkeys(boxes))
    limit = _APART_KM / _KM_PER_STEP
    groups = _merged(groups, lambda _one, _other: limit)
    groups = _merged(groups, lambda one, other: _APART_SHARE * max(_size(one), _size(other)))
    while len(groups) > _MOST_FRAMES:
        pairs = [(one, other) for rank, one in enumerate(groups) for other in groups[:rank]]
        one, other = min(pairs, key=lambda pair: _distance(*pair))
        groups = [group for group in groups if group not in {one, other}] + [_around(one, other)]
    return sorted(groups, key=lambda box: (-_size(box), box))


def around(box: Bounds, *, frame_count: int = 1) -> Bounds:
    """The box as its frame shows it, with its margin and the shape of the paper."""
    west, south, east, north = box
    narrow = _narrow(box)
    margin = max(_MARGIN_KM / _KM_PER_STEP, _MARGIN_SHARE * _size(box))
    width, height = (east - west) * narrow + 2 * margin, north - south + 2 * margin
    least, most = _proportions(frame_count)
    width = max(width, height / most)
    height = max(height, width * least)
    x, y = (west + east) / 2, (south + north) / 2
    return (
        round(x - width / narrow / 2),
        round(y - height / 2),
        round(x + width / narrow / 2),
        round(y + height / 2),
    )


def draw(
    outlines: Sequence[Outline],
    *,
    whole: Collection[str],
    parts: Collection[str] = (),
    departments: Mapping[str, str],
    description: str,
) -> str:
    """The map as an `<svg>` element.

    `outlines` are the communes of the territory and those around it; `whole` and `parts` are the
    INSEE codes of those in it, whole or by parts; `departments` the names by code. Empty when
    no commune of the territory has an outline.
    """
    inside = {*whole, *parts}
    boxes = [outline.box for outline in outlines if outline.code in inside]
    if not boxes:
        return ""
    targets = frames(boxes)
    columns = 1 if len(targets) == 1 else 2 if len(targets) <= 4 else 3
    width = (WIDTH - (columns - 1) * _GAP) // columns
    drawn = []
    left = top = row_height = 0
    for rank, target in enumerate(targets):
        view = around(target, frame_count=len(targets))
        frame = _Frame(view, width=width, rank=rank)
        if rank and rank % columns == 0:
            left, top, row_height = 0, top + row_height + _GAP, 0
        body = "".join(frame.elements(outlines, set(whole), set(parts), departments))
        drawn.append(f'<g transform="translate({left} {top})">{body}</g>')
        left += width + _GAP
        row_height = max(row_height, frame.height)
    height = top + row_height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{WIDTH / UNITS_PER_MM:g}mm"'
        f' height="{height / UNITS_PER_MM:g}mm" viewBox="0 0 {WIDTH} {height}" role="img"'
        f' font-family="Marianne, DejaVu Sans, sans-serif"><title>{escape(description)}</title>'
        f"{''.join(drawn)}</svg>"
    )


def draw_shades(outlines: Sequence[Outline], *, shades: Mapping[str, str], description: str) -> str:
    """A map for a screen: each commune of `shades` filled with its colour, those around bare.

    `shades` are colours by INSEE code. Empty when none of these communes has an outline.
    """
    boxes = [outline.box for outline in outlines if outline.code in shades]
    if not boxes:
        return ""
    targets = frames(boxes)
    whole = targets[0] if len(targets) == 1 else _bounds(targets)
    frame = _Frame(around(whole), width=WIDTH, rank=0)
    body = "".join(frame.shaded(outlines, shades))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{WIDTH}"'
        f' height="{frame.height}" viewBox="0 0 {WIDTH} {frame.height}" role="img"'
        f' font-family="Marianne, DejaVu Sans, sans-serif"><title>{escape(description)}</title>'
        f"{body}</svg>"
    )


def _bounds(boxes: Iterable[Bounds]) -> Bounds:
    wests, souths, easts, norths = zip(*boxes, strict=True)
    return min(wests), min(souths), max(easts), max(norths)


# --- Frames --------------------------------------------------------------------------------


def _proportions(frame_count: int) -> tuple[float, float]:
    """The least and the greatest height of a frame, as a share of its width."""
    if frame_count == 1:
        return _HEIGHTS[0] / WIDTH, _HEIGHTS[1] / WIDTH
    return 0.9, 0.9


def _narrow(box: Bounds) -> float:
    """How much shorter a step is from west to east than from south to north."""
    return max(cos(radians((box[1] + box[3]) / 2 / STEPS_PER_DEGREE)), 0.1)


def _size(box: Bounds) -> float:
    return max((box[2] - box[0]) * _narrow(box), box[3] - box[1])


def _distance(one: Bounds, other: Bounds) -> float:
    across = max(one[0] - other[2], other[0] - one[2], 0) * _narrow(one)
    up = max(one[1] - other[3], other[1] - one[3], 0)
    return max(across, up)


def _around(one: Bounds, other: Bounds) -> Bounds:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def _merged(groups: Iterable[Bounds], reach: Callable[[Bounds, Bounds], float]) -> list[Bounds]:
    """The boxes, those within reach of each other made one."""
    done: list[Bounds] = []
    waiting = list(groups)
    while waiting:
        box = waiting.pop()
        near = [other for other in done if _distance(box, other) <= reach(box, other)]
        if not near:
            done.append(box)
            continue
        done = [other for other in done if other not in near]
        for other in near:
            box = _around(box, other)
        # Larger now, it may reach others.
        waiting.append(box)
    return done


class _Frame:
    """One frame of the map: what it shows, and where a corner of the grid falls in it."""

    def __init__(self, view: Bounds, *, width: int, rank: int) -> None:
        self.view = view
        self.width = width
        self.rank = rank
        self.narrow = _narrow(view)
        self.scale = width / ((view[2] - view[0]) * self.narrow)
        self.height = round((view[3] - view[1]) * self.scale)
        self.taken: list[Box] = []

    def place(self, x: int, y: int) -> Point:
        return (
            round((x - self.view[0]) * self.narrow * self.scale),
            round((self.view[3] - y) * self.scale),
        )

    def shows(self, box: Bounds) -> bool:
        west, south, east, north = self.view
        return box[0] <= east and box[2] >= west and box[1] <= north and box[3] >= south

    def elements(
        self,
        outlines: Sequence[Outline],
        whole: set[str],
        parts: set[str],
        departments: Mapping[str, str],
    ) -> Iterator[str]:
        seen = [outline for outline in outlines if self.shows(outline.box)]
        owners: dict[Edge, list[Outline]] = {}
        for outline in seen:
            for ring in outline.rings:
                for edge in self._edges(ring):
                    owners.setdefault(edge, []).append(outline)
        inside = whole | parts
        layers: dict[str, list[Edge]] = {
            name: [] for name in ("around", "within", "limit", "outline", "both", "whole", "parts")
        }
        for edge, sides in owners.items():
            self._sort(edge, sides, inside, parts, layers)
        clip = f"cadre-{self.rank}"
        rectangle = f'<rect width="{self.width}" height="{self.height}"'
        yield f'<clipPath id="{clip}">{rectangle}/></clipPath>'
        yield f'<g clip-path="url(#{clip})" fill="none" stroke-linejoin="round">'
        yield _path(layers["around"], 'stroke="#8a8a8a" stroke-width=".8"')
        # The fill and its hatching are drawn from what encloses them, whole and parts apart.
        yield _path(layers["whole"], 'fill="#e2e2e2" fill-rule="evenodd"', is_area=True)
        yield self._hatched(layers["whole"], _HATCH, 'stroke="#5a5a5a" stroke-width=".9"')
        yield self._hatched(
            layers["parts"],
            _PART_HATCH,
            'stroke="#5a5a5a" stroke-width="1.4" stroke-dasharray="5 4"',
            falls=False,
        )
        yield _path(layers["within"], 'stroke="#4a4a4a" stroke-width=".9"')
        yield _path(layers["limit"], 'stroke="#000" stroke-width="1.8" stroke-dasharray="9 5"')
        yield _path(layers["outline"], 'stroke="#000" stroke-width="4.2"')
        yield _path(layers["both"], 'stroke="#fff" stroke-width="1.5" stroke-dasharray="9 5"')
        yield "</g>"
        yield f'{rectangle} fill="none" stroke="#000" stroke-width="1"/>'
        yield self._scale_bar()
        yield self._north()
        yield from self._department_names(seen, inside, departments)
        yield from self._names(seen, inside)

    def shaded(self, outlines: Sequence[Outline], shades: Mapping[str, str]) -> Iterator[str]:
        """The communes of a map of shades, then their names."""
        seen = [outline for outline in outlines if self.shows(outline.box)]
        rectangle = f'<rect width="{self.width}" height="{self.height}"'
        yield f'<clipPath id="cadre">{rectangle}/></clipPath>'
        yield f'{rectangle} fill="#fff"/><g clip-path="url(#cadre)" stroke-linejoin="round">'
        # Those outside first: the borders of the territory cover theirs.
        for one in sorted(seen, key=lambda outline: outline.code in shades):
            edges = [edge for ring in one.rings for edge in self._edges(ring)]
            if one.code in shades:
                style = f'fill="{shades[one.code]}" stroke="#161616" stroke-width="1.6"'
            else:
                style = 'fill="#f6f6f6" stroke="#bbb" stroke-width=".8"'
            yield _path(edges, f'{style} fill-rule="evenodd"', is_area=True)
        yield "</g>"
        yield self._scale_bar()
        yield from self._names(seen, set(shades))

    def _edges(self, ring: Ring) -> Iterator[Edge]:
        """The sides of a ring on the drawing, without those nobody would see."""
        corners = [self.place(*corner) for corner in ring]
        corners.append(corners[0])
        for one, other in pairwise(corners):
            if one != other:
                yield (one, other) if one < other else (other, one)

    def _is_out(self, edge: Edge) -> bool:
        (x1, y1), (x2, y2) = edge
        return (
            (x1 < 0 and x2 < 0)
            or (y1 < 0 and y2 < 0)
            or (x1 > self.width and x2 > self.width)
            or (y1 > self.height and y2 > self.height)
        )

    def _sort(
        self,
        edge: Edge,
        sides: Sequence[Outline],
        inside: set[str],
        parts: set[str],
        layers: dict[str, list[Edge]],
    ) -> None:
        count = sum(side.code in inside for side in sides)
        count_parts = sum(side.code in parts for side in sides)
        # Sides met an odd number of times enclose: the rings they make are always closed.
        if (count - count_parts) % 2:
            layers["whole"].append(edge)
        if count_parts % 2:
            layers["parts"].append(edge)
        if self._is_out(edge):
            return
        is_limit = len({side.department for side in sides}) > 1
        if count % 2:
            layers["outline"].append(edge)
            if is_limit:
                layers["both"].append(edge)
        elif is_limit:
            layers["limit"].append(edge)
        else:
            layers["within" if count else "around"].append(edge)

    def _hatched(self, edges: Iterable[Edge], gap: int, style: str, *, falls: bool = True) -> str:
        """Slanting lines, one every `gap` units, inside what the edges enclose."""
        sign = -1 if falls else 1
        first = gap // 2 + 0.5
        met: dict[int, list[float]] = {}
        for (x1, y1), (x2, y2) in edges:
            u1, u2 = x1 + sign * y1, x2 + sign * y2
            if u1 == u2:
                continue
            v1, v2 = x1 - sign * y1, x2 - sign * y2
            low, high = (u1, u2) if u1 < u2 else (u2, u1)
            # Halfway between two corners of the grid: a line never runs through one.
            for rank in range(ceil((low - first) / gap), floor((high - first) / gap) + 1):
                share = (rank * gap + first - u1) / (u2 - u1)
                met.setdefault(rank, []).append(v1 + (v2 - v1) * share)
        data = []
        for rank, crossings in sorted(met.items()):
            u = rank * gap + gap // 2
            crossings.sort()
            for start, end in zip(crossings[::2], crossings[1::2], strict=False):
                length = round((end - start) / 2)
                if length:
                    x = round((u + start) / 2)
                    y = sign * (u - x)
                    data.append(f"M{x} {y}l{length} {-sign * length}".replace(" -", "-"))
        return f'<path {style} d="{"".join(data)}"/>' if data else ""

    # --- Words -------------------------------------------------------------------------

    def _scale_bar(self) -> str:
        """A bar of a round number of kilometres, a quarter of the frame at most."""
        per_km = self.scale / _KM_PER_STEP
        km = max((one for one in _SCALES_KM if one * per_km <= self.width / 4), default=0.5)
        length = round(km * per_km)
        label = f"{km:g}\u00a0km".replace(".", ",")
        x, y = 12, self.height - 14
        self.taken.append((0, y - 28, x + length + 16, self.height))
        return (
            f'<rect x="6" y="{y - 24}" width="{length + 12}" height="32" fill="#fff"'
            ' fill-opacity=".9"/>'
            f'<path fill="none" stroke="#000" stroke-width="2"'
            f' d="M{x} {y - 6}v6h{length}v-6"/>'
            f'<text x="{x + length / 2:g}" y="{y - 8}" font-size="12" text-anchor="middle">'
            f"{label}</text>"
        )

    def _north(self) -> str:
        x, y = self.width - 24, 12
        self.taken.append((x - 18, 0, self.width, y + 52))
        return (
            f'<rect x="{x - 14}" y="{y - 4}" width="28" height="52" fill="#fff"'
            ' fill-opacity=".9"/>'
            f'<path fill="#000" d="M{x} {y}l9 28l-9-7l-9 7z"/>'
            f'<text x="{x}" y="{y + 43}" font-size="14" font-weight="700" text-anchor="middle">'
            "N</text>"
        )

    def _department_names(
        self, seen: Sequence[Outline], inside: set[str], departments: Mapping[str, str]
    ) -> Iterator[str]:
        """Each département's name near the middle of what is seen of it, when there are several."""
        spots: dict[str, list[tuple[int, int, bool]]] = {}
        for outline in seen:
            x, y = self.place(*outline.label)
            if 0 <= x <= self.width and 0 <= y <= self.height:
                spot = x, y, outline.code in inside
                spots.setdefault(outline.department, []).append(spot)
        if len(spots) < 2:
            return
        for code, places in sorted(spots.items(), key=lambda pair: -len(pair[1])):
            middle = (
                sum(x for x, _, _ in places) / len(places),
                sum(y for _, y, _ in places) / len(places),
            )
            # Outside the territory where it can be: the names of its communes are there.
            places.sort(key=lambda at: (at[2], hypot(at[0] - middle[0], at[1] - middle[1])))
            name = departments.get(code, code).upper()
            for x, y, _ in places:
                if box := self._room(name, x, y, _DEPARTMENT_SIZE * 1.3):
                    style = f'font-size="{_DEPARTMENT_SIZE}" fill="#333" letter-spacing="2"'
                    yield _text(name, x, y, box, style)
                    break

    def _names(self, seen: Sequence[Outline], inside: set[str]) -> Iterator[str]:
        """The names of the most populous communes, of the territory first, where they fit."""
        ranked = sorted(seen, key=lambda one: (-one.population, one.code))
        for names, most, style in (
            ([one for one in ranked if one.code in inside], _MOST_NAMES, 'font-weight="700"'),
            ([one for one in ranked if one.code not in inside], _MOST_NAMES_AROUND, 'fill="#333"'),
        ):
            written = 0
            for one in names:
                if written == most:
                    break
                x, y = self.place(*one.label)
                if box := self._room(one.name, x, y, _NAME_SIZE):
                    yield _text(one.name, x, y, box, f'font-size="{_NAME_SIZE}" {style}')
                    written += 1

    def _room(self, words: str, x: int, y: int, size: float) -> Box | None:
        """The box of a text centred there, kept for it; None where it would cover another."""
        half = len(words) * size * _LETTER / 2
        box = (x - half - 2, y - size * 0.7, x + half + 2, y + size * 0.7)
        if box[0] < 0 or box[1] < 0 or box[2] > self.width or box[3] > self.height:
            return None
        for other in self.taken:
            if box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]:
                return None
        self.taken.append(box)
        return box


def _text(words: str, x: int, y: int, box: Box, style: str) -> str:
    return (
        f'<rect x="{box[0]:.0f}" y="{box[1]:.0f}" width="{box[2] - box[0]:.0f}"'
        f' height="{box[3] - box[1]:.0f}" rx="3" fill="#fff" fill-opacity=".82"/>'
        f'<text x="{x}" y="{y + 4.5:g}" text-anchor="middle" {style}>{escape(words)}</text>'
    )


# --- Lines ---------------------------------------------------------------------------------


def _path(edges: Sequence[Edge], style: str, *, is_area: bool = False) -> str:
    """The edges joined end to end, as one path; an area is made of closed rings."""
    data = "".join(_line(line) for line in _joined(edges, through_forks=is_area))
    return f'<path {style} d="{data}"/>' if data else ""


def _joined(edges: Iterable[Edge], *, through_forks: bool) -> Iterator[list[Point]]:
    """Lines from one fork to the next, then the rings that have none.

    Through forks, lines end only where nothing is left: edges that enclose give closed rings.
    """
    ends: dict[Point, list[Point]] = {}
    for one, other in edges:
        ends.setdefault(one, []).append(other)
        ends.setdefault(other, []).append(one)
    forks = set() if through_forks else {at for at, others in ends.items() if len(others) != 2}
    for start in [*forks, *ends]:
        while ends[start]:
            line = [start]
            while ends[line[-1]]:
                following = ends[line[-1]].pop()
                ends[following].remove(line[-1])
                line.append(following)
                if following in forks:
                    break
            yield line


def _line(line: Sequence[Point]) -> str:
    """The line as path data, without the corners where it goes straight on."""
    kept = [line[0]]
    for here, following in pairwise(line[1:]):
        (x, y), before = here, kept[-1]
        if (x - before[0]) * (following[1] - y) != (y - before[1]) * (following[0] - x):
            kept.append(here)
    kept.append(line[-1])
    steps = " ".join(f"{x2 - x1} {y2 - y1}" for (x1, y1), (x2, y2) in pairwise(kept))
    data = f"M{kept[0][0]} {kept[0][1]}l{steps}".replace(" -", "-")
    return f"{data}z" if line[0] == line[-1] else data
