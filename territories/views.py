"""Search and outlines as JSON, for the scripts. Everything else is on the territory's own page."""

from django.contrib.auth.decorators import login_not_required
from django.db.models import QuerySet
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from cpts_portal.compressed import accepted_by, gzip_or_plain
from territories.models import Commune, DepartmentOutline, Intercommunality

# The reference data changes once a year: a few minutes spare most of a typist's requests.
_BRIEFLY = cache_control(private=True, max_age=300)


@non_atomic_requests
@require_safe
@_BRIEFLY
def search_communes(request: HttpRequest) -> JsonResponse:
    """`?q=` a name, a postal code or an INSEE code; at most twenty communes, best first."""
    return JsonResponse(
        {
            "results": [
                {
                    "code": match.code,
                    "name": match.name,
                    "kind": match.kind,
                    "department": match.department_code,
                    "postal_codes": match.postal_codes,
                    "population": match.population,
                    "former": match.former,
                    "label": match.label,
                }
                for match in Commune.objects.search(request.GET.get("q", ""))
            ]
        }
    )


@non_atomic_requests
@require_safe
@_BRIEFLY
def search_intercommunalities(request: HttpRequest) -> JsonResponse:
    """`?q=` words of an EPCI's name or its SIREN; at most twenty, by name."""
    found = Intercommunality.objects.search(request.GET.get("q", ""))
    return JsonResponse(
        {
            "results": [
                {"siren": item.siren, "name": item.name, "communes": item.commune_count}
                for item in found
            ]
        }
    )


@login_not_required
@non_atomic_requests
@require_safe
@cache_control(public=True, max_age=3600)
def department_outlines(request: HttpRequest, department: str) -> HttpResponse:
    """The outlines of a département as compressed JSON: public facts, the same for everyone.

    A browser that has them asks again after an hour, and is told in a few bytes that they have
    not changed.
    """
    drawn = DepartmentOutline.objects.filter(pk=department)
    digest = drawn.values_list("digest", flat=True).first()
    if digest is None:
        raise Http404(department)
    etag = f'"{digest[:32]}"'
    if unchanged := get_conditional_response(request, etag=etag):
        return unchanged
    payload, encoding = _compressed(drawn, request.headers.get("Accept-Encoding", ""))
    headers = {"ETag": etag}
    if encoding:
        headers["Content-Encoding"] = encoding
    response = HttpResponse(payload, content_type="application/json", headers=headers)
    patch_vary_headers(response, ["Accept-Encoding"])
    return response


def _compressed(drawn: QuerySet[DepartmentOutline], accepted: str) -> tuple[bytes, str]:
    """The smallest form the browser reads, and its name; one column is read, not both."""
    if "br" in accepted_by(accepted) and (smallest := drawn.values_list("brotli", flat=True).get()):
        return bytes(smallest), "br"
    return gzip_or_plain(bytes(drawn.values_list("payload", flat=True).get()), accepted)
