"""Small maps of our own: communes as squares, side by side."""

import json
from pathlib import Path
from typing import Any

from territories.contours import department_boxes

Corner = tuple[float, float]
# A square's side, in degrees: 0.02 is about 2.2 km from south to north.
SIDE = 0.02


def square(column: int, row: int, *, department: str = "81", side: float = SIDE) -> list[Corner]:
    """The ring of one square of a grid that begins south-west of a département."""
    west, south, _, _ = department_boxes()[department]
    x, y = west + column * side, south + row * side
    return [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]


def feature(code: Any, *rings: list[Corner], kind: str = "Polygon") -> dict[str, Any]:
    """A feature of one polygon with its holes, or of several polygons."""
    coordinates: Any = [list(map(list, ring)) for ring in rings]
    if kind == "MultiPolygon":
        coordinates = [[ring] for ring in coordinates]
    return {
        "type": "Feature",
        "properties": {"code": code, "nom": "sans importance"},
        "geometry": {"type": kind, "coordinates": coordinates},
    }


def grid(codes: list[str], *, columns: int, department: str = "81") -> list[dict[str, Any]]:
    """The communes as squares, in rows of `columns` from south to north."""
    return [
        feature(code, square(rank % columns, rank // columns, department=department))
        for rank, code in enumerate(codes)
    ]


def write(path: Path, features: list[dict[str, Any]]) -> str:
    """A GeoJSON file; returns its path, as the command takes it."""
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)
