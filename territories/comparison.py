"""What loading a file would change, told before it is done."""

from dataclasses import dataclass

from territories.loading import current_vintage
from territories.models import Commune, TerritoryPart
from territories.reference import ReferenceData

_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Change:
    """How many communes change in one way, with a few examples written out."""

    label: str
    count: int
    examples: tuple[str, ...]

    @property
    def more(self) -> int:
        return self.count - len(self.examples)


@dataclass(frozen=True)
class Comparison:
    """A checked file beside the data in force. `warnings` are sentences to read first."""

    cog_year: int
    population_year: int
    source: str
    rows: dict[str, int]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def compare(data: ReferenceData) -> Comparison:
    """Compare a checked file with the communes in force, in three queries."""
    present = {
        code: (name, population, siren)
        for code, name, population, siren in Commune.objects.filter(is_active=True)
        .values_list("code", "name", "population", "intercommunality_id")
        .iterator()
    }
    created, renamed, moved, counted = [], [], [], []
    incoming = set()
    for code, _, name, _, _, siren, _, population in data.rows["communes"]:
        incoming.add(code)
        if code not in present:
            created.append(f"{name} ({code})")
            continue
        old_name, old_population, old_siren = present[code]
        if name != old_name:
            renamed.append(f"{old_name} → {name} ({code})")
        if (siren or None) != old_siren:
            moved.append(f"{name} ({code})")
        if (int(population) if population else None) != old_population:
            counted.append(
                f"{name} ({code}) : {_figure(old_population)} → {_figure(population)} habitants"
            )
    gone = sorted(set(present) - incoming)
    retired = [f"{present[code][0]} ({code})" for code in gone]
    return Comparison(
        cog_year=data.cog_year,
        population_year=data.population_year,
        source=data.source,
        rows=data.counts(),
        changes=(
            _change("Communes nouvelles", created),
            _change("Communes renommées", renamed),
            _change("Communes qui ne seront plus en vigueur", retired),
            _change("Communes qui changent d’EPCI", moved),
            _change("Communes dont la population change", counted),
        ),
        warnings=tuple(_warnings(data, gone)),
    )


def _change(label: str, items: list[str]) -> Change:
    return Change(label, len(items), tuple(items[:_EXAMPLES]))


def _figure(population: str | int | None) -> str:
    return "inconnue" if population in {None, ""} else f"{int(population):,}".replace(",", "\u202f")


def _warnings(data: ReferenceData, gone: list[str]) -> list[str]:
    warnings = []
    current = current_vintage()
    if current is not None and (data.cog_year, data.population_year) < (
        current.cog_year,
        current.population_year,
    ):
        warnings.append(
            f"Ce fichier est plus ancien que les données en vigueur ({current}). "
            "Vérifiez que c’est bien lui que vous voulez charger."
        )
    used = TerritoryPart.objects.filter(commune__in=gone).values("territory").distinct().count()
    if used:
        warnings.append(
            f"{used} territoire{'s' if used > 1 else ''} de CPTS "
            f"nomme{'nt' if used > 1 else ''} une commune qui ne sera plus en vigueur : elle y "
            "restera, mais ne pourra plus être ajoutée ailleurs."
        )
    return warnings
