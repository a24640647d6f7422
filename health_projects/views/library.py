"""The models of sheets of a region: read, started from, published and withdrawn by an office."""

import uuid
from typing import Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from health_projects import library, sheet_showing, sheet_writing, sheets
from health_projects.library_forms import ModelForm
from health_projects.models import HealthProject, SheetModel
from health_projects.models.sheets import TEXTS
from health_projects.sheet_writing import SheetError
from health_projects.sheets import Data
from health_projects.views.sheets import seen

_PAGE_SIZE: Final = 20


@writes_when_posted
@require_safe
def models(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """The models of the region of a project, for its team."""
    case = seen(request, project)
    rows, page = read_page(
        library.models_for(case).select_related("office"), request.GET.get("page"), _PAGE_SIZE
    )
    return render(
        request,
        "health_projects/library/list.html",
        {
            "project": case,
            "models": rows,
            "page": page,
            "shares": library.shares(request.user),
        },
    )


@writes_when_posted
@require_http_methods(["GET", "POST"])
def model(request: PersonRequest, project: uuid.UUID, pk: int) -> HttpResponse:
    """One model to read; the button begins a sheet with it."""
    case = seen(request, project)
    shared = get_object_or_404(library.models_for(case).select_related("office"), pk=pk)
    if request.method == "POST":
        if not sheet_writing.writes(case, request.user):
            raise PermissionDenied(sheet_writing.why_not(case))
        try:
            begun = library.start_sheet(case, shared, by=request.user)
        except SheetError as refused:
            messages.error(request, refused.message)
            return redirect("projects:library", project)
        messages.success(
            request,
            f"La fiche « {begun.label} » est commencée : adaptez-la, et nommez ses acteurs.",
        )
        return redirect("projects:sheet-edit", project, begun.uid)
    return render(
        request,
        "health_projects/library/model.html",
        {
            "project": case,
            "model": shared,
            "sheet": sheet_showing.show(_as_sheet(case, shared)),
            "writes": sheet_writing.writes(case, request.user),
        },
    )


def _as_sheet(case: HealthProject, shared: SheetModel) -> Data:
    """A model in the form of a sheet that nobody coordinates."""
    content, rules = shared.data, sheets.rules_of(case)
    labels = {one.key: one.label for one in rules.missions}
    labels |= {one.key: one.label for one in rules.themes}
    return {
        "uid": "",
        "number": 0,
        "label": shared.title,
        "issue_kind": content["issue_kind"],
        **{name: content[name] for name in TEXTS},
        "starts_on": None,
        "ends_on": None,
        "coordinator": None,
        "actors": [
            {"name": one["what"], "what": "", "line": one["line"], "role": one["role"]}
            for one in content["actors"]
        ],
        **{
            kind: [{"key": key, "label": labels.get(key, key)} for key in content[kind]]
            for kind in ("missions", "themes")
        },
    }


@writes_when_posted
@require_http_methods(["GET", "POST"])
def publish(request: PersonRequest, project: uuid.UUID, uid: uuid.UUID) -> HttpResponse:
    """An office shares a deposited sheet as a model, once its names are taken out."""
    case = seen(request, project)
    if not library.may_publish(case, request.user):
        raise PermissionDenied(
            "Un modèle est partagé par un agent ou un coordinateur du bureau, à partir d’un projet "
            "déposé."
        )
    data = sheets.sheet_in(sheets.frozen_sheets(case), uid)
    if data is None:
        raise Http404("Cette fiche action n’est pas dans ce qui a été déposé.")
    base = library.proposed(data)
    form = ModelForm(request.POST or None, initial=base)
    if request.method == "POST" and form.is_valid():
        try:
            shared = library.publish(case, {**base, **form.cleaned_data}, by=request.user)
        except SheetError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request, f"Le modèle « {shared.title} » est proposé aux équipes de la région."
            )
            return redirect("projects:models")
    return render(
        request,
        "health_projects/library/publish.html",
        {"project": case, "form": form, "actors": base["actors"], "sheet": data},
        status=422 if request.method == "POST" else 200,
    )


@writes_when_posted
@require_safe
def shared_models(request: PersonRequest) -> HttpResponse:
    """The models of the region of the organisation a person acts for."""
    acting = request.user.acting
    if acting is None or acting.organisation.region_id is None:
        raise Http404("Cette page est celle des bureaux d’une région.")
    rows, page = read_page(
        SheetModel.objects.standing()
        .filter(region=acting.organisation.region_id)
        .select_related("office"),
        request.GET.get("page"),
        _PAGE_SIZE,
    )
    mine = {row.pk for row in rows if library.may_withdraw(row, request.user)}
    return render(
        request,
        "health_projects/library/shared.html",
        {"models": rows, "page": page, "mine": mine},
    )


@require_POST
def withdraw(request: PersonRequest, pk: int) -> HttpResponse:
    """Offer a model no more."""
    acting = cast(Any, request.user.acting)
    if acting is None:
        raise Http404("Cette page est celle des bureaux d’une région.")
    shared = get_object_or_404(
        SheetModel.objects.standing(), region=acting.organisation.region_id, pk=pk
    )
    library.withdraw(shared, by=request.user)
    messages.success(request, f"Le modèle « {shared.title} » n’est plus proposé.")
    return redirect("projects:models")
