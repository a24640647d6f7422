"""What anyone may read of a health project: the public copy of what is validated.

The copy is made at the deposit, without personal data; a decision withdrawn takes it back.
"""

import uuid

from django.db.models import F, QuerySet
from django.http import Http404

from communities.models import Community
from communities.stages import PublicPaper
from cpts_portal.addresses import address
from health_projects.documents import PUBLIC
from health_projects.models import HealthProject
from health_projects.opening import ACCEPTED
from workflow.models import CaseDocument


def _published() -> QuerySet[CaseDocument]:
    return CaseDocument.objects.filter(
        kind=PUBLIC, case__state__in=ACCEPTED, snapshot__version=F("case__version")
    ).select_related("document")


def public_document(document: uuid.UUID) -> CaseDocument:
    """The public copy with this number. Raises Http404 for anything that is not public."""
    found = _published().filter(document_id=document).first()
    if found is None:
        raise Http404("This document is not public.")
    return found


def public_papers(community: Community) -> list[PublicPaper]:
    """The validated project of a CPTS, then its amendments, the last first: two queries."""
    links = {one.case_id: one.document for one in _published().filter(case__community=community)}
    projects = HealthProject.objects.filter(pk__in=links).order_by("-validated_on", "-pk")
    return [
        PublicPaper(
            label="Avenant validé" if project.amends_id else "Projet de santé validé",
            since=project.validated_on,
            url=address("projects:public-document", links[project.pk].pk),
            size=links[project.pk].size,
        )
        for project in projects
        if project.validated_on
    ]
