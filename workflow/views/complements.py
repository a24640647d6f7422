"""The tab « Compléments »: what the office asks, and what the team answers."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.forms import PortalForm
from cpts_portal.words import long_date
from workflow import complement_answers, complement_asking, complement_ending, complements
from workflow import complement_rules as rules
from workflow.complement_forms import (
    ExtendCompletionForm,
    ItemForm,
    NoteForm,
    ReasonForm,
    RequestForm,
)
from workflow.complement_pages import read_request, request_rows
from workflow.kinds import child_of, kind_of
from workflow.models import Case, CompletionItem, CompletionRequest
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    IncompleteError,
    already_done_by,
    perform,
)
from workflow.states import CaseState
from workflow.views.access import case_context, visible_case


def _request(
    request: PersonRequest, public_id: uuid.UUID, number: int
) -> tuple[Case, CompletionRequest]:
    """A request the person may read, with its case; else a 404 that says nothing."""
    case = visible_case(request, public_id, "instructor")
    found = CompletionRequest.objects.visible_to(request.user).filter(case=case)
    return case, get_object_or_404(
        found.select_related("office", "territory", "sent_by", "ended_by").distinct(),
        number=number,
    )


def _item(
    request: PersonRequest, public_id: uuid.UUID, number: int, item: int
) -> tuple[Case, CompletionItem]:
    case, asked = _request(request, public_id, number)
    return case, get_object_or_404(asked.items.select_related("request"), pk=item)


def _render(
    request: PersonRequest, case: Case, page: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    context = case_context(request, case, current="complements") | context
    return render(request, f"workflow/complements/{page}.html", context, status=status)


def _back(case: Case, number: int) -> str:
    return reverse("cases:completion", args=[case.public_id, number])


# --- Reading --------------------------------------------------------------------------------


@require_safe
def page(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Every request of the case the person may read."""
    shown = visible_case(request, case)
    rows = request_rows(shown, request.user)
    context = {
        "rows": rows,
        "may_request": rules.may_request(shown, request.user)
        and not any(row.request.is_open or row.request.is_draft for row in rows),
        "has_versions": shown.version > 1,
        # A request waits for somebody in charge: say it to whoever looks for the button.
        "to_take_first": shown.state == CaseState.DEPOSITED and rules.follows(shown, request.user),
    }
    return _render(request, shown, "list", context)


@require_safe
def completion(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """One request: being prepared, to answer, or followed."""
    shown, asked = _request(request, case, number)
    if asked.is_draft:
        return _draft(request, shown, asked)
    return _sent(request, shown, asked)


def _sent(
    request: PersonRequest,
    case: Case,
    asked: CompletionRequest,
    *,
    refused: list[Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    user = request.user
    is_lead = user.acting is None
    read = read_request(asked, case, user)
    may_prepare = asked.is_open and rules.may_prepare_answer(case, user)
    missing = child_of(case).missing_for("answer_completion") if may_prepare else []
    urls = kind_of(case).target_url
    context = {
        "asked": asked,
        "read": read,
        "follows": asked.is_open and rules.may_request(case, user),
        "may_close": asked.is_open
        and rules.may_request(case, user)
        and read.is_overdue
        and read.has_blocking,
        "may_prepare": may_prepare,
        "may_answer": asked.is_open and rules.may_answer(case, user),
        "is_paused": asked.is_open and case.state not in rules.ANSWERING_STATES,
        "missing": [(one.sentence, urls(case, one.field) if one.field else "") for one in missing],
        "team_reads": is_lead,
        "refused": refused or [],
        "previous_version": (asked.answered_version or 1) - 1,
    }
    return _render(request, case, "request", context, status=status)


# --- Preparing, by the office -----------------------------------------------------------------


@require_POST
def start(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Begin a request, or go on with the one that is being prepared."""
    shown = visible_case(request, case)
    try:
        draft = complement_asking.start_request(shown, user=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
        return redirect("cases:complements", shown.public_id)
    return redirect(_back(shown, draft.number))


def _draft(
    request: PersonRequest,
    case: Case,
    draft: CompletionRequest,
    *,
    form: RequestForm | None = None,
    item_form: ItemForm | None = None,
) -> HttpResponse:
    items = list(draft.items.all())
    refused = [
        *(form.error_links() if form else []),
        *(item_form.error_links() if item_form else []),
    ]
    context = {
        "asked": draft,
        "items": items,
        "form": form
        or RequestForm(
            initial={"due_on": draft.due_on, "message": draft.message}, auto_id="demande_%s"
        ),
        "item_form": item_form or _item_form(case, items),
        "refused": refused,
        "effect": complements.effect_on_clock(
            case, blocking=any(item.blocking for item in items), due_on=draft.due_on
        ),
        "missing": complement_asking.missing_before_sending(draft),
        "may_request": rules.may_request(case, request.user),
    }
    return _render(request, case, "draft", context, status=422 if refused else 200)


def _item_form(
    case: Case, items: list[CompletionItem], data: Any = None, editing: CompletionItem | None = None
) -> ItemForm:
    taken = {item.key for item in items if item != editing}
    initial = (
        {
            "key": editing.key,
            "reason": editing.reason,
            "comment": editing.comment,
            "blocking": editing.blocking,
        }
        if editing
        else None
    )
    return ItemForm(
        data,
        targets=kind_of(case).targets(case),
        taken=taken,
        auto_id="point_%s",
        **({"initial": initial} if initial else {}),
    )


@require_POST
def save(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """The last day and the message of a request in preparation."""
    shown, draft = _request(request, case, number)
    form = RequestForm(request.POST, auto_id="demande_%s")
    if form.is_valid():
        try:
            complement_asking.save_request(
                draft,
                user=request.user,
                message=form.cleaned_data["message"],
                due_on=form.cleaned_data["due_on"],
            )
        except AlreadyDoneError as done:
            return _told(request, shown, draft, done)
        except ActionRefusedError as refused:
            form.add_error("due_on", refused.message)
        else:
            messages.success(request, "La date limite et le message sont enregistrés.")
            return redirect(_back(shown, number))
    return _draft(request, shown, draft, form=form)


@require_POST
def add_item(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """One more thing to complete."""
    shown, draft = _request(request, case, number)
    form = _item_form(shown, list(draft.items.all()), request.POST)
    if form.is_valid():
        try:
            item = complement_asking.save_item(draft, form.asked(), user=request.user)
        except AlreadyDoneError as done:
            return _told(request, shown, draft, done)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, f"« {item.label} » est ajouté à la demande.")
            return redirect(f"{_back(shown, number)}#ajouter")
    return _draft(request, shown, draft, item_form=form)


@require_http_methods(["GET", "HEAD", "POST"])
def edit_item(request: PersonRequest, case: uuid.UUID, number: int, item: int) -> HttpResponse:
    """Change an item of a request in preparation, or take it out."""
    shown, point = _item(request, case, number, item)
    draft = point.request
    if not draft.is_draft:
        return redirect(_back(shown, number))
    items = list(draft.items.all())
    if request.method == "POST" and "remove" in request.POST:
        complement_asking.remove_item(point, user=request.user)
        messages.success(request, f"« {point.label} » est retiré de la demande.")
        return redirect(_back(shown, number))
    form = _item_form(shown, items, request.POST or None, editing=point)
    if request.method == "POST" and form.is_valid():
        try:
            asked = form.asked()
            if asked.key != point.key:
                complement_asking.remove_item(point, user=request.user)
            complement_asking.save_item(draft, asked, user=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "Le point est modifié.")
            return redirect(_back(shown, number))
    context = {"asked": draft, "item": point, "form": form}
    return _render(request, shown, "item", context, status=422 if form.errors else 200)


# --- What is done once, and said why ----------------------------------------------------------


def _told(
    request: PersonRequest, case: Case, asked: CompletionRequest, done: ActionRefusedError
) -> HttpResponse:
    messages.info(request, done.message)
    if CompletionRequest.objects.filter(pk=asked.pk).exists():
        return redirect(_back(case, asked.number))
    return redirect("cases:complements", case.public_id)


def _confirm(
    request: PersonRequest,
    case: Case,
    asked: CompletionRequest,
    act: Callable[[PortalForm | None], Any],
    *,
    done: str,
    form: PortalForm | None = None,
    **context: Any,
) -> HttpResponse:
    """Ask, then do: the page of every action on a request."""
    status = 200
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            act(form)
        except AlreadyDoneError as refused:
            return _told(request, case, asked, refused)
        except ActionRefusedError as refused:
            if form is None:
                messages.error(request, refused.message)
                return redirect(_back(case, asked.number))
            form.add_error(None, refused.message)
        else:
            messages.success(request, done)
            if not CompletionRequest.objects.filter(pk=asked.pk).exists():
                return redirect("cases:complements", case.public_id)
            return redirect(_back(case, asked.number))
    if form is not None and form.errors:
        status = 422
    context |= {"asked": asked, "form": form}
    return _render(request, case, "confirm", context, status=status)


def _only_office(request: PersonRequest, case: Case) -> None:
    if not rules.may_request(case, request.user):
        raise PermissionDenied(
            "Seul le bureau en charge du dossier demande des compléments et suit leur réponse."
        )


@require_http_methods(["GET", "HEAD", "POST"])
def send(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """Show what sending does, to the clock as well; then send, once."""
    shown, draft = _request(request, case, number)
    _only_office(request, shown)
    if not draft.is_draft:
        return redirect(_back(shown, number))
    items = list(draft.items.all())
    return _confirm(
        request,
        shown,
        draft,
        lambda _form: complement_asking.send(draft, user=request.user),
        done="La demande est envoyée à l’équipe. Vous serez prévenu de sa réponse.",
        title="Envoyer la demande de compléments",
        items=items,
        effect=complements.effect_on_clock(
            shown, blocking=any(item.blocking for item in items), due_on=draft.due_on
        ),
        text=f"Réponse demandée jusqu’au {long_date(draft.due_on)}, ce jour compris."
        if draft.due_on
        else "",
        label="Envoyer à l’équipe",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """Give up a request that was not sent."""
    shown, draft = _request(request, case, number)
    _only_office(request, shown)
    return _confirm(
        request,
        shown,
        draft,
        lambda _form: complement_asking.discard(draft, user=request.user),
        done="La demande en préparation est supprimée.",
        title="Supprimer la demande en préparation",
        text="Elle n’a été lue que par votre bureau. Ses points seront perdus.",
        label="Supprimer la demande",
        danger=True,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """Give the team more time."""
    shown, asked = _request(request, case, number)
    _only_office(request, shown)
    form = ExtendCompletionForm(request.POST or None, due_on=asked.due_on)
    return _confirm(
        request,
        shown,
        asked,
        lambda _form: complement_ending.extend(
            asked,
            user=request.user,
            due_on=form.cleaned_data["due_on"],
            comment=form.cleaned_data["comment"],
        ),
        done="La date limite est reportée. L’équipe en est avertie.",
        form=form,
        title="Reporter la date limite",
        text=f"La réponse est attendue jusqu’au {long_date(asked.due_on)}." if asked.due_on else "",
        label="Reporter la date",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """Take a request back."""
    shown, asked = _request(request, case, number)
    _only_office(request, shown)
    form = ReasonForm(request.POST or None)
    return _confirm(
        request,
        shown,
        asked,
        lambda _form: complement_ending.cancel(
            asked, user=request.user, reason=form.cleaned_data["reason"]
        ),
        done="La demande est annulée. L’équipe en est avertie.",
        form=form,
        title="Annuler la demande",
        text="L’équipe n’aura plus rien à fournir, ce qu’elle a préparé sera perdu, et le dossier "
        "reste tel qu’il est déposé. Le délai de réponse court de nouveau.",
        label="Annuler la demande",
        danger=True,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: PersonRequest, case: uuid.UUID, number: int, item: int) -> HttpResponse:
    """Stop asking for one item."""
    shown, point = _item(request, case, number, item)
    _only_office(request, shown)
    form = ReasonForm(request.POST or None)
    return _confirm(
        request,
        shown,
        point.request,
        lambda _form: complement_ending.lift(
            point, user=request.user, reason=form.cleaned_data["reason"]
        ),
        done="Le point n’est plus demandé. L’équipe en est avertie.",
        form=form,
        title="Ne plus demander ce point",
        text=f"« {point.label} ». Ce que l’équipe y a préparé ne sera pas déposé. S’il ne reste "
        "aucun point indispensable, l’instruction reprend.",
        label="Lever ce point",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """Close a case that was not completed: an agent decides, with a reason."""
    shown, asked = _request(request, case, number)
    _only_office(request, shown)
    form = ReasonForm(request.POST or None)

    def act(_form: PortalForm | None) -> None:
        try:
            complement_ending.close_case(
                shown, user=request.user, reason=form.cleaned_data["reason"]
            )
        except IncompleteError as incomplete:
            raise ActionRefusedError(incomplete.missing[0].sentence) from incomplete

    return _confirm(
        request,
        shown,
        asked,
        act,
        done="Le dossier est clos sans suite. L’équipe en est avertie.",
        form=form,
        title="Clore le dossier sans suite",
        text="La date limite est passée sans réponse. Clore n’est pas refuser : l’équipe pourra "
        "déposer un nouveau dossier. Vous pouvez aussi reporter la date, ou lever des points.",
        label="Clore sans suite",
        danger=True,
    )


# --- The team's answer ------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def note(request: PersonRequest, case: uuid.UUID, number: int, item: int) -> HttpResponse:
    """A word on one item, for the office to read with the answer."""
    shown, point = _item(request, case, number, item)
    asked = point.request
    if not rules.may_prepare_answer(shown, request.user):
        raise PermissionDenied("Seuls les responsables et les rédacteurs de l’équipe répondent.")
    form = NoteForm(request.POST or None, initial={"word": point.note})
    return _confirm(
        request,
        shown,
        asked,
        lambda _form: complement_answers.save_note(
            point, user=request.user, note=form.cleaned_data["word"]
        ),
        done="Votre mot est enregistré.",
        form=form,
        title="Un mot au bureau",
        text=f"« {point.label} »",
        label="Enregistrer",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: PersonRequest, case: uuid.UUID, number: int) -> HttpResponse:
    """An owner deposits what the team prepared: a new version of the case."""
    shown, asked = _request(request, case, number)
    if not rules.may_prepare_answer(shown, request.user):
        raise PermissionDenied(
            "Seule l’équipe de la CPTS répond, tant que le bureau attend des compléments."
        )
    if request.method == "POST":
        return _deposit(request, shown, asked)
    if not asked.is_open:
        return redirect(_back(shown, number))
    child = child_of(shown)
    missing = child.missing_for("answer_completion")
    if missing:
        return redirect(f"{_back(shown, number)}#manque")
    read = read_request(asked, shown, request.user)
    context = {
        "asked": asked,
        "read": read,
        "may_answer": rules.may_answer(shown, request.user),
        "is_overdue": read.is_overdue,
    }
    return _render(request, shown, "answer", context)


def _deposit(request: PersonRequest, shown: Case, asked: CompletionRequest) -> HttpResponse:
    try:
        perform(child_of(shown), "answer_completion", actor=request.user)
    except IncompleteError as incomplete:
        asked.refresh_from_db()
        if not asked.is_open:
            done = already_done_by(asked.ended_by, asked.ended_at or timezone.now())
            return _told(request, shown, asked, done)
        links = kind_of(shown).target_url
        refused = [
            (links(shown, one.field) if one.field else "", one.sentence)
            for one in incomplete.missing
        ]
        return _sent(request, shown, asked, refused=refused, status=409)
    except AlreadyDoneError as done:
        return _told(request, shown, asked, done)
    messages.success(
        request,
        "Votre réponse est déposée. Le bureau en est averti, et l’accusé de réception vous "
        "est envoyé par courriel.",
    )
    return redirect(_back(shown, asked.number))
