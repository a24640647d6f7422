"""The project beside the plans of its territory: GHT, CLS, PTSM, PRS, as the region lists them.

The team says where it stands before the deposit; the office in charge says after, in a column
of its own that only offices read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cpts_portal.composed import Composed, Given
from health_projects import rules as project_rules
from health_projects.missing import Missing
from health_projects.models import CoherenceNote, HealthProject
from health_projects.sheets import rules_of
from procedures.project import Framework
from workflow.complement_rules import follows
from workflow.states import OPEN_STATES

KEY: Final = "coherence"
Side = CoherenceNote.Side
_FINDINGS: Final = dict(CoherenceNote.Finding.choices)


class ChangedMeanwhileError(ValueError):
    """Somebody saved a note since the page was opened; `message` says so, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class Row:
    """A plan, and what each side says of it; None where it has said nothing, or nothing that
    this person may read."""

    framework: Framework
    team: CoherenceNote | None
    office: CoherenceNote | None

    def of(self, side: str) -> CoherenceNote | None:
        return self.team if side == Side.TEAM else self.office


@dataclass(frozen=True)
class Finding:
    """What one side says of a plan, to be saved from its change number `revision`."""

    framework: str
    finding: str
    comment: str = ""
    reference: str = ""
    revision: int = 0


def rows_for(project: HealthProject, user: User) -> list[Row]:
    """Each plan with what this person may read of it: one query."""
    return _rows(project, CoherenceNote.objects.visible_to(user).filter(project=project))


def _rows(project: HealthProject, notes: Any) -> list[Row]:
    found = {(note.framework, note.side): note for note in notes.select_related("body")}
    return [
        Row(one, found.get((one.key, Side.TEAM)), found.get((one.key, Side.OFFICE)))
        for one in rules_of(project).frameworks
    ]


def side_written_by(project: HealthProject, user: User) -> str:
    """Whose column this person writes now: « team », « office », or nothing."""
    if project_rules.may_edit(project, user):
        return Side.TEAM.value
    if project.state in OPEN_STATES and project.is_deposited and follows(project, user):
        return Side.OFFICE.value
    return ""


def reads_office(project: HealthProject, user: User, rows: Sequence[Row]) -> bool:
    """Whether the page has the column of the office: it is written, or about to be."""
    return any(row.office for row in rows) or side_written_by(project, user) == Side.OFFICE


@transaction.atomic
def save_findings(project: HealthProject, findings: Sequence[Finding], *, by: User) -> None:
    """Write one side's column, whole. A plan without a finding is left without a note.

    Raises PermissionDenied, or ChangedMeanwhileError when somebody wrote one of these notes since.
    """
    locked = HealthProject.objects.select_for_update(of=("case_ptr",)).get(pk=project.pk)
    side = side_written_by(locked, by)
    if not side:
        raise PermissionDenied
    known = {framework.key for framework in rules_of(locked).frameworks}
    stored = {
        note.framework: note
        for note in CoherenceNote.objects.filter(project=locked, side=side).select_related(
            "updated_by"
        )
    }
    for given in findings:
        if given.framework in known:
            _write(locked, side, given, stored.get(given.framework), by)


def _write(
    project: HealthProject, side: str, given: Finding, note: CoherenceNote | None, by: User
) -> None:
    if note is None and not given.finding:
        return
    same = note is not None and _said(note) == (given.finding, given.comment, given.reference)
    if same:
        return
    if (note.revision if note else 0) != given.revision:
        who = note.updated_by if note else "Quelqu’un"
        raise ChangedMeanwhileError(
            f"{who} a écrit sur le même plan pendant que vous écriviez. Rien n’est perdu : ce que "
            "vous avez écrit est encore dans le formulaire. Relisez, puis enregistrez."
        )
    if not given.finding:
        assert note is not None  # noqa: S101 - seen above
        note.delete()
        return
    note = note or CoherenceNote(project=project, framework=given.framework, side=side, revision=0)
    note.finding, note.comment, note.reference = given.finding, given.comment, given.reference
    note.revision += 1
    note.body_id = by.acting.organisation_id if by.acting and side == Side.OFFICE else None
    note.updated_by, note.updated_at = by, timezone.now()
    note.save()


def _said(note: CoherenceNote) -> tuple[str, str, str]:
    return note.finding, note.comment, note.reference


_SAID: Final = Composed(
    lambda: CoherenceNote.objects.filter(
        project=Given("project"), side=Side.TEAM.value
    ).values_list("framework")
)


def missing_coherence(project: HealthProject) -> list[Missing]:
    """The plans of which the team has said nothing yet."""
    done = {framework for (framework,) in _SAID.rows(project=project.pk)}
    return [
        Missing(
            f"Cohérence avec « {one.label} » : dites si le projet est cohérent avec ce plan, ce "
            "qui est à discuter, ou que ce plan est sans objet sur votre territoire.",
            KEY,
            KEY,
        )
        for one in rules_of(project).frameworks
        if one.key not in done
    ]


def coherence_as_data(project: HealthProject) -> list[dict[str, Any]]:
    """What the team says, in plain JSON data to be frozen with its project."""
    notes = CoherenceNote.objects.filter(project=project, side=Side.TEAM)
    return [
        {
            "key": row.framework.key,
            "label": row.framework.label,
            "finding": row.team.finding if row.team else "",
            "comment": row.team.comment if row.team else "",
            "reference": row.team.reference if row.team else "",
        }
        for row in _rows(project, notes)
    ]


def show(data: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str, str]]:
    """What was frozen, as lines to read: the plan, the finding, the comment, the document."""
    return [
        (
            one["label"],
            _FINDINGS.get(one["finding"], "Non renseigné"),
            one["comment"],
            one["reference"],
        )
        for one in data
    ]
