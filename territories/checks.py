"""What deserves a look in a territory, as sentences. They inform; they never block a draft."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from cpts_portal.words import NBSP, figure
from territories.geometry import borders_of, enclaves, pieces
from territories.models import Commune, Region
from territories.overlap import Line, inhabitants
from territories.population import SIZE_THRESHOLDS, size_class

# A size is « near » when a tenth of the threshold away, or less.
NEAR: Final = 0.1
_NAMED: Final = 5


class Kind(StrEnum):
    FLOOR = "floor"
    PIECES = "pieces"
    ENCLAVE = "enclave"
    INTERCOMMUNALITY = "intercommunality"
    DEPARTMENTS = "departments"
    REGIONS = "regions"
    PARTS = "parts"
    THRESHOLD = "threshold"
    NO_OUTLINE = "no_outline"
    OVERLAP = "overlap"


@dataclass(frozen=True)
class Check:
    """One remark; `is_warning` for what an office may oppose, else for information."""

    kind: Kind
    sentence: str
    is_warning: bool = True


@dataclass(frozen=True)
class Place:
    """A commune as the checks need it."""

    name: str
    department: str
    department_name: str
    region: str
    siren: str
    intercommunality: str


def check_territory(
    lines: Sequence[Line],
    *,
    floor: int | None = None,
    floor_text: str = "",
    thresholds: Sequence[int] = SIZE_THRESHOLDS,
) -> list[Check]:
    """Every remark on a territory but its overlaps, in at most nine queries.

    `floor` is the least number of inhabitants its region wants, `floor_text` how it says so.
    """
    if not lines:
        return []
    codes = {line.commune for line in lines}
    places = read_places(codes)
    population = inhabitants(lines)
    found = []
    if floor is not None and population < floor:
        found.append(Check(Kind.FLOOR, floor_text))
    found += _shape(codes, places)
    found += _cut_intercommunalities(codes, places)
    found += _spread(lines, places)
    found += _parts(lines, places)
    found += _threshold(population, thresholds)
    return found


def read_places(codes: Iterable[str]) -> dict[str, Place]:
    """The communes named, by INSEE code, in one query."""
    rows = Commune.objects.filter(pk__in=list(codes)).values_list(
        "code",
        "name",
        "department_id",
        "department__name",
        "department__region_id",
        "intercommunality_id",
        "intercommunality__name",
    )
    return {
        code: Place(name, department, department_name, region, siren or "", epci or "")
        for code, name, department, department_name, region, siren, epci in rows
    }


def names(codes: Iterable[str], places: Mapping[str, Any]) -> str:
    """« Lavaur, Ambres et 3 autres », in the order of names."""
    sorted_names = sorted(places[code].name if code in places else code for code in codes)
    if len(sorted_names) <= _NAMED:
        return _joined(sorted_names)
    left = len(sorted_names) - (_NAMED - 1)
    return f"{', '.join(sorted_names[: _NAMED - 1])} et {left} autres"


def people(count: int) -> str:
    """« 1 320 habitants »."""
    return f"{figure(count)}{NBSP}{'habitant' if count < 2 else 'habitants'}"


def _joined(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} et {words[-1]}" if len(words) > 1 else "".join(words)


def _shape(codes: set[str], places: Mapping[str, Place]) -> list[Check]:
    borders = borders_of(codes)
    if len(borders.unknown) == len(codes):
        return []
    found = []
    blocks = pieces(codes, borders.graph)
    if len(blocks) > 1:
        apart = [f"{names(block, places)}" for block in blocks[1:]]
        shown = "; ".join(apart[:_NAMED]).replace(";", f"{NBSP};")
        more = f"{NBSP}; et {len(apart) - _NAMED} autres" if len(apart) > _NAMED else ""
        found.append(
            Check(
                Kind.PIECES,
                f"Le territoire n’est pas d’un seul tenant{NBSP}: il est en {len(blocks)} "
                f"morceaux. À part du plus grand{NBSP}: {shown}{more}.",
            )
        )
    for block in enclaves(codes, borders.graph):
        here = read_places(block)
        one = len(block) == 1
        found.append(
            Check(
                Kind.ENCLAVE,
                f"{names(block, here)} {'n’a' if one else 'n’ont'} pour voisines que des communes "
                f"du territoire, sans en faire partie{NBSP}: {'elle' if one else 'elles'} "
                f"{'resterait' if one else 'resteraient'} sans CPTS.",
            )
        )
    if borders.unknown:
        found.append(
            Check(
                Kind.NO_OUTLINE,
                f"Le portail n’a pas le contour de {names(borders.unknown, places)}{NBSP}: il ne "
                "peut pas dire si le territoire y est d’un seul tenant.",
                is_warning=False,
            )
        )
    return found


def _cut_intercommunalities(codes: set[str], places: Mapping[str, Place]) -> list[Check]:
    epci = {place.siren: place.intercommunality for place in places.values() if place.siren}
    members: dict[str, list[tuple[str, str, int]]] = {siren: [] for siren in epci}
    rows = Commune.objects.filter(intercommunality__in=list(epci), is_active=True, kind="commune")
    for code, name, siren, population in rows.values_list(
        "code", "name", "intercommunality_id", "population"
    ):
        members[siren].append((code, name, population or 0))
    found = []
    for siren, name in sorted(epci.items(), key=lambda pair: pair[1]):
        outside = [member for member in members[siren] if member[0] not in codes]
        inside = len(members[siren]) - len(outside)
        if not outside or not inside:
            continue
        listed = sorted(commune for _, commune, _ in outside)
        few = len(listed) <= _NAMED
        shown = f"{_joined(listed)}." if few else f"{', '.join(listed[:_NAMED])}…"
        found.append(
            Check(
                Kind.INTERCOMMUNALITY,
                f"{name} est coupée en deux{NBSP}: {len(outside)} de ses {len(members[siren])} "
                f"communes ({people(sum(count for _, _, count in outside))}) "
                f"{'est' if len(outside) == 1 else 'sont'} hors du territoire{NBSP}: {shown}",
                is_warning=False,
            )
        )
    return found


def _spread(lines: Sequence[Line], places: Mapping[str, Place]) -> list[Check]:
    by_department: dict[str, int] = {}
    for line in lines:
        if line.commune in places:
            code = places[line.commune].department
            by_department[code] = by_department.get(code, 0) + (line.population or 0)
    if len(by_department) < 2:
        return []
    labels = {place.department: place.department_name for place in places.values()}
    order = sorted(by_department, key=lambda code: (-by_department[code], code))
    listed = _joined([f"{labels[code]} ({people(by_department[code])})" for code in order])
    found = [
        Check(
            Kind.DEPARTMENTS,
            f"Le territoire touche {len(order)} départements{NBSP}: {listed}. Le bureau du premier "
            "conduit l’instruction, ceux des autres sont informés.",
            is_warning=False,
        )
    ]
    regions = dict.fromkeys(
        place.region for code in order for place in places.values() if place.department == code
    )
    if len(regions) > 1:
        label = dict(Region.objects.filter(pk__in=regions).values_list("code", "name"))
        found.append(
            Check(
                Kind.REGIONS,
                f"Le territoire touche {len(regions)} régions{NBSP}: "
                f"{_joined([label[code] for code in regions])}. La lettre suit la procédure de sa "
                f"propre région{NBSP}; les autres agences sont informées.",
            )
        )
    return found


def _parts(lines: Sequence[Line], places: Mapping[str, Place]) -> list[Check]:
    parts = [line for line in lines if line.part_key]
    if not parts:
        return []
    communes = {line.commune for line in parts}
    unknown = sum(line.population is None for line in parts)
    note = (
        f" {unknown} {'n’a' if unknown == 1 else 'n’ont'} pas de nombre d’habitants{NBSP}: la "
        "population est un minimum."
        if unknown
        else ""
    )
    return [
        Check(
            Kind.PARTS,
            f"Le territoire prend {len(parts)} {'partie' if len(parts) == 1 else 'parties'} de "
            f"commune{NBSP}: {names(communes, places)}. L’INSEE n’en publie pas la population, "
            f"c’est une estimation de l’équipe.{note}",
            is_warning=False,
        )
    ]


def _threshold(population: int, thresholds: Sequence[int]) -> list[Check]:
    size = size_class(population, thresholds)
    near = [bound for bound in thresholds if abs(population - bound) <= bound * NEAR]
    if not near:
        return []
    bound = min(near, key=lambda one: abs(population - one))
    # The last class begins above its bound, the others at theirs.
    first = bound + 1 if bound == thresholds[-1] else bound
    if population < first:
        other = size_class(first, thresholds)
        way = f"{people(first - population)} de plus et le territoire serait de taille {other[1]}"
    else:
        other = size_class(first - 1, thresholds)
        way = f"{people(population - first + 1)} de moins et il serait de taille {other[1]}"
    return [
        Check(
            Kind.THRESHOLD,
            f"La population est proche d’un seuil{NBSP}: le territoire est de taille {size[1]}"
            f"{NBSP}; {way}. La taille décide du financement conventionnel.",
            is_warning=False,
        )
    ]
