"""Official documents to read and keep, and the preview of a draft."""

import uuid
from typing import Final, cast

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import condition, require_safe

from accounts.models import User
from letters.documents import preview as draw_preview
from letters.documents import read_document
from letters.views.access import visible_letter
from workflow.models import CaseDocument

# A preview is the one PDF made inside a web request: enough for anybody who writes.
PREVIEWS: Final = 20
PREVIEW_SECONDS: Final = 300


@require_safe
def preview(request: HttpRequest, letter: uuid.UUID) -> HttpResponse:
    """The draft as it would be deposited now, each page marked BROUILLON."""
    shown = visible_letter(request, letter)
    if shown.is_deposited:
        return redirect("letters:detail", shown.public_id)
    if not _may_preview_now(cast(User, request.user)):
        return render(request, "429.html", status=429)
    return _pdf(
        draw_preview(shown),
        name=f"Brouillon - {shown.title}.pdf",
        as_attachment=_wants_file(request),
    )


def _may_preview_now(user: User) -> bool:
    key = f"letter-preview:{user.pk}"
    cache.add(key, 0, PREVIEW_SECONDS)
    try:
        return cache.incr(key) <= PREVIEWS
    except ValueError:  # it has just expired
        return True


def _etag(request: HttpRequest, letter: uuid.UUID, document: uuid.UUID) -> str:
    return f'"{_link(request, letter, document).document.sha256}"'


def _link(request: HttpRequest, letter: uuid.UUID, document: uuid.UUID) -> CaseDocument:
    """The document if the person may see its letter; else a 404 that says nothing."""
    shown = visible_letter(request, letter)
    return get_object_or_404(
        CaseDocument.objects.select_related("document"),
        case_id=shown.pk,
        document_id=document,
    )


@require_safe
@condition(etag_func=_etag)
def download(request: HttpRequest, letter: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """An official document: the same bytes each time, for whoever sees the letter."""
    official = _link(request, letter, document).document
    return _pdf(
        read_document(official), name=f"{official.number}.pdf", as_attachment=_wants_file(request)
    )


def _wants_file(request: HttpRequest) -> bool:
    return "telecharger" in request.GET


def _pdf(pdf: bytes, *, name: str, as_attachment: bool) -> HttpResponse:
    response = HttpResponse(
        pdf,
        content_type="application/pdf",
        headers={
            "Content-Disposition": content_disposition_header(as_attachment, name) or "inline",
            "Cache-Control": "private, no-cache",
        },
    )
    # The browser's own PDF reader needs what our policy refuses to pages.
    response._csp_exempt = True  # type: ignore[attr-defined]
    return response
