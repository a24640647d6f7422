"""How every shared page of a case begins: seeing is a queryset (404), acting is a rule (403)."""

import uuid
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts.http import PersonRequest
from workflow.kinds import kind_of
from workflow.models import Case
from workflow.readers import reader_of
from workflow.standing import state_for
from workflow.tabs import tabs_of


def visible_case(request: HttpRequest, public_id: uuid.UUID, *related: str) -> Case:
    """The deposited case if the person may see it, in one query; else a 404 that says nothing."""
    cases = (
        Case.objects.visible_to(request.user)
        .select_related("community", "office", *related)
        .filter(deposited_at__isnull=False)
    )
    return get_object_or_404(cases, public_id=public_id)


def case_context(request: PersonRequest, case: Case, *, current: str) -> dict[str, Any]:
    """What `workflow/case.html` shows around every page of a case. `current` is a tab's key."""
    kind = kind_of(case)
    reader = reader_of(case, request.user)
    return {
        "case": case,
        "kind": kind,
        "reader": reader,
        "is_lead": request.user.acting is None,
        "state": state_for(case, request.user, reader),
        "tabs": tabs_of(case, request.user, reader),
        "current_tab": current,
    }
