"""What a project adds to the story of a case, and the short story its pages show."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from health_projects.documents import KINDS
from health_projects.models import HealthProject
from health_projects.news import lines_of
from workflow.kinds import kind_of
from workflow.models import Case, CaseDocument, TransitionLog
from workflow.readers import Audience, Reader
from workflow.timeline import Line, brief_viewer, in_order, tells, transition_lines, visible_lines


def timeline(
    project: HealthProject,
    *,
    reader: Reader,
    logs: Iterable[TransitionLog],
    documents: Iterable[CaseDocument],
) -> list[Line]:
    """The life of a project in short, oldest first, without a query.

    `logs` come with their actor, `documents` with their file. Its page « Suivi » says all.
    """
    lines = [*transition_lines(kind_of(project), logs, reader), *_own_lines(project, documents)]
    return in_order(visible_lines(lines, brief_viewer(reader)))


@tells(Case.Kind.HEALTH_PROJECT)
def project_lines(case: Case, _reader: Reader) -> list[Line]:
    documents = CaseDocument.objects.filter(case_id=case.pk, kind__in=KINDS)
    project = HealthProject.objects.get(pk=case.pk)
    return [*_own_lines(project, documents.select_related("document")), *lines_of(project)]


def _own_lines(project: HealthProject, documents: Iterable[CaseDocument]) -> list[Line]:
    """What came before the deposit is the team's; its papers are for all who have the project."""
    begun = "Avenant commencé" if project.amends_id else "Projet de santé commencé"
    lines = [Line(project.created_at, begun, Audience.TEAM)]
    for at, together in groupby(sorted(documents, key=_issued), key=_issued):
        numbers = [one.document.number for one in together]
        is_before = project.deposited_at is None or at < project.deposited_at
        word = "Document établi" if len(numbers) == 1 else "Documents établis"
        said = f"{word}\u00a0: {', '.join(numbers)}"
        lines.append(Line(at, said, Audience.TEAM if is_before else Audience.EVERYONE))
    return lines


def _issued(document: CaseDocument) -> datetime:
    return document.document.created_at
