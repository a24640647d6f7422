"""The tab « Avis »: what a body writes, what the team may read, and the way to each page."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.models import Membership, User
from workflow import opinion_rules as rules
from workflow.board import ConsultationRow, next_awaiting, read_board
from workflow.consultations import circuit_of
from workflow.kinds import kind_of
from workflow.models import Case, ConflictDeclaration, Consultation, Opinion
from workflow.official import readable_documents
from workflow.opinion_documents import OPINION
from workflow.opinion_forms import ConflictForm, OpinionForm, SendBackForm
from workflow.opinion_states import OPEN_TO_OPINIONS
from workflow.opinion_words import OpinionShown, due_in_words, due_tone, show_opinion
from workflow.opinions import (
    ConflictToDeclareError,
    StaleDraftError,
    conflict_suspected,
    declare_conflict,
    draft_opinion,
    grid_of,
    send_back,
    validate_opinion,
    validation_refusal,
    writes_with_the_team,
)
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError
from workflow.views.access import case_context, visible_case
from workflow.views.consultations import board


@require_safe
def opinions(request: PersonRequest, case: uuid.UUID) -> HttpResponse:
    """Whoever looks finds their own page: the opinion to give, the board, or what is shared."""
    shown = visible_case(request, case)
    acting = request.user.acting
    rows = read_board(shown, request.user) if acting else []
    if acting and shown.office_id != acting.organisation_id:
        own = [row for row in rows if row.consultation.body_id == acting.organisation_id]
        if own:
            return redirect("cases:opinion", shown.public_id, own[-1].consultation.pk)
    if rows:
        return board(request, shown, rows)
    context = {
        "communicated": communicated(request, shown),
        "expects_opinions": circuit_of(shown).expects_opinions,
        "still_asked": shown.state in {"deposited", "in_consultation"},
    }
    return _render(request, shown, "communicated", context)


def communicated(
    request: PersonRequest, case: Case, *, except_body: int | None = None
) -> list[OpinionShown]:
    """What the team, or another body consulted, may read, body by body."""
    found = Opinion.objects.visible_to(request.user).current().filter(consultation__case=case)
    found = found.exclude(consultation__body=except_body) if except_body else found
    found = found.select_related("consultation__body").order_by("consultation__body__name", "pk")
    circuit, documents = circuit_of(case), opinion_documents(request, case)
    return [show_opinion(one, case, circuit, documents=documents, signed=False) for one in found]


def opinion_documents(request: PersonRequest, case: Case) -> dict[int, uuid.UUID]:
    """The documents of the opinions the person may read, by the opinion's primary key."""
    links = readable_documents(case, request.user).filter(kind=OPINION, about__isnull=False)
    return {link.about: link.document_id for link in links if link.about is not None}


# --- A body's own opinion ------------------------------------------------------------------


@dataclass
class _Desk:
    """A body's consultation, as the person who opens it finds it."""

    case: Case
    row: ConsultationRow
    may_draft: bool

    @property
    def consultation(self) -> Consultation:
        return self.row.consultation

    @property
    def draft(self) -> Opinion | None:
        opinion = self.row.opinion
        return opinion if opinion and not opinion.is_given else None

    @property
    def is_open(self) -> bool:
        """Whether the body may still write: asked, and nothing given since."""
        given = self.row.opinion is not None and self.row.opinion.is_given
        return (
            self.consultation.is_expected
            and self.consultation.state in OPEN_TO_OPINIONS
            and not given
        )


def _desk(request: PersonRequest, case: uuid.UUID, consultation: int) -> _Desk:
    """The consultation of the person's own body; a 404 for any other."""
    shown = visible_case(request, case)
    body = request.user.acting.organisation_id if request.user.acting else None
    for row in read_board(shown, request.user):
        if row.consultation.pk == consultation and row.consultation.body_id == body:
            row.consultation.case = shown
            return _Desk(shown, row, rules.may_draft(row.consultation, request.user))
    raise Http404


def _role_elsewhere(user: User, case: uuid.UUID, consultation: int) -> Membership | None:
    """Another of the person's roles, in which this consultation is theirs to answer."""
    current = user.acting.pk if user.acting else 0
    held = Membership.objects.filter(
        user=user,
        is_active=True,
        organisation__consultations=consultation,
        organisation__consultations__case__public_id=case,
    ).exclude(pk=current)
    for membership in held.select_related("organisation", "department"):
        other = User.objects.get(pk=user.pk)
        other.acting = membership
        if Consultation.objects.visible_to(other).filter(pk=consultation).exists():
            return membership
    return None


@require_http_methods(["GET", "HEAD", "POST"])
def opinion(request: PersonRequest, case: uuid.UUID, consultation: int) -> HttpResponse:
    """Read what is asked, write the opinion, save or submit it; then read it as it was given."""
    try:
        desk = _desk(request, case, consultation)
    except Http404:
        if held := _role_elsewhere(request.user, case, consultation):
            # The link of a mail, opened in another of the person's roles.
            context = {"membership": held, "next": request.path}
            return render(request, "workflow/opinions/other_role.html", context, status=404)
        raise
    if request.method == "POST":
        return _save(request, desk)
    rows = request.GET.get("reserves", "")
    form = OpinionForm(
        grid=grid_of(desk.consultation, desk.case),
        opinion=desk.draft,
        rows=int(rows[:3]) if rows.isascii() and rows.isdecimal() else 0,
        initial={"revision": 0},
    )
    return _opinion_page(request, desk, form=form)


def _save(request: PersonRequest, desk: _Desk) -> HttpResponse:
    action, _, rank = request.POST.get("action", "save").partition(":")
    data = request.POST.copy()
    if action == "remove":
        data[f"reserve_{rank}"] = ""
    grid = grid_of(desk.consultation, desk.case)
    submit = action == "submit"
    form = OpinionForm(data, grid=grid, submit=submit)
    if form.is_valid():
        try:
            draft_opinion(
                desk.consultation,
                user=request.user,
                base_revision=form.cleaned_data["revision"],
                submit=submit,
                **form.content(),
            )
        except StaleDraftError as refused:
            return _stale(request, desk, data, refused)
        except ConflictToDeclareError as refused:
            messages.error(request, refused.message)
            return redirect("cases:opinion-conflict", desk.case.public_id, desk.consultation.pk)
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return _back(desk)
        except IncompleteError as refused:
            for sentence in refused.missing:
                form.add_error(None, sentence)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
    if not form.is_valid():
        return _opinion_page(request, desk, form=form, status=422)
    return _saved(request, desk, form, action)


def _saved(request: PersonRequest, desk: _Desk, form: OpinionForm, action: str) -> HttpResponse:
    back = _back(desk)
    if action == "submit":
        messages.success(
            request,
            "Relisez l’avis tel qu’il sera rendu, puis validez-le."
            if not validation_refusal(desk.consultation, request.user)
            else "Le projet d’avis est soumis. Il ne comptera qu’une fois validé par le "
            f"{rules.validator_word(desk.consultation.body.kind)} ou la personne qui a son mandat.",
        )
        return back
    messages.success(request, "Le projet d’avis est enregistré. Il n’est pas encore soumis.")
    count = len(form.content()["reserves"])
    if action == "add":
        back["Location"] += f"?reserves={count + 1}#id_reserve_{count}"
    elif action == "remove":
        back["Location"] += "#reserves"
    return back


def _stale(
    request: PersonRequest, desk: _Desk, data: Any, refused: StaleDraftError
) -> HttpResponse:
    """Show the text somebody else saved beside what was typed: saving again replaces theirs."""
    other = Opinion.objects.current().filter(consultation=desk.consultation)
    current = other.select_related("drafted_by", "validated_by", "mandate").first()
    desk.row.opinion = current
    data["revision"] = current.revision if current else 0
    form = OpinionForm(data, grid=grid_of(desk.consultation, desk.case))
    form.is_valid()
    form.add_error(None, refused.message)
    return _opinion_page(request, desk, form=form, status=409, is_stale=True)


def _back(desk: _Desk) -> HttpResponse:
    return redirect("cases:opinion", desk.case.public_id, desk.consultation.pk)


def _opinion_page(
    request: PersonRequest,
    desk: _Desk,
    *,
    form: OpinionForm | None = None,
    returning: SendBackForm | None = None,
    is_stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    asked, case, user, today = desk.consultation, desk.case, request.user, timezone.localdate()
    circuit = circuit_of(case)
    draft = desk.draft
    documents = readable_documents(case, user)
    papers = {(one.kind, one.about): one.document_id for one in documents}
    by_opinion = {about: pk for (kind, about), pk in papers.items() if kind == OPINION and about}
    writing = desk.is_open and desk.may_draft
    mine = next((one for one in desk.row.declarations if one.user_id == user.pk), None)
    conflict = _Conflict.read(case, user, mine) if writing else None
    refusal = validation_refusal(asked, user) if writing else ""
    blocked = conflict is not None and conflict.blocks
    editing = (
        writing
        and not blocked
        and (
            draft is None
            or not draft.submitted_at
            or is_stale
            or "modifier" in request.GET
            or (form is not None and form.is_bound)
        )
    )
    # Written or given, the body's work on this case is done: what comes next is another case.
    goes_on = asked.is_expected and desk.may_draft and desk.row.opinion is not None and not editing
    following = (
        next_awaiting(asked, user, validates=not validation_refusal(asked, user))
        if goes_on
        else None
    )
    if draft is not None:
        draft.consultation = asked
    opinion_shown = None
    if desk.row.opinion is not None:
        desk.row.opinion.consultation = asked
        opinion_shown = show_opinion(desk.row.opinion, case, circuit, documents=by_opinion)
    for one in desk.row.replaced:
        one.consultation = asked
    context = {
        "asked": asked,
        "due": due_in_words(asked, today) if desk.is_open else "",
        "due_tone": due_tone(asked, today),
        "is_open": desk.is_open,
        "is_late": desk.is_open and asked.state == Consultation.State.SILENT,
        "validator": rules.validator_word(asked.body.kind),
        "silence": asked.get_silence_display().lower(),
        "row": desk.row,
        "draft": draft,
        "shown": opinion_shown,
        "replaced": [
            show_opinion(one, case, circuit, documents=by_opinion) for one in desk.row.replaced
        ],
        "may_draft": desk.may_draft,
        "editing": editing,
        "is_stale": is_stale,
        "conflict": conflict,
        "form": form if editing else None,
        "to_validate": bool(writing and not blocked and draft and draft.submitted_at),
        "validation_refusal": refusal,
        "may_validate": writing and not refusal,
        "returning": returning
        or (SendBackForm(initial={"revision": draft.revision}) if draft else None),
        "returning_open": returning is not None,
        "case_document": papers.get((kind_of(case).document, None)),
        "others": communicated(request, case, except_body=asked.body_id)
        if not desk.is_open
        else [],
        "grid": circuit.grid(asked.grid) if asked.grid else None,
        "goes_on": goes_on,
        "following": following,
        "following_due": due_in_words(following, today) if following else "",
    }
    return _render(request, case, "opinion", context, status=status)


@dataclass(frozen=True)
class _Conflict:
    """What ties a person to a case, and what they said of it."""

    suspicion: str
    must_step_aside: bool
    declared: ConflictDeclaration | None

    @classmethod
    def read(
        cls, case: Case, user: Any, declared: ConflictDeclaration | None
    ) -> "_Conflict | None":
        suspicion = conflict_suspected(case, user)
        if suspicion is None and declared is None:
            return None
        writes = suspicion is not None and writes_with_the_team(case, user)
        return cls(suspicion or "", writes, declared)

    @property
    def stepped_aside(self) -> bool:
        return (
            self.declared is not None
            and self.declared.outcome == ConflictDeclaration.Outcome.WITHDRAWN
        )

    @property
    def blocks(self) -> bool:
        """Whether the person may not write: they stepped aside, or have to say something first."""
        return self.stepped_aside or self.must_step_aside or self.declared is None


@require_POST
def validate(request: PersonRequest, case: uuid.UUID, consultation: int) -> HttpResponse:
    """Give the body's opinion, as it was read."""
    desk = _desk(request, case, consultation)
    revision = request.POST.get("revision", "")
    try:
        given = validate_opinion(
            desk.consultation,
            user=request.user,
            revision=int(revision[:9]) if revision.isdecimal() else -1,
        )
    except ConflictToDeclareError as refused:
        messages.error(request, refused.message)
        return redirect("cases:opinion-conflict", desk.case.public_id, desk.consultation.pk)
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except IncompleteError as refused:
        messages.error(request, "L’avis n’est pas rendu. " + " ".join(refused.missing))
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(
            request,
            "L’avis est gardé au dossier comme un avis tardif, qui n’est pas compté."
            if given.is_late
            else "L’avis est rendu. Son document officiel est en préparation.",
        )
    return _back(desk)


@require_POST
def return_draft(request: PersonRequest, case: uuid.UUID, consultation: int) -> HttpResponse:
    """Send a submitted draft back to its writer, with what to change."""
    desk = _desk(request, case, consultation)
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _opinion_page(request, desk, returning=form, status=422)
    try:
        send_back(
            desk.consultation,
            user=request.user,
            revision=form.cleaned_data["revision"],
            comment=form.cleaned_data["comment"],
        )
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "Le projet est renvoyé à son rédacteur, avec votre message.")
    return _back(desk)


@require_http_methods(["GET", "HEAD", "POST"])
def conflict(request: PersonRequest, case: uuid.UUID, consultation: int) -> HttpResponse:
    """Say there is no conflict of interest, and why; or step aside."""
    desk = _desk(request, case, consultation)
    user = request.user
    must_step_aside = writes_with_the_team(desk.case, user)
    form = ConflictForm(request.POST or None, must_step_aside=must_step_aside)
    if request.method == "POST" and form.is_valid():
        try:
            declared = declare_conflict(
                desk.consultation,
                user=user,
                outcome=form.cleaned_data["outcome"],
                reason=form.cleaned_data["reason"],
            )
        except AlreadyDoneError as done:
            messages.info(request, done.message)
            return _back(desk)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request,
                "Vous vous êtes déporté : un autre membre de votre organisme donnera l’avis."
                if declared.outcome == ConflictDeclaration.Outcome.WITHDRAWN
                else "Votre déclaration est enregistrée. Vous pouvez rédiger l’avis.",
            )
            return _back(desk)
    context = {
        "asked": desk.consultation,
        "suspicion": conflict_suspected(desk.case, user) or "",
        "must_step_aside": must_step_aside,
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return _render(request, desk.case, "conflict", context, status=status)


def _render(
    request: PersonRequest, case: Case, name: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    around = case_context(request, case, current="opinions")
    return render(request, f"workflow/opinions/{name}.html", around | context, status=status)
