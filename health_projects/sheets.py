"""The action sheets of a project: their rules, and how they are read in one statement."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import connection

from accounts.models import User
from health_projects import unlocking
from health_projects.models import HealthProject
from health_projects.models.sheets import TEXTS
from members.codes import PROFESSIONS, STRUCTURES
from members.models import Member
from procedures import registry
from procedures.project import ProjectRules
from workflow.models import Snapshot

Data = dict[str, Any]
# The field of the form, the step that shows it, and what a request for complements asks for.
KEY: Final = "action_sheets"


def rules_of(project: HealthProject) -> ProjectRules:
    """What the procedure the project began with asks beside its form."""
    found = registry.get(project.procedure_key, project.procedure_version).project
    assert found is not None  # noqa: S101 - a procedure of a health project has them
    return found


# Written by hand: as models, the same sheets take three queries and ten times as long.
_SHEETS: Final = """
    SELECT sheet.uid, sheet.revision, sheet.label, sheet.issue_kind, {texts},
           sheet.starts_on, sheet.ends_on, sheet.missions, sheet.themes,
           CASE WHEN member.id IS NOT NULL THEN json_build_object(
               'member', member.id, 'kind', member.kind, 'first', member.first_name,
               'last', member.last_name, 'structure', member.structure_name,
               'profession', member.profession, 'nature', member.structure_kind,
               'left_on', member.left_on) END AS coordinator,
           (SELECT json_agg(json_build_object(
                       'member', other.id, 'kind', other.kind, 'first', other.first_name,
                       'last', other.last_name, 'structure', other.structure_name,
                       'profession', other.profession, 'nature', other.structure_kind,
                       'left_on', other.left_on, 'name', actor.name, 'line', actor.line,
                       'role', actor.role) ORDER BY actor.position)
              FROM health_projects_sheetactor AS actor
              LEFT JOIN members_member AS other ON other.id = actor.member_id
             WHERE actor.sheet_id = sheet.id) AS actors
      FROM health_projects_actionsheet AS sheet
      LEFT JOIN members_member AS member ON member.id = sheet.coordinator_id
     WHERE sheet.project_id = %s
     ORDER BY sheet.position
"""
_WHOLE: Final = _SHEETS.format(texts=", ".join(f"sheet.{name}" for name in TEXTS))
# Of each text its first letter: what tells whether anything is written.
_BRIEF: Final = "SELECT coalesce(json_agg(brief)::text, '[]') FROM ({}) AS brief".format(  # noqa: S608 - its own columns
    _SHEETS.format(texts=", ".join(f"left(sheet.{name}, 1) AS {name}" for name in TEXTS))
)


def sheets_as_data(project: HealthProject) -> list[Data]:
    """The sheets of a project as they stand, in their order, in plain JSON data: one query."""
    rules = rules_of(project)
    with connection.cursor() as cursor:
        cursor.execute(_WHOLE, [project.pk])
        return [_sheet(number, row, rules) for number, row in enumerate(cursor.fetchall(), start=1)]


def brief_of(project: HealthProject) -> str:
    """What tells how far the sheets are, as a JSON text for `sheets_in_brief`: one query.

    A page that only says what they lack keeps what it worked out under this text.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BRIEF, [project.pk])
        return str(cursor.fetchone()[0])


def sheets_in_brief(brief: str, rules: ProjectRules) -> list[Data]:
    """The sheets as `sheets_as_data` gives them, but of each text its first letter."""
    rows = enumerate(json.loads(brief), start=1)
    return [_sheet(number, [*row.values()], rules) for number, row in rows]


def _sheet(number: int, row: Sequence[Any], rules: ProjectRules) -> Data:
    uid, revision, label, issue_kind, *texts = row[:11]
    starts_on, ends_on, missions, themes, coordinator, actors = row[11:]
    return {
        "uid": str(uid),
        "number": number,
        "revision": revision,
        "label": label,
        "issue_kind": issue_kind,
        **dict(zip(TEXTS, texts, strict=True)),
        # A date, or the text of one.
        "starts_on": str(starts_on) if starts_on else None,
        "ends_on": str(ends_on) if ends_on else None,
        "missions": _labelled(missions, rules.missions),
        "themes": _labelled(themes, rules.themes),
        "coordinator": _person(coordinator) if coordinator else None,
        "actors": [
            _person(actor) | {"line": actor["line"], "role": actor["role"]}
            for actor in actors or ()
        ],
    }


def _labelled(keys: Iterable[str], known: Iterable[Any]) -> list[dict[str, str]]:
    wanted = set(keys)
    return [{"key": one.key, "label": one.label} for one in known if one.key in wanted]


def _person(row: Mapping[str, Any]) -> Data:
    if row["member"] is None:
        return {"member": None, "name": row["name"], "what": "", "left_on": None}
    is_structure = row["kind"] == Member.Kind.STRUCTURE
    return {
        "member": row["member"],
        "name": row["structure"] if is_structure else f"{row['first']} {row['last']}".strip(),
        "what": STRUCTURES.get(row["nature"], "")
        if is_structure
        else PROFESSIONS.get(row["profession"], ""),
        "left_on": row["left_on"],
    }


def sheets_for(project: HealthProject, user: User) -> list[Data]:
    """The sheets as this person reads them: what the team writes, or what was deposited."""
    if unlocking.reads_live(project, user, KEY):
        return sheets_as_data(project)
    return frozen_sheets(project)


def sheets_to_freeze(project: HealthProject) -> list[Data]:
    """What is frozen of the sheets: nothing that changes by itself, or that only counts saves."""
    return [_still(sheet) for sheet in sheets_as_data(project)]


def _still(sheet: Data) -> Data:
    kept = {key: value for key, value in sheet.items() if key != "revision"}
    kept["coordinator"] = sheet["coordinator"] and _named(sheet["coordinator"])
    kept["actors"] = [_named(actor) for actor in sheet["actors"]]
    return kept


def _named(person: Data) -> Data:
    return {key: value for key, value in person.items() if key != "left_on"}


def frozen_sheets(project: HealthProject) -> list[Data]:
    """The sheets of the last frozen content; none before it."""
    found = Snapshot.objects.filter(case_id=project.pk, version=project.version)
    return found.values_list("content__sheets", flat=True).first() or []


def sheet_in(sheets: Iterable[Data], uid: uuid.UUID) -> Data | None:
    """The sheet of this number among others, or None."""
    return next((one for one in sheets if one["uid"] == str(uid)), None)
