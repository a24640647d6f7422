"""Opening a health project, freezing what is signed, and depositing it."""

from typing import Any, Final, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from health_projects import rules
from health_projects.content import project_content
from health_projects.entity import join_statutes
from health_projects.models import HealthProject
from health_projects.signing import campaign_of, frozen_version
from letters.models import LetterOfIntent
from outbox.services import publish
from procedures import registry
from procedures.schema import Procedure, ProcedureKind
from workflow.clock import EventKind
from workflow.effects import prepares, records
from workflow.models import Answer, Case, CaseDesk, Snapshot, TransitionLog
from workflow.search import index_case
from workflow.services import (
    ActionRefusedError,
    already_done,
    clock_of,
    freeze,
    next_reference,
    perform,
    record_clock_event,
)
from writing.content import procedure_of, read_content
from writing.depositing import informed_desks, office_as_data, office_in_charge
from writing.rules import may_deposit

KIND: Final = Case.Kind.HEALTH_PROJECT


# --- Opening ------------------------------------------------------------------------------------


@transaction.atomic
def open_project(
    community: Community, *, user: User, letter: LetterOfIntent | None = None
) -> HealthProject:
    """Open the health project of a CPTS, with what its letter and the portal know already in it.

    `letter` is the accepted letter it begins with; a CPTS born before the portal has none.
    """
    procedure = registry.for_region(community.region_id, kind=ProcedureKind.HEALTH_PROJECT)
    project = HealthProject.objects.create(
        kind=KIND,
        community=community,
        title=community.name,
        region_id=community.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        created_by=user,
        letter=letter,
    )
    known = {
        "title": community.name,
        "contact_name": user.get_full_name(),
        "contact_profession": user.profession,
        "contact_email": user.email,
    } | (said_by(letter, procedure) if letter else {})
    Answer.objects.bulk_create(
        Answer(case_id=project.pk, key=key, value=value, updated_by=user)
        for key, value in known.items()
        if value and any(field.key == key for field in procedure.answer_fields)
    )
    join_statutes(project, user)
    return project


def said_by(letter: LetterOfIntent, procedure: Procedure) -> dict[str, Any]:
    """What the last version of a letter says, under the fields of the project that continue it.

    A field continues the one of its own name and nature; else a paragraph opens with those that
    its procedure names (`starts_from`), one after the other.
    """
    snapshot = Snapshot.objects.get(case_id=letter.pk, version=letter.version)
    said = {
        field["key"]: (field["kind"], field["value"])
        for section in snapshot.content["sections"]
        for field in section["fields"]
        if field["value"] not in (None, "", [], {})
    }
    known: dict[str, Any] = {}
    for field in procedure.answer_fields:
        kind, value = said.get(field.key, ("", None))
        if kind == field.kind.value:
            known[field.key] = value
            continue
        texts = [said[key][1] for key in field.starts_from if key in said]
        if texts := [text for text in texts if isinstance(text, str)]:
            known[field.key] = "\n\n".join(texts)[: field.max_length or None]
    return known


# --- Freezing what is signed --------------------------------------------------------------------


def freeze_version(project: HealthProject, *, actor: User) -> TransitionLog:
    """Freeze what the project says today for its members to sign, and have its PDF made.

    Raises PermissionDenied, and IncompleteError with what is missing or has not changed.
    """
    if project.is_deposited:
        raise already_done(project)
    if not rules.may_freeze(project, actor):
        raise PermissionDenied("Seul un responsable de la CPTS fige une version à signer.")
    return perform(project, "freeze_version", actor=actor)


@prepares(KIND, "freeze_version")
def number_the_project(project: HealthProject, **_data: Any) -> dict[str, Any]:
    """The number given with the first version stays to the end."""
    prefix = procedure_of(project).reference_prefix
    return {"reference": project.reference or next_reference(prefix, project.region_id)}


@records(KIND, "freeze_version")
def keep_the_version(project: HealthProject, *, log: TransitionLog, actor: User) -> None:
    freeze(project, project_content(project), actor=actor)
    publish("health_projects.frozen", key=f"{project.pk}:{project.version}", log_id=log.pk)


# --- Depositing ---------------------------------------------------------------------------------


def deposit(
    project: HealthProject, *, actor: User, commits: bool, signatory_name: str, place: str
) -> TransitionLog:
    """File the version that the members signed.

    Raises ActionRefusedError when the commitment, the name or the place is missing, and
    whatever `perform()` raises.
    """
    if project.is_deposited:
        raise already_done(project)
    if not may_deposit(project, actor):
        raise PermissionDenied("Seul un responsable de la CPTS dépose le projet, en son nom.")
    signatory_name, place = signatory_name.strip(), place.strip()
    if not commits:
        raise ActionRefusedError(
            "Cochez l’engagement : il dit que ce projet est celui que les membres ont lu et signé."
        )
    if not signatory_name or not place:
        raise ActionRefusedError(
            "Écrivez le nom du référent et le lieu : ils tiennent lieu de signature."
        )
    return perform(
        project,
        "deposit",
        actor=actor,
        commits=True,
        signatory_name=signatory_name[:150],
        signed_at_place=place[:100],
    )


@prepares(KIND, "deposit")
def route(project: HealthProject, **_data: Any) -> dict[str, Any]:
    """Find the desk and measure the territory, under the case's lock."""
    territory = read_content(project).territory
    office = office_in_charge(procedure_of(project), project.region_id, territory.departments)
    return {
        "office_id": office.pk,
        "population": territory.population,
        "commune_count": territory.commune_count,
        "size_class": territory.size_class,
        "department_codes": list(territory.department_codes),
    }


@records(KIND, "deposit")
def file_and_route(project: HealthProject, *, log: TransitionLog, actor: User) -> None:
    """Start the clock, note the deposit beside what was signed, open the desks."""
    record_clock_event(
        project,
        EventKind.START,
        effective_on=timezone.localdate(project.deposited_at),
        actor=None,
        reason="Réception du projet sur le portail.",
    )
    snapshot = frozen_version(project)
    if snapshot is None:
        raise ValueError(f"{project} has no frozen version to deposit.")
    project.filing = filing_of(project, snapshot, account=str(actor))
    HealthProject.objects.filter(pk=project.pk).update(filing=project.filing)
    index_case(project, snapshot.content | project.filing)
    office = cast(Organisation, project.office)
    desks = {desk.pk for desk in informed_desks(procedure_of(project), project)}
    CaseDesk.objects.bulk_create(
        [
            CaseDesk(case_id=project.pk, organisation=office, kind=CaseDesk.Kind.IN_CHARGE),
            *(
                CaseDesk(case_id=project.pk, organisation_id=pk, kind=CaseDesk.Kind.INFORMED)
                for pk in sorted(desks - {office.pk})
            ),
        ]
    )
    publish("health_projects.deposited", key=f"{project.pk}:{project.version}", log_id=log.pk)
    if procedure_of(project).circuit.consultations:
        publish("writing.consult", key=str(project.pk), case_id=project.pk)


def filing_of(project: HealthProject, snapshot: Snapshot, *, account: str) -> dict[str, Any]:
    """What the deposit adds to the version that was signed, whose hash stays what it was."""
    campaign = campaign_of(snapshot)
    return {
        "reference": project.reference,
        "version": snapshot.version,
        "deposited_at": project.deposited_at.isoformat() if project.deposited_at else None,
        "silence_date": _day(clock_of(project).deadline),
        "office": office_as_data(cast(Organisation, project.office)),
        "signature": {
            "name": project.signatory_name,
            "place": project.signed_at_place,
            "date": timezone.localdate(project.deposited_at).isoformat(),
            "commitment": procedure_of(project).commitment,
            "account": account,
        },
        "team": [
            {"name": str(member.user), "email": member.user.email, "role": member.role}
            for member in project.community.team_members.select_related("user")
        ],
        "signed": {
            "sha256": snapshot.sha256,
            "campaign": str(campaign.public_id) if campaign else "",
        },
    }


def _day(day: Any) -> str | None:
    return day.isoformat() if day else None
