"""The page where a team reads and accepts the communes of a new year."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from letters import rules
from letters.content import territory_of
from letters.models import LetterOfIntent
from letters.views.access import editable_letter, refuse_locked, visible_letter
from letters.views.territory import territory_key
from letters.years import accepted, read_year_page
from territories.errors import TerritoryError
from territories.years import follow_year


@require_http_methods(["GET", "HEAD", "POST"])
def year(request: PersonRequest, letter: uuid.UUID) -> HttpResponse:
    """Show what would change, before and after; accept it in one press."""
    if request.method != "POST":
        shown = visible_letter(request, letter, completing=True)
        if shown.is_deposited and shown.buffer is None:
            # What was deposited keeps its communes: there is nothing to accept.
            return redirect("letters:detail", shown.public_id)
        return _page(request, shown)
    case = editable_letter(request, letter, lock=True)
    refuse_locked(case, request.user, [territory_key(case)])
    sent = request.POST.get("revision", "")
    revision = int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else -1
    try:
        proposal = follow_year(territory_of(case), revision=revision)
    except TerritoryError as refused:
        return _page(request, case, refusal=refused.message)
    messages.success(request, accepted(proposal))
    return redirect("letters:territory", case.public_id)


def _page(request: PersonRequest, letter: LetterOfIntent, *, refusal: str = "") -> HttpResponse:
    context = {
        "letter": letter,
        "page": read_year_page(letter),
        "may_edit": rules.may_write(letter, request.user, territory_key(letter)),
        "refusal": refusal,
    }
    return render(request, "letters/territory/year.html", context, status=422 if refusal else 200)
