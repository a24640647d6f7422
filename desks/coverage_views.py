"""The coverage of a région, for its agency: the page, what its map paints, its files."""

from datetime import date
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from cpts_portal import words
from cpts_portal.compressed import gzip_or_plain
from desks import coverage as looks
from desks.coverage_files import (
    coverage_csv,
    coverage_geojson,
    coverage_svg,
    map_payload,
    source_line,
)
from desks.coverage_markup import commune_rows_markup
from workflow.coverage import FIRST_DAY, Coverage, read_coverage, regions_of

_WHO: Final = (
    "La couverture d’une région est réservée aux agents de son agence régionale de santé et à "
    "l’administrateur du portail. Si vous êtes agent, choisissez d’abord le rôle dans lequel vous "
    "agissez, dans « Mon compte »."
)


def _regions(request: PersonRequest) -> list[tuple[str, str]]:
    """The régions the person may look at. Raises PermissionDenied when there is none."""
    allowed = regions_of(request.user)
    options = looks.region_options(allowed) if allowed != [] else []
    if not options:
        raise PermissionDenied(_WHO)
    return options


def _asked(request: PersonRequest) -> tuple[list[tuple[str, str]], looks.Choices, str]:
    """The régions offered, what is asked of one of them, what is wrong with its day."""
    options = _regions(request)
    region = request.GET.get("region", "") or options[0][0]
    if region not in dict(options):
        raise Http404(region)
    choices, refusal = looks.read_choices(request.GET.dict(), region)
    return options, choices, refusal


@non_atomic_requests
@require_safe
def page(request: PersonRequest) -> HttpResponse:
    """Communes by status, white zones, the list behind each figure, on any day."""
    options, choices, refusal = _asked(request)
    coverage = read_coverage(choices.region, choices.on)
    number = request.GET.get("page")
    rows: list[Any]
    markup = SafeString("")
    if choices.view == looks.BY_COMMUNE:
        rows, shown = looks.commune_rows(coverage, choices, request.user, number)
        markup = commune_rows_markup(rows)
    else:
        rows, shown = looks.zone_rows(coverage, choices, number)
    context = {
        "choices": choices,
        "region_name": dict(options)[choices.region],
        "regions": options if len(options) > 1 else [],
        "refused": [("jour", "", refusal)] if refusal else [],
        "typed_day": request.GET.get("date", "")[:20] if refusal else _iso(choices.on),
        "day": in_words(choices.on),
        "first_day": FIRST_DAY.isoformat(),
        "today": timezone.localdate().isoformat(),
        "figures": looks.figures(coverage, choices),
        "source": source_line(coverage),
        "views": [
            (label, choices.url(view=view, status=None, siren=""), view == choices.view)
            for view, label in looks.VIEWS.items()
        ],
        "view": choices.view,
        "narrowed": looks.in_words(choices, coverage),
        "all_url": choices.url(status=None, department="", siren=""),
        "orders": [
            (label, choices.url(order=order), order == choices.order)
            for order, label in (
                (looks.BY_POPULATION, "Habitants"),
                (looks.BY_NAME, "Nom"),
            )
        ],
        "rows": rows,
        "rows_html": markup,
        "page": shown,
        "query": choices.query(),
    }
    return render(request, "desks/coverage.html", context, status=422 if refusal else 200)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else timezone.localdate().isoformat()


def in_words(day: date | None) -> str:
    """« aujourd’hui », « au 12 mars 2026 »."""
    return f"au {words.day(day)}" if day else "aujourd’hui"


def _looked_at(request: PersonRequest) -> tuple[str, looks.Choices, Coverage]:
    """For a file: the name of the région, the choices, the coverage. A wrong day is a 404."""
    options, choices, refusal = _asked(request)
    if refusal:
        raise Http404(refusal)
    name = dict(options)[choices.region]
    return name, choices, read_coverage(choices.region, choices.on)


@non_atomic_requests
@require_safe
def map_data(request: PersonRequest) -> HttpResponse:
    """What the map paints: asked again each time, and answered in a few bytes while it stands."""
    _, _, coverage = _looked_at(request)
    payload = map_payload(coverage)
    etag = f'"{payload.digest[:32]}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        body, encoding = gzip_or_plain(payload.body, request.headers.get("Accept-Encoding", ""))
        response = HttpResponse(body, content_type="application/json")
        if encoding:
            response.headers["Content-Encoding"] = encoding
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept-Encoding", "Cookie"])
    return response


@non_atomic_requests
@require_safe
def csv_file(request: PersonRequest) -> HttpResponse:
    _, choices, coverage = _looked_at(request)
    return _file(
        coverage_csv(coverage, choices, request.user), choices, "csv", "text/csv; charset=utf-8"
    )


@non_atomic_requests
@require_safe
def geojson_file(request: PersonRequest) -> HttpResponse:
    _, choices, coverage = _looked_at(request)
    text = coverage_geojson(coverage, choices, request.user)
    return _file(text, choices, "geojson", "application/geo+json")


@non_atomic_requests
@require_safe
def svg_file(request: PersonRequest) -> HttpResponse:
    """The map as a drawing; a 404 in words where the portal has no outlines."""
    name, choices, coverage = _looked_at(request)
    try:
        drawn = coverage_svg(
            coverage,
            region_name=name,
            day=in_words(choices.on or timezone.localdate()),
            source=source_line(coverage),
        )
    except LookupError as missing:
        raise Http404("Le portail n’a pas les contours des communes de cette région.") from missing
    return _file(drawn, choices, "svg", "image/svg+xml")


def _file(text: str, choices: looks.Choices, extension: str, kind: str) -> HttpResponse:
    day = choices.on or timezone.localdate()
    name = f"couverture-{choices.region}-{day:%Y-%m-%d}.{extension}"
    return HttpResponse(
        text,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
