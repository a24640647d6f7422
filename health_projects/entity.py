"""The association that carries the CPTS, as a project needs it and keeps it."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from communities import legal
from communities.models import LegalEntity
from health_projects.missing import Missing
from health_projects.models import HealthProject
from writing.services import attach, slot_of

KEY: Final = "legal_entity"


def missing_entity(project: HealthProject) -> list[Missing]:
    """What the association of today lacks before a deposit."""
    found = legal.missing_of(legal.current_entity(project.community))
    return [Missing(one, KEY, KEY) for one in found]


def entity_as_data(project: HealthProject) -> dict[str, Any]:
    """The association of today, in plain JSON data to be frozen; empty when there is none."""
    return legal.as_data(legal.current_entity(project.community))


def show(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was frozen, as terms and values to read."""
    return legal.rows_of(data)


# The slot of the form for the same file: what was joined once is not asked twice.
_SLOT: Final = "statutes"


def carry_statutes(entity: LegalEntity, by: User) -> None:
    """Join the statutes of the association to the project being written, when it has none yet."""
    project = HealthProject.objects.filter(community=entity.community_id, state="draft").first()
    if project is not None and entity == legal.current_entity(project.community):
        join_statutes(project, by)


def join_statutes(project: HealthProject, by: User) -> None:
    """Join a copy of the statutes of the association of today, when the project has none yet."""
    slot = slot_of(project, _SLOT)
    entity = legal.current_entity(project.community)
    if slot is None or entity is None or entity.statutes is None:
        return
    if project.attachments.current().filter(slot=_SLOT).exists():
        return
    joined = entity.statutes
    with joined.file.open("rb") as opened:
        copy = SimpleUploadedFile(joined.name, opened.read(), content_type=joined.content_type)
    attach(project, slot, copy, user=by)
