"""Official documents to read and keep, and the preview of a draft."""

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import condition, require_safe

from accounts.http import PersonRequest
from letters.documents import preview as draw_preview
from letters.views.access import visible_letter
from workflow.models import CaseDocument
from workflow.official import read_document
from workflow.views.documents import (
    may_preview_now,
    pdf_response,
    readable_link,
    wants_file,
)


@require_safe
def preview(request: PersonRequest, letter: uuid.UUID) -> HttpResponse:
    """The draft as it would be deposited now, each page marked BROUILLON."""
    shown = visible_letter(request, letter, completing=True)
    if shown.is_deposited and shown.buffer is None:
        return redirect("letters:detail", shown.public_id)
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    return pdf_response(
        draw_preview(shown),
        name=f"Brouillon - {shown.title}.pdf",
        as_attachment=wants_file(request),
    )


def _etag(request: PersonRequest, letter: uuid.UUID, document: uuid.UUID) -> str:
    return f'"{_link(request, letter, document).document.sha256}"'


def _link(request: PersonRequest, letter: uuid.UUID, document: uuid.UUID) -> CaseDocument:
    """The document if the person may read it; else a 404 that says nothing."""
    return readable_link(request, visible_letter(request, letter), document)


@require_safe
@condition(etag_func=_etag)
def download(request: PersonRequest, letter: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """An official document: the same bytes each time, for whoever sees the letter."""
    official = _link(request, letter, document).document
    return pdf_response(
        read_document(official), name=f"{official.number}.pdf", as_attachment=wants_file(request)
    )
