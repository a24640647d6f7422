"""The report of a change of year, on a page and as a file."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from desks import years


@require_safe
def report(request: PersonRequest) -> HttpResponse:
    """Population and size by CPTS, before and after a load, with who has read it."""
    if not years.reads_years(request.user):
        return redirect("desks:home")
    choices = years.read_choices(request.GET)
    rows, page = years.read_rows(request.user, choices, request.GET.get("page"))
    context = {
        "choices": choices,
        "rows": rows,
        "page": page,
        "vintages": years.loads_with_effects(),
        "views": list(years.VIEWS.items()),
        "csv_url": f"{reverse('desks:years-csv')}?{choices.query()}",
        "is_coordinator": request.user.acting is not None,
    }
    return render(request, "desks/years.html", context)


@require_safe
def csv_file(request: PersonRequest) -> HttpResponse:
    if not years.reads_years(request.user):
        return redirect("desks:home")
    choices = years.read_choices(request.GET)
    response = HttpResponse(
        years.years_csv(request.user, choices), content_type="text/csv; charset=utf-8"
    )
    year = choices.vintage.cog_year if choices.vintage else "aucune"
    response["Content-Disposition"] = f'attachment; filename="changement-annee-{year}.csv"'
    return response
