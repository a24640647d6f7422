"""The coverage of a région as files: JSON for the map, CSV, GeoJSON, SVG."""

import csv
import gzip
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape as _e
from io import StringIO
from typing import Any, Final

from accounts.models import User
from cpts_portal.words import NBSP, figure
from desks.coverage import Choices, figures, listed
from desks.exports import neutral
from territories.models import CommuneOutline, DepartmentOutline
from territories.outlines import STEPS_PER_DEGREE, Payload, decode
from workflow.coverage import (
    LABELS,
    LETTERS,
    Coverage,
    Covered,
    Holder,
    Holders,
    Status,
    known_statuses,
    public_names,
    read_holders,
)

Ring = list[tuple[int, int]]


def map_payload(coverage: Coverage) -> Payload:
    """What the map paints, as compressed JSON, the same for everyone who may look.

    `statuses`: for each status, the INSEE codes `whole` and in `parts`; a commune that is not
    there has no CPTS. `cpts` are the names of decided CPTS, `names` the rank of the one of each
    commune. `departments` those whose outlines are to be drawn.
    """
    if "payload" not in coverage.kept:
        coverage.kept["payload"] = _map_payload(coverage)
    return coverage.kept["payload"]


def _map_payload(coverage: Coverage) -> Payload:
    statuses: dict[str, dict[str, list[str]]] = {
        status: {"whole": [], "parts": []}
        for status in known_statuses()
        if status != Status.NOTHING
    }
    names = public_names(coverage)
    ranks: dict[int, int] = {}
    named: dict[str, int] = {}
    for one in coverage.communes:
        if one.status == Status.NOTHING:
            continue
        statuses[one.status]["parts" if one.is_partial else "whole"].append(one.code)
        if one.case_id in names:
            named[one.code] = ranks.setdefault(one.case_id, len(ranks))
    for kept in statuses.values():
        kept["whole"].sort()
        kept["parts"].sort()
    document = {
        "region": coverage.region,
        "date": coverage.on.isoformat() if coverage.on else None,
        "departments": sorted(
            DepartmentOutline.objects.filter(pk__in=coverage.departments).values_list(
                "pk", flat=True
            )
        ),
        "statuses": statuses,
        "cpts": [names[case] for case in ranks],
        "names": dict(sorted(named.items())),
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Payload(gzip.compress(text, compresslevel=9, mtime=0), sha256(text).hexdigest())


# --- CSV ----------------------------------------------------------------------------------------

HEADERS: Final = [
    "Code INSEE",
    "Commune",
    "Département",
    "Intercommunalité",
    "SIREN",
    "Population",
    "Statut",
    "En partie",
    "CPTS",
]


def coverage_csv(coverage: Coverage, choices: Choices, user: User) -> str:
    """The communes of the list, for a French spreadsheet: semicolons, and a mark of UTF-8."""
    written = StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(HEADERS)
    rows = listed(coverage, choices)
    held = read_holders(
        [one.code for one in rows if one.status != Status.NOTHING], user, coverage.on
    )
    for one in rows:
        writer.writerow(
            neutral(cell)
            for cell in (
                one.code,
                one.name,
                one.department,
                coverage.intercommunalities.get(one.siren, ""),
                one.siren,
                "" if one.population is None else one.population,
                LABELS[one.status],
                "oui" if one.is_partial else "non",
                " ; ".join(dict.fromkeys(holder.label for holder in _shown(held, one.code))),
            )
        )
    return "\ufeff" + written.getvalue()


def _shown(held: Mapping[str, Holders], code: str) -> list[Holder]:
    return held[code].shown if code in held else []


# --- GeoJSON ------------------------------------------------------------------------------------


def coverage_geojson(coverage: Coverage, choices: Choices, user: User) -> str:
    """The communes of the list as GeoJSON; without outlines, features have no geometry."""
    rows = listed(coverage, choices)
    held = read_holders(
        [one.code for one in rows if one.status != Status.NOTHING], user, coverage.on
    )
    outlines = _outlines(coverage)
    features = [
        {
            "type": "Feature",
            "properties": {
                "code": one.code,
                "nom": one.name,
                "departement": one.department,
                "epci": one.siren or None,
                "population": one.population,
                "statut": str(one.status),
                "statut_libelle": LABELS[one.status],
                "en_partie": one.is_partial,
                "cpts": list(dict.fromkeys(holder.label for holder in _shown(held, one.code))),
            },
            "geometry": _geometry(outlines[one.code]) if one.code in outlines else None,
        }
        for one in rows
    ]
    document = {"type": "FeatureCollection", "features": features}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _outlines(coverage: Coverage) -> dict[str, list[Ring]]:
    rows = CommuneOutline.objects.filter(department_id__in=coverage.departments)
    return {code: decode(rings) for code, rings in rows.values_list("commune_id", "rings")}


def _geometry(rings: Sequence[Ring]) -> dict[str, Any]:
    """A MultiPolygon: a ring inside an odd number of others is a hole of the smallest of them."""
    around = [[other for other in rings if other is not ring and _holds(other, ring[0])]
              for ring in rings]  # fmt: skip
    outer = {
        id(ring): [ring] for ring, held in zip(rings, around, strict=True) if not len(held) % 2
    }
    for ring, held in zip(rings, around, strict=True):
        if len(held) % 2:
            owner = min((one for one in held if id(one) in outer), key=_area)
            outer[id(owner)].append(ring)
    return {
        "type": "MultiPolygon",
        "coordinates": [
            [_degrees(ring, is_hole=rank > 0) for rank, ring in enumerate(polygon)]
            for polygon in outer.values()
        ],
    }


def _holds(ring: Ring, point: tuple[int, int]) -> bool:
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _signed_area(ring: Ring) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs) / 2


def _area(ring: Ring) -> float:
    return abs(_signed_area(ring))


def _degrees(ring: Ring, *, is_hole: bool) -> list[list[float]]:
    """Longitudes and latitudes, closed; an outer ring turns left, a hole right (RFC 7946)."""
    turned = ring if (_signed_area(ring) > 0) != is_hole else ring[::-1]
    closed = [*turned, turned[0]]
    return [[x / STEPS_PER_DEGREE, y / STEPS_PER_DEGREE] for x, y in closed]


# --- SVG ----------------------------------------------------------------------------------------

WIDTH: Final = 1_000
_MARGIN: Final = 24
_LEGEND: Final = 34
# A colour, and a pattern that says the same without it.
_FILLS: Final = {
    Status.CONTRACT: ("#12365c", ""),
    Status.PROJECT: ("#2f6ea8", "M0 0L8 8M-2 6L2 10M6 -2L10 2"),
    Status.ACCEPTED: ("#7fb0d8", "M0 8L8 0M-2 2L2 -2M6 10L10 6"),
    Status.FILED: ("#f2d7a6", "M1 1h2v2h-2zM5 5h2v2h-2z"),
    Status.NOTHING: ("#ffffff", ""),
}
_INKS: Final = {Status.PROJECT: "#ffffff", Status.ACCEPTED: "#12365c", Status.FILED: "#7a4a00"}


@dataclass(frozen=True)
class _Frame:
    """Where a place of the grid falls on the drawing."""

    west: int
    north: int
    across: float
    down: float

    def at(self, x: int, y: int) -> str:
        return f"{(x - self.west) * self.across + _MARGIN:.1f} {(self.north - y) * self.down:.1f}"


def coverage_svg(coverage: Coverage, *, region_name: str, day: str, source: str) -> str:
    """The map as a drawing of its own: patterns and letters as well as colours, legend, scale.

    Raises LookupError when the portal has no outline of the région.
    """
    outlines = _outlines(coverage)
    corners = [corner for rings in outlines.values() for ring in rings for corner in ring]
    if not corners:
        raise LookupError(coverage.region)
    west, east = min(x for x, _ in corners), max(x for x, _ in corners)
    south, north = min(y for _, y in corners), max(y for _, y in corners)
    narrowing = math.cos(math.radians((south + north) / 2 / STEPS_PER_DEGREE))
    across = (WIDTH - 2 * _MARGIN) / (east - west)
    frame = _Frame(west, north, across, across / narrowing)
    top = 84
    height = round((north - south) * frame.down) + top
    # A degree of latitude is 111.2 km.
    kilometre = frame.down * STEPS_PER_DEGREE / 111.2
    legend = _legend(coverage, height + 40)
    total = height + 40 + _LEGEND * len(known_statuses()) + 60
    shapes = "".join(
        f'<path class="{status}" fill="url(#{status})" d="{path}"/>'
        for status in known_statuses()
        if (path := _path(coverage, status, outlines, frame))
    )
    title = f"Couverture de la région {region_name}, {day}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" width="{WIDTH}" '
        f'height="{total}" font-family="Marianne, Arial, sans-serif">'
        f"<title>{_e(title)}</title><defs>{_patterns()}</defs>"
        f'<rect width="{WIDTH}" height="{total}" fill="#fff"/>'
        f'<text x="{_MARGIN}" y="40" font-size="26" font-weight="700" fill="#161616">'
        f"{_e(title)}</text>"
        f'<text x="{_MARGIN}" y="64" font-size="15" fill="#3a3a3a">{_e(source)}</text>'
        f'<g transform="translate(0 {top})" stroke="#5a5a5a" stroke-width=".35" '
        f'fill-rule="evenodd">{shapes}</g>'
        f"{_scale(kilometre, height + 20)}{legend}</svg>"
    )


def _patterns() -> str:
    drawn = []
    for status in known_statuses():
        colour, marks = _FILLS[status]
        ink = _INKS.get(status, "none")
        stroke = f' stroke="{ink}" stroke-width="1.2"' if "L" in marks else ""
        inside = f'<path d="{marks}" fill="{"none" if stroke else ink}"{stroke}/>' if marks else ""
        drawn.append(
            f'<pattern id="{status}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" fill="{colour}"/>{inside}</pattern>'
        )
    return "".join(drawn)


def _path(
    coverage: Coverage, status: Status, outlines: dict[str, list[Ring]], frame: _Frame
) -> str:
    """All the communes of one status in one line."""

    def ring_path(ring: Ring) -> str:
        return f"M{'L'.join(frame.at(x, y) for x, y in ring)}Z"

    def of(one: Covered) -> str:
        return "".join(ring_path(ring) for ring in outlines.get(one.code, ()))

    return "".join(of(one) for one in coverage.communes if one.status == status)


def _scale(kilometre: float, y: int) -> str:
    length = next((one for one in (100, 50, 20, 10, 5) if one * kilometre < WIDTH / 4), 1)
    end = WIDTH - _MARGIN
    start = end - length * kilometre
    return (
        f'<path d="M{start:.1f} {y - 6}V{y}H{end}V{y - 6}" fill="none" stroke="#161616"/>'
        f'<text x="{end}" y="{y + 16}" text-anchor="end" font-size="13">{length}{NBSP}km</text>'
        f'<path d="M{end - 8} {y + 52}l8 -24l8 24l-8 -6z" transform="translate(-12 0)" '
        f'fill="#161616"/><text x="{end - 12}" y="{y + 68}" text-anchor="middle" '
        'font-size="13">N</text>'
    )


def _legend(coverage: Coverage, y: int) -> str:
    lines = []
    for rank, one in enumerate(figures(coverage, Choices(coverage.region))):
        at = y + rank * _LEGEND
        note = f", {one.note}" if one.note else ""
        communes = "commune" if one.communes in {"0", "1"} else "communes"
        lines.append(
            f'<rect x="{_MARGIN}" y="{at}" width="44" height="24" fill="url(#{one.status})" '
            f'stroke="#161616"/><text x="{_MARGIN + 58}" y="{at + 18}" font-size="16">'
            f"{_e(LETTERS[one.status])} · {_e(one.label)}{NBSP}: {one.communes} {communes}"
            f"{_e(note)}, {one.population} habitants ({one.share})</text>"
        )
    return "".join(lines)


def source_line(coverage: Coverage) -> str:
    """Where populations come from."""
    year = coverage.population_year
    count = figure(len(coverage.communes))
    legal = f", population légale {year} (INSEE)" if year else ""
    return f"{count} communes d’aujourd’hui{legal}. Portail CPTS."
