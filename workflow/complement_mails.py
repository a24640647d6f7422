"""What teams and offices are told about complements. Told again, they are told nothing new."""

from typing import Any

from django.urls import reverse

from cpts_portal.words import long_date
from workflow.models import Case, CompletionRequest
from workflow.notices import Told, office_of, team_of, tell


def tell_team_requested(case: Case, request: CompletionRequest) -> None:
    _tell_team(
        case,
        request,
        "completion_requested",
        key="sent",
        items=[_line(item) for item in request.items.all()],
        message=request.message,
    )


def tell_team_changed(case: Case, request: CompletionRequest, *, cause: str, comment: str) -> None:
    """The last day was put off, or an item is no longer asked for."""
    _tell_team(
        case, request, "completion_changed", key=cause, comment=comment, lifts=cause[:4] == "lift"
    )


def tell_team_cancelled(case: Case, request: CompletionRequest) -> None:
    _tell_team(case, request, "completion_cancelled", key="cancelled", comment=request.end_reason)


def tell_team_due(case: Case, request: CompletionRequest, *, day: int, is_over: bool) -> None:
    """`day`: how many days before the last day, or after it when negative."""
    key = f"due:{request.due_on}:{day}"
    _tell_team(case, request, "completion_due", key=key, is_over=is_over)


def tell_team_closed(case: Case, reason: str) -> None:
    tell(
        case,
        "decision",
        key=f"case-closed:{case.pk}",
        to=team_of(case),
        template="workflow/case_closed",
        context={"comment": reason},
    )


def tell_office_answered(case: Case, request: CompletionRequest) -> None:
    _tell_office(case, request, "completion_answered", key="answered")


def tell_office_overdue(case: Case, request: CompletionRequest) -> None:
    _tell_office(case, request, "completion_overdue", key=f"overdue:{request.due_on}")


_KINDS = {
    "completion_requested": "completion_requested",
    "completion_changed": "completion_requested",
    "completion_cancelled": "completion_requested",
    "completion_due": "completion_due",
}


def _tell_team(
    case: Case, request: CompletionRequest, template: str, *, key: str, **context: Any
) -> None:
    tell(
        case,
        _KINDS[template],
        key=f"completion:{request.pk}:{key}",
        to=team_of(case),
        template=f"workflow/{template}",
        context=_about(request) | context,
        path=_path(case, request),
    )


def _tell_office(case: Case, request: CompletionRequest, template: str, *, key: str) -> None:
    """Whoever follows the case, else the whole office."""
    people: list[Told] = office_of(case)
    if case.instructor is not None and case.instructor in people:
        people = [case.instructor]
    tell(
        case,
        "completion_received",
        key=f"completion:{request.pk}:{key}",
        to=people,
        template=f"workflow/{template}",
        context=_about(request),
        body=case.office,
        path=_path(case, request),
    )


def _about(request: CompletionRequest) -> dict[str, Any]:
    return {
        "number": request.number,
        "due_on": long_date(request.due_on) if request.due_on else "",
    }


def _line(item: Any) -> str:
    said = f"{item.label} ({item.get_reason_display().lower()}"
    said += ", indispensable)" if item.blocking else ", facultatif)"
    return " ".join(f"{said} : {item.comment}".split()) if item.comment else said


def _path(case: Case, request: CompletionRequest) -> str:
    return reverse("cases:completion", args=[case.public_id, request.number])
