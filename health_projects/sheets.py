"""Action sheets: read as data, written, put in order, and what they still lack.

Pages, PDF and deposit read a sheet in one form, plain JSON data: that of `sheets_as_data` for a
draft, the same frozen for what was deposited.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from cpts_portal.words import day
from health_projects import unlocking
from health_projects.missing import Missing
from health_projects.models import ActionSheet, HealthProject, SheetActor
from health_projects.models.sheets import LONGEST_TEXT, TEXTS
from members.codes import PROFESSIONS, STRUCTURES
from members.models import Member
from procedures import registry
from procedures.project import Mission, ProjectRules, SheetRule
from workflow.models import Snapshot

Data = dict[str, Any]
# The field of the form, the step that shows it, and what a request for complements asks for.
KEY: Final = "action_sheets"
# Beyond, a catalogue was taken for a project.
MOST_SHEETS: Final = 60
MOST_ACTORS: Final = 40
_CARE: Final = frozenset({SheetActor.Line.FIRST_LINE.value, SheetActor.Line.SECOND_LINE.value})
_AROUND: Final = frozenset({SheetActor.Line.STRUCTURE.value, SheetActor.Line.PREVENTION.value})
_VALUES: Final = ("label", "issue_kind", *TEXTS, "starts_on", "ends_on", "missions", "themes")


class SheetError(ValueError):
    """A change is refused; `message` says why, in French; `field` is where, when there is one."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field


class ChangedMeanwhileError(SheetError):
    """Somebody saved the sheet since it was opened; `theirs` is what it holds now."""

    def __init__(self, message: str, theirs: Data) -> None:
        super().__init__(message)
        self.theirs = theirs


@dataclass(frozen=True)
class Actor:
    """One line of the actors of a sheet: a member, or a name."""

    line: str
    member: int | None = None
    name: str = ""
    role: str = ""


def rules_of(project: HealthProject) -> ProjectRules:
    """What the procedure the project began with asks beside its form."""
    found = registry.get(project.procedure_key, project.procedure_version).project
    assert found is not None  # noqa: S101 - a procedure of a health project has them
    return found


# --- Reading ------------------------------------------------------------------------------------

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


# --- What is missing ----------------------------------------------------------------------------

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


# --- Writing ------------------------------------------------------------------------------------


def writes(project: HealthProject, user: User) -> bool:
    """Whether this person may write the sheets now."""
    return unlocking.may_write(project, user, KEY)


def _locked(project: HealthProject, by: User) -> HealthProject:
    """Two people never write the sheets of a project at once; the project leaves no draft
    meanwhile. Raises PermissionDenied."""
    locked = HealthProject.objects.select_for_update(of=("case_ptr",)).get(pk=project.pk)
    if not writes(locked, by):
        raise PermissionDenied(why_not(locked))
    # A change that is refused undoes this with the rest.
    unlocking.note_change(locked, KEY, by)
    return locked


def why_not(project: HealthProject) -> str:
    """Why somebody who sees the project does not write its sheets."""
    if project.is_deposited:
        return (
            "Ce projet est déposé : ses fiches actions ne se modifient que si le bureau demande de "
            "les compléter."
        )
    return (
        "Vous pouvez lire les fiches actions, pas les modifier. Demandez à un responsable de la "
        "CPTS de vous donner le rôle de rédacteur."
    )


@transaction.atomic
def save_sheet(
    project: HealthProject,
    values: Mapping[str, Any],
    actors: Sequence[Actor],
    *,
    by: User,
    uid: uuid.UUID | None = None,
    revision: int = 0,
) -> ActionSheet:
    """Add a sheet at the end, or change the one of this `uid` from its change number `revision`.

    `values` holds the texts, `coordinator` (a member's number or None), the keys of missions and
    themes. Raises PermissionDenied; SheetError for a coordinator or an actor who is not a member
    of this CPTS, one named twice, a text that is too long, a sheet too many;
    ChangedMeanwhileError; ActionSheet.DoesNotExist.
    """
    project = _locked(project, by)
    if uid is None:
        sheet = ActionSheet(project=project, position=_next_position(project), created_by=by)
    else:
        sheet = ActionSheet.objects.get(project=project, uid=uid)
        if sheet.revision != revision:
            raise _changed_meanwhile(project, sheet)
        sheet.revision += 1
    for name in _VALUES:
        if name in values:
            setattr(sheet, name, values[name])
    _check(project, sheet, values, actors)
    sheet.coordinator_id = values.get("coordinator")
    sheet.updated_by, sheet.updated_at = by, timezone.now()
    sheet.save()
    sheet.actors.all().delete()
    SheetActor.objects.bulk_create(
        SheetActor(
            sheet=sheet,
            position=position,
            member_id=actor.member,
            name="" if actor.member else actor.name,
            line=actor.line,
            role=actor.role,
        )
        for position, actor in enumerate(actors)
    )
    return sheet


def _check(
    project: HealthProject, sheet: ActionSheet, values: Mapping[str, Any], actors: Sequence[Actor]
) -> None:
    for name in TEXTS:
        if len(getattr(sheet, name)) > LONGEST_TEXT:
            raise SheetError(
                f"Ce texte dépasse {LONGEST_TEXT} caractères : résumez-le ici, et joignez le "
                "détail en annexe.",
                name,
            )
    if sheet.starts_on and sheet.ends_on and sheet.ends_on < sheet.starts_on:
        raise SheetError(
            "La fin ne peut pas précéder le début : corrigez l’une des dates.", "ends_on"
        )
    if len(actors) > MOST_ACTORS:
        raise SheetError(
            f"Une fiche action nomme {MOST_ACTORS} acteurs au plus : regroupez-en certains.",
            "actors",
        )
    named = [actor.member for actor in actors if actor.member]
    coordinator = values.get("coordinator")
    wanted = [*named, *([coordinator] if coordinator else [])]
    rows = Member.objects.filter(community=project.community_id, pk__in=wanted)
    left = dict(rows.values_list("pk", "left_on"))
    if coordinator is not None and (coordinator not in left or left[coordinator]):
        raise SheetError(
            "Le coordinateur est un membre de la CPTS : choisissez une personne de la liste, ou "
            "ajoutez-la d’abord parmi les membres.",
            "coordinator",
        )
    if any(one not in left for one in named):
        raise SheetError(
            "Un acteur n’est pas membre de cette CPTS : choisissez-le dans la liste, ou écrivez "
            "son nom comme celui d’un partenaire.",
            "actors",
        )
    if len(set(named)) < len(named):
        raise SheetError(
            "Un membre est nommé deux fois parmi les acteurs : gardez une seule ligne pour lui.",
            "actors",
        )


def _next_position(project: HealthProject) -> int:
    count_and_last = project.sheets.aggregate(last=Max("position"))
    if project.sheets.count() >= MOST_SHEETS:
        raise SheetError(
            f"Un projet compte {MOST_SHEETS} fiches actions au plus : regroupez-en certaines."
        )
    return (count_and_last["last"] or 0) + 1


def _changed_meanwhile(project: HealthProject, sheet: ActionSheet) -> ChangedMeanwhileError:
    theirs = sheet_in(sheets_as_data(project), sheet.uid)
    assert theirs is not None  # noqa: S101 - the row was just read
    return ChangedMeanwhileError(
        f"{sheet.updated_by} a enregistré cette fiche pendant que vous écriviez. Rien n’est "
        "perdu : ce que vous avez écrit est encore dans le formulaire, et ce qui a été enregistré "
        "est rappelé à côté. Relisez, puis enregistrez.",
        theirs,
    )


def read_sheet(project: HealthProject, uid: uuid.UUID) -> ActionSheet:
    """Raises ActionSheet.DoesNotExist."""
    return ActionSheet.objects.get(project=project, uid=uid)


@transaction.atomic
def move_sheet(project: HealthProject, uid: uuid.UUID, *, up: bool, by: User) -> bool:
    """Change places with the sheet before or after; whether there was one."""
    project = _locked(project, by)
    sheet = read_sheet(project, uid)
    others = project.sheets
    if up:
        other = others.filter(position__lt=sheet.position).order_by("-position").first()
    else:
        other = others.filter(position__gt=sheet.position).order_by("position").first()
    if other is None:
        return False
    sheet.position, other.position = other.position, sheet.position
    sheet.save(update_fields=["position"])
    other.save(update_fields=["position"])
    return True


@transaction.atomic
def duplicate_sheet(project: HealthProject, uid: uuid.UUID, *, by: User) -> ActionSheet:
    """A copy at the end of the list, to be adapted. Raises as `save_sheet`."""
    project = _locked(project, by)
    sheet = read_sheet(project, uid)
    actors = [
        Actor(line=one.line, member=one.member_id, name=one.name, role=one.role)
        for one in sheet.actors.select_related("member")
        if one.member is None or one.member.left_on is None
    ]
    values = {name: getattr(sheet, name) for name in _VALUES}
    values["label"] = f"{sheet.label[:190]} (copie)"
    coordinator = sheet.coordinator
    values["coordinator"] = coordinator.pk if coordinator and not coordinator.left_on else None
    return save_sheet(project, values, actors, by=by)


@transaction.atomic
def remove_sheet(project: HealthProject, uid: uuid.UUID, *, by: User) -> None:
    """Take a sheet out of a project; what was deposited or signed keeps it."""
    project = _locked(project, by)
    read_sheet(project, uid).delete()


@transaction.atomic
def start_from(project: HealthProject, frozen: Iterable[Data], *, by: User) -> None:
    """Give an amendment the sheets of the project in force, each under its own `uid`.

    A member who left since is no more among the actors.
    """
    here = set(project.community.members.current().values_list("pk", flat=True))
    for position, data in enumerate(frozen, start=1):
        coordinator = (data["coordinator"] or {}).get("member")
        sheet = ActionSheet.objects.create(
            project=project,
            uid=uuid.UUID(data["uid"]),
            position=position,
            label=data["label"],
            issue_kind=data["issue_kind"],
            **{name: data[name] for name in TEXTS},
            starts_on=_day(data["starts_on"]),
            ends_on=_day(data["ends_on"]),
            missions=[one["key"] for one in data["missions"]],
            themes=[one["key"] for one in data["themes"]],
            coordinator_id=coordinator if coordinator in here else None,
            created_by=by,
            updated_by=by,
        )
        SheetActor.objects.bulk_create(
            SheetActor(
                sheet=sheet,
                position=rank,
                member_id=actor["member"],
                name="" if actor["member"] else actor["name"],
                line=actor["line"],
                role=actor["role"],
            )
            for rank, actor in enumerate(data["actors"])
            if actor["member"] is None or actor["member"] in here
        )


def _day(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


# --- Showing ------------------------------------------------------------------------------------

_LINES: Final = dict(SheetActor.Line.choices)
_ISSUES: Final = dict(ActionSheet.IssueKind.choices)


@dataclass(frozen=True)
class ShownActor:
    who: str
    what: str
    line: str
    role: str

    @property
    def said(self) -> str:
        """« Claire Fabre, médecin »."""
        return f"{self.who}, {_inside(self.what)}" if self.what else self.who


@dataclass(frozen=True)
class Shown:
    """A sheet as pages and documents read it."""

    uid: str
    number: int
    label: str
    missions: tuple[str, ...]
    themes: tuple[str, ...]
    coordinator: str
    dates: str
    actors: tuple[ShownActor, ...]
    # Each text under its heading, as paragraphs of lines; empty for what is not written.
    before: tuple[tuple[str, list[list[str]]], ...]
    after: tuple[tuple[str, list[list[str]]], ...]


def show(data: Data, *, public: bool = False) -> Shown:
    """A sheet to read, from its data. `public`: without the name of any person."""
    issue = _ISSUES.get(data["issue_kind"], "")
    issues = [[issue]] if issue else []
    coordinator = data["coordinator"]
    return Shown(
        uid=data["uid"],
        number=data["number"],
        label=data["label"],
        missions=tuple(one["label"] for one in data["missions"]),
        themes=tuple(one["label"] for one in data["themes"]),
        coordinator=_said(coordinator, public=public) if coordinator else "",
        dates=_dates(data),
        actors=tuple(
            ShownActor(
                who=(actor["what"] or "Partenaire") if public else actor["name"],
                what="" if public else actor["what"],
                line=_LINES.get(actor["line"], ""),
                role=actor["role"],
            )
            for actor in data["actors"]
        ),
        before=(
            ("Problématique", issues + _paragraphs(data["issue"])),
            ("Objectif général", _paragraphs(data["general_objective"])),
            ("Objectifs spécifiques", _paragraphs(data["specific_objectives"])),
            ("Actions", _paragraphs(data["actions"])),
        ),
        after=(
            ("Calendrier", _paragraphs(data["calendar"])),
            ("Critères d’évaluation", _paragraphs(data["evaluation"])),
            ("Moyens", _paragraphs(data["means"])),
        ),
    )


def _said(person: Data, *, public: bool) -> str:
    if public:
        return str(person["what"])
    name, what = str(person["name"]), str(person["what"])
    return f"{name}, {_inside(what)}" if what else name


def _inside(what: str) -> str:
    """A profession or a nature inside a sentence: « médecin », but « EHPAD »."""
    return what if what[:2].isupper() else what[:1].lower() + what[1:]


def _dates(data: Data) -> str:
    starts, ends = _day(data["starts_on"]), _day(data["ends_on"])
    if starts and ends:
        return f"du {day(starts)} au {day(ends)}"
    if starts:
        return f"à partir du {day(starts)}"
    return f"jusqu’au {day(ends)}" if ends else ""


def _paragraphs(text: str) -> list[list[str]]:
    """The paragraphs a person wrote, each as its lines."""
    blocks = text.replace("\r\n", "\n").strip().split("\n\n")
    return [
        lines
        for block in blocks
        if (lines := [line.strip() for line in block.split("\n") if line.strip()])
    ]


# --- Choosing a member --------------------------------------------------------------------------


@dataclass(frozen=True)
class Choices:
    """The members of a CPTS by what a person writes to name one."""

    current: dict[str, int]
    # Those who left, who may be named no more.
    gone: dict[str, int]

    def label_of(self, member: int | None) -> str:
        known = {**self.gone, **self.current}
        return next((label for label, pk in known.items() if pk == member), "")


_MEMBERS: Final = """
    SELECT member.id, member.kind, member.first_name, member.last_name, member.structure_name,
           member.profession, member.structure_kind, member.left_on, commune.name
      FROM members_member AS member
      LEFT JOIN territories_commune AS commune ON commune.code = member.commune_id
     WHERE member.community_id = %s
     ORDER BY member.sort_key, member.id
"""


def member_choices(community: Community) -> Choices:
    """Each member as « Claire Fabre – Médecin »; two of one name are told apart by their commune,
    then by a number. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, [community.pk])
        rows = cursor.fetchall()
    choices = Choices({}, {})
    for pk, kind, first, last, structure, profession, nature, left_on, commune in rows:
        is_structure = kind == Member.Kind.STRUCTURE
        name = structure if is_structure else f"{first} {last}".strip()
        what = STRUCTURES.get(nature) if is_structure else PROFESSIONS.get(profession)
        label = f"{name} – {what}"
        taken = choices.gone if left_on else choices.current
        if label in choices.current or label in choices.gone:
            label = f"{label}, {commune}" if commune else f"{label} (2)"
        number = 2
        while label in choices.current or label in choices.gone:
            label, number = f"{name} – {what} ({number})", number + 1
        taken[label] = pk
    return choices
