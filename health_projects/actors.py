"""Who makes the CPTS: never one category of actors alone, and legal persons are not left out.

Instruction DGOS/DIR/CNAM/2019/218 of 9 October 2019: no project that leaves legal persons out
by principle is validated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from health_projects.missing import Missing
from health_projects.models import HealthProject, SheetActor
from health_projects.sheets import Data, sheets_as_data
from members.codes import PROFESSIONS
from members.services import Tally, tallies_of

KEY: Final = "members"
_LEGAL_PERSONS: Final = frozenset(
    {SheetActor.Line.STRUCTURE.value, SheetActor.Line.PREVENTION.value}
)


@dataclass(frozen=True)
class Categories:
    """Of which categories the current members are."""

    # Codes of professions, and of kinds of structures.
    professions: frozenset[str]
    structures: frozenset[str]

    @property
    def count(self) -> int:
        return len(self.professions) + len(self.structures)


def categories_of(project: HealthProject) -> Categories:
    """The categories of the members of today: one query."""
    return categories_in(tallies_of(project.community))


def categories_in(tallies: Sequence[Tally]) -> Categories:
    """The same from the members counted."""
    return Categories(
        frozenset(one.profession for one in tallies if one.profession),
        frozenset(one.structure_kind for one in tallies if one.structure_kind),
    )


def missing_actors(project: HealthProject, sheets: Sequence[Data] | None = None) -> list[Missing]:
    """What the members and the actors of the sheets lack together, before a deposit."""
    sheets = sheets_as_data(project) if sheets is None else sheets
    found = problems(categories_of(project), names_a_structure=names_a_structure(sheets))
    return [Missing(one, KEY, KEY) for one in found]


def names_a_structure(sheets: Iterable[Data]) -> bool:
    """Whether a sheet associates a structure or an actor of prevention."""
    return any(actor["line"] in _LEGAL_PERSONS for sheet in sheets for actor in sheet["actors"])


def problems(categories: Categories, *, names_a_structure: bool) -> list[str]:
    """The same as sentences, from what was read."""
    if not categories.count:
        return ["Ajoutez les membres de la CPTS : des professionnels de ville et des structures."]
    sentences = []
    if categories.count == 1 and categories.professions:
        (only,) = categories.professions
        sentences.append(
            f"Tous les membres exercent la même profession ({PROFESSIONS.get(only, only)}) : une "
            "CPTS n’est pas celle d’une seule catégorie d’acteurs. Ajoutez des membres d’autres "
            "professions, ou des structures."
        )
    elif categories.count == 1:
        sentences.append(
            "Tous les membres sont des structures de même nature : une CPTS n’est pas celle d’une "
            "seule catégorie d’acteurs. Ajoutez des professionnels de ville, ou d’autres "
            "structures."
        )
    if not categories.structures and not names_a_structure:
        sentences.append(
            "Aucune personne morale n’est parmi les membres ni parmi les acteurs des fiches : un "
            "projet qui les écarte par principe n’est pas validé. Ajoutez au moins une structure, "
            "comme membre ou dans une fiche action."
        )
    return sentences
