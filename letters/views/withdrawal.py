"""The lead gives a letter up before it is decided."""

import uuid

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from cpts_portal.forms import PortalForm
from letters.consulting import withdraw as give_up
from letters.views.access import visible_letter
from workflow.services import ActionRefusedError, AlreadyDoneError, already_done
from workflow.states import OPEN_STATES
from workflow.views.access import case_context
from writing import rules


class WithdrawalForm(PortalForm):
    """Why the team gives its letter up."""

    reason = forms.CharField(
        label="Pourquoi vous retirez la lettre",
        help_text="Le bureau qui l’examine lira cette raison.",
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Dites en quelques mots pourquoi vous retirez la lettre."},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PersonRequest, letter: uuid.UUID) -> HttpResponse:
    """Ask why, then withdraw the letter: nobody examines it any more."""
    case = visible_letter(request, letter)
    if not case.is_deposited:
        return redirect("letters:detail", case.public_id)
    if not rules.may_withdraw(case, request.user):
        raise PermissionDenied("Seul un responsable de la CPTS retire la lettre, en son nom.")
    if case.state not in OPEN_STATES:
        messages.info(request, already_done(case).message)
        return redirect("letters:detail", case.public_id)
    form = WithdrawalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            give_up(case, actor=request.user, reason=form.cleaned_data["reason"])
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return redirect("letters:detail", case.public_id)
        except ActionRefusedError as refused:
            form.add_error("reason", refused.message)
        else:
            messages.success(request, "La lettre est retirée. Le bureau en charge est prévenu.")
            return redirect("letters:detail", case.public_id)
    context = case_context(request, case, current="case") | {"form": form}
    return render(request, "letters/withdraw.html", context, status=422 if form.errors else 200)
