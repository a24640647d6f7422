"""The last page before the case leaves, the deposit itself, and the paper version's posting."""

import uuid
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from cpts_portal.forms import DayField, PortalForm
from cpts_portal.transactions import writes_when_posted
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError
from writing import content_markup, depositing, rules
from writing.content import missing_before_deposit, procedure_of, read_content
from writing.kinds import WrittenKind, written_of
from writing.links import addresses, links, page
from writing.models import WrittenCase
from writing.views.access import visible_case


class DepositForm(PortalForm):
    """The referent's commitment, and what stands for a signature."""

    template_name = "writing/_deposit_form.html"

    commits = forms.BooleanField()
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

    def __init__(self, *args: Any, case: WrittenCase, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        commits = self.fields["commits"]
        commits.label = self.drawn_from = procedure_of(case).commitment
        commits.error_messages["required"] = written_of(case).commitment_wanted
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

    posted_on = DayField(
        "Postée le",
        help_text="Le jour où vous avez posté la version papier. Exemple : 15/03/2027.",
        missing="Indiquez le jour où vous avez posté la version papier.",
    )


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def deposit(request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """Show everything as it will be sent; on POST, file the case."""
    case = visible_case(request, kind, public_id)
    if request.method == "POST":
        return _file(request, case)
    if case.is_deposited:
        return redirect(page(case, "detail"))
    user = cast(User, request.user)
    form = DepositForm(case=case, initial={"signatory_name": user.get_full_name()})
    return _page(request, case, form)


def _file(request: HttpRequest, case: WrittenCase) -> HttpResponse:
    form = DepositForm(request.POST, case=case)
    form.is_valid()
    words, signature = case.words, form.cleaned_data
    try:
        depositing.deposit(
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
            f"{capfirst(words.the)} est déposé{words.e} sous la référence {case.reference}. "
            "L’accusé de réception vous est envoyé par courriel.",
        )
    return redirect(page(case, "detail"))


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _page(
    request: HttpRequest, case: WrittenCase, form: DepositForm, *, status: int = 200
) -> HttpResponse:
    content, words = read_content(case), case.words
    may_deposit = rules.may_deposit(case, _user(request))
    context = {
        "case": case,
        "pages": addresses(case),
        "procedure": content.procedure,
        "content": content_markup.draft(case, content),
        "summary": content.territory,
        "missing": links(case, missing_before_deposit(content)),
        "form": form,
        "title": f"Relire et déposer {words.the}",
        "lead": f"Voici tout ce qui sera envoyé. Une fois déposé{words.e}, {words.the} ne peut "
        f"plus être modifié{words.e}.",
        "refused_title": f"{capfirst(words.the)} n’est pas déposé{words.e} : voici ce qu’il faut "
        "corriger.",
        "may_deposit": may_deposit,
        "owners": [] if may_deposit else depositing.owners(case),
    }
    return render(request, "writing/deposit.html", context, status=status)


@require_POST
def posting(request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """Record the day the paper version was posted, where the region also wants one."""
    case = visible_case(request, kind, public_id)
    if not rules.may_record_posting(case, _user(request)):
        raise PermissionDenied(
            "Seul un responsable de la CPTS indique le jour de l’envoi postal, une fois "
            f"{kind.words.the} déposé{kind.words.e}."
        )
    form = PostingForm(request.POST)
    if form.is_valid():
        try:
            depositing.record_posting(case, posted_on=form.cleaned_data["posted_on"])
        except ActionRefusedError as refused:
            form.add_error("posted_on", refused.message)
    if not form.is_valid():
        return render(
            request, "writing/deposit_posting.html", {"case": case, "form": form}, status=422
        )
    messages.success(request, "La date de l’envoi postal est notée.")
    return redirect(page(case, "detail"))
