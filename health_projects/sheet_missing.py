"""What an action sheet lacks, and what the sheets of a project lack together."""

from collections.abc import Iterable, Sequence
from typing import Final

from health_projects.missing import Missing
from health_projects.models import HealthProject, SheetActor
from health_projects.sheets import KEY, Data, rules_of, sheets_as_data
from procedures.project import Mission, ProjectRules, SheetRule

_CARE: Final = frozenset({SheetActor.Line.FIRST_LINE.value, SheetActor.Line.SECOND_LINE.value})
_AROUND: Final = frozenset({SheetActor.Line.STRUCTURE.value, SheetActor.Line.PREVENTION.value})
# What a sheet must say, in the order of the form, as sentences name it.
_WANTED: Final[dict[str, str]] = {
    "issue_kind": "la nature de la problématique",
    "issue": "la problématique",
    "general_objective": "l’objectif général",
    "specific_objectives": "les objectifs spécifiques",
    "actions": "les actions",
    "actors": "les acteurs",
    "coordinator": "le coordinateur",
    "calendar": "le calendrier",
    "evaluation": "les critères d’évaluation",
    "means": "les moyens",
}


def lacks(sheet: Data) -> list[str]:
    """What a sheet still lacks, as names to list: « l’objectif général », « les moyens »."""
    found = [
        name
        for key, name in _WANTED.items()
        if not sheet[key] and not (key == "calendar" and sheet["starts_on"])
    ]
    if not sheet["missions"] and not sheet["themes"]:
        found.append("une mission ou un thème")
    coordinator = sheet["coordinator"]
    if coordinator and coordinator.get("left_on"):
        found.append(f"un autre coordinateur ({coordinator['name']} a quitté la CPTS)")
    gone = [actor["name"] for actor in sheet["actors"] if actor.get("left_on")]
    if gone:
        found.append(f"d’autres acteurs ({', '.join(gone)} : partis de la CPTS)")
    return found


def missing_sheets(project: HealthProject) -> list[Missing]:
    """What the sheets lack before a deposit. What the region only signals is not in it."""
    return missing_in(rules_of(project), sheets_as_data(project))


def missing_in(rules: ProjectRules, sheets: Sequence[Data]) -> list[Missing]:
    """The same from the sheets as data."""
    if not sheets:
        return [Missing("Ajoutez au moins une fiche action.", KEY, KEY)]
    sentences = [
        f"Fiche action « {sheet['label']} » : ajoutez {', '.join(lacking)}."
        for sheet in sheets
        if (lacking := lacks(sheet))
    ]
    sentences += _missing_minimum(rules, sheets)
    if rules.sheets.covers_core_missions:
        sentences += _uncovered(rules, sheets)
    return [Missing(sentence, KEY, KEY) for sentence in sentences]


def signalled_in(rules: ProjectRules, sheets: Sequence[Data]) -> list[str]:
    """What the region would rather see, without keeping the project from being deposited."""
    return [] if rules.sheets.covers_core_missions or not sheets else _uncovered(rules, sheets)


def uncovered_missions(rules: ProjectRules, sheets: Iterable[Data]) -> list[Mission]:
    """The core missions that no sheet is linked to."""
    covered = {mission["key"] for sheet in sheets for mission in sheet["missions"]}
    return [mission for mission in rules.core_missions if mission.key not in covered]


def _uncovered(rules: ProjectRules, sheets: Iterable[Data]) -> list[str]:
    return [
        f"Aucune fiche action ne porte sur la mission socle « {mission.label} » : liez-lui une "
        "fiche, ou ajoutez-en une."
        for mission in uncovered_missions(rules, sheets)
    ]


def counts_for(rule: SheetRule, sheet: Data) -> bool:
    """Whether a sheet is one of the minimum: on a theme of the region, with those it wants."""
    lines = {actor["line"] for actor in sheet["actors"]}
    associated = not rule.associates_structures or bool(lines & _CARE and lines & _AROUND)
    return bool(sheet["themes"]) and associated


def _missing_minimum(rules: ProjectRules, sheets: Sequence[Data]) -> list[str]:
    rule = rules.sheets
    found = sum(counts_for(rule, sheet) for sheet in sheets)
    if found >= rule.minimum:
        return []
    left = rule.minimum - found
    sentence = (
        f"Il faut au moins {rule.minimum} fiches actions sur les thèmes de la région ; il en "
        f"manque {left}."
    )
    if rule.associates_structures:
        sentence += (
            " Chacune associe au moins un professionnel de premier ou de second recours, et une "
            "structure ou un acteur de la prévention : vérifiez le titre de chaque acteur."
        )
    return [sentence]
