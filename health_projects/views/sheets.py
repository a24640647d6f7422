"""Action sheets: their list, one of them, writing it. Seeing is a queryset, acting is a rule."""

import uuid
from typing import Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.models import User
from cpts_portal.addresses import address
from cpts_portal.transactions import writes_when_posted
from health_projects import (
    costs,
    library,
    markup,
    sheet_documents,
    sheet_missing,
    sheet_showing,
    sheet_writing,
    sheets,
)
from health_projects.matrix import matrix
from health_projects.models import ActionSheet, HealthProject
from health_projects.sheet_forms import MEMBERS_LIST, ActorFormSet, SheetForm, initial_actors
from health_projects.sheet_writing import ChangedMeanwhileError, SheetError
from health_projects.sheets import Data
from workflow.reading import read_seen
from workflow.views.documents import may_preview_now, pdf_response, wants_file

_SPARE_LINES: Final = 3


def seen(request: HttpRequest, public_id: uuid.UUID) -> HealthProject:
    """The project if the person may see it, in one query; else a 404 that says nothing."""
    project = read_seen(HealthProject, cast(User, request.user), public_id)
    if project is None:
        raise Http404("Ce projet n’existe pas, ou la personne ne le voit pas.")
    return project


def written(request: HttpRequest, public_id: uuid.UUID) -> HealthProject:
    """The same when the person may write its sheets now; PermissionDenied otherwise."""
    project = seen(request, public_id)
    if not sheet_writing.writes(project, cast(User, request.user)):
        raise PermissionDenied(sheet_writing.why_not(project))
    return project


def _one(found: list[Data], uid: uuid.UUID) -> Data:
    sheet = sheets.sheet_in(found, uid)
    if sheet is None:
        raise Http404("Cette fiche action n’existe pas, ou a été retirée.")
    return sheet


@writes_when_posted
@require_safe
def list_sheets(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """The sheets in their order, what each lacks, and what the region asks of all of them."""
    case = seen(request, project)
    found = sheets.sheets_for(case, request.user)
    rules = sheets.rules_of(case)
    writes = sheet_writing.writes(case, request.user)
    rows = [
        (sheet, sheet_missing.lacks(sheet), sheet_missing.counts_for(rules.sheets, sheet))
        for sheet in found
    ]
    return render(
        request,
        "health_projects/sheets/list.html",
        {
            "project": case,
            "rows": markup.sheet_rows(project, rows, minimum=rules.sheets.minimum, writes=writes),
            "rule": rules.sheets,
            "missing": sheet_missing.missing_in(rules, found) if writes else [],
            "signalled": sheet_missing.signalled_in(rules, found),
            "writes": writes,
        },
    )


@require_POST
def act(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Move a sheet, or copy it, by the button pressed: its name says what, its value which."""
    case = written(request, project)
    for verb in ("monter", "descendre", "dupliquer"):
        if given := request.POST.get(verb):
            return _acted(request, case, verb, given)
    messages.error(request, "Rien n’a été choisi : utilisez l’un des boutons.")
    return redirect("projects:sheets", project)


def _acted(request: PersonRequest, case: HealthProject, verb: str, given: str) -> HttpResponse:
    try:
        uid = uuid.UUID(given)
        if verb == "dupliquer":
            copy = sheet_writing.duplicate_sheet(case, uid, by=request.user)
            messages.success(request, f"La copie est à la fin de la liste : « {copy.label} ».")
            return redirect("projects:sheet-edit", case.public_id, copy.uid)
        if not sheet_writing.move_sheet(case, uid, up=verb == "monter", by=request.user):
            messages.info(request, "Cette fiche est déjà au bout de la liste.")
    except (ValueError, ActionSheet.DoesNotExist) as refused:
        said = refused.message if isinstance(refused, SheetError) else "Cette fiche n’existe plus."
        messages.error(request, said)
        return redirect("projects:sheets", case.public_id)
    return redirect(f"{address('projects:sheets', case.public_id)}#fiche-{uid}")


@writes_when_posted
@require_safe
def sheet(request: PersonRequest, project: uuid.UUID, uid: uuid.UUID) -> HttpResponse:
    """One sheet, to read."""
    case = seen(request, project)
    data = _one(sheets.sheets_for(case, request.user), uid)
    return render(
        request,
        "health_projects/sheets/sheet.html",
        {
            "project": case,
            "sheet": sheet_showing.show(data),
            "lacks": sheet_missing.lacks(data),
            "writes": sheet_writing.writes(case, request.user),
            "publishes": library.may_publish(case, request.user),
        },
    )


@require_safe
def sheet_pdf(request: PersonRequest, project: uuid.UUID, uid: uuid.UUID) -> HttpResponse:
    """One sheet on paper; marked as a draft until it is deposited."""
    case = seen(request, project)
    data = _one(sheets.sheets_for(case, request.user), uid)
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    return pdf_response(
        sheet_documents.sheet_pdf(case, data),
        name=f"fiche-action-{data['number']}-{slugify(data['label'])[:60]}.pdf",
        as_attachment=wants_file(request),
    )


@writes_when_posted
@require_http_methods(["GET", "POST"])
def add(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    return _edit(request, written(request, project), None)


@writes_when_posted
@require_http_methods(["GET", "POST"])
def edit(request: PersonRequest, project: uuid.UUID, uid: uuid.UUID) -> HttpResponse:
    case = written(request, project)
    return _edit(request, case, _one(sheets.sheets_as_data(case), uid))


def _edit(request: PersonRequest, case: HealthProject, data: Data | None) -> HttpResponse:
    choices = sheet_writing.member_choices(case.community)
    kept: dict[str, Any] = {"rules": sheets.rules_of(case), "choices": choices}
    context: dict[str, Any] = {}
    asks_lines = "lines" in request.POST
    if request.method == "POST":
        posted = request.POST.copy()
        if asks_lines:
            posted["actors-TOTAL_FORMS"] = _more(posted.get("actors-TOTAL_FORMS", ""))
        form = SheetForm(posted, sheet=data, **kept)
        actors = ActorFormSet(posted, prefix="actors", form_kwargs={"choices": choices})
        if not asks_lines and form.is_valid() and actors.is_valid():
            try:
                saved, context["cost"] = _save(request, case, form, actors.actors(), data)
            except ChangedMeanwhileError as refused:
                context["theirs"] = _differences(refused.theirs, posted, form)
                posted["revision"] = str(refused.theirs["revision"])
                form.add_error(None, refused.message)
            except SheetError as refused:
                field = refused.field if refused.field in form.fields else None
                form.add_error(field, refused.message)
            else:
                if saved is not None:
                    messages.success(request, f"La fiche « {saved.label} » est enregistrée.")
                    return redirect("projects:sheet", case.public_id, saved.uid)
    else:
        form = SheetForm(sheet=data, **kept)
        lines = initial_actors(data, choices)
        actors = ActorFormSet(
            initial=lines + [{} for _ in range(_SPARE_LINES)],
            prefix="actors",
            form_kwargs={"choices": choices},
        )
    is_refused = request.method == "POST" and not asks_lines
    links = [*form.error_links(), *actors.error_links()] if is_refused else []
    return render(
        request,
        "health_projects/sheets/edit.html",
        {
            "project": case,
            "data": data,
            "form": form,
            "actors": actors,
            "links": links,
            "members": markup.name_options(choices.current),
            "members_list": MEMBERS_LIST,
            "title": f"Modifier « {data['label']} »" if data else "Ajouter une fiche action",
            **context,
        },
        status=422 if is_refused else 200,
    )


def _more(asked: str) -> str:
    shown = int(asked) if asked.isascii() and asked.isdecimal() else 0
    return str(min(shown + _SPARE_LINES, sheet_writing.MOST_ACTORS))


def _save(
    request: PersonRequest,
    case: HealthProject,
    form: SheetForm,
    actors: list[sheet_writing.Actor],
    data: Data | None,
) -> tuple[ActionSheet | None, Any]:
    """The sheet once saved; or what it would cost, when signatures are to be asked again and the
    person has not yet read that."""

    def write() -> ActionSheet:
        return sheet_writing.save_sheet(
            case,
            form.values(),
            actors,
            by=request.user,
            uid=uuid.UUID(data["uid"]) if data else None,
            revision=form.cleaned_data["revision"] or 0,
        )

    return costs.unless_it_costs(case, write, accepted="confirmed" in request.POST)


def _differences(theirs: Data, posted: Any, form: SheetForm) -> list[tuple[str, str]]:
    """What was saved meanwhile and is not what this person writes, by the label of its field."""
    found = []
    for name in ("label", *sheets.TEXTS):
        saved = theirs[name]
        if saved.strip() != posted.get(name, "").replace("\r\n", "\n").strip():
            found.append((str(form.fields[name].label), saved or "(vide)"))
    return found


@writes_when_posted
@require_http_methods(["GET", "POST"])
def remove(request: PersonRequest, project: uuid.UUID, uid: uuid.UUID) -> HttpResponse:
    """Take a sheet out, once the person has said yes."""
    case = written(request, project)
    data = _one(sheets.sheets_as_data(case), uid)
    if request.method == "POST":
        sheet_writing.remove_sheet(case, uid, by=request.user)
        messages.success(request, f"La fiche « {data['label']} » est retirée.")
        return redirect("projects:sheets", project)
    cost = costs.of_removal(case, data)
    return render(
        request,
        "health_projects/sheets/remove.html",
        {"project": case, "sheet": data, "cost": cost},
    )


@writes_when_posted
@require_safe
def show_matrix(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Missions and themes against sheets."""
    case = seen(request, project)
    found = sheets.sheets_for(case, request.user)
    rules = sheets.rules_of(case)
    return render(
        request,
        "health_projects/sheets/matrix.html",
        {
            "project": case,
            **markup.matrix_parts(
                project, matrix(rules, found), blocking=rules.sheets.covers_core_missions
            ),
        },
    )
