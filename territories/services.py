"""Drawing a territory: every way of adding and removing, and what is refused with why.

Each change locks the territory, runs in a transaction and counts in `territory.revision`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import connection, transaction
from django.db.models import F

from territories.errors import TerritoryError
from territories.models import (
    Commune,
    Department,
    FormerCommune,
    Intercommunality,
    Territory,
    TerritoryPart,
)
from territories.normalise import normalise
from territories.pasted_list import PastedLine, read_pasted_list
from territories.reference import MAX_POPULATION

__all__ = [
    "AddResult",
    "PastedLine",
    "Skipped",
    "TerritoryError",
    "add_communes",
    "add_department",
    "add_intercommunality",
    "add_part",
    "clear",
    "declare_population",
    "read_pasted_list",
    "remove",
    "remove_communes",
    "replace_lines",
    "territory_as_data",
]

P = ParamSpec("P")
R = TypeVar("R")

MAX_PART_NAME = 120
# Far beyond any real CPTS; a crafted request cannot fill the table.
MAX_LINES = 5_000
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Skipped:
    """A commune that was not added, and why, as a French sentence."""

    commune: Commune
    reason: str


@dataclass(frozen=True, slots=True)
class AddResult:
    """What one gesture did to a territory."""

    added: tuple[Commune, ...]
    skipped: tuple[Skipped, ...]

    @property
    def message(self) -> str:
        """One French sentence, or two when something was left out."""
        if len(self.added) == 1:
            text = f"Ajout au territoire : {self.added[0]}."
        else:
            text = f"{len(self.added)} communes sont ajoutées au territoire."
        if self.skipped:
            reasons = list(dict.fromkeys(skip.reason for skip in self.skipped))
            text += f" Non ajoutées : {_listed(reasons)}"
        return text


@dataclass(frozen=True, slots=True)
class Replaced:
    """How many lines a territory gained and lost."""

    added: int
    removed: int


def _listed(items: Sequence[str]) -> str:
    more = len(items) - _SHOWN
    text = " ".join(items[:_SHOWN])
    return f"{text} Et {more} autre{'s' if more > 1 else ''}." if more > 0 else text


def _changes(
    change: Callable[Concatenate[Territory, P], R],
) -> Callable[Concatenate[Territory, P], R]:
    """Run a change alone on its territory, in a transaction; count it when rows changed."""

    @wraps(change)
    def locked(territory: Territory, *args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic():
            Territory.objects.select_for_update().only("pk").get(pk=territory.pk)
            result = change(territory, *args, **kwargs)
            if result != 0:  # no line removed: nothing changed
                Territory.objects.filter(pk=territory.pk).update(revision=F("revision") + 1)
        territory.refresh_from_db(fields=["revision"])
        return result

    return locked


# --- Adding ----------------------------------------------------------------------------


@_changes
def add_communes(territory: Territory, codes: Iterable[str]) -> AddResult:
    """Add whole communes or arrondissements by INSEE code; those already there are skipped.

    Raises TerritoryError, and adds nothing, for an unknown code, a commune out of force, an
    arrondissement beside its city, a commune present by parts, or when nothing is new.
    """
    wanted = list(dict.fromkeys(code.strip().upper() for code in codes if code.strip()))
    if not wanted:
        raise TerritoryError("Aucune commune n’a été choisie. Choisissez-en au moins une.")
    found = Commune.objects.select_related("parent").in_bulk(wanted)
    if refused := [code for code in wanted if code not in found or not found[code].is_active]:
        raise TerritoryError(_unknown_codes_message(refused, found))
    result = _add(territory, [found[code] for code in wanted])
    conflicts = [skip.reason for skip in result.skipped if skip.reason != _present(skip.commune)]
    if conflicts:
        raise TerritoryError(_listed(conflicts))
    if not result.added:
        raise TerritoryError(_listed([skip.reason for skip in result.skipped]))
    return result


@_changes
def add_intercommunality(territory: Territory, siren: str) -> AddResult:
    """Add every commune of an EPCI. What is already there, whole or by parts, is skipped.

    Raises TerritoryError for an unknown SIREN or when nothing is new.
    """
    epci = Intercommunality.objects.filter(siren=siren.strip()).first()
    if epci is None:
        raise TerritoryError(
            f"L’EPCI {siren.strip()} n’est pas connu. Choisissez-le dans la liste proposée."
        )
    return _add_all_of(territory, str(epci), intercommunality=epci)


@_changes
def add_department(territory: Territory, code: str) -> AddResult:
    """Add every commune of a département. What is already there is skipped.

    Raises TerritoryError for an unknown code or when nothing is new.
    """
    department = Department.objects.filter(code=code.strip().upper()).first()
    if department is None:
        raise TerritoryError(
            f"Le département {code.strip()} n’est pas connu. Choisissez-le dans la liste proposée."
        )
    return _add_all_of(territory, f"le département {department}", department=department)


def _add_all_of(territory: Territory, name: str, **perimeter: Any) -> AddResult:
    communes = list(
        Commune.objects.filter(is_active=True, kind=Commune.Kind.COMMUNE, **perimeter).order_by(
            "name_key", "code"
        )
    )
    result = _add(territory, communes)
    if not result.added:
        if result.skipped:
            raise TerritoryError(f"Rien à ajouter : {name} est déjà dans le territoire.")
        raise TerritoryError(f"Rien à ajouter : {name} n’a aucune commune.")
    return result


@_changes
def add_part(
    territory: Territory, code: str, part_name: str, part_population: int | None = None
) -> TerritoryPart:
    """Add a named part of a commune or arrondissement, with its inhabitants if they are known.

    Raises TerritoryError for an unknown or inactive code, a missing, long or repeated name, a
    commune or city already there as a whole, or more inhabitants than the commune counts,
    alone or with its other parts.
    """
    code = code.strip().upper()
    commune = Commune.objects.select_related("parent").filter(code=code).first()
    if commune is None or not commune.is_active:
        raise TerritoryError(
            _unknown_codes_message([code], {commune.code: commune} if commune else {})
        )
    name = " ".join(part_name.split())
    if not normalise(name):
        raise TerritoryError(
            f"Donnez un nom à la partie {_of(commune)} : un quartier, un secteur, un ancien bourg."
        )
    if len(name) > MAX_PART_NAME:
        raise TerritoryError(
            f"Le nom de la partie {_of(commune)} dépasse {MAX_PART_NAME} signes. Abrégez-le."
        )
    present = _Present(territory)
    if reason := present.refuses_part(commune):
        raise TerritoryError(reason)
    others = [part for part in present.parts if part.commune_id == commune.code]
    if any(normalise(part.part_name) == normalise(name) for part in others):
        raise TerritoryError(f"La partie « {name} » {_of(commune)} est déjà dans le territoire.")
    _check_part_population(commune, name, part_population, others)
    present.check_room(1)
    return TerritoryPart.objects.create(
        territory=territory, commune=commune, part_name=name, part_population=part_population
    )


def _check_part_population(
    commune: Commune, name: str, population: int | None, others: Sequence[TerritoryPart]
) -> None:
    if population is None:
        return
    if not 0 <= population <= MAX_POPULATION:
        raise TerritoryError(
            f"Le nombre d’habitants de « {name} » n’est pas possible. "
            "Donnez un nombre entier, ou laissez la case vide."
        )
    if commune.population is None:
        return
    if population > commune.population:
        raise TerritoryError(
            f"« {name} » compterait {_figure(population)} habitants, plus que la "
            f"commune tout entière : {commune} en a {_figure(commune.population)}."
        )
    total = population + sum(part.part_population or 0 for part in others)
    if total > commune.population:
        raise TerritoryError(
            f"Avec « {name} », les parties {_of(commune)} compteraient {_figure(total)} habitants, "
            f"plus que la commune tout entière ({_figure(commune.population)})."
        )


# --- Removing --------------------------------------------------------------------------


@_changes
def remove(territory: Territory, part_ids: Iterable[int]) -> int:
    """Take lines out of a territory by id; return how many there were.

    Lines already removed, or of another territory, are not an error.
    """
    return territory.parts.filter(pk__in=list(part_ids)).delete()[0]


@_changes
def remove_communes(territory: Territory, codes: Iterable[str]) -> int:
    """Take communes out of a territory, whole or by parts; return how many lines there were."""
    return territory.parts.filter(commune__in=list(codes)).delete()[0]


@_changes
def clear(territory: Territory) -> int:
    """Empty a territory; return how many lines there were."""
    return territory.parts.all().delete()[0]


@_changes
def replace_lines(
    territory: Territory, source: Territory, *, revision: int, source_revision: int
) -> Replaced:
    """Give a territory the lines of another one; what it declares of its population stays.

    Raises TerritoryError, and changes nothing, when either of them is no longer at the revision
    that the person saw, or when the other one would bring a commune out of force.
    """
    locked = Territory.objects.select_for_update().order_by("pk")
    now = dict(locked.filter(pk__in=[territory.pk, source.pk]).values_list("pk", "revision"))
    if now.get(territory.pk) != revision:
        raise TerritoryError(
            "Quelqu’un de votre équipe a changé le territoire de la lettre entre-temps. Rien n’a "
            "été remplacé. Relisez ce que la variante changerait maintenant, puis confirmez."
        )
    if now.get(source.pk) != source_revision:
        raise TerritoryError(
            "Quelqu’un de votre équipe a changé cette variante entre-temps. Rien n’a été remplacé. "
            "Relisez ce qu’elle contient maintenant, puis confirmez."
        )

    def lines(of: Territory) -> dict[tuple[str, str, int | None], int]:
        rows = of.parts.order_by().values_list("commune", "part_name", "part_population", "pk")
        return {(code, part, population): pk for code, part, population, pk in rows}

    mine, wanted = lines(territory), lines(source)
    gone = [pk for line, pk in mine.items() if line not in wanted]
    brought = {code for code, *_ in wanted.keys() - mine.keys()}
    if old := list(Commune.objects.filter(pk__in=brought, is_active=False).order_by("name_key")):
        raise TerritoryError(
            "La variante a des communes qui ne sont plus en vigueur : "
            f"{', '.join(map(str, old[:_SHOWN]))}. Retirez-les de la variante, ajoutez celles "
            "d’aujourd’hui, puis recommencez."
        )
    TerritoryPart.objects.filter(pk__in=gone).delete()
    fresh = [
        TerritoryPart(
            territory=territory, commune_id=code, part_name=part, part_population=population
        )
        for code, part, population in wanted
        if (code, part, population) not in mine
    ]
    TerritoryPart.objects.bulk_create(fresh)
    return Replaced(len(fresh), len(gone))


@_changes
def declare_population(territory: Territory, population: int | None, reason: str = "") -> None:
    """Set beside the computed population the one the lead declares, with its reason.

    None removes it. Raises TerritoryError without a reason or for an impossible figure.
    """
    reason = reason.strip()
    if population is None:
        reason = ""
    elif not 0 < population <= MAX_POPULATION:
        raise TerritoryError(
            "La population déclarée n’est pas possible. Donnez un nombre entier d’habitants."
        )
    elif not reason:
        raise TerritoryError(
            "Dites pourquoi vous déclarez une autre population que celle de l’INSEE."
        )
    elif len(reason) > 500:
        raise TerritoryError("Le motif dépasse 500 signes. Abrégez-le.")
    Territory.objects.filter(pk=territory.pk).update(
        declared_population=population, declared_population_reason=reason
    )
    territory.declared_population = population
    territory.declared_population_reason = reason


# --- What may stand beside what --------------------------------------------------------


class _Present:
    """The lines of a territory, and whether another commune may join them."""

    def __init__(self, territory: Territory) -> None:
        self.parts = list(territory.parts.select_related("commune").order_by())
        self.whole = {part.commune_id for part in self.parts if not part.part_name}
        self.by_parts = {part.commune_id for part in self.parts if part.part_name}
        self.cities = {part.commune.parent_id for part in self.parts if part.commune.parent_id}

    def refuses(self, commune: Commune) -> str:
        """Why the whole commune may not join, or an empty text."""
        if commune.code in self.whole:
            return _present(commune)
        if commune.code in self.by_parts:
            return (
                f"{commune} est déjà dans le territoire par parties : retirez-les d’abord pour "
                "l’ajouter en entier."
            )
        return self._double_count(commune)

    def refuses_part(self, commune: Commune) -> str:
        """Why a part of the commune may not join, or an empty text."""
        if commune.code in self.whole:
            return (
                f"{commune} est déjà dans le territoire en entier : retirez-la d’abord pour "
                "n’en garder qu’une partie."
            )
        return self._city_is_whole(commune)

    def _double_count(self, commune: Commune) -> str:
        if commune.code in self.cities:
            return (
                f"Des arrondissements de {commune} sont déjà dans le territoire : retirez-les "
                "d’abord, sinon leurs habitants compteraient deux fois."
            )
        return self._city_is_whole(commune)

    def _city_is_whole(self, commune: Commune) -> str:
        if commune.parent_id in self.whole:
            return (
                f"{commune.parent} est déjà dans le territoire en entier : "
                f"{commune.name} y compterait deux fois."
            )
        return ""

    def add(self, commune: Commune) -> None:
        self.whole.add(commune.code)
        if commune.parent_id:
            self.cities.add(commune.parent_id)

    def check_room(self, more: int) -> None:
        if len(self.parts) + more > MAX_LINES:
            raise TerritoryError(
                f"Un territoire ne peut pas compter plus de {_figure(MAX_LINES)} lignes."
            )


def _add(territory: Territory, communes: Sequence[Commune]) -> AddResult:
    present = _Present(territory)
    added: list[Commune] = []
    skipped: list[Skipped] = []
    for commune in communes:
        if reason := present.refuses(commune):
            skipped.append(Skipped(commune, reason))
        else:
            present.add(commune)
            added.append(commune)
    present.check_room(len(added))
    TerritoryPart.objects.bulk_create(
        [TerritoryPart(territory=territory, commune=commune) for commune in added]
    )
    return AddResult(tuple(added), tuple(skipped))


def _present(commune: Commune) -> str:
    return f"{commune} est déjà dans le territoire."


def _unknown_codes_message(codes: Sequence[str], found: dict[str, Commune]) -> str:
    """Why each code is refused; a former code is answered with today's commune."""
    former = FormerCommune.objects.filter(code__in=codes).select_related("current")
    today = {item.code: item for item in former if item.current.is_active}
    reasons = []
    for code in codes:
        if code in today:
            item = today[code]
            reasons.append(
                f"Le code {code}{f' ({item.name})' if item.name else ''} n’est plus en vigueur : "
                f"la commune est aujourd’hui {item.current}."
            )
        elif code in found:
            reasons.append(f"{found[code]} n’est plus une commune en vigueur.")
        elif code.startswith("99"):
            reasons.append(
                f"Le code INSEE {code} désigne un pays étranger : un territoire ne compte que "
                "des communes françaises."
            )
        else:
            reasons.append(
                f"Le code INSEE {code} n’est pas celui d’une commune française. Cherchez la "
                "commune par son nom."
            )
    return _listed(reasons)


def _of(commune: Commune) -> str:
    """« d’Albi (81004) », « de Lyon (69123) »."""
    return f"d’{commune}" if commune.name_key[:1] in "aeiouy" else f"de {commune}"


def _figure(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


# --- For snapshots ---------------------------------------------------------------------


def territory_as_data(territory: Territory) -> list[dict[str, Any]]:
    """The lines of a territory as plain data, ordered by département, name and part.

    One query. Populations are in inhabitants, None where the INSEE publishes none or the lead
    gives none. The years of the data are in the summary (`population.summarise`).
    """
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [territory.pk])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# Written by hand: as models, two hundred communes take ten times as long.
_LINES = """
    SELECT commune.code, commune.name, commune.kind, commune.department_id AS department,
           department.name AS department_name, commune.postal_codes, commune.population,
           part.part_name, part.part_population
      FROM territories_territorypart AS part
      JOIN territories_commune AS commune ON commune.code = part.commune_id
      JOIN territories_department AS department ON department.code = commune.department_id
     WHERE part.territory_id = %s
     ORDER BY commune.department_id, commune.name_key, part.commune_id, part.part_name
"""
