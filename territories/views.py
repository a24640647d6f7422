"""Search as JSON, for the autocomplete. Everything else about a territory is on its own page."""

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from territories.models import Commune, Intercommunality

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
