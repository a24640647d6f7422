"""The decision on a case: what was decided, for all; proposing and signing it, for some."""

import uuid
from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from workflow import (
    approving,
    deciders,
    decision_missing,
    decision_text,
    decisions,
    proposing,
    withdrawing,
)
from workflow import decision_rules as rules
from workflow.decision_board import BEING_DECIDED, DecisionBoard, read_board
from workflow.decision_documents import draft_pdf
from workflow.decision_forms import CommentForm, ProposalForm, SignForm
from workflow.decision_states import DecisionState
from workflow.models import Case, Decision
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError
from workflow.views.access import case_context, visible_case
from workflow.views.documents import may_preview_now, pdf_response

CURRENT: Final = "decision"


@require_safe
def decision(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """What was decided; for those who prepare it, the text and what there is to do."""
    return _page(request, visible_case(request, case))


# --- Proposing --------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Write the decision, see it as it will read, and propose it to whoever signs."""
    shown = _examined(request, case)
    current = decisions.open_decision(shown)
    if request.method == "POST":
        return _save(request, shown, current)
    form = ProposalForm(case=shown, initial=ProposalForm.initial_of(current))
    return _proposal_page(request, shown, form, current)


def _save(request: PersonRequest, case: Case, current: Decision | None) -> HttpResponse:
    action = request.POST.get("action", "")
    form = ProposalForm(request.POST, case=case, proposes=action == "propose")
    if not form.is_valid():
        return _proposal_page(request, case, form, current, status=422)
    if action == "preview":
        return _proposal_page(request, case, form, current, text=_preview(case, form, current))
    submit = action == "propose"
    missing: list[str] = []
    try:
        proposing.save_proposal(
            case,
            user=request.user,
            base_revision=form.cleaned_data["base_revision"],
            submit=submit,
            **form.typed(),
        )
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except IncompleteError as incomplete:
        missing = incomplete.missing
        _tie(form, _unsaved(case, form, current))
    except ActionRefusedError as refused:
        form.add_error(None, refused.message)
    else:
        messages.success(request, _saved(case, submit=submit))
    if missing or form.errors:
        status = 409 if missing else 422
        return _proposal_page(request, case, form, current, missing=missing, status=status)
    return redirect("cases:decision", case.public_id)


def _saved(case: Case, *, submit: bool) -> str:
    if submit or case.state == "decision_proposed":
        return "La décision est proposée : ceux qui doivent la signer sont prévenus par courriel."
    return "Le projet de décision est enregistré. Lui seul, et votre bureau, le voient."


def _unsaved(case: Case, form: ProposalForm, current: Decision | None) -> Decision:
    """What is typed, as a decision that nothing keeps."""
    rank = current.rank if current else Decision.objects.filter(case_id=case.pk).count() + 1
    unsaved = Decision(rank=rank)
    unsaved.case = case
    proposing.fill(unsaved, region_code=case.region_id, **form.typed())
    return unsaved


def _tie(form: ProposalForm, unsaved: Decision) -> None:
    """Say beside each field what the text lacks there: the list on top says all of it."""
    for name, sentence in decision_missing.problems_by_field(unsaved):
        if name in form.fields:
            form.add_error(name, sentence)


def _preview(case: Case, form: ProposalForm, current: Decision | None) -> dict[str, Any]:
    """The text as it would be proposed now; nothing is kept of it."""
    unsaved = _unsaved(case, form, current)
    bodies = [one.organisation for one in deciders.deciding_bodies_on(unsaved) if one.organisation]
    return decision_text.compose(case, unsaved, bodies)


@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """The decision as a PDF, each page marked BROUILLON: what is typed, or what is proposed."""
    shown = visible_case(request, case, "office", "region")
    current = _visible_open(request, shown)
    if request.method == "POST":
        if not rules.may_propose(shown, request.user):
            raise PermissionDenied(_WHO_WRITES)
        form = ProposalForm(request.POST, case=shown, proposes=False)
        form.is_valid()
        text: dict[str, Any] | None = _preview(shown, form, current)
    else:
        text = current.text if current else None
    if text is None:
        return redirect("cases:decision", shown.public_id)
    if not may_preview_now(request.user):
        return render(request, "429.html", status=429)
    return pdf_response(
        draft_pdf(text), name=f"Brouillon - {text['number']}.pdf", as_attachment=False
    )


@require_POST
def take_back(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """The instructor takes a proposal back before it is signed."""
    shown = visible_case(request, case)
    return _done(
        request,
        shown,
        lambda: proposing.take_back(shown, user=request.user),
        "La proposition est reprise : plus personne ne peut la signer, vous pouvez la modifier.",
    )


# --- Signing ----------------------------------------------------------------------------------


@require_POST
def approve(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Sign the text that was read, and no other."""
    shown = visible_case(request, case)
    form = SignForm(request.POST, asks_capacity="capacity" in request.POST)
    if not form.is_valid():
        return _page(request, shown, sign_form=form, status=422)
    missing: list[str] = []
    try:
        signed = approving.approve(
            shown,
            user=request.user,
            text_sha256=form.cleaned_data["text_sha256"],
            capacity=form.cleaned_data.get("capacity", ""),
        )
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except IncompleteError as incomplete:
        missing = [str(getattr(one, "sentence", one)) for one in incomplete.missing]
    except ActionRefusedError as refused:
        form.add_error(None, refused.message)
    else:
        messages.success(request, _signed(signed))
    if missing or form.errors:
        status = 409 if missing else 422
        return _page(request, shown, sign_form=form, missing=missing, status=status)
    return redirect("cases:decision", shown.public_id)


def _signed(signed: Decision) -> str:
    if signed.state == DecisionState.TAKEN:
        return (
            "La décision est prise. Son document se prépare ; l’équipe et les organismes "
            "consultés sont prévenus."
        )
    waiting = ", ".join(str(party) for party in decisions.unsigned_parties(signed))
    return (
        "Votre approbation est enregistrée. La décision existera quand tous ceux qui décident "
        f"auront donné la leur. Reste : {waiting}."
    )


@require_POST
def send_back(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """A signatory returns the proposal with what to change."""
    shown = visible_case(request, case)
    form = _back_form(request.POST)
    if not form.is_valid():
        return _page(request, shown, back_form=form, status=422)
    try:
        approving.send_back(shown, user=request.user, comment=form.cleaned_data["comment"])
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except ActionRefusedError as refused:
        form.add_error("comment", refused.message)
        return _page(request, shown, back_form=form, status=422)
    else:
        messages.success(request, "La proposition est renvoyée : l’agent instructeur est prévenu.")
    return redirect("cases:decision", shown.public_id)


# --- Withdrawing ------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Withdraw an illegal decision and take the case up again."""
    shown = visible_case(request, case, "office__parent")
    if not rules.may_withdraw_decision(shown, request.user):
        raise PermissionDenied(
            "Seul un coordinateur du bureau en charge, ou de son agence, retire une décision."
        )
    board = read_board(shown, request.user, is_lead=False)
    if not board.taken or board.taken[0].is_withdrawn:
        messages.info(request, "Ce dossier n’a pas de décision à retirer.")
        return redirect("cases:decision", shown.public_id)
    form = CommentForm(
        request.POST or None,
        label="En quoi la décision est illégale",
        help_text="En droit et en fait. L’équipe lira ce texte ; la décision de retrait le porte.",
        missing="Dites en quoi la décision est illégale : sans cela elle ne peut pas être retirée.",
    )
    if request.method == "POST" and form.is_valid():
        try:
            withdrawing.withdraw(shown, user=request.user, reason=form.cleaned_data["comment"])
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return redirect("cases:decision", shown.public_id)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request, "La décision est retirée et le dossier rouvert. L’équipe est prévenue."
            )
            return redirect("cases:decision", shown.public_id)
    context = case_context(request, shown, current=CURRENT) | {"row": board.taken[0], "form": form}
    status = 422 if form.errors else 200
    return render(request, "workflow/decision/withdraw.html", context, status=status)


# --- Shared -----------------------------------------------------------------------------------

_WHO_WRITES: Final = (
    "Seul l’agent qui instruit le dossier, ou un coordinateur du bureau en charge, rédige la "
    "décision."
)


def _examined(request: HttpRequest, public_id: uuid.UUID) -> Case:
    """The case, for whoever writes its decision while it is being decided."""
    case = visible_case(request, public_id, "region")
    user: Any = request.user
    if not rules.may_propose(case, user):
        raise PermissionDenied(_WHO_WRITES)
    if case.state not in BEING_DECIDED:
        raise PermissionDenied(
            "Ce dossier n’est pas en cours d’instruction : aucune décision ne peut être rédigée."
        )
    return case


def _visible_open(request: PersonRequest, case: Case) -> Decision | None:
    return (
        Decision.objects.visible_to(request.user)
        .filter(case=case, state__in=(DecisionState.DRAFT, DecisionState.PROPOSED))
        .first()
    )


def _done(
    request: PersonRequest, case: Case, act: Callable[[], object], success: str
) -> HttpResponse:
    try:
        act()
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, success)
    return redirect("cases:decision", case.public_id)


def _back_form(data: Any = None) -> CommentForm:
    return CommentForm(
        data,
        prefix="back",
        label="Ce qu’il faut changer",
        help_text="L’agent instructeur recevra ce message.",
        missing="Dites à l’agent instructeur ce qu’il faut changer.",
    )


def _page(
    request: PersonRequest,
    case: Case,
    *,
    sign_form: SignForm | None = None,
    back_form: CommentForm | None = None,
    missing: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = case_context(request, case, current=CURRENT)
    board = read_board(case, request.user, is_lead=context["is_lead"])
    context |= {
        "board": board,
        "missing": missing or [],
        "sign_form": sign_form or _sign_form(board),
        "back_form": back_form or _back_form(),
        "community": case.community,
    }
    return render(request, "workflow/decision/page.html", context, status=status)


def _sign_form(board: DecisionBoard) -> SignForm | None:
    if not board.may_sign or board.open is None:
        return None
    return SignForm(
        asks_capacity=board.asks_capacity,
        initial={"text_sha256": board.open.text_sha256, "capacity": board.capacity},
    )


def _proposal_page(
    request: PersonRequest,
    case: Case,
    form: ProposalForm,
    current: Decision | None,
    *,
    text: dict[str, Any] | None = None,
    missing: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    approvals = decisions.standing_approvals(current) if current else []
    context = case_context(request, case, current=CURRENT) | {
        "form": form,
        "decision": current,
        "is_proposed": case.state == "decision_proposed",
        "approvals": approvals,
        "obstacles": decision_missing.obstacles(case),
        "missing": missing or [],
        "letter": decision_text.letter_context(text) if text else None,
    }
    return render(request, "workflow/decision/propose.html", context, status=status)
