"""What loading a file would change, told before it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from cpts_portal.words import NBSP, figure
from territories import consequences
from territories.consequences import Consequence
from territories.loading import current_vintage
from territories.models import Commune, Department, Intercommunality, TerritoryPart, Vintage
from territories.reference import ReferenceData
from territories.succession import STRUCTURAL, Change, ChangeKind, YearChanges
from territories.years import changes_to

_EXAMPLES = 5
LABELS: Final[Mapping[ChangeKind, str]] = {
    ChangeKind.MERGED: "Fusions (plusieurs communes en une)",
    ChangeKind.SPLIT: "Scissions (une commune en plusieurs)",
    ChangeKind.RENUMBERED: "Communes qui changent de code",
    ChangeKind.REDRAWN: "Recompositions (plusieurs communes en plusieurs)",
    ChangeKind.CREATED: "Communes nouvelles, sans commune d’origine connue",
    ChangeKind.RETIRED: "Communes qui disparaissent, sans commune de remplacement connue",
    ChangeKind.RENAMED: "Communes renommées",
    ChangeKind.DEPARTMENT: "Communes qui changent de département",
    ChangeKind.INTERCOMMUNALITY: "Communes qui changent d’EPCI",
    ChangeKind.POPULATION: "Communes dont la population change",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """How many communes change in one way, with a few examples written out."""

    kind: ChangeKind
    count: int
    examples: tuple[str, ...]

    @property
    def label(self) -> str:
        return LABELS[self.kind]

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
    changes: YearChanges
    current: Vintage | None
    consequences: tuple[Consequence, ...]
    # Names of the EPCI and of the départements of both years, by code.
    names: Mapping[str, str]

    @cached_property
    def lists(self) -> list[Listed]:
        """One line for each way of changing, empty ones too."""
        found = []
        for kind in ChangeKind:
            changes = self.changes.of(kind)
            examples = tuple(self.sentence(change) for change in changes[:_EXAMPLES])
            found.append(Listed(kind, len(changes), examples))
        return found

    def sentence(self, change: Change) -> str:
        """A change in words, such as « Blaudeix (23023) et Parsac (23149) → Parsac (23149) »."""
        if change.kind in STRUCTURAL:
            return str(change)
        if not change.before or not change.after:
            return str((change.before or change.after)[0])
        old, new = change.before[0], change.after[0]
        match change.kind:
            case ChangeKind.RENAMED:
                return f"{old.name} → {new}"
            case ChangeKind.DEPARTMENT:
                what = f"{self._name(old.department)} → {self._name(new.department)}"
            case ChangeKind.INTERCOMMUNALITY:
                what = f"{self._name(old.siren)} → {self._name(new.siren)}"
            case _:
                what = f"{_people(old.population)} → {_people(new.population)}{NBSP}habitants"
        return f"{new}{NBSP}: {what}"

    def _name(self, code: str) -> str:
        return self.names.get(code, code) if code else "aucun"

    @property
    def is_older(self) -> bool:
        return self.current is not None and (self.cog_year, self.population_year) < (
            self.current.cog_year,
            self.current.population_year,
        )

    @property
    def class_changes(self) -> int:
        return sum(one.changes_class for one in self.consequences)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        said = []
        if self.is_older:
            said.append(
                f"Ce fichier est plus ancien que les données en vigueur ({self.current}). "
                "Vérifiez que c’est bien lui que vous voulez charger."
            )
        retired = [change.before[0].code for change in self.changes.of(ChangeKind.RETIRED)]
        if retired:
            one = len(retired) == 1
            said.append(
                f"{figure(len(retired))} commune{'' if one else 's'} "
                f"{'disparaît' if one else 'disparaissent'} sans que le fichier dise ce qu’elle"
                f"{'' if one else 's'} {'devient' if one else 'deviennent'}{NBSP}: vérifiez qu’il "
                "est complet."
            )
        used = (
            TerritoryPart.objects.filter(commune__in=retired).values("territory").distinct().count()
        )
        if used:
            said.append(
                f"{used} territoire{'s' if used > 1 else ''} de CPTS "
                f"nomme{'nt' if used > 1 else ''} une commune qui ne sera plus en vigueur{NBSP}: "
                "elle y restera, mais ne pourra plus être ajoutée ailleurs, et un brouillon ne "
                "pourra pas être déposé avec elle."
            )
        return tuple(said)


def compare(data: ReferenceData) -> Comparison:
    """Compare a checked file with the communes in force; nothing is written."""
    is_first = not Commune.objects.exists()
    changes = changes_to(data)
    names = dict(Intercommunality.objects.values_list("siren", "name"))
    names |= {siren: name for siren, _, name in data.rows["intercommunalities"]}
    names |= dict(Department.objects.values_list("code", "name"))
    names |= {code: name for code, name, _ in data.rows["departments"]}
    return Comparison(
        cog_year=data.cog_year,
        population_year=data.population_year,
        source=data.source,
        rows=data.counts(),
        changes=changes,
        current=current_vintage(),
        consequences=() if is_first else tuple(consequences.assess(changes)),
        names=names,
    )


def _people(population: int | None) -> str:
    return "inconnue" if population is None else figure(population)
