"""Who is written to about a project, and with what."""

from collections.abc import Iterable, Sequence

from accounts.models import Organisation
from cpts_portal.words import figure, file_size, long_date
from documents.french import local_datetime
from health_projects.correspondence import day_of
from health_projects.documents import LABELS, SIGNED, filed
from health_projects.models import HealthProject
from workflow.models import CaseDocument, TransitionLog
from workflow.notices import Told, office_of, team_of, tell
from workflow.people import members
from writing.correspondence import office_name
from writing.mails import office_readers

# Whoever is told, and for which organisation: none for the team.
For = tuple[Organisation | None, Told]


def announce_deposit(
    project: HealthProject, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to every member of the team, and to the office in charge. Called again, adds none."""
    content = documents[0].snapshot.content | filed(project)
    key = f"project-deposited:{log.pk}"
    context = {
        "deposited_on": long_date(local_datetime(content["deposited_at"])),
        "signatory": content["signature"]["name"],
        "silence_date": day_of(content["silence_date"]),
        "office": office_name(content["office"]),
        "communes": figure(content["summary"]["commune_count"]),
        "several": content["summary"]["commune_count"] > 1,
        "population": figure(content["summary"]["population"]),
        "documents": _described(documents),
    }
    for person in team_of(project):
        tell(
            project,
            "deposit",
            key=f"{key}:team",
            to=[person],
            template="health_projects/deposited_team",
            context=context | {"user": person},
            attachments=_files(documents),
        )
    body, readers = office_readers(project)
    tell(
        project,
        "received",
        key=f"{key}:office",
        to=readers,
        template="health_projects/deposited_office",
        context=context,
        body=body,
        attachments=_files([link for link in documents if link.kind == SIGNED]),
    )


def announce_completion(
    project: HealthProject, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to the team with the documents of the new version; the office was told at once."""
    content = documents[0].snapshot.content
    deadline = content["completion"]["silence_date"]
    tell(
        project,
        "deposit",
        key=f"project-completed:{log.pk}:team",
        to=team_of(project),
        template="health_projects/completed_team",
        context={
            "number": content["completion"]["number"],
            "version": log.version,
            "silence_date": day_of(deadline) if deadline else "",
            "documents": _described(documents),
        },
        attachments=_files(documents),
    )


def announce_silence(
    project: HealthProject, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Tell everyone that silence has validated: the team, the office, the bodies, the CPAM."""
    _announce(
        project,
        "deemed_valid",
        f"project-deemed-valid:{log.pk}",
        documents,
        [*_team(project), *_office(project), *_bodies(project)],
    )


def announce_silence_withdrawn(
    project: HealthProject, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Tell everyone who was told of the validation that it is withdrawn: the team has the act."""
    key = f"project-silence-withdrawn:{log.pk}"
    people = [*_team(project), *_office(project), *_bodies(project)]
    withdrawn = long_date(local_datetime(log.at))
    _announce(project, "silence_withdrawn", key, documents, people, withdrawn_on=withdrawn)


def announce_recognition(
    project: HealthProject, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Send the recognition letter to the team and to the CPAM, who make the contract."""
    _announce(
        project,
        "recognised",
        f"project-recognised:{log.pk}",
        documents,
        [*_team(project), *[one for one in _bodies(project) if _is_fund(one[0])]],
    )


def _announce(
    project: HealthProject,
    template: str,
    key: str,
    documents: Sequence[CaseDocument],
    people: Iterable[For],
    **more: str,
) -> None:
    seen: set[str] = set()
    validated_on = long_date(project.validated_on) if project.validated_on else ""
    for body, one in people:
        if one.email in seen:
            continue
        seen.add(one.email)
        tell(
            project,
            "decision_told" if body else "decision",
            key=key,
            to=[one],
            template=f"health_projects/{template}",
            context={
                "validated_on": validated_on,
                "is_team": body is None,
                "documents": _described(documents),
                **more,
            },
            body=body,
            attachments=_files(documents),
        )


def _team(project: HealthProject) -> list[For]:
    return [(None, one) for one in team_of(project)]


def _office(project: HealthProject) -> list[For]:
    return [(project.office, one) for one in office_of(project)]


def _bodies(project: HealthProject) -> list[For]:
    """Every other organisation that has the project: its people, else its mailbox."""
    found: list[For] = []
    desks = project.desks.exclude(organisation=project.office_id).select_related("organisation")
    for desk in desks.order_by("pk"):
        body = desk.organisation
        told: list[Told] = list(members(body, project)) or ([body] if body.email else [])
        found += [(body, one) for one in told]
    return found


def _is_fund(body: Organisation | None) -> bool:
    return body is not None and body.kind == Organisation.Kind.CPAM


def _described(documents: Iterable[CaseDocument]) -> list[str]:
    return [f"{LABELS[one.kind]} ({file_size(one.document.size)})" for one in documents]


def _files(documents: Iterable[CaseDocument]) -> list[tuple[str, str]]:
    return [(str(one.document.file.name), f"{one.document.number}.pdf") for one in documents]
