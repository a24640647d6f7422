"""The tab « Suivi » of a deposited case: its whole story, as this person may read it."""

import uuid
from typing import Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from workflow.readers import Reader
from workflow.timeline import read_timeline
from workflow.views.access import case_context, visible_case

PAGE_SIZE: Final = 30


@require_safe
def timeline(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Every line the person reads, newest first; the office in charge also reads who reads each."""
    found = visible_case(request, case)
    lines = read_timeline(found, request.user)
    page = Paginator(lines, PAGE_SIZE).get_page(request.GET.get("page"))
    context = case_context(request, found, current="timeline")
    context |= {"page": page, "says_who": context["reader"] == Reader.OFFICE}
    return render(request, "workflow/timeline.html", context)
