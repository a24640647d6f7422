"""The project beside the plans of its territory: each side writes its column, or reads."""

import uuid
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from cpts_portal.transactions import writes_when_posted
from health_projects import coherence
from health_projects.coherence import ChangedMeanwhileError, Side
from health_projects.coherence_forms import finding_form, finding_of
from health_projects.views.sheets import seen

_WHY_NOT: Final = (
    "Vous pouvez lire cette page, pas la modifier : l’équipe y écrit avant le dépôt, le bureau en "
    "charge après."
)


@writes_when_posted
@require_http_methods(["GET", "POST"])
def plans(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Each plan, what the team says of it, and, for the offices, what the office says."""
    case = seen(request, project)
    rows = coherence.rows_for(case, request.user)
    side = coherence.side_written_by(case, request.user)
    context: dict[str, Any] = {
        "project": case,
        "rows": rows,
        "reads_office": coherence.reads_office(case, request.user, rows),
        "side": side,
    }
    if not side:
        if request.method == "POST":
            raise PermissionDenied(_WHY_NOT)
        return render(request, "health_projects/coherence/read.html", context)
    is_posted = request.method == "POST"
    forms = [(row, finding_form(row, side, request.POST if is_posted else None)) for row in rows]
    links: list[tuple[str, str, str]] = []
    if is_posted:
        links = [
            (anchor, f"{row.framework.label}, {label.lower()}", message)
            for row, form in forms
            for anchor, label, message in form.error_links()
        ]
        if not links:
            try:
                coherence.save_findings(
                    case, [finding_of(row, form) for row, form in forms], by=request.user
                )
            except ChangedMeanwhileError as refused:
                links = [("", "", refused.message)]
                forms = _again(request, case, side)
            else:
                messages.success(request, "Ce que vous avez écrit est enregistré.")
                return redirect("projects:coherence", project)
    context |= {"forms": forms, "links": links, "is_office": side == Side.OFFICE}
    return render(
        request, "health_projects/coherence/write.html", context, status=422 if is_posted else 200
    )


def _again(request: PersonRequest, case: Any, side: str) -> list[tuple[Any, Any]]:
    """The same words over what was saved meanwhile: the next save is meant."""
    posted = request.POST.copy()
    rows = coherence.rows_for(case, request.user)
    for row in rows:
        note = row.of(side)
        posted[f"{row.framework.key}-revision"] = str(note.revision if note else 0)
    return [(row, finding_form(row, side, posted)) for row in rows]
