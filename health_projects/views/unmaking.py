"""Withdrawing what silence has validated."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from cpts_portal.transactions import writes_when_posted
from health_projects.forms import SilenceWithdrawalForm
from health_projects.unmaking import (
    WithdrawalError,
    last_day_to_withdraw,
    why_not_withdrawn,
    withdraw_silence,
)
from health_projects.views.access import visible_project
from workflow.decision_rules import may_withdraw_decision
from workflow.services import ActionRefusedError, AlreadyDoneError


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Say why the validation is illegal and how the CPTS was heard, then withdraw it."""
    case = visible_project(request, project)
    if not may_withdraw_decision(case, request.user):
        raise PermissionDenied(
            "Seul un coordinateur du bureau en charge, ou de son agence, retire une validation par "
            "silence."
        )
    form = SilenceWithdrawalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            withdraw_silence(case, user=request.user, **form.cleaned_data)
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return redirect("projects:detail", case.public_id)
        except WithdrawalError as refused:
            form.add_error(refused.field, refused.message)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request, "La validation est retirée et le dossier rouvert. L’équipe est prévenue."
            )
            return redirect("projects:detail", case.public_id)
    context = {
        "project": case,
        "form": form,
        "why_not": why_not_withdrawn(case),
        "last_day": case.validated_on and last_day_to_withdraw(case.validated_on),
    }
    status = 422 if form.errors else 200
    return render(request, "health_projects/withdraw_silence.html", context, status=status)
