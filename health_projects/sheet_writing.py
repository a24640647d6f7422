"""Writing action sheets: one at a time, in an order, from a model or a past project."""

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
from health_projects import unlocking
from health_projects.models import ActionSheet, HealthProject, SheetActor
from health_projects.models.sheets import LONGEST_TEXT, TEXTS
from health_projects.sheets import KEY, Data, sheet_in, sheets_as_data
from members.codes import PROFESSIONS, STRUCTURES
from members.models import Member

# Beyond, a catalogue was taken for a project.
MOST_SHEETS: Final = 60
MOST_ACTORS: Final = 40
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
            starts_on=day_or_none(data["starts_on"]),
            ends_on=day_or_none(data["ends_on"]),
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


def day_or_none(iso: str | None) -> date | None:
    return date.fromisoformat(iso) if iso else None


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
