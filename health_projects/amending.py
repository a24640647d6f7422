"""Amendments: a case of its own, begun from the project in force, that replaces it once validated.

An amendment says the whole project as it would become, not only what it changes: the consolidated
project is therefore the content of the last one that was validated.
"""

from collections.abc import Collection
from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.models import User
from communities.models import Community
from documents.services import copy_attachment
from health_projects.models import CoherenceNote, HealthProject
from health_projects.opening import ACCEPTED
from health_projects.services import KIND
from health_projects.sheet_writing import start_from
from procedures import registry
from procedures.schema import Procedure, ProcedureKind
from workflow.models import Answer, CaseAttachment, Snapshot
from workflow.services import ActionRefusedError


def in_force(community: Community, on: date) -> Snapshot | None:
    """The consolidated project of a CPTS on a day: what its last validated case says.

    Validated on that day or before, by a decision or by silence; a decision withdrawn since
    never had an effect. None before the first validation.
    """
    project = validated(community, on)
    if project is None:
        return None
    return Snapshot.objects.get(case_id=project.pk, version=project.version)


def validated(community: Community, on: date) -> HealthProject | None:
    """The project, or the amendment, whose content is in force on a day."""
    return (
        HealthProject.objects.filter(community=community, state__in=ACCEPTED, validated_on__lte=on)
        .order_by("-validated_on", "-pk")
        .first()
    )


def begin_amendment(
    community: Community, *, sections: Collection[str], user: User, on: date
) -> HealthProject:
    """Open an amendment to the project in force on the day `on`, with all that it says.

    Raises PermissionDenied, and ActionRefusedError without a section, before any validation, or
    while another amendment is under way.
    """
    if user.acting is not None or community.team_role(user) not in {"owner", "editor"}:
        raise PermissionDenied(
            "Seuls les responsables et les rédacteurs de la CPTS préparent un avenant."
        )
    changed = validated(community, on)
    if changed is None:
        raise ActionRefusedError(
            "Cette CPTS n’a pas encore de projet de santé validé : il n’y a rien à modifier par "
            "avenant."
        )
    procedure = registry.for_region(community.region_id, kind=ProcedureKind.HEALTH_PROJECT)
    known = [section.key for section in procedure.sections if section.key in sections]
    if not known:
        raise ActionRefusedError(
            "Cochez au moins une partie du projet que l’avenant modifie : le lecteur verra ce qui "
            "y change."
        )
    try:
        with transaction.atomic():
            return _open(changed, procedure, known, user)
    except IntegrityError as refused:
        if "case_one_open_health_project" not in str(refused):
            raise
        raise ActionRefusedError(
            "Un avenant est déjà en cours pour cette CPTS : terminez-le ou retirez-le avant d’en "
            "commencer un autre."
        ) from refused


def _open(
    changed: HealthProject, procedure: Procedure, sections: list[str], user: User
) -> HealthProject:
    amendment = HealthProject.objects.create(
        kind=KIND,
        community_id=changed.community_id,
        title=changed.community.name,
        region_id=changed.region_id,
        procedure_key=procedure.key,
        procedure_version=procedure.version,
        created_by=user,
        letter_id=changed.letter_id,
        amends=changed,
        amended_sections=sections,
    )
    said = dict(changed.answers.values_list("key", "value"))
    if changed.title != changed.community.name:
        # The CPTS has taken another name since.
        said["title"] = changed.community.name
    Answer.objects.bulk_create(
        Answer(case_id=amendment.pk, key=key, value=value, updated_by=user)
        for key, value in said.items()
    )
    # The pieces too: an amendment says the whole project, and a piece that is missing would ask
    # every member to sign again.
    for piece in changed.attachments.current().select_related("attachment"):
        CaseAttachment.objects.create(
            case_id=amendment.pk,
            attachment=copy_attachment(piece.attachment),
            slot=piece.slot,
            position=piece.position,
        )
    frozen = Snapshot.objects.get(case_id=changed.pk, version=changed.version)
    start_from(amendment, frozen.content.get("sheets") or [], by=user)
    notes = CoherenceNote.objects.filter(project=changed, side=CoherenceNote.Side.TEAM)
    for note in notes:
        note.pk, note.project, note.updated_by = None, amendment, user
        note.save(force_insert=True)
    return amendment
