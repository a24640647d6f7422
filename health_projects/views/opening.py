"""Beginning a health project."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from cpts_portal.transactions import writes_when_posted
from health_projects.content import project_content
from health_projects.models import HealthProject
from health_projects.opening import begin, begin_alone, changes_since_letter, read_start
from health_projects.views.access import visible_project
from letters.forms import CreateLetterForm
from workflow.models import Snapshot
from workflow.readers import reader_of
from workflow.services import ActionRefusedError
from workflow.standing import state_for
from workflow.tabs import tabs_of
from writing.content import procedure_of


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: PersonRequest, community: uuid.UUID) -> HttpResponse:
    """What the project of a CPTS begins with, and the button that opens it."""
    mine = Community.objects.filter(team_members__user=request.user)
    found = get_object_or_404(mine.select_related("region"), public_id=community)
    if request.user.acting is not None:
        raise PermissionDenied(
            f"Vous agissez pour {request.user.acting.organisation}. Choisissez « Agir en mon nom » "
            "en haut de la page, puis ouvrez le projet de votre CPTS."
        )
    if request.method == "POST":
        try:
            project = begin(found, user=request.user)
        except ActionRefusedError as refused:
            messages.error(request, refused.message)
            return redirect("projects:start", found.public_id)
        return _begun(project)
    begun = read_start(found)
    context = {
        "community": found,
        "start": begun,
        "may_begin": found.team_role(request.user) in {"owner", "editor"},
    }
    return render(request, "health_projects/start.html", context)


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PersonRequest) -> HttpResponse:
    """A CPTS that has no letter on the portal: its name, its region, then the form."""
    user = request.user
    if user.acting is not None:
        raise PermissionDenied(
            f"Vous agissez pour {user.acting.organisation}. "
            "Choisissez « Agir en mon nom » en haut de la page, puis commencez votre projet."
        )
    form = CreateLetterForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        project = begin_alone(
            name=form.cleaned_data["name"], region=form.cleaned_data["region"], user=user
        )
        return _begun(project)
    status = 422 if form.errors else 200
    return render(request, "health_projects/create.html", {"form": form}, status=status)


def _begun(project: HealthProject) -> HttpResponse:
    if project.is_deposited:
        return redirect("projects:detail", project.public_id)
    return redirect("projects:step", project.public_id, procedure_of(project).sections[0].key)


@require_safe
def changes(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """What changed since the letter: in what the team writes now, or in what was deposited."""
    case = visible_project(request, project)
    if case.is_deposited:
        content = Snapshot.objects.get(case_id=case.pk, version=case.version).content
    else:
        content = project_content(case)
    found = changes_since_letter(case, content)
    if found is None:
        return redirect("projects:detail", case.public_id)
    reader = reader_of(case, request.user)
    context = {
        "project": case,
        "letter": case.letter,
        "changes": found,
        "state": state_for(case, request.user, reader),
        "tabs": tabs_of(case, request.user, reader) if case.is_deposited else [],
    }
    return render(request, "health_projects/changes.html", context)
