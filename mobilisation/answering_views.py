"""What professionals see, without an account: the questionnaire, and their own answer."""

from typing import Any, Final

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cpts_portal.spreadsheets import csv_bytes
from cpts_portal.transactions import writes_when_posted
from mobilisation import answering
from mobilisation.drawing import empty_fields
from mobilisation.forms import AnswerForm
from mobilisation.links import new_mark, own_link, token_of
from mobilisation.models import Questionnaire, Reply
from workflow.services import ActionRefusedError

# What a bot barrier, a limit or a closed questionnaire answers with.
_REFUSED: Final = 422


def _ip(request: HttpRequest) -> str:
    try:
        return get_adapter().get_client_ip(request) or ""
    except PermissionDenied:
        return ""


def _page(
    request: HttpRequest, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    return render(request, f"mobilisation/{name}.html", context, status=status)


@login_not_required
@never_cache
@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, code: str) -> HttpResponse:
    """The questionnaire; sent, it leads its author to their own answer."""
    found = answering.find_questionnaire(code)
    if found is None:
        return _unknown_code(request)
    if not found.is_open:
        return _page(request, "answer_ended", {"questionnaire": found}, status=410)
    if request.method != "POST":
        context = {
            "questionnaire": found,
            "community": found.community,
            "model": found.model,
            "fields": empty_fields(found),
            "mark": new_mark(),
        }
        return _page(request, "answer_form", context)
    if not answering.may_send(_ip(request)):
        return render(request, "429.html", status=429)
    typed = AnswerForm(request.POST, questionnaire=found)
    if typed.is_valid():
        try:
            reply = answering.answer(found, typed.values(), form_mark=typed.form_mark)
        except ActionRefusedError as error:
            typed.add_error(None, error.message)
        else:
            return redirect("answering:own", token_of(reply))
    return _form(request, found, typed, status=_REFUSED)


def _unknown_code(request: HttpRequest) -> HttpResponse:
    if not answering.may_guess(_ip(request)):
        return render(request, "429.html", status=429)
    return _page(request, "answer_unknown", {}, status=404)


def _form(
    request: HttpRequest,
    questionnaire: Questionnaire,
    typed: AnswerForm,
    *,
    reply: Reply | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "questionnaire": questionnaire,
        "community": questionnaire.community,
        "model": questionnaire.model,
        "form": typed,
        "token": token_of(reply) if reply else "",
    }
    return _page(request, "answer_form", context, status=status)


@login_not_required
@never_cache
@require_safe
def own(request: HttpRequest, token: str) -> HttpResponse:
    """What somebody answered, and what they may still do with it."""
    reply = answering.find_reply(token)
    if reply is None:
        return _page(request, "answer_unknown", {}, status=404)
    context = {
        "token": token,
        "reply": reply,
        "questionnaire": reply.questionnaire,
        "community": reply.questionnaire.community,
        "rows": answering.data_of(reply),
        "address": own_link(reply),
    }
    return _page(request, "answer_own", context)


@login_not_required
@never_cache
@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: HttpRequest, token: str) -> HttpResponse:
    reply = answering.find_reply(token)
    if reply is None:
        return _page(request, "answer_unknown", {}, status=404)
    questionnaire = reply.questionnaire
    if not questionnaire.is_open:
        return _page(request, "answer_ended", {"questionnaire": questionnaire}, status=410)
    typed = AnswerForm(request.POST or None, questionnaire=questionnaire, reply=reply)
    if request.method == "POST" and typed.is_valid():
        try:
            answering.correct(reply, typed.values())
        except ActionRefusedError as error:
            typed.add_error(None, error.message)
        else:
            return redirect("answering:own", token)
    status = _REFUSED if request.method == "POST" else 200
    return _form(request, questionnaire, typed, reply=reply, status=status)


@login_not_required
@never_cache
@require_safe
def data(request: HttpRequest, token: str) -> HttpResponse:
    """All that is kept of an answer, as a file."""
    reply = answering.find_reply(token)
    if reply is None:
        return _page(request, "answer_unknown", {}, status=404)
    content = csv_bytes(["Donnée", "Valeur"], answering.data_of(reply))
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="ma-reponse.csv"'
    return response


@login_not_required
@never_cache
@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, then delete the answer: nothing of it stays."""
    reply = answering.find_reply(token)
    if reply is None:
        return _page(request, "answer_unknown", {}, status=404)
    context = {"community": reply.questionnaire.community, "token": token}
    if request.method == "POST":
        answering.delete_reply(reply)
        return _page(request, "answer_deleted", context)
    return _page(request, "answer_delete", context)


@login_not_required
@never_cache
@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """No more mails: one press, because programs open the links of mails."""
    contact = answering.find_contact(token)
    if contact is None:
        return _page(request, "answer_unknown", {}, status=404)
    if request.method == "POST":
        answering.unsubscribe(contact)
    context = {
        "community": contact.questionnaire.community,
        "is_done": request.method == "POST" or contact.unsubscribed_at is not None,
    }
    return _page(request, "unsubscribe", context)
