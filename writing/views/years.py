"""The page where a team reads and accepts the communes of a new year."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from territories.errors import TerritoryError
from territories.years import follow_year
from writing import rules
from writing.content import territory_of
from writing.kinds import WrittenKind
from writing.links import page
from writing.models import WrittenCase
from writing.views.access import editable_case, refuse_locked, visible_case
from writing.views.territory import territory_key
from writing.years import accepted, read_year_page


@require_http_methods(["GET", "HEAD", "POST"])
def year(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """Show what would change, before and after; accept it in one press."""
    if request.method != "POST":
        shown = visible_case(request, kind, public_id, completing=True)
        if shown.is_deposited and shown.buffer is None:
            # What was deposited keeps its communes: there is nothing to accept.
            return redirect(page(shown, "detail"))
        return _page(request, shown)
    case = editable_case(request, kind, public_id, lock=True)
    refuse_locked(case, request.user, [territory_key(case)])
    sent = request.POST.get("revision", "")
    revision = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1
    try:
        proposal = follow_year(territory_of(case), revision=revision)
    except TerritoryError as refused:
        return _page(request, case, refusal=refused.message)
    messages.success(request, accepted(proposal))
    return redirect(page(case, "territory"))


def _page(request: PersonRequest, case: WrittenCase, *, refusal: str = "") -> HttpResponse:
    context = {
        "case": case,
        "page": read_year_page(case),
        "may_edit": rules.may_write(case, request.user, territory_key(case)),
        "refusal": refusal,
    }
    return render(request, "writing/territory/year.html", context, status=422 if refusal else 200)
