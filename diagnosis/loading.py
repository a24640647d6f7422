"""Indicators from a table: read and shown first, written when an administrator accepts it."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from diagnosis import figures, tables
from diagnosis.asking import DiagnosisError
from diagnosis.models import Addition, Indicator, IndicatorImport, WeightKind
from territories import consequences
from territories.loading import current_vintage
from territories.models import Commune, Vintage
from territories.succession import YearChanges

FOLDER: Final = Path("fixtures") / "diagnosis"
# More would make of the page a catalogue nobody reads.
MOST_SHOWN: Final = 40
MOST_REPORTED: Final = 500
KEPT: Final = timedelta(days=7)


def may_load(user: User) -> bool:
    """An administrator, in their own name."""
    return user.acting is None and user.is_staff and user.has_perm("diagnosis.add_indicator")


def check(said: Mapping[str, Any]) -> None:
    """Raises DiagnosisError when what is said of a table does not hold together."""
    if said["addition"] == Addition.MEAN and not said["weight_kind"]:
        raise DiagnosisError(
            "Une moyenne a besoin d’une population qui la pondère : sans elle, un village "
            "compterait autant qu’une ville. Choisissez-la."
        )
    weights = said.get("weights")
    if said["weight_kind"] == WeightKind.INDICATOR and weights is None:
        raise DiagnosisError("Choisissez l’indicateur qui pondère la moyenne.")
    if weights is not None and weights.addition != Addition.SUM:
        raise DiagnosisError(
            f"« {weights} » ne s’additionne pas : il ne peut pas pondérer une moyenne. Choisissez "
            "un effectif, comme la population de 75 ans ou plus."
        )
    if said.get("rate_per") and said["addition"] != Addition.SUM:
        raise DiagnosisError("Seule une somme se rapporte à un nombre d’habitants.")


@transaction.atomic
def read_file(
    *, by: User, name: str, content: bytes, column: str, said: Mapping[str, Any]
) -> IndicatorImport:
    """Read a table without loading it. `said` are the fields of an indicator.

    Raises PermissionDenied, DiagnosisError, or TableFileError when there is no table to read.
    """
    if not may_load(by):
        raise PermissionDenied("Un administrateur charge les indicateurs.")
    said = _settled(said)
    check(said)
    places = tables.read_places(_cog_year())
    reading = tables.read_table(
        name,
        content,
        column=column,
        addition=said["addition"],
        cog_year=said["cog_year"],
        places=places,
    )
    _finish(reading, said, places)
    if not reading.values:
        raise DiagnosisError(_nothing_read(reading))
    IndicatorImport.objects.filter(read_at__lt=timezone.now() - KEPT).delete()
    return IndicatorImport.objects.create(
        **said,
        file_name=name[:150],
        digest=hashlib.sha256(content).hexdigest(),
        decimals=reading.decimals,
        values={code: str(value) for code, value in reading.values.items()},
        faults=reading.faults[:MOST_REPORTED],
        notes=reading.notes[:MOST_REPORTED],
        row_count=reading.row_count,
        blank_count=reading.blank_count,
        read_by=by,
    )


def _nothing_read(reading: tables.Reading) -> str:
    said = "Aucune ligne du fichier ne donne de valeur à une commune : rien n’est à charger."
    if not reading.faults:
        return said
    number, why = reading.faults[0]
    return f"{said} Ligne {number} : {why}"


def _settled(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with those that do not go with the others left empty."""
    settled = dict(said)
    if settled["addition"] != Addition.MEAN:
        settled["weight_kind"] = ""
    if settled["weight_kind"] != WeightKind.INDICATOR:
        settled["weights"] = None
    return settled


def _cog_year() -> int:
    vintage = current_vintage()
    if vintage is None:
        raise DiagnosisError("Les communes ne sont pas encore chargées : chargez-les d’abord.")
    return vintage.cog_year


def _finish(reading: tables.Reading, said: Mapping[str, Any], places: tables.Places) -> None:
    """Complete the three cities, then say which values have nothing to be weighed by."""
    weights: dict[str, int] | None = None
    if said["weight_kind"] == WeightKind.POPULATION:
        known = Commune.objects.filter(code__in=reading.values).values_list("code", "population")
        weights = {code: population for code, population in known if population is not None}
    for city in tables.complete_cities(
        reading.values, addition=said["addition"], places=places, populations=weights
    ):
        said_so = f"{places.named(city)} reçoit ce que ses arrondissements donnent ensemble."
        reading.notes.append((0, said_so))
    if said["addition"] != Addition.MEAN:
        return
    weighed = (
        set(weights)
        if weights is not None
        else set(said["weights"].values.values_list("commune_id", flat=True))
    )
    if lost := sorted(reading.values.keys() - weighed):
        some = ", ".join(places.named(code) for code in lost[: figures.NAMED])
        more = " …" if len(lost) > figures.NAMED else ""
        reading.notes.append(
            (0, f"Sans population qui les pondère, ces communes ne comptent pas : {some}{more}.")
        )
    if not reading.values.keys() & weighed:
        raise DiagnosisError(
            "Aucune commune du fichier n’a de population qui pondère sa valeur : la moyenne "
            "ne peut pas être faite. Choisissez une autre population."
        )


@transaction.atomic
def accept(waiting: IndicatorImport, *, by: User) -> Indicator:
    """Load the table that was shown; one of the same name and year is no longer shown.

    Raises PermissionDenied or DiagnosisError.
    """
    if not may_load(by):
        raise PermissionDenied("Un administrateur charge les indicateurs.")
    waiting = IndicatorImport.objects.select_for_update(of=("self",)).get(pk=waiting.pk)
    shown = Indicator.objects.filter(is_shown=True)
    same = shown.filter(name=waiting.name, year=waiting.year)
    if not same.exists() and shown.count() >= MOST_SHOWN:
        raise DiagnosisError(
            f"{MOST_SHOWN} indicateurs sont déjà montrés : retirez-en un avant d’en ajouter."
        )
    same.update(is_shown=False)
    indicator = Indicator.objects.create(
        name=waiting.name,
        source=waiting.source,
        year=waiting.year,
        unit=waiting.unit,
        addition=waiting.addition,
        weight_kind=waiting.weight_kind,
        weights_id=waiting.weights_id,
        rate_per=waiting.rate_per,
        cog_year=waiting.cog_year,
        decimals=waiting.decimals,
        file_name=waiting.file_name,
        digest=waiting.digest,
        loaded_by=by,
    )
    _write(indicator, {code: Decimal(value) for code, value in waiting.values.items()})
    waiting.delete()
    return indicator


def _write(indicator: Indicator, values: Mapping[str, Decimal]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO diagnosis_indicatorvalue (indicator_id, commune_id, value) "
            "SELECT %s::bigint, * FROM unnest(%s::text[], %s::numeric[])",
            [indicator.pk, list(values), list(values.values())],
        )
        # Without fresh statistics the first pages would read them all.
        cursor.execute("ANALYZE diagnosis_indicatorvalue")
    figures.refresh(indicator)


@transaction.atomic
def show(indicator: Indicator, *, by: User, shown: bool) -> None:
    """Show an indicator or not. Raises PermissionDenied or DiagnosisError."""
    if not may_load(by):
        raise PermissionDenied("Un administrateur retire et remet les indicateurs.")
    current = Indicator.objects.select_for_update(of=("self",)).get(pk=indicator.pk)
    others = Indicator.objects.filter(is_shown=True).exclude(pk=current.pk)
    if shown and others.filter(name=current.name, year=current.year).exists():
        raise DiagnosisError("Un indicateur de ce nom et de cette année est déjà montré.")
    if shown and others.count() >= MOST_SHOWN:
        raise DiagnosisError(f"{MOST_SHOWN} indicateurs sont déjà montrés : retirez-en un autre.")
    current.is_shown = shown
    current.save(update_fields=["is_shown"])
    if shown:
        figures.refresh(current)


# --- What the portal brings -----------------------------------------------------------------------


def load_shipped(folder: Path | None = None) -> list[str]:
    """Load what comes with the portal, then work out every département, region and France.

    Loading the same files again changes nothing. Returns sentences on what was done.
    """
    folder = folder or settings.BASE_DIR / FOLDER
    shipped = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with transaction.atomic():
        sentences = [_ship(said, (folder / said["file"]).read_bytes()) for said in shipped]
        figures.refresh_all()
    return sentences


def _ship(said: Mapping[str, Any], content: bytes) -> str:
    digest = hashlib.sha256(content + str(_cog_year()).encode()).hexdigest()
    known = Indicator.objects.filter(key=said["key"]).first()
    if known is not None and known.digest == digest:
        return f"{known} : déjà chargé."
    rows = list(csv.reader(io.StringIO(gzip.decompress(content).decode()), delimiter=";"))[1:]
    reading = tables.read_rows(
        ((number, code, value) for number, (code, value) in enumerate(rows, 2)),
        addition=Addition.SUM,
        cog_year=said["cog_year"],
        places=tables.read_places(_cog_year()),
    )
    if known is not None:
        known.values.all().delete()
        known.delete()
    indicator = Indicator.objects.create(
        key=said["key"],
        name=said["name"],
        source=said["source"],
        year=said["year"],
        unit=said["unit"],
        addition=Addition.SUM,
        cog_year=said["cog_year"],
        # It serves the change of population, and is not shown by itself.
        is_shown=False,
        file_name=said["file"],
        digest=digest,
    )
    _write(indicator, reading.values)
    left = len(reading.faults)
    return f"{indicator} : {len(reading.values)} communes, {left} lignes laissées de côté."


def _nothing(_changes: YearChanges) -> list[consequences.Consequence]:
    return []


def after_a_year(
    _changes: YearChanges, _vintage: Vintage, _assessed: Sequence[consequences.Consequence]
) -> None:
    """The communes have changed: so have the figures of every département and region."""
    figures.refresh_all()


consequences.declare_consequences(_nothing, after_a_year)
