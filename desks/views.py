"""The two front doors and the two desks: thin views over what the desk's modules know."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from accounts.models import User
from cpts_portal.transactions import writes_when_posted
from desks import coordinator, projects, toolbar
from desks import inbox as inboxes
from desks import inbox_markup as markup
from desks.choices import InboxChoices, acting_of
from desks.exports import inbox_csv
from desks.options import DeskOptions, Option, choices_of, keep_view, read_options
from procedures import registry
from workflow.message_rules import may_manage_templates
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


@writes_when_posted
@require_safe
def home(request: PersonRequest) -> HttpResponse:
    """« Mes projets » in one's own name; in a role, the desk of the organisation."""
    if gives_opinions(request.user):
        return redirect("desks:opinions")
    if request.user.acting is not None:
        return redirect("desks:inbox")
    listed, page = projects.read_projects(request.user, request.GET.get("page"))
    return render(request, "desks/home.html", {"page": page, "projects": listed})


@transaction.non_atomic_requests
@require_safe
def inbox(request: PersonRequest) -> HttpResponse:
    """The cases on the desk of the organisation the person acts for.

    It writes one thing, in one statement: how the person last looked at their list.
    """
    if request.user.acting is None:
        return redirect("desks:home")
    options = read_options(request.user)
    choices, is_last_view = choices_of(request.GET, options)
    if not is_last_view:
        keep_view(request.user, choices, options)
    listed = inboxes.read_inbox(request.user, choices, options, page=request.GET.get("page"))
    tabs = toolbar.tab_links(request.user, choices, options)
    headings = toolbar.headings(choices)
    return render(
        request,
        "desks/inbox.html",
        {
            "choices": choices,
            "is_last_view": is_last_view,
            "page": listed.page,
            "listed": listed,
            "rows": listed.rows,
            "query": choices.as_query(),
            "reset_query": choices.of_tab(choices.tab),
            "reset_url": f"?{choices.of_tab(choices.tab)}",
            "tabs": tabs,
            "tabs_html": markup.tabs_markup(tabs),
            "headings": headings,
            "headings_html": markup.headings_markup(headings),
            "sorts_html": markup.sorts_markup(headings),
            "columns_html": markup.columns_markup(toolbar.column_options(choices)),
            "rows_html": markup.rows_markup(listed.rows, choices.columns),
            "labels": options.labels,
            "options": _inbox_options(request.user, choices, options),
            "keeps_templates": may_manage_templates(request.user),
        },
    )


def _inbox_options(
    user: User, choices: InboxChoices, options: DeskOptions
) -> dict[str, SafeString]:
    """The choices the list may be narrowed by, and those of what is done to the cases ticked."""
    departments = [Option(code, label) for code, label in options.departments.items()]
    labels = options.labels.values()
    return {
        "kinds": markup.options_markup(toolbar.kind_options(), choices.kind),
        "states": markup.options_markup(toolbar.state_options(), choices.state),
        "departments": markup.options_markup(departments, choices.department),
        "sizes": markup.options_markup(toolbar.size_options(), choices.size),
        "deadlines": markup.options_markup(toolbar.deadline_options(), choices.deadline),
        "people": markup.options_markup(toolbar.people_options(options, user), choices.instructor),
        "labels": markup.options_markup(labels, choices.label),
        "bulk_labels": markup.options_markup(labels),
        "colleagues": markup.options_markup(toolbar.colleague_options(options)),
    }


@writes_when_posted
@require_safe
def inbox_export(request: PersonRequest) -> HttpResponse:
    """The filtered list, in its order, as a file for a spreadsheet."""
    acting_of(request.user)
    options = read_options(request.user)
    choices, _ = choices_of(request.GET, options)
    content = inbox_csv(
        inboxes.read_export(request.user, choices), options, portal_url=settings.PORTAL_URL
    )
    name = f"dossiers-{timezone.localdate():%Y-%m-%d}.csv"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


@writes_when_posted
@require_safe
def coordinator_board(request: PersonRequest) -> HttpResponse:
    """The whole perimeter in figures, for who coordinates it."""
    if not coordinator.coordinates(request.user):
        return redirect("desks:home")
    return render(
        request, "desks/coordinator.html", {"board": coordinator.read_board(request.user)}
    )


@writes_when_posted
@require_safe
def late_opinions(request: PersonRequest) -> HttpResponse:
    """The opinions past their day, with where to ask for each again."""
    if not coordinator.coordinates(request.user):
        return redirect("desks:home")
    body = request.GET.get("organisme", "").replace("\0", "")[:60]
    rows, page = coordinator.read_late(request.user, body, request.GET.get("page"))
    return render(request, "desks/late_opinions.html", {"rows": rows, "page": page})
