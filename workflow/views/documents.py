"""The official documents of a case: the same bytes each time, for whoever may read them."""

import uuid
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import condition, require_safe

from accounts.http import PersonRequest
from accounts.models import User
from workflow.models import Case, CaseDocument
from workflow.official import read_document, readable_documents
from workflow.views.access import visible_case

# A preview is the one PDF made inside a web request: enough for anybody who writes.
PREVIEWS: Final = 20
PREVIEW_SECONDS: Final = 300


def may_preview_now(user: User) -> bool:
    """Whether the person has not just drawn twenty previews; counts this one."""
    key = f"preview:{user.pk}"
    cache.add(key, 0, PREVIEW_SECONDS)
    try:
        return cache.incr(key) <= PREVIEWS
    except ValueError:  # it has just expired
        return True


def readable_link(request: PersonRequest, case: Case, document: uuid.UUID) -> CaseDocument:
    """A document of a case the person sees, if they may read it; else a 404 that says nothing."""
    return get_object_or_404(readable_documents(case, request.user), document_id=document)


def _etag(request: PersonRequest, case: uuid.UUID, document: uuid.UUID) -> str:
    link = readable_link(request, visible_case(request, case), document)
    return f'"{link.document.sha256}"'


@require_safe
@condition(etag_func=_etag)
def download(request: PersonRequest, case: uuid.UUID, document: uuid.UUID) -> HttpResponse:
    """An official document of any kind, by its own address."""
    official = readable_link(request, visible_case(request, case), document).document
    return pdf_response(
        read_document(official), name=f"{official.number}.pdf", as_attachment=wants_file(request)
    )


def wants_file(request: HttpRequest) -> bool:
    """Whether the address asks for a file to keep rather than a page to read."""
    return "telecharger" in request.GET


def pdf_response(pdf: bytes, *, name: str, as_attachment: bool) -> HttpResponse:
    """A PDF for the browser's own reader, or as a file called `name`."""
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
