"""« Quelle CPTS couvre ma commune ? »: for anybody, as a page and as JSON."""

import re
from hashlib import sha256
from typing import Any, Final

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from cpts_portal.words import figure
from territories.models import Commune, FormerCommune, Vintage
from workflow.coverage import LABELS, LETTERS
from workflow.covering import Covering, read_covering

# One machine, one minute: a person never needs that many, a spreadsheet that asks may wait.
MOST_QUESTIONS: Final = 120
QUESTION_SECONDS: Final = 60
# A decision taken now may take this long to reach everybody.
_PUBLIC: Final = cache_control(public=True, max_age=300)
_NO_SUCH_CODE: Final = (
    "Ce code n’est pas celui d’une commune française. Un code INSEE a cinq signes, par exemple "
    "81140 ; ce n’est pas le code postal. Cherchez la commune par son nom."
)
_CODE: Final = re.compile(r"[0-9][0-9AB][0-9]{3}\Z")


def _may_ask(request: HttpRequest) -> bool:
    """Whether this machine has not just asked too many times; counts this one."""
    address = get_adapter().get_client_ip(request)
    key = f"communes:{sha256(address.encode()).hexdigest()[:32]}"
    cache.add(key, 0, QUESTION_SECONDS)
    try:
        return cache.incr(key) <= MOST_QUESTIONS
    except ValueError:  # it has just expired
        return True


@login_not_required
@non_atomic_requests
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Find one's commune by its name, its postal code or its INSEE code."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:120]
    if text and not _may_ask(request):
        return render(request, "429.html", status=429)
    found = Commune.objects.search(text) if text else []
    if len(found) == 1 and _CODE.match(text.upper()) and found[0].code == text.upper():
        return redirect("desks:commune", found[0].code)
    return _unchanged(
        request, render(request, "desks/communes.html", {"search": text, "found": found})
    )


@login_not_required
@non_atomic_requests
@require_safe
def commune(request: HttpRequest, code: str) -> HttpResponse:
    """The decided CPTS of one commune, in words."""
    if not _may_ask(request):
        return render(request, "429.html", status=429)
    known = _known(code)
    if known is None:
        sentence, today = _unknown(code)
        unknown = {"sentence": sentence, "today": today}
        return render(request, "desks/commune_unknown.html", unknown, status=404)
    context: dict[str, Any] = {
        "commune": known,
        "covering": [_in_words(one) for one in read_covering(known)],
        "facts": _facts(known),
        "json_url": reverse("desks:commune-json", args=[known.code]),
    }
    return _unchanged(request, render(request, "desks/commune.html", context))


@login_not_required
@non_atomic_requests
@require_safe
@_PUBLIC
def commune_json(request: HttpRequest, code: str) -> HttpResponse:
    """The same for programs: `cpts` is empty where no territory is decided."""
    if not _may_ask(request):
        sentence = "Trop de questions en peu de temps. Attendez une minute, puis recommencez."
        limited = JsonResponse({"error": sentence}, status=429)
        limited["Retry-After"] = str(QUESTION_SECONDS)
        limited["Cache-Control"] = "no-store"
        return limited
    known = _known(code)
    if known is None:
        sentence, today = _unknown(code)
        said = {"error": sentence} | ({"current": today.code} if today else {})
        return JsonResponse(said, status=404)
    vintage = Vintage.objects.filter(is_current=True).first()
    return _unchanged(
        request,
        JsonResponse(
            {
                "code": known.code,
                "name": known.name,
                "department": {"code": known.department_id, "name": known.department.name},
                "postal_codes": known.postal_codes,
                "population": known.population,
                "cog_year": vintage.cog_year if vintage else None,
                "population_year": vintage.population_year if vintage else None,
                "cpts": [_as_data(one) for one in read_covering(known)],
            },
            json_dumps_params={"ensure_ascii": False},
        ),
    )


def _known(code: str) -> Commune | None:
    code = code.upper()
    if not _CODE.match(code):
        return None
    found = Commune.objects.select_related("department__region", "intercommunality")
    return found.filter(pk=code, is_active=True).first()


def _unknown(code: str) -> tuple[str, Commune | None]:
    """Why no commune of today answers to a code, and the one it has become, if any."""
    former = (
        FormerCommune.objects.select_related("current__department").filter(pk=code).first()
        if _CODE.match(code)
        else None
    )
    if former is not None and former.current.is_active:
        name = f" ({former.name})" if former.name else ""
        sentence = (
            f"Le code {code}{name} n’est plus celui d’une commune : elle fait aujourd’hui partie "
            f"de {former.current}."
        )
        return sentence, former.current
    return _NO_SUCH_CODE, None


def _facts(known: Commune) -> list[tuple[str, str]]:
    population = "" if known.population is None else f"{figure(known.population)} habitants"
    return [
        ("Département", str(known.department)),
        ("Région", known.department.region.name),
        ("Intercommunalité", known.intercommunality.name if known.intercommunality else ""),
        ("Code postal", ", ".join(known.postal_codes)),
        ("Population", population),
    ]


def _in_words(one: Covering) -> dict[str, Any]:
    extent = "Toute la commune" if one.is_whole else f"En partie : {', '.join(one.parts)}"
    return {
        "name": one.name,
        "extent": extent,
        "status": one.status,
        "letter": LETTERS[one.status],
        "label": LABELS[one.status],
        "since": one.since,
        "url": reverse("communities:public", args=[one.public_id]) if one.public_id else "",
    }


def _as_data(one: Covering) -> dict[str, Any]:
    page = reverse("communities:public", args=[one.public_id]) if one.public_id else ""
    return {
        "name": one.name,
        "status": str(one.status),
        "status_label": LABELS[one.status],
        "covers": "whole" if one.is_whole else "part",
        "parts": list(one.parts),
        "since": one.since.isoformat(),
        "page": f"{settings.PORTAL_URL}{page}" if page else None,
    }


def _unchanged(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer, or in a few bytes that it has not changed since this browser had it.

    Not for who is signed in: their page is theirs.
    """
    if request.user.is_authenticated and response.headers["Content-Type"].startswith("text/html"):
        return response
    etag = f'"{sha256(response.content).hexdigest()[:32]}"'
    response.headers["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
