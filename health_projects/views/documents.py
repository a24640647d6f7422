"""Official documents to read and keep, and the preview of a draft."""

import uuid

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import condition, require_safe

from accounts.http import PersonRequest
from documents.rendering import render_pdf
from health_projects.documents import preview_context
from health_projects.public import public_document
from health_projects.views.access import visible_project
from workflow.models import CaseDocument
from workflow.official import read_document
from workflow.views.documents import (
    may_preview_now,
    pdf_response,
    readable_link,
    wants_file,
)


@require_safe
def preview(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """The draft as its members would read it now, each page marked BROUILLON."""
    shown = visible_project(request, project)
    if shown.is_deposited:
        return redirect("projects:detail", shown.public_id)
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    drawn = render_pdf(
        "pdf/project.html",
        preview_context(shown) | {"author": settings.PORTAL_NAME},
        title=f"Brouillon du projet de santé – {shown.title}",
        draft=True,
    )
    return pdf_response(
        drawn, name=f"Brouillon - {shown.title}.pdf", as_attachment=wants_file(request)
    )


def _link(request: PersonRequest, project: uuid.UUID, document: uuid.UUID) -> CaseDocument:
    """The document if the person may read it; else a 404 that says nothing."""
    return readable_link(request, visible_project(request, project), document)


def _etag(request: PersonRequest, project: uuid.UUID, document: uuid.UUID) -> str:
    return f'"{_link(request, project, document).document.sha256}"'


@require_safe
@condition(etag_func=_etag)
def download(request: PersonRequest, project: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """An official document: the same bytes each time, for whoever sees the project."""
    official = _link(request, project, document).document
    return pdf_response(
        read_document(official), name=f"{official.number}.pdf", as_attachment=wants_file(request)
    )


def _public_etag(_request: HttpRequest, document: uuid.UUID) -> str:
    return f'"{public_document(document).document.sha256}"'


@login_not_required
@require_safe
@condition(etag_func=_public_etag)
def public(request: HttpRequest, document: uuid.UUID) -> HttpResponse:
    """The public copy of a validated project or amendment, for anyone; else a 404."""
    official = public_document(document).document
    return pdf_response(
        read_document(official), name=f"{official.number}.pdf", as_attachment=wants_file(request)
    )
