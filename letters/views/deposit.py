"""The last page before the letter leaves, the deposit itself, and the paper version's posting."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from cpts_portal.forms import PortalForm
from cpts_portal.transactions import writes_when_posted
from letters import services
from letters.models import LetterOfIntent
from letters.views.access import visible_letter
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError
from writing import content_markup, rules
from writing.content import missing_before_deposit, procedure_of, read_content
from writing.links import addresses, links


class DepositForm(PortalForm):
    """The referent's commitment, and what stands for a signature."""

    template_name = "letters/_deposit_form.html"

    commits = forms.BooleanField(
        error_messages={
            "required": "Cochez l’engagement à travailler sur les missions : sans lui, la lettre "
            "ne peut pas être déposée (instruction DGOS/DIR/CNAM/2019/218)."
        },
    )
    signatory_name = forms.CharField(
        label="Nom et prénom du référent",
        help_text="Écrits par vous, ils tiennent lieu de signature.",
        max_length=150,
        error_messages={"required": "Écrivez le nom et le prénom du référent."},
    )
    place = forms.CharField(
        label="Fait à",
        help_text="La commune où vous signez. La date est celle du dépôt.",
        max_length=100,
        error_messages={"required": "Écrivez la commune où vous signez."},
    )

    def __init__(self, *args: Any, commitment: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["commits"].label = self.drawn_from = commitment
        self.fields["signatory_name"].widget.attrs["autocomplete"] = "name"

    def error_links(self) -> list[tuple[str, str, str]]:
        """As every form's, with a short name for the commitment: its label is a paragraph."""
        commitment = self.fields["commits"].label
        return [
            (anchor, "Engagement" if label == commitment else label, message)
            for anchor, label, message in super().error_links()
        ]


class PostingForm(PortalForm):
    """The day the paper version left."""

    posted_on = forms.DateField(
        label="Postée le",
        help_text="Le jour où vous avez posté la version papier. Exemple : 15/03/2027.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Indiquez le jour où vous avez posté la lettre.",
            "invalid": "Cette date ne peut pas être lue. Écrivez-la comme 15/03/2027.",
        },
    )


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def deposit(request: HttpRequest, letter: uuid.UUID) -> HttpResponse:
    """Show everything as it will be sent; on POST, file the letter."""
    case = visible_letter(request, letter)
    if request.method == "POST":
        return _file(request, case)
    if case.is_deposited:
        return redirect("letters:detail", case.public_id)
    user = cast(User, request.user)
    procedure = procedure_of(case)
    form = DepositForm(
        commitment=procedure.commitment, initial={"signatory_name": user.get_full_name()}
    )
    return _page(request, case, form)


def _file(request: HttpRequest, case: LetterOfIntent) -> HttpResponse:
    form = DepositForm(request.POST, commitment=procedure_of(case).commitment)
    form.is_valid()
    signature = form.cleaned_data
    try:
        services.deposit(
            case,
            actor=_user(request),
            commits=signature.get("commits", False),
            signatory_name=signature.get("signatory_name", ""),
            place=signature.get("place", ""),
        )
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except IncompleteError:
        return _page(request, case, form, status=409)
    except ActionRefusedError as refused:
        if form.is_valid():
            form.add_error(None, refused.message)
        return _page(request, case, form, status=422)
    else:
        messages.success(
            request,
            f"La lettre est déposée sous la référence {case.reference}. "
            "L’accusé de réception vous est envoyé par courriel.",
        )
    return redirect("letters:detail", case.public_id)


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _page(
    request: HttpRequest, case: LetterOfIntent, form: DepositForm, *, status: int = 200
) -> HttpResponse:
    content = read_content(case)
    may_deposit = rules.may_deposit(case, _user(request))
    context = {
        "letter": case,
        "pages": addresses(case),
        "procedure": content.procedure,
        "content": content_markup.draft(case, content),
        "summary": content.territory,
        "missing": links(case, missing_before_deposit(content)),
        "form": form,
        "may_deposit": may_deposit,
        "owners": [] if may_deposit else services.owners(case),
    }
    return render(request, "letters/deposit.html", context, status=status)


@require_POST
def posting(request: HttpRequest, letter: uuid.UUID) -> HttpResponse:
    """Record the day the paper version was posted, where the region also wants one."""
    case = visible_letter(request, letter)
    if not rules.may_record_posting(case, _user(request)):
        raise PermissionDenied(
            "Seul un responsable de la CPTS indique le jour de l’envoi postal d’une lettre déposée."
        )
    form = PostingForm(request.POST)
    if form.is_valid():
        try:
            services.record_posting(case, posted_on=form.cleaned_data["posted_on"])
        except ActionRefusedError as refused:
            form.add_error("posted_on", refused.message)
    if not form.is_valid():
        return render(
            request, "letters/deposit_posting.html", {"letter": case, "form": form}, status=422
        )
    messages.success(request, "La date de l’envoi postal est notée.")
    return redirect("letters:detail", case.public_id)
