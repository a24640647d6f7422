"""Loading the outlines of communes from GeoJSON: all that can be kept, or nothing.

One feature per commune, with its INSEE code in the property `code`; longitudes and latitudes
(WGS 84), as the State's geographic services publish them. What cannot be kept is reported and
skipped. A former commune joins the outline of the one it belongs to today.
"""

import csv
import gzip
import hashlib
import json
import math
import re
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from django.conf import settings
from django.db import connection, transaction
from shapely.errors import GEOSException, ShapelyError

from territories.loading import DEFAULT_FOLDER, copy_rows
from territories.models import Commune, CommuneOutline, ContourSet, DepartmentOutline, FormerCommune
from territories.outlines import STEPS_PER_DEGREE, Shape, as_payload, encode

# Any number that nobody else uses: the advisory lock of a load.
_LOCK: Final = 7_203_142
_CODE = re.compile(r"(\d{2}|2[AB])\d{3}")
# Beyond this, the file is not what the address was thought to give.
LARGEST_DOWNLOAD: Final = 500 * 1024 * 1024
# A commune lies in the box of its département, give or take this many degrees.
_MARGIN: Final = 0.2
# Corners whose triangle is smaller than the square of this are dropped, on both sides of a border.
_TOLERANCE: Final = 0.002
# Two communes that meet along less than this touch at a corner: they are no neighbours.
SHORTEST_BORDER: Final = 10
_METRES_PER_DEGREE: Final = 111_320.0
_LONGEST_REPORT: Final = 50
# Pairs of communes compared at once: enough to be quick, few enough to stay small.
_AT_ONCE: Final = 10_000

Report = Callable[[str], None]


def _say_nothing(line: str) -> None:
    """Progress nobody asked to see."""


class ContourError(ValueError):
    """The source cannot be loaded at all; `message` is a French sentence. Nothing changed."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Problem:
    """A feature that was not kept as it is, and why, as a French sentence."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where} : {self.reason}"


@dataclass(frozen=True)
class ContourOutcome:
    """What a load did. `changed` is False when the same files were already in force."""

    changed: bool
    contours: ContourSet
    problems: list[Problem] = field(default_factory=list)
    departments: int = 0


def current_contours() -> ContourSet | None:
    """The outlines in force; None before the first load, when pages go without a map."""
    return ContourSet.objects.filter(is_current=True).first()


# --- Reading -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """One GeoJSON file: its name and its bytes."""

    name: str
    data: bytes


def read_source(source: str) -> Iterator[Document]:
    """The files of a folder, a file, or what an https address gives.

    Raises ContourError when there is nothing to read there.
    """
    if source.startswith("https://"):
        yield Document(source, _download(source))
        return
    if "://" in source:
        raise ContourError(
            f"L’adresse {source} n’est pas en https. Donnez un dossier, un fichier ou une adresse "
            "https."
        )
    path = Path(source)
    if path.is_dir():
        found = sorted([*path.glob("*.json"), *path.glob("*.geojson"), *path.glob("*.json.gz")])
        if not found:
            raise ContourError(
                f"Le dossier {source} ne contient aucun fichier .json, .geojson ni .json.gz."
            )
        for one in found:
            yield Document(one.name, _contents(one))
    elif path.is_file():
        yield Document(path.name, _contents(path))
    else:
        raise ContourError(f"{source} n’existe pas. Vérifiez le chemin, puis recommencez.")


def _contents(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def _download(address: str) -> bytes:
    try:
        # An administrator typed this address; https only, checked above.
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - https, checked above
            data = answer.read(LARGEST_DOWNLOAD + 1)
    except OSError as error:
        raise ContourError(
            f"L’adresse {address} ne répond pas ({error}). Téléchargez le fichier, puis donnez son "
            "chemin."
        ) from error
    if len(data) > LARGEST_DOWNLOAD:
        raise ContourError(
            f"L’adresse {address} donne plus de {LARGEST_DOWNLOAD // 1024**2} Mo : ce n’est pas un "
            "fichier de contours communaux."
        )
    return bytes(data)


@dataclass
class _Reading:
    """Outlines by the code of a commune of today, while the files are read."""

    communes: dict[str, str]
    former: dict[str, str]
    boxes: dict[str, tuple[float, float, float, float]]
    shapes: dict[str, Any] = field(default_factory=dict)
    # Codes of the features, to tell a second feature of the same commune.
    seen: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def add_document(self, document: Document) -> None:
        try:
            features = json.loads(document.data)["features"]
        except (ValueError, KeyError, TypeError) as error:
            raise ContourError(
                f"{document.name} n’est pas un GeoJSON de communes (une « FeatureCollection » est "
                "attendue). Rien n’a été chargé."
            ) from error
        if not isinstance(features, list):
            raise ContourError(f"{document.name} : « features » n’est pas une liste.")
        for number, feature in enumerate(features, 1):
            try:
                self._add(feature)
            except _SkippedError as skipped:
                code = _code_of(feature)
                where = f"{document.name}, contour n° {number}" + (f" ({code})" if code else "")
                self.problems.append(Problem(where, skipped.reason))

    def _add(self, feature: Any) -> None:
        code = _code_of(feature)
        if not code:
            raise _SkippedError("la propriété « code » manque.")
        if not _CODE.fullmatch(code):
            raise _SkippedError(
                f"« {code[:20]} » n’est pas un code INSEE : cinq caractères sont attendus."
            )
        if code in self.seen:
            raise _SkippedError("cette commune a déjà un contour dans ces fichiers.")
        current = code if code in self.communes else self.former.get(code, "")
        if not current:
            raise _SkippedError("aucune commune du portail n’a ce code.")
        shape = _read_shape(feature.get("geometry"))
        self._check_place(current, shape)
        self.seen.add(code)
        if current in self.shapes:
            shape = shapely.union(self.shapes[current], shape)
        if code != current:
            self.problems.append(
                Problem(code, f"ancien code : son contour rejoint celui de la commune {current}.")
            )
        self.shapes[current] = shape

    def _check_place(self, code: str, shape: Any) -> None:
        west, south, east, north = shapely.bounds(shape)
        if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
            raise _SkippedError(
                "ses coordonnées ne sont pas des longitudes et des latitudes (WGS 84)."
            )
        box = self.boxes.get(self.communes[code])
        if box and not (
            box[0] - _MARGIN <= west
            and box[1] - _MARGIN <= south
            and east <= box[2] + _MARGIN
            and north <= box[3] + _MARGIN
        ):
            raise _SkippedError(
                "son contour n’est pas dans le département de la commune : autre pays, ou "
                "longitude et latitude inversées ?"
            )


class _SkippedError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _code_of(feature: Any) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    code = properties.get("code") if isinstance(properties, dict) else None
    return str(code).strip().upper() if code is not None else ""


def _read_shape(geometry: Any) -> Any:
    """A valid polygon or multipolygon. Raises _SkippedError when nothing of it can be kept."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        raise _SkippedError(
            "son contour n’est ni un polygone ni un ensemble de polygones."
            if kind
            else "il n’a pas de contour."
        )
    try:
        shape = shapely.geometry.shape(geometry)
        if not shapely.is_valid(shape):
            shape = shapely.make_valid(shape, method="structure")
    except (ValueError, TypeError, IndexError, KeyError, ShapelyError, GEOSException) as error:
        raise _SkippedError("son contour est illisible.") from error
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    shape = shapely.multipolygons(parts) if parts else None
    if shape is None or not math.isfinite(shapely.area(shape)) or shapely.area(shape) <= 0:
        raise _SkippedError("son contour n’enferme aucune surface.")
    return shape


def department_boxes() -> dict[str, tuple[float, float, float, float]]:
    """West, south, east and north of each département, in degrees rounded outwards."""
    path = settings.BASE_DIR / DEFAULT_FOLDER / "department_boxes.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {
            row["department"]: (
                float(row["west"]),
                float(row["south"]),
                float(row["east"]),
                float(row["north"]),
            )
            for row in csv.DictReader(file)
        }


# --- Loading -------------------------------------------------------------------------------


def load_contours(
    source: str, *, force: bool = False, report: Report = _say_nothing
) -> ContourOutcome:
    """Read, check, simplify and store the outlines of a source, in one transaction.

    Loading the files already in force changes nothing and says so, unless `force`. Raises
    ContourError when nothing can be kept, or when another load is running; the database then is
    as it was.
    """
    documents = []
    digest = hashlib.sha256()
    for document in read_source(source):
        documents.append(document)
        digest.update(document.name.encode() + b"\0" + document.data)
    current = current_contours()
    # The same files mean something else once the communes have changed.
    digest.update(_reference_mark().encode())
    if current is not None and current.digest == digest.hexdigest() and not force:
        report(f"Déjà en vigueur : {current}. Rien à charger.")
        return ContourOutcome(changed=False, contours=current)
    with transaction.atomic():
        _lock()
        names, reading = _read(documents, report)
        documents.clear()
        return _store(names, reading, source=source, digest=digest.hexdigest(), report=report)


def _reference_mark() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM territories_vintage WHERE is_current")
        row = cursor.fetchone()
    return row[0] if row else ""


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise ContourError(
                "Un chargement de contours est déjà en cours. Attendez qu’il se termine, puis "
                "recommencez si nécessaire."
            )


def _read(
    documents: Sequence[Document], report: Report
) -> tuple[dict[str, tuple[str, int | None]], _Reading]:
    active = Commune.objects.filter(is_active=True)
    names = {
        code: (name, population)
        for code, name, population in active.values_list("code", "name", "population")
    }
    reading = _Reading(
        communes=dict(active.values_list("code", "department_id")),
        former=dict(FormerCommune.objects.values_list("code", "current_id")),
        boxes=department_boxes(),
    )
    for rank, document in enumerate(documents, 1):
        reading.add_document(document)
        if len(documents) == 1 or rank % 10 == 0 or rank == len(documents):
            report(
                f"Lecture : {rank} fichier(s) sur {len(documents)}, {len(reading.shapes)} communes"
            )
    for problem in reading.problems[:_LONGEST_REPORT]:
        report(f"  {problem}")
    if len(reading.problems) > _LONGEST_REPORT:
        report(f"  … et {len(reading.problems) - _LONGEST_REPORT} autres.")
    if not reading.shapes:
        raise ContourError(
            "Aucun contour n’a pu être gardé : ces fichiers ne sont pas ceux de communes "
            "françaises. Rien n’a été modifié."
        )
    return names, reading


def _store(
    names: dict[str, tuple[str, int | None]],
    reading: _Reading,
    *,
    source: str,
    digest: str,
    report: Report,
) -> ContourOutcome:
    codes = sorted(reading.shapes)
    shapes = np.array([reading.shapes.pop(code) for code in codes], dtype=object)
    report("Voisinages…")
    neighbours = _neighbours(codes, shapes)
    report("Simplification…")
    labels = shapely.get_coordinates(shapely.point_on_surface(shapes))
    shapes = _simplified(shapes)
    rows: list[tuple[Any, ...]] = []
    maps: list[DepartmentOutline] = []
    ranks = sorted(range(len(codes)), key=lambda rank: (reading.communes[codes[rank]], rank))
    for department, group in groupby(ranks, key=lambda rank: reading.communes[codes[rank]]):
        drawn = []
        for rank in group:
            code = codes[rank]
            shape = Shape(code, names[code][0], _rings(shapes[rank]), names[code][1])
            drawn.append(shape)
            rows.append(_row(department, shape, labels[rank], neighbours.get(code, {})))
        payload = as_payload(drawn)
        maps.append(
            DepartmentOutline(
                department_id=department,
                payload=payload.body,
                brotli=payload.brotli,
                digest=payload.digest,
                commune_count=len(drawn),
            )
        )
    report(f"Enregistrement de {len(rows)} contours…")
    CommuneOutline.objects.all().delete()
    DepartmentOutline.objects.all().delete()
    with connection.cursor() as cursor:
        copy_rows(cursor, "territories_communeoutline", _COLUMNS, rows)
        cursor.execute("ANALYZE territories_communeoutline")
    DepartmentOutline.objects.bulk_create(maps)
    ContourSet.objects.filter(is_current=True).update(is_current=False)
    skipped = [one for one in reading.problems if not one.reason.startswith("ancien code")]
    contours = ContourSet.objects.create(
        source=source[-300:],
        digest=digest,
        commune_count=len(rows),
        skipped_count=len(skipped),
    )
    missing = len(reading.communes) - len(rows)
    report(
        f"En vigueur : {len(rows)} communes dessinées dans {len(maps)} départements, "
        f"{missing} sans contour."
    )
    return ContourOutcome(
        changed=True,
        contours=contours,
        problems=reading.problems,
        departments=len(maps),
    )


def _row(department: str, shape: Shape, label: Any, around: dict[str, int]) -> tuple[Any, ...]:
    xs = [x for ring in shape.rings for x, _ in ring]
    ys = [y for ring in shape.rings for _, y in ring]
    return (
        shape.code,
        department,
        "\\\\x" + encode(shape.rings).hex(),
        str(min(xs)),
        str(min(ys)),
        str(max(xs)),
        str(max(ys)),
        str(round(label[0] * STEPS_PER_DEGREE)),
        str(round(label[1] * STEPS_PER_DEGREE)),
        "{" + ",".join(around) + "}",
        "{" + ",".join(map(str, around.values())) + "}",
    )


_COLUMNS: Final = (
    "commune_id",
    "department_id",
    "rings",
    "west",
    "south",
    "east",
    "north",
    "label_x",
    "label_y",
    "neighbours",
    "borders",
)


def _neighbours(codes: Sequence[str], shapes: Any) -> dict[str, dict[str, int]]:
    """For each commune, those it shares a border with, and its length in metres, longest first."""
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="intersects")
    once = first < second
    first, second = first[once], second[once]
    edges = shapely.boundary(shapes)
    lengths = np.concatenate(
        [
            _border_lengths(shapes, edges, first[at : at + _AT_ONCE], second[at : at + _AT_ONCE])
            for at in range(0, len(first), _AT_ONCE)
        ]
        or [np.empty(0)]
    )
    found: dict[str, dict[str, int]] = {}
    for one, other, length in zip(first, second, lengths, strict=True):
        if length >= SHORTEST_BORDER:
            found.setdefault(codes[one], {})[codes[other]] = round(length)
            found.setdefault(codes[other], {})[codes[one]] = round(length)
    return {
        code: dict(sorted(around.items(), key=lambda pair: (-pair[1], pair[0])))
        for code, around in found.items()
    }


def _border_lengths(shapes: Any, edges: Any, first: Any, second: Any) -> Any:
    """Length of the border of each pair, in metres."""
    lengths = _metres(shapely.intersection(edges[first], edges[second]))
    # Files whose neighbours do not share their corners overlap a little instead of touching.
    crossing = lengths < SHORTEST_BORDER
    if crossing.any():
        overlap = shapely.intersection(shapes[first[crossing]], shapes[second[crossing]])
        lengths[crossing] = np.where(
            shapely.area(overlap) > 0, _metres(shapely.boundary(overlap)) / 2, lengths[crossing]
        )
    return lengths


def _metres(geometries: Any) -> Any:
    """Length in metres of the lines of each geometry, given in degrees: points count for none."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    corners, part = shapely.get_coordinates(parts, return_index=True)
    step = np.diff(corners, axis=0)
    # Meridians draw nearer to each other away from the equator.
    narrow = np.cos(np.radians((corners[:-1, 1] + corners[1:, 1]) / 2))
    lengths = np.hypot(step[:, 0] * narrow, step[:, 1]) * _METRES_PER_DEGREE
    same_part = part[1:] == part[:-1]
    return np.bincount(
        owner[part[1:][same_part]], weights=lengths[same_part], minlength=len(geometries)
    )


def _simplified(shapes: Any) -> Any:
    """The shapes with fewer corners, the same on both sides of each border.

    Shapes that overlap make no coverage: each is then simplified by itself.
    """
    simplified = shapely.coverage_simplify(shapes, _TOLERANCE)
    lost = shapely.is_empty(simplified) | ~shapely.is_valid(simplified)
    return np.where(lost, shapes, simplified)


def _rings(shape: Any) -> list[list[tuple[int, int]]]:
    """The rings of a shape on the grid; one too small for the grid keeps its box."""
    rings = []
    for part in shapely.get_parts(shape):
        for ring in (part.exterior, *part.interiors):
            corners = np.rint(shapely.get_coordinates(ring) * STEPS_PER_DEGREE).astype(int)
            points = [(int(x), int(y)) for x, y in corners]
            kept = [point for before, point in pairwise(points) if point != before]
            if len(kept) >= 3:
                rings.append(kept)
    if rings:
        return rings
    west, south, east, north = (
        math.floor(side * STEPS_PER_DEGREE) for side in shapely.bounds(shape)
    )
    east, north = max(east, west + 1), max(north, south + 1)
    return [[(west, south), (east, south), (east, north), (west, north)]]
