"""The lead gives a case up before it is decided."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from cpts_portal.forms import PortalForm
from workflow.services import ActionRefusedError, AlreadyDoneError, already_done
from workflow.states import OPEN_STATES
from workflow.views.access import case_context
from writing import rules
from writing.consulting import withdraw as give_up
from writing.kinds import Words, WrittenKind
from writing.links import page
from writing.views.access import visible_case


class WithdrawalForm(PortalForm):
    """Why the team gives its case up."""

    reason = forms.CharField(
        help_text="Le bureau qui l’examine lira cette raison.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )

    def __init__(self, *args: Any, words: Words, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields["reason"]
        reason.label = f"Pourquoi vous retirez {words.the}"
        reason.error_messages["required"] = (
            f"Dites en quelques mots pourquoi vous retirez {words.the}."
        )


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """Ask why, then withdraw the case: nobody examines it any more."""
    case = visible_case(request, kind, public_id)
    if not case.is_deposited:
        return redirect(page(case, "detail"))
    if not rules.may_withdraw(case, request.user):
        raise PermissionDenied(
            f"Seul un responsable de la CPTS retire {kind.words.the}, en son nom."
        )
    if case.state not in OPEN_STATES:
        messages.info(request, already_done(case).message)
        return redirect(page(case, "detail"))
    form = WithdrawalForm(request.POST or None, words=kind.words)
    if request.method == "POST" and form.is_valid():
        try:
            give_up(case, actor=request.user, reason=form.cleaned_data["reason"])
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return redirect(page(case, "detail"))
        except ActionRefusedError as refused:
            form.add_error("reason", refused.message)
        else:
            messages.success(
                request,
                f"{capfirst(kind.words.the)} est retiré{kind.words.e}. "
                "Le bureau en charge est prévenu.",
            )
            return redirect(page(case, "detail"))
    context = case_context(request, case, current="case") | {"form": form}
    return render(request, "writing/withdraw.html", context, status=422 if form.errors else 200)
