"""The tab « Courriels » of a deposited case: whom the portal told, and what became of it."""

import uuid

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from notifications.models import Notification
from workflow.message_rules import reading_side
from workflow.readers import reader_of, reads_mails
from workflow.views.access import case_context, visible_case

PER_PAGE = 30


@require_safe
def sent(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """For the office in charge, the newest first; `?voir=echecs` keeps those that failed.

    Whoever writes the case with its team does not learn here which bodies are asked about it.
    """
    found = visible_case(request, case)
    acting = request.user.acting
    if acting is None or not reads_mails(reader_of(found, request.user)):
        raise Http404("Cette liste est celle du bureau en charge.")
    rows = Notification.objects.of_case(found.public_id, body=acting.organisation)
    is_judge = reading_side(found, request.user) == "office"
    if not is_judge:
        rows = rows.none()
    failures = rows.failed()
    failed_only = request.GET.get("voir") == "echecs"
    chosen = failures if failed_only else rows
    page = Paginator(chosen.select_related("mail", "user", "body"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    return render(
        request,
        "workflow/mails.html",
        case_context(request, found, current="mails")
        | {
            "page": page,
            "rows": page.object_list,
            "failed_only": failed_only,
            "withheld": not is_judge,
            "has_failures": bool(page.object_list) if failed_only else failures.exists(),
        },
    )
