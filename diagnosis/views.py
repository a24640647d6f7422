"""The diagnosis of a territory, for its team and for those it asks. Seen, or a 404."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from accounts.http import PersonRequest
from communities.models import Community
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from diagnosis import asking, rules
from diagnosis.annex import ways_into_the_letter
from diagnosis.asking import DiagnosisError
from diagnosis.board import markup, read_board
from diagnosis.forms import AnswerForm, AskForm, DeclineForm, TakeForm
from diagnosis.models import DiagnosisRequest, RequestState
from documents.downloads import send_attachment
from documents.services import FileRefusedError, too_large
from documents.uploads import dropped_files

PAGE_SIZE: Final = 25
TONES: Final = {
    RequestState.SENT: "info",
    RequestState.TAKEN: "new",
    RequestState.ANSWERED: "success",
    RequestState.DECLINED: "warning",
    RequestState.WITHDRAWN: "",
}
FILTERS: Final = {"": "À traiter", "repondues": "Répondues", "toutes": "Toutes"}


# --- The team -----------------------------------------------------------------------------------


@writes_when_posted
@require_safe
def overview(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What is known of the territory, and what was asked about it."""
    community = _community(request, public_id)
    board = read_board(community)
    asked = list(
        DiagnosisRequest.objects.filter(community=community).select_related("recipient")[:50]
    )
    context = {
        "community": community,
        "requests": [(one, TONES[RequestState(one.state)]) for one in asked],
        "may_ask": rules.may_ask(community, request.user),
        "ways": ways_into_the_letter(community, request.user),
        "board": board,
        "figures": "" if board.is_empty else markup(board),
    }
    return render(request, "diagnosis/overview.html", context)


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Ask the Guichet or an office for a diagnosis, with the communes of the day."""
    community = _community(request, public_id)
    if not rules.may_ask(community, request.user):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS demande un diagnostic.")
    recipients = asking.recipients_of(community)
    form = AskForm(request.POST or None, recipients=recipients)
    if request.method == "POST" and form.is_valid():
        try:
            made = asking.ask(community, by=request.user, **form.cleaned_data)
        except DiagnosisError as error:
            form.add_error(None, error.message)
        else:
            messages.success(
                request, f"La demande est partie. {made.recipient} en reçoit l’annonce."
            )
            return redirect("diagnosis:request", made.public_id)
    communes = asking.communes_of(community.territory)
    context = {"community": community, "form": form, "communes": communes}
    return _page(request, "diagnosis/ask.html", context, refused=form.is_bound)


@require_POST
def withdraw(request: PersonRequest, public_id: UUID) -> HttpResponse:
    found = _request(request, public_id)
    try:
        asking.withdraw(found, by=request.user)
    except DiagnosisError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "La demande est retirée.")
    return redirect("diagnosis:request", found.public_id)


# --- Both sides ---------------------------------------------------------------------------------


@writes_when_posted
@require_safe
def show(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """One request: what is asked, on which communes, and the answer."""
    return _show(request, _request(request, public_id))


def _show(request: PersonRequest, found: DiagnosisRequest, **bound: forms.Form) -> HttpResponse:
    answers = rules.may_answer(found, request.user)
    forms_of_office: dict[str, Any] = {}
    if answers:
        forms_of_office = {
            "take_form": TakeForm(initial={"promised_on": found.promised_on}, prefix="take"),
            "answer_form": AnswerForm(prefix="answer"),
            "decline_form": DeclineForm(prefix="decline"),
        } | bound
    context = {
        "asked": found,
        "community": found.community,
        "tone": TONES[RequestState(found.state)],
        "files": [link.attachment for link in found.files.select_related("attachment")],
        "answers": answers,
        "withdraws": found.is_open and rules.may_ask(found.community, request.user),
        "joins": ways_into_the_letter(found.community, request.user).joins,
        "is_team": request.user.acting is None,
        **forms_of_office,
    }
    return _page(request, "diagnosis/request.html", context, refused=bool(bound))


@require_GET
def download(
    request: HttpRequest, public_id: UUID, attachment: UUID
) -> HttpResponse | FileResponse:
    """A document of the answer, to whoever may see the request; else a 404."""
    found = _request(request, public_id)
    link = found.files.select_related("attachment").filter(attachment=attachment).first()
    if link is None:
        raise Http404("Ce document n’existe pas.")
    return send_attachment(request, link.attachment)


# --- The office ---------------------------------------------------------------------------------


@writes_when_posted
@require_safe
def received(request: PersonRequest) -> HttpResponse:
    """The requests sent to the organisation the person acts for, a page at a time."""
    if not rules.works_on_requests(request.user):
        return redirect("desks:home")
    which = request.GET.get("etat", "")
    rows = DiagnosisRequest.objects.visible_to(request.user).select_related("community")
    if which == "repondues":
        rows = rows.filter(state=RequestState.ANSWERED)
    elif which != "toutes":
        which, rows = "", rows.open()
    found, page = read_page(rows.defer("communes", "answer"), request.GET.get("page"), PAGE_SIZE)
    context = {
        "rows": [(one, TONES[RequestState(one.state)]) for one in found],
        "page": page,
        "filters": FILTERS,
        "which": which,
    }
    return render(request, "diagnosis/received.html", context)


@require_POST
def take(request: PersonRequest, public_id: UUID) -> HttpResponse:
    found = _answered(request, public_id)
    form = TakeForm(request.POST, prefix="take")
    if form.is_valid():
        try:
            asking.take(found, by=request.user, **form.cleaned_data)
        except DiagnosisError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "L’équipe sait que vous préparez le diagnostic.")
            return redirect("diagnosis:request", found.public_id)
    return _show(request, found, take_form=form)


@require_POST
def answer(request: PersonRequest, public_id: UUID) -> HttpResponse:
    found = _answered(request, public_id)
    form = AnswerForm(request.POST, prefix="answer")
    for name in dropped_files(request):
        form.add_error("documents", too_large(name).message)
    if form.is_valid():
        files: list[Any] = request.FILES.getlist("answer-documents")
        try:
            with transaction.atomic():
                asking.answer(found, by=request.user, text=form.cleaned_data["text"], files=files)
        except (DiagnosisError, FileRefusedError) as error:
            is_file = isinstance(error, FileRefusedError)
            form.add_error("documents" if is_file else None, error.message)
        else:
            messages.success(request, "La réponse est envoyée à l’équipe.")
            return redirect("diagnosis:request", found.public_id)
    return _show(request, found, answer_form=form)


@require_POST
def decline(request: PersonRequest, public_id: UUID) -> HttpResponse:
    found = _answered(request, public_id)
    form = DeclineForm(request.POST, prefix="decline")
    if form.is_valid():
        try:
            asking.decline(found, by=request.user, **form.cleaned_data)
        except DiagnosisError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "L’équipe est prévenue qu’aucune réponse ne viendra.")
            return redirect("diagnosis:request", found.public_id)
    return _show(request, found, decline_form=form)


# --- What the views share -----------------------------------------------------------------------


def _community(request: HttpRequest, public_id: UUID) -> Community:
    return get_object_or_404(Community.objects.visible_to(request.user), public_id=public_id)


def _request(request: HttpRequest, public_id: UUID) -> DiagnosisRequest:
    seen = DiagnosisRequest.objects.visible_to(request.user)
    with_names = seen.select_related("community", "recipient", "asked_by", "taken_by", "closed_by")
    return get_object_or_404(with_names, public_id=public_id)


def _answered(request: PersonRequest, public_id: UUID) -> DiagnosisRequest:
    found = _request(request, public_id)
    if not rules.may_answer(found, request.user):
        raise PermissionDenied("Un agent de l’organisme sollicité répond à cette demande.")
    return found


def _page(
    request: HttpRequest, template: str, context: dict[str, Any], *, refused: bool
) -> HttpResponse:
    return render(request, template, context, status=422 if refused else 200)
