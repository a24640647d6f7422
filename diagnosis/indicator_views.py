"""Indicators by commune: an administrator loads them, for anybody else these pages are not."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.paging import read_page
from cpts_portal.spreadsheets import MAX_UPLOAD_BYTES, TOO_HEAVY, TableFileError
from diagnosis import loading
from diagnosis.asking import DiagnosisError
from diagnosis.forms import IndicatorForm
from diagnosis.models import Indicator, IndicatorImport
from documents.uploads import dropped_files
from territories.loading import current_vintage

PAGE_SIZE = 25


@require_safe
def indicators(request: PersonRequest) -> HttpResponse:
    """The indicators that were loaded, a page at a time."""
    _administrator(request)
    found = Indicator.objects.filter(key=None).select_related("weights", "loaded_by")
    rows, page = read_page(found, request.GET.get("page"), PAGE_SIZE)
    waiting = IndicatorImport.objects.filter(read_by=request.user).defer("values").order_by("-pk")
    context = {"rows": rows, "page": page, "waiting": waiting[:10]}
    return render(request, "diagnosis/indicators.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def load(request: PersonRequest) -> HttpResponse:
    """Read a table; what it gives is shown before anything is written."""
    _administrator(request)
    vintage = current_vintage()
    initial = {"cog_year": vintage.cog_year if vintage else timezone.localdate().year}
    form = IndicatorForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST":
        if dropped_files(request):
            form.add_error("file", TOO_HEAVY)
        elif form.is_valid():
            try:
                waiting = _read(request, dict(form.cleaned_data))
            except TableFileError as error:
                form.add_error("file", " ".join(error.sentences))
            except DiagnosisError as error:
                form.add_error(None, error.message)
            else:
                return redirect("diagnosis:indicator-report", waiting.pk)
    status = 422 if form.is_bound else 200
    return render(request, "diagnosis/indicator_load.html", {"form": form}, status=status)


def _read(request: PersonRequest, said: dict[str, Any]) -> IndicatorImport:
    upload, column = said.pop("file"), said.pop("column")
    if upload.size > MAX_UPLOAD_BYTES:
        raise TableFileError(TOO_HEAVY)
    return loading.read_file(
        by=request.user,
        name=upload.name or "fichier",
        content=upload.read(),
        column=column,
        said=said,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: PersonRequest, pk: int) -> HttpResponse:
    """What a table gives, row by row where it gives nothing; the button loads it."""
    _administrator(request)
    waiting = get_object_or_404(IndicatorImport, pk=pk, read_by=request.user)
    if request.method == "POST":
        try:
            made = loading.accept(waiting, by=request.user)
        except DiagnosisError as error:
            messages.error(request, error.message)
            return redirect("diagnosis:indicator-report", pk)
        messages.success(request, f"« {made} » est chargé : chaque territoire le montre.")
        return redirect("diagnosis:indicators")
    context = {"waiting": waiting, "count": len(waiting.values), "most": loading.MOST_REPORTED}
    return render(request, "diagnosis/indicator_report.html", context)


@require_POST
def give_up(request: PersonRequest, pk: int) -> HttpResponse:
    _administrator(request)
    get_object_or_404(IndicatorImport, pk=pk, read_by=request.user).delete()
    messages.success(request, "Le tableau est abandonné : rien n’a été chargé.")
    return redirect("diagnosis:indicators")


@require_POST
def show(request: PersonRequest, pk: int) -> HttpResponse:
    """Take an indicator off the pages, or put it back."""
    _administrator(request)
    indicator = get_object_or_404(Indicator, pk=pk, key=None)
    shown = request.POST.get("shown") == "1"
    try:
        loading.show(indicator, by=request.user, shown=shown)
    except DiagnosisError as error:
        messages.error(request, error.message)
    else:
        state = "est de nouveau montré" if shown else "n’est plus montré"
        messages.success(request, f"« {indicator} » {state}.")
    return redirect("diagnosis:indicators")


def _administrator(request: HttpRequest) -> None:
    if not loading.may_load(request.user):  # type: ignore[arg-type]
        raise Http404
