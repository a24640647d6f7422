"""The tab « Messages » of a deposited case, for its team and for the office in charge."""

import uuid
from contextlib import suppress
from typing import Any, cast

from django.contrib import messages as flash
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db.models import prefetch_related_objects
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import PersonRequest
from documents.downloads import send_attachment
from documents.services import too_large
from documents.uploads import dropped_files
from workflow import message_rules as rules
from workflow import messages
from workflow.message_forms import MessageForm
from workflow.message_templates import fill, templates_of, values_for
from workflow.models import Case, Message, MessageTemplate
from workflow.services import ActionRefusedError
from workflow.views.access import case_context, visible_case

WRITE = "ecrire"


@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Read the thread, newest first, and write in it."""
    found = _case_with_thread(request, case)
    if request.method == "POST":
        return _write(request, found)
    return _page(request, found)


def _case_with_thread(request: HttpRequest, public_id: uuid.UUID) -> Case:
    found = visible_case(request, public_id)
    prefetch_related_objects([found.community], "team_members")
    if not messages.sees_thread(found, cast(PersonRequest, request).user):
        raise Http404("Ce fil de messages n’existe pas.")
    return found


def _page(
    request: PersonRequest,
    case: Case,
    *,
    form: MessageForm | None = None,
    refused_files: list[str] | None = None,
    unticked: frozenset[int] = frozenset(),
) -> HttpResponse:
    user = request.user
    lines, page = messages.read_thread(case, user, request.GET.get("page"))
    may_write = rules.may_write(case, user)
    context = case_context(request, case, current="messages") | {
        "lines": lines,
        "page": page,
        "may_write": may_write,
        "has_left": user.acting is not None and case.office_id != user.acting.organisation_id,
    }
    if may_write:
        draft = messages.draft_of(case, user)
        files = draft.files.select_related("attachment") if draft else []
        questions = list(messages.open_questions(case, user))
        form = form or _begun(draft)
        refused = [("message-files", "Fichiers", one) for one in refused_files or []]
        context |= {
            "form": form,
            "draft": draft,
            "files": [link.attachment for link in files],
            "questions": [(one, one.pk not in unticked) for one in questions],
            "templates": list(templates_of(user)),
            "refused_files": refused_files or [],
            "errors": (form.error_links() if form.is_bound else []) + refused,
            "is_open": form.is_bound or draft is not None or bool(refused),
            "accept": ",".join(messages.EXTENSIONS),
            "accept_label": messages.ACCEPT_LABEL,
        }
    refusing = may_write and bool(context["errors"])
    response = render(request, "workflow/messages.html", context, status=422 if refusing else 200)
    if request.method == "GET":
        messages.mark_read(case, lines, user=user)
    return response


def _begun(draft: Any) -> MessageForm:
    initial: dict[str, Any] = {"submission": uuid.uuid4()}
    if draft is not None:
        for name in ("subject", "text", "answer_expected", "answer_by"):
            initial[name] = getattr(draft, name)
    return MessageForm(initial=initial)


def _write(request: PersonRequest, case: Case) -> HttpResponse:
    """Send, keep as a draft, or begin with one of the office's texts; nothing typed is lost."""
    user, action = request.user, request.POST.get("action", "send")
    if not rules.may_write(case, user):
        raise PermissionDenied(
            "Vous pouvez lire ces messages, pas en écrire : rapprochez-vous d’un responsable de "
            "la CPTS ou du bureau en charge du dossier."
        )
    # One at a time on a case: a second press waits for the first, then changes nothing.
    Case.objects.select_for_update().get(pk=case.pk)
    sending = action == "send"
    form = MessageForm(request.POST, sending=sending)
    valid = form.is_valid()
    if valid and sending and _was_sent(case, request, form):
        return _sent(request, case)
    refused, unticked = _keep_files(request, case), _unticked(request, case)
    if not valid:
        return _page(request, case, form=form, refused_files=refused, unticked=unticked)
    written = form.written(_ticked(request))
    if sending and not refused:
        try:
            messages.send_message(case, user=user, written=written, submission=form.submission_id())
        except ActionRefusedError as why:
            form.add_error(None, why.message)
            return _page(request, case, form=form, unticked=unticked)
        return _sent(request, case)
    if action == "insert":
        written = _with_template(request, case, written)
    elif action.startswith("remove:"):
        _remove_file(request, case, action.removeprefix("remove:"))
    messages.save_draft(case, user=user, written=written)
    if refused:
        return _page(request, case, form=form, refused_files=refused, unticked=unticked)
    if action == "draft":
        flash.success(request, "Votre brouillon est enregistré. Vous seul le voyez.")
    return redirect(f"{_thread_url(case)}#{WRITE}")


def _was_sent(case: Case, request: PersonRequest, form: MessageForm) -> bool:
    return Message.objects.filter(
        case=case,
        author=request.user,
        submission=form.submission_id(),
        text=form.cleaned_data["text"],
    ).exists()


def _sent(request: PersonRequest, case: Case) -> HttpResponse:
    to = "au bureau en charge" if request.user.acting is None else "à l’équipe"
    flash.success(request, f"Votre message est envoyé {to}, qui en est prévenu par courriel.")
    return redirect(_thread_url(case))


def _keep_files(request: PersonRequest, case: Case) -> list[str]:
    """Put the files of the request in the draft; why the others were not kept."""
    refused = [too_large(name).message for name in dropped_files(request)]
    files = cast("list[UploadedFile]", request.FILES.getlist("files"))
    return refused + (messages.add_files(case, files, user=request.user) if files else [])


def _remove_file(request: PersonRequest, case: Case, attachment: str) -> None:
    with suppress(ValueError):
        messages.remove_file(case, uuid.UUID(attachment), user=request.user)


def _unticked(request: PersonRequest, case: Case) -> frozenset[int]:
    """The questions whose box the person has unticked."""
    asked = {question.pk for question in messages.open_questions(case, request.user)}
    return frozenset(asked - _ticked(request))


def _ticked(request: PersonRequest) -> frozenset[int]:
    return frozenset(_number(one) for one in request.POST.getlist("answers"))


def _number(text: str) -> int:
    """A row's number as a form sends it; 0, which is no row's, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _with_template(
    request: PersonRequest, case: Case, written: messages.Written
) -> messages.Written:
    """What was written, followed by the chosen text filled with the case's values."""
    asked = _number(request.POST.get("template", ""))
    chosen = templates_of(request.user).filter(pk=asked).first()
    if chosen is None:
        flash.warning(request, "Choisissez un modèle dans la liste, puis « Insérer ».")
        return written
    subject, text = _filled(chosen, case, request)
    flash.success(
        request, f"Le modèle « {chosen.name} » est inséré : relisez, complétez, puis envoyez."
    )
    return messages.Written.of(
        text=f"{written.text}\n\n{text}" if written.text else text,
        subject=written.subject or subject,
        answer_expected=written.answer_expected,
        answer_by=written.answer_by,
    )


def _filled(chosen: MessageTemplate, case: Case, request: PersonRequest) -> tuple[str, str]:
    values = values_for(case, request.user)
    return fill(chosen.subject, values)[: messages.LONGEST_SUBJECT], fill(chosen.text, values)


@require_POST
def stop_waiting(request: PersonRequest, case: uuid.UUID, message: int) -> HttpResponse:
    """Say that an answer is no longer expected."""
    found = _case_with_thread(request, case)
    asked = get_object_or_404(
        Message.objects.visible_to(request.user).filter(case=found), pk=message
    )
    messages.stop_waiting(asked, user=request.user)
    flash.success(request, "Cette réponse n’est plus attendue.")
    return redirect(_thread_url(found))


@require_GET
def download(
    request: PersonRequest, case: uuid.UUID, attachment: uuid.UUID
) -> HttpResponse | FileResponse:
    """A file of the thread, to whoever reads its message; else a 404."""
    found = _case_with_thread(request, case)
    link = messages.readable_file(found, attachment, request.user)
    if link is None:
        raise Http404("Ce fichier n’est pas dans ce fil de messages.")
    return send_attachment(request, link.attachment)


def _thread_url(case: Case) -> str:
    return reverse("cases:messages", args=[case.public_id])
