"""Official documents to read and keep, and the preview of a draft."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import condition, require_safe

from accounts.http import PersonRequest
from workflow.models import CaseDocument
from workflow.official import read_document
from workflow.views.documents import (
    may_preview_now,
    pdf_response,
    readable_link,
    wants_file,
)
from writing.documents import preview as draw_preview
from writing.kinds import WrittenKind
from writing.links import page
from writing.views.access import visible_case


@require_safe
def preview(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """The draft as it would be deposited now, each page marked BROUILLON."""
    shown = visible_case(request, kind, public_id, completing=True)
    if shown.is_deposited and shown.buffer is None:
        return redirect(page(shown, "detail"))
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    return pdf_response(
        draw_preview(shown),
        name=f"Brouillon - {shown.title}.pdf",
        as_attachment=wants_file(request),
    )


def _etag(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, document: uuid.UUID
) -> str:
    return f'"{_link(request, kind, public_id, document).document.sha256}"'


def _link(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, document: uuid.UUID
) -> CaseDocument:
    """The document if the person may read it; else a 404 that says nothing."""
    return readable_link(request, visible_case(request, kind, public_id), document)


@require_safe
@condition(etag_func=_etag)
def download(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, document: uuid.UUID
) -> HttpResponse:
    """An official document: the same bytes each time, for whoever sees the case."""
    official = _link(request, kind, public_id, document).document
    return pdf_response(
        read_document(official), name=f"{official.number}.pdf", as_attachment=wants_file(request)
    )
