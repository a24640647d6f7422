"""The contracts in force as open data, for anyone."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from communities.models import Community
from contracts.public import facts as public
from cpts_portal.spreadsheets import csv_bytes

# The whole list is made at most once in that time, however many ask.
KEPT_SECONDS: Final = 600
_PUBLIC: Final = cache_control(public=True, max_age=KEPT_SECONDS)


@login_not_required
@require_safe
@_PUBLIC
def everything(_request: HttpRequest, form: str) -> HttpResponse:
    """Every signed contract: « csv » or « json »."""
    if form not in {"csv", "json"}:
        raise Http404
    content = cache.get_or_set(f"contract-data:{form}", lambda: _made(form), KEPT_SECONDS)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/json"
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="contrats-cpts.{form}"'
    return response


def _made(form: str) -> bytes:
    rows: Iterator[dict[str, Any]] = public.read_all(portal_url=settings.PORTAL_URL)
    if form == "csv":
        return csv_bytes(list(public.HEADINGS.values()), (public.as_line(row) for row in rows))
    return JsonResponse(
        {"contracts": list(rows)}, json_dumps_params={"ensure_ascii": False}
    ).content


@login_not_required
@require_safe
@_PUBLIC
def one(_request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The last signed contract of a CPTS."""
    community = get_object_or_404(Community, public_id=public_id)
    found = public.read_one(community, portal_url=settings.PORTAL_URL)
    if found is None:
        raise Http404
    return JsonResponse(found, json_dumps_params={"ensure_ascii": False})
