"""What the office in charge does with the opinions: follow, choose, sum up, hand over."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from cpts_portal.forms import PortalForm
from workflow import opinion_rules as rules
from workflow.board import ConsultationRow, read_board
from workflow.consultations import ask_again, circuit_of, extend, revoke
from workflow.kinds import child_of
from workflow.models import Case, Synthesis
from workflow.official import readable_documents
from workflow.opinion_board import board_lines, follow_actions, marks_table, summary
from workflow.opinion_documents import OPINION, SYNTHESIS
from workflow.opinion_forms import (
    AskAgainForm,
    ExtendForm,
    RevokeForm,
    SynthesisForm,
    initial_due,
)
from workflow.opinion_words import due_in_words, show_opinion
from workflow.opinions import set_communicable
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError, perform
from workflow.states import CaseState
from workflow.synthesis import as_table, merged_reserves, opinion_table, save_synthesis
from workflow.typed import DayRefusedError
from workflow.views.access import case_context, visible_case


def board(request: PersonRequest, case: Case, rows: Sequence[ConsultationRow]) -> HttpResponse:
    """The bodies one by one, and what comes before the case goes on."""
    user, circuit = request.user, circuit_of(case)
    lines = board_lines(rows, circuit)
    criteria, marked = marks_table(lines, rows, circuit)
    synthesis = _synthesis(request, case)
    follows = rules.may_follow_consultations(case, user)
    context = {
        "lines": lines,
        "summary": summary(rows),
        "criteria": criteria,
        "marked": marked,
        "follows": follows,
        "conducts": user.acting is not None and user.acting.organisation_id == case.office_id,
        "expects_opinions": circuit.expects_opinions,
        "in_consultation": case.state == CaseState.IN_CONSULTATION,
        "synthesis": synthesis,
        "synthesis_label": circuit.synthesis.label if circuit.synthesis else "",
        "synthesis_document": _synthesis_document(request, case),
        "handover": _handover(case, user) if follows else None,
        "own": next(
            (
                row.consultation
                for row in rows
                if user.acting and row.consultation.body_id == user.acting.organisation_id
            ),
            None,
        ),
    }
    return _render(request, case, "board", context)


def _synthesis(request: PersonRequest, case: Case) -> Synthesis | None:
    found = Synthesis.objects.visible_to(request.user).filter(case=case)
    return found.select_related("written_by", "transmitted_by").first()


def _synthesis_document(request: PersonRequest, case: Case) -> uuid.UUID | None:
    links = readable_documents(case, request.user).filter(kind=SYNTHESIS)
    return links.order_by("-pk").values_list("document_id", flat=True).first()


class _Handover:
    """The step that closes the opinions: its name in the machine, its words, what it lacks."""

    def __init__(self, case: Case, user: Any) -> None:
        transmits = circuit_of(case).synthesis is not None
        self.case = case
        self.name = "transmit" if transmits else "end_consultation"
        self.needs_text = transmits
        self.is_allowed = (
            rules.may_hand_over(case, user) if transmits else rules.may_examine(case, user)
        )
        self.who = (
            "Le président ou le coordinateur de votre organisme transmet le dossier."
            if transmits
            else "Un agent instructeur ou le coordinateur de votre organisme clôt les avis."
        )
        self.label = (
            "Transmettre le dossier et la synthèse" if transmits else "Clore les avis et instruire"
        )
        self.missing = [one.sentence for one in child_of(case).missing_for(self.name)]


def _handover(case: Case, user: Any) -> _Handover | None:
    return _Handover(case, user) if case.state == CaseState.IN_CONSULTATION else None


# --- One body, followed ------------------------------------------------------------------------


def _row(request: PersonRequest, case: Case, consultation: int) -> ConsultationRow:
    for row in read_board(case, request.user):
        if row.consultation.pk == consultation:
            row.consultation.case = case
            for opinion in (row.opinion, *row.replaced):
                if opinion is not None:
                    opinion.consultation = row.consultation
            return row
    raise Http404


@require_safe
def follow(request: PersonRequest, case: uuid.UUID, consultation: int) -> HttpResponse:
    """What a body was asked and answered, every message to it, and what the office may ask."""
    shown = visible_case(request, case)
    row = _row(request, shown, consultation)
    circuit, asked = circuit_of(shown), row.consultation
    documents = {
        link.about: link.document_id
        for link in readable_documents(shown, request.user).filter(about__isnull=False)
        if link.about is not None and link.kind == OPINION
    }
    today = timezone.localdate()
    context = {
        "row": row,
        "asked": asked,
        "due": due_in_words(asked, today) if asked.is_expected and asked.state != "given" else "",
        "shown": show_opinion(row.opinion, shown, circuit, documents=documents)
        if row.opinion
        else None,
        "replaced": [
            show_opinion(one, shown, circuit, documents=documents) for one in row.replaced
        ],
        "actions": follow_actions(row, shown, request.user),
        "follows": rules.may_follow_consultations(shown, request.user),
        "line": circuit.line(asked.line),
    }
    return _render(request, shown, "follow", context)


def _asks(
    form_class: type[PortalForm],
    act: Callable[..., Any],
    *,
    title: str,
    text: str,
    label: str,
    done: str,
    danger: bool = False,
) -> Callable[..., HttpResponse]:
    """A page that asks one thing of a body: the form, then the service."""

    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: PersonRequest, case: uuid.UUID, consultation: int) -> HttpResponse:
        shown = visible_case(request, case)
        asked = _row(request, shown, consultation).consultation
        if not rules.may_follow_consultations(shown, request.user):
            raise PermissionDenied("Seul le bureau en charge du dossier conduit ses consultations.")
        due = initial_due(asked.days, timezone.localdate())
        form = form_class(request.POST or None, initial={"due_on": due})
        if request.method == "POST" and form.is_valid():
            try:
                act(asked, user=request.user, **form.cleaned_data)
            except AlreadyDoneError as already:
                messages.info(request, already.message)
                return redirect("cases:consultation", shown.public_id, consultation)
            except DayRefusedError as refused:
                form.add_error("due_on", refused.message)
            except ActionRefusedError as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, done)
                return redirect("cases:opinions", shown.public_id)
        context = {
            "asked": asked,
            "title": title,
            "text": text,
            "label": label,
            "danger": danger,
            "form": form,
        }
        return _render(request, shown, "ask", context, status=422 if form.is_bound else 200)

    return view


extend_page = _asks(
    ExtendForm,
    extend,
    title="Prolonger le délai",
    text="L’organisme reçoit un courriel avec la nouvelle date limite. Son avis, rendu d’ici là, "
    "sera compté.",
    label="Prolonger le délai",
    done="Le délai est prolongé, et l’organisme prévenu.",
)
ask_again_page = _asks(
    AskAgainForm,
    ask_again,
    title="Demander un nouvel avis",
    text="L’avis déjà rendu, s’il y en a un, reste au dossier et n’est plus compté.",
    label="Demander un nouvel avis",
    done="Un nouvel avis est demandé, et l’organisme prévenu.",
)
revoke_page = _asks(
    RevokeForm,
    revoke,
    title="Retirer la demande d’avis",
    text="L’organisme ne verra plus ce dossier. La demande et le motif de son retrait restent dans "
    "le journal.",
    label="Retirer la demande",
    done="La demande est retirée, et l’organisme prévenu.",
    danger=True,
)


# --- What leaves ------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def communication(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Choose which opinions the team may read, and see exactly what it will read."""
    shown = visible_case(request, case)
    _check_follower(request, shown)
    rows = [row for row in read_board(shown, request.user) if row.opinion is not None]
    given = [row.opinion for row in rows if row.opinion is not None and row.opinion.is_given]
    if request.method == "POST":
        listed = set(request.POST.getlist("shown"))
        ticked = set(request.POST.getlist("communicable"))
        try:
            for one in given:
                # An opinion that arrived since the page was drawn keeps its setting.
                if str(one.pk) in listed:
                    set_communicable(one, user=request.user, communicable=str(one.pk) in ticked)
        except ActionRefusedError as refused:
            messages.error(request, refused.message)
        else:
            messages.success(request, "Votre choix est enregistré.")
        return redirect("cases:opinions-communication", shown.public_id)
    for row in rows:
        row.consultation.case = shown
        if row.opinion is not None:
            row.opinion.consultation = row.consultation
    circuit = circuit_of(shown)
    opinions = [show_opinion(one, shown, circuit, signed=False) for one in given]
    synthesis = _synthesis(request, shown)
    context = {
        "opinions": opinions,
        "preview": [one for one in opinions if one.opinion.communicable],
        "has_left": synthesis is not None and synthesis.transmitted_at is not None,
    }
    return _render(request, shown, "communication", context)


@require_http_methods(["GET", "HEAD", "POST"])
def synthesis(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Write the synthesis beside the table and the reserves; read it once it has left."""
    shown = visible_case(request, case)
    written = _synthesis(request, shown)
    may_write = (
        rules.may_follow_consultations(shown, request.user)
        and shown.state == CaseState.IN_CONSULTATION
    )
    if request.method == "POST" or (written is None and not may_write):
        _check_follower(request, shown)
    form = SynthesisForm(
        request.POST or None,
        initial={
            "text": written.text if written else "",
            "revision": written.revision if written else 0,
        },
    )
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                save_synthesis(
                    shown,
                    user=request.user,
                    text=form.cleaned_data["text"],
                    base_revision=form.cleaned_data["revision"],
                )
            except ActionRefusedError as refused:
                form, status = _refused_synthesis(request, shown, refused), 409
                written = _synthesis(request, shown)
            else:
                messages.success(request, "La synthèse est enregistrée.")
                return redirect("cases:opinions-synthesis", shown.public_id)
        else:
            status = 422
    frozen = written is not None and written.transmitted_at is not None
    lines = as_table(written.content or {}) if written and frozen else opinion_table(shown)
    context = {
        "synthesis": written,
        "frozen": frozen,
        "may_write": may_write,
        "form": form,
        "is_stale": status == 409,
        "lines": lines,
        "reserves": merged_reserves(lines),
        "document": _synthesis_document(request, shown),
    }
    return _render(request, shown, "synthesis", context, status=status)


def _refused_synthesis(
    request: PersonRequest, case: Case, refused: ActionRefusedError
) -> SynthesisForm:
    """What was typed, ready to replace what somebody else saved meanwhile, shown beside it."""
    data = request.POST.copy()
    current = _synthesis(request, case)
    data["revision"] = str(current.revision if current else 0)
    form = SynthesisForm(data)
    form.is_valid()
    form.add_error(None, refused.message)
    return form


@require_http_methods(["GET", "HEAD", "POST"])
def handover(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Hand the case over with its opinions, or close them: what is missing, then the button."""
    shown = visible_case(request, case)
    _check_follower(request, shown)
    step = _handover(shown, request.user)
    if request.method == "POST":
        step = _Handover(shown, request.user)
        try:
            perform(child_of(shown), step.name, actor=request.user)
        except PermissionDenied as refused:
            raise PermissionDenied(step.who) from refused
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return redirect("cases:opinions", shown.public_id)
        except IncompleteError:
            step = _Handover(shown, request.user)
        else:
            messages.success(
                request,
                "Le dossier est transmis, avec la synthèse des avis."
                if step.needs_text
                else "Les avis sont clos. Vous instruisez maintenant ce dossier.",
            )
            return redirect("cases:opinions", shown.public_id)
    elif step is None:
        return redirect("cases:opinions", shown.public_id)
    lines = opinion_table(shown)
    context = {
        "step": step,
        "lines": lines,
        "communicated": [line for line in lines if line.communicable],
        "synthesis": _synthesis(request, shown),
    }
    status = 409 if request.method == "POST" else 200
    return _render(request, shown, "handover", context, status=status)


def _check_follower(request: PersonRequest, case: Case) -> None:
    if not rules.may_follow_consultations(case, request.user):
        raise PermissionDenied("Seul le bureau en charge du dossier conduit ses consultations.")


def _render(
    request: PersonRequest, case: Case, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    around = case_context(request, case, current="opinions")
    return render(request, f"workflow/opinions/{name}.html", around | context, status=status)
