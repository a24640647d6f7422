"""Action sheets for tests: each function makes what its name says."""

from itertools import count
from typing import Any

from health_projects.models import ActionSheet, HealthProject
from health_projects.sheet_writing import Actor, save_sheet
from tests.members import making

_numbers = count(1)

TEXTS = {
    "issue_kind": "need",
    "issue": "Un patient sur dix n’a pas de médecin traitant.",
    "general_objective": "Que chacun trouve un médecin traitant.",
    "specific_objectives": "Cent patients de plus par an.",
    "actions": "Un recensement, puis une cellule d’orientation.",
    "calendar": "Recensement en mars, cellule en juin.",
    "evaluation": "Nombre de patients orientés.",
    "means": "Une coordinatrice à mi-temps.",
}


def values(**changes: Any) -> dict[str, Any]:
    """What a whole sheet holds, its actors left out, and no coordinator unless one is given."""
    return {
        "label": f"Action {next(_numbers)}",
        **TEXTS,
        "starts_on": None,
        "ends_on": None,
        "missions": ["access_to_care"],
        "themes": [],
        "coordinator": None,
    } | changes


def sheet(
    project: HealthProject, *, actors: list[Actor] | None = None, **changes: Any
) -> ActionSheet:
    """A whole sheet, coordinated by a nurse, with a doctor and a health centre."""
    community = project.community
    if "coordinator" not in changes:
        changes["coordinator"] = making.professional(community).pk
    if actors is None:
        doctor = making.professional(community, profession="10")
        centre = making.structure(community)
        actors = [
            Actor("first_line", member=doctor.pk, role="Oriente les patients"),
            Actor("structure", member=centre.pk),
        ]
    return save_sheet(project, values(**changes), actors, by=project.created_by)


def posted(**changes: Any) -> dict[str, Any]:
    """A form as the page sends it, with two empty lines of actors."""
    lines = {
        "actors-TOTAL_FORMS": "2",
        "actors-INITIAL_FORMS": "0",
        **{f"actors-{n}-{name}": "" for n in (0, 1) for name in ("who", "line", "role")},
    }
    given = {key: value for key, value in values().items() if value not in (None, [])}
    return given | lines | {"revision": ""} | changes
