"""Preparing an amendment, and reading what it changes."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from cpts_portal.transactions import writes_when_posted
from health_projects.amending import begin_amendment, validated
from health_projects.content import project_content
from health_projects.forms import SectionsForm
from health_projects.models import HealthProject
from health_projects.views.access import visible_project
from workflow.diff import compare
from workflow.models import Snapshot
from workflow.readers import reader_of
from workflow.services import ActionRefusedError
from workflow.tabs import tabs_of
from writing.content import procedure_of
from writing.rules import may_edit


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def amend(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Tick the parts that change, and open the amendment from the project in force."""
    case = visible_project(request, project)
    if request.user.acting is not None or case.team_role(request.user) not in {"owner", "editor"}:
        raise PermissionDenied(
            "Seuls les responsables et les rédacteurs de la CPTS préparent un avenant."
        )
    today = timezone.localdate()
    current = validated(case.community, today)
    if current is None:
        raise Http404("Nothing is validated: there is nothing to amend.")
    posted = request.POST if request.method == "POST" else None
    form = SectionsForm(posted, procedure=procedure_of(current))
    if request.method == "POST" and form.is_valid():
        try:
            amendment = begin_amendment(
                case.community,
                sections=form.cleaned_data["sections"],
                user=request.user,
                on=today,
            )
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request,
                "L’avenant est ouvert : il commence par le projet en vigueur, modifiez-le.",
            )
            return redirect("projects:detail", amendment.public_id)
    status = 422 if form.errors else 200
    context = {"project": case, "current": current, "form": form, "is_new": True}
    return render(request, "health_projects/amend.html", context, status=status)


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def sections(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Change the parts that an amendment in preparation says it modifies."""
    case = visible_project(request, project)
    if case.amends_id is None:
        raise Http404("Only an amendment ticks its parts.")
    if not may_edit(case, request.user):
        raise PermissionDenied(
            "Seuls les responsables et les rédacteurs changent les parties d’un avenant en cours."
        )
    form = SectionsForm(
        request.POST if request.method == "POST" else None,
        procedure=procedure_of(case),
        initial={"sections": case.amended_sections},
    )
    if request.method == "POST" and form.is_valid():
        HealthProject.objects.filter(pk=case.pk).update(
            amended_sections=form.cleaned_data["sections"]
        )
        messages.success(request, "Les parties modifiées sont enregistrées.")
        return redirect("projects:detail", case.public_id)
    status = 422 if form.errors else 200
    context = {"project": case, "current": case.amends, "form": form, "is_new": False}
    return render(request, "health_projects/amend.html", context, status=status)


@require_safe
def changes(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """What an amendment changes to the project it amends, as that one was validated."""
    case = visible_project(request, project)
    changed = case.amends
    if changed is None:
        raise Http404("Only an amendment changes a project.")
    before = Snapshot.objects.get(case_id=changed.pk, version=changed.version)
    if case.is_deposited:
        content = Snapshot.objects.get(case_id=case.pk, version=case.version).content
    else:
        content = project_content(case)
    titles = {one.key: one.title for one in procedure_of(case).sections}
    reader = reader_of(case, request.user)
    context = {
        "project": case,
        "changed": changed,
        "parts": [titles.get(key, key) for key in case.amended_sections],
        "changes": compare(before.content, content),
        "tabs": tabs_of(case, request.user, reader) if case.is_deposited else [],
    }
    return render(request, "health_projects/amendment_changes.html", context)
