"""What changed from one deposit of a case to another."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from workflow.diff import compare
from workflow.models import Case, Snapshot
from workflow.views.access import case_context, visible_case


def _version(text: str, default: int, last: int) -> int:
    number = int(text) if text.isdecimal() and len(text) < 5 else default
    return number if 1 <= number <= last else default


def _first_seen(request: PersonRequest, case: Case) -> int:
    """The first version this person reads: what was only frozen to be signed is the team's."""
    if request.user.acting is None:
        return 1
    deposited = case.transition_logs.filter(transition="deposit").values_list("version", flat=True)
    return deposited.first() or 1


@require_safe
def page(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Two versions side by side, from what was frozen: whoever sees the case reads it."""
    shown = visible_case(request, case)
    first = _first_seen(request, shown)
    if shown.version <= first:
        raise Http404
    after = max(_version(request.GET.get("a", ""), shown.version, shown.version), first)
    before = max(_version(request.GET.get("de", ""), max(after - 1, 1), shown.version), first)
    if before > after:
        before, after = after, before
    found = Snapshot.objects.filter(case_id=shown.pk, version__in={before, after})
    contents = {one.version: one for one in found}
    versions = Snapshot.objects.filter(case_id=shown.pk, version__gte=first).order_by("version")
    context = case_context(request, shown, current="versions") | {
        "before": contents[before],
        "after": contents[after],
        "versions": versions.values("version", "created_at")[:100],
        "changes": compare(contents[before].content, contents[after].content),
    }
    return render(request, "workflow/versions.html", context)
