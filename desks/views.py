"""The two front doors and the two desks: thin views over what the desk's modules know."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from desks import inbox as inboxes
from desks import projects
from desks.exports import inbox_csv
from procedures import registry
from workflow.opinion_rules import gives_opinions


@login_not_required
@require_safe
def welcome(request: HttpRequest) -> HttpResponse:
    """What the portal is, for a person who is not signed in."""
    if request.user.is_authenticated:
        return redirect("desks:home")
    # The national procedure, which serves the regions not named, comes last.
    current = sorted(registry.in_force(), key=lambda p: (not p.region_code, p.label))
    return render(request, "desks/welcome.html", {"procedures": current})


@require_safe
def home(request: PersonRequest) -> HttpResponse:
    """« Mes projets » in one's own name; in a role, the desk of the organisation."""
    if gives_opinions(request.user):
        return redirect("desks:opinions")
    if request.user.acting is not None:
        return redirect("desks:inbox")
    listed, page = projects.read_projects(request.user, request.GET.get("page"))
    return render(request, "desks/home.html", {"page": page, "projects": listed})


@require_safe
def inbox(request: PersonRequest) -> HttpResponse:
    """The letters on the desk of the organisation the person acts for."""
    if request.user.acting is None:
        return redirect("desks:home")
    choices = inboxes.InboxChoices.from_query(request.GET.dict())
    on_desk = inboxes.desk_letters(request.user)
    departments = inboxes.department_options(on_desk)
    rows, page = inboxes.read_rows(
        inboxes.filtered(on_desk, choices),
        departments,
        request.user.acting.organisation_id,
        request.GET.get("page"),
    )
    return render(
        request,
        "desks/inbox.html",
        {
            "choices": choices,
            "page": page,
            "rows": rows,
            "headings": inboxes.headings(choices),
            "departments": departments,
            "states": inboxes.state_options(),
            "sizes": inboxes.size_options(),
            "desks": inboxes.desk_options(),
        },
    )


@require_safe
def inbox_export(request: PersonRequest) -> HttpResponse:
    """The filtered list, in its order, as a file for a spreadsheet."""
    if request.user.acting is None:
        raise PermissionDenied("Choisissez d’abord le rôle dans lequel vous agissez.")
    choices = inboxes.InboxChoices.from_query(request.GET.dict())
    letters = inboxes.filtered(inboxes.desk_letters(request.user), choices)
    content = inbox_csv(
        letters.select_related("region", "office"),
        user=request.user,
        portal_url=settings.PORTAL_URL,
    )
    name = f"lettres-{timezone.localdate():%Y-%m-%d}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )
