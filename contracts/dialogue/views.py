"""The pages of a yearly dialogue. Every view starts from what the person may see (else 404)."""

from collections.abc import Callable
from typing import Any, Final, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from contracts.dialogue import agreeing, declaring, dialogues, minutes, reviewing, telling
from contracts.dialogue import moves as dialogue_moves
from contracts.dialogue.agreeing import ZERO
from contracts.dialogue.forms import (
    AgreedLineForm,
    AnswerLineForm,
    LineForm,
    ReviewLineForm,
    SignerForm,
    SpendingForm,
    WhyForm,
)
from contracts.dialogue.markup import result_markup, rows_markup
from contracts.dialogue.patient_data import PatientDataError
from contracts.dialogue.showing import (
    by_mission,
    last_spending,
    logs_of,
    marks_of,
    read_lines,
    read_shown,
    shown_line,
    spending_rows,
    spendings_of,
)
from contracts.missions.views import contract_or_404
from contracts.models import DialogueMark, DialogueProof, YearlyDialogue
from contracts.terms import PARTY_LABELS
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.transactions import writes_when_posted
from documents.downloads import send_attachment
from documents.services import too_large
from documents.uploads import dropped_files
from workflow.official import read_document
from workflow.services import ActionRefusedError, IncompleteError

State = YearlyDialogue.State
_TONES: Final = {State.CLOSED: "success", State.SIGNING: "warning", State.ANSWERING: "warning"}
_ENDED: Final = frozenset({State.CONCLUDING, State.AGREEING, State.SIGNING, State.CLOSED})
TITLES: Final = {
    "renvoyer": ("send_back", "Renvoyer la déclaration à la CPTS"),
    "reprendre": ("take_back", "Reprendre la conclusion"),
}


_DIALOGUES: Final = ComposedObjects(
    lambda: YearlyDialogue.objects.filter(contract_id=Given("contract"), year=Given("year"))
)


def _dialogue(request: PersonRequest, public_id: UUID, year: int) -> YearlyDialogue:
    contract = contract_or_404(request, public_id)
    # The numbers of years that the database can hold.
    found: list[YearlyDialogue] = (
        _DIALOGUES.objects(contract=contract.pk, year=year) if year < 32_768 else []
    )
    if not found:
        raise Http404
    found[0].contract = contract
    return found[0]


def _back(dialogue: YearlyDialogue) -> HttpResponse:
    return redirect("contracts:dialogue", dialogue.contract.public_id, dialogue.year)


def _refusals(request: PersonRequest, refused: ActionRefusedError) -> None:
    sentences = refused.missing if isinstance(refused, IncompleteError) else [refused.message]
    for sentence in sentences:
        messages.error(request, sentence)


@require_safe
@writes_when_posted
def dialogue_list(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The years of a contract and where the dialogue of each stands."""
    contract = contract_or_404(request, public_id)
    known = list(contract.dialogues.order_by("-year"))
    silent = dialogues.has_nothing_to_say(contract)
    context = {
        "contract": contract,
        "lead": (
            "Chaque année, la CPTS déclare ses résultats, l’ARS les examine, et les deux en "
            "conviennent."
            if contract.cpam_id is None
            else "Chaque année, la CPTS déclare ses résultats, l’ARS et la CPAM les examinent, et "
            "les parties conviennent de la part variable."
        ),
        "why_none": dialogues.nothing_to_say(contract) if silent else "",
        "rows": [
            {
                "year": one.year,
                "state": one.get_state_display(),
                "tone": _TONES.get(State(one.state), "info"),
                "next": telling.next_step(one),
                "opened_at": one.opened_at,
            }
            for one in known
        ],
        "to_open": dialogues.years_to_open(contract, today=timezone.localdate())
        if not silent and dialogues.may_open(contract, request.user)
        else [],
    }
    return render(request, "contracts/dialogue_list.html", context)


@require_POST
def open_one(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """Open by hand the dialogue of a year that was not opened in time."""
    contract = contract_or_404(request, public_id)
    try:
        dialogues.open_dialogue(contract, year, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
        return redirect("contracts:dialogues", contract.public_id)
    messages.success(request, f"Le dialogue de l’année {year} est ouvert.")
    return redirect("contracts:dialogue", contract.public_id, year)


@require_safe
@writes_when_posted
def dialogue_page(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """Everything that was said of a year, and what is awaited of whom."""
    dialogue = _dialogue(request, public_id, year)
    user = request.user
    lines, shown = read_shown(dialogue)
    is_editing = declaring.may_edit(dialogue, user)
    shares, problems = agreeing.shares_of(dialogue, lines) if dialogue.state in _ENDED else ([], [])
    spendings, spent = spending_rows(spendings_of(dialogue), last_spending(dialogue))
    marks = [one for one in marks_of(dialogue) if _still_holds(one, dialogue)]
    signing = (
        minutes.round_of(dialogue) if dialogue.state in {State.SIGNING, State.CLOSED} else None
    )
    context = {
        "contract": dialogue.contract,
        "dialogue": dialogue,
        "tone": _TONES.get(State(dialogue.state), "info"),
        "next": telling.next_step(dialogue),
        "missions": [
            {
                "key": one.key,
                "name": one.name,
                "rows": rows_markup(
                    one.lines,
                    public_id,
                    year,
                    links=is_editing,
                    is_declaring=dialogue.state == State.DECLARING,
                ),
            }
            for one in by_mission(shown)
        ],
        "shares": shares,
        "share_total": sum((one.amount or ZERO for one in shares), ZERO),
        "ceiling_total": sum((one.ceiling for one in shares), ZERO),
        "problems": problems,
        "is_declaring": dialogue.state == State.DECLARING,
        "spendings": spendings,
        "spent": spent,
        "indemnities": agreeing.indemnities_recorded(dialogue),
        "marks": [(PARTY_LABELS[one.party], one.get_kind_display(), one.at) for one in marks],
        "logs": [(telling.label_of(one), one) for one in logs_of(dialogue)],
        "round": signing,
        "edits": is_editing,
        "missing": declaring.missing_to_submit(dialogue) if is_editing else [],
        "reviews": reviewing.may_review(dialogue, user),
        "answers": dialogue_moves.may(dialogue, "answer", user),
        "concludes": agreeing.may_conclude(dialogue, user),
        "agrees": minutes.may_agree(dialogue, user),
        "sends_back": dialogue_moves.may(dialogue, "send_back", user),
        "takes_back": dialogue_moves.may(dialogue, "take_back", user)
        or (dialogue.state == State.SIGNING and minutes.may_take_back(dialogue, user)),
    }
    return render(request, "contracts/dialogue.html", context)


def _still_holds(mark: DialogueMark, dialogue: YearlyDialogue) -> bool:
    return mark.kind == DialogueMark.Kind.REVIEWED or mark.revision == dialogue.revision


# --- The CPTS -------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@writes_when_posted
def line_page(request: PersonRequest, public_id: UUID, year: int, pk: int) -> HttpResponse:
    """What one indicator reached, on a page a phone can hold."""
    dialogue = _dialogue(request, public_id, year)
    if dialogue_moves.party_of(dialogue, request.user) != "cpts":
        raise PermissionDenied
    found = dialogue.lines.prefetch_related("reviews", "proofs__attachment")
    line = get_object_or_404(found, pk=pk)
    line.dialogue = dialogue
    form = LineForm(request.POST or None, request.FILES or None, line=line)
    if request.method == "POST":
        if dropped := dropped_files(request):
            form.add_error("proof", too_large(dropped[0]).message)
        elif form.is_valid():
            given = form.cleaned_data
            try:
                kept = declaring.declare(
                    line,
                    value=given["value"],
                    comment=given["comment"],
                    proof=given["proof"],
                    is_confirmed=given.get("no_patient", False),
                    by=request.user,
                )
            except PatientDataError as refused:
                form = LineForm(
                    request.POST, request.FILES, line=line, asks_tick=refused.may_confirm
                )
                form.add_error("proof", refused.message)
            except ActionRefusedError as refused:
                form.add_error(None, refused.message)
            else:
                _say_kept(request, kept)
                if "encore" in request.POST:
                    return redirect("contracts:dialogue-line", public_id, year, pk)
                return _back(dialogue)
    status = 422 if request.method == "POST" else 200
    context = {
        "contract": dialogue.contract,
        "dialogue": dialogue,
        "row": shown_line(line),
        "result": result_markup(shown_line(line), public_id, year),
        "form": form,
        "edits": declaring.may_edit(dialogue, request.user),
        "is_prefilled": line.value is None and line.last is not None,
    }
    return render(request, "contracts/dialogue_line.html", context, status=status)


def _say_kept(request: PersonRequest, kept: DialogueProof | None) -> None:
    if kept is None:
        messages.success(request, "Le résultat est enregistré.")
    elif kept.was_read:
        messages.success(request, "Le résultat et sa preuve sont enregistrés.")
    else:
        messages.warning(
            request,
            "Le résultat et sa preuve sont enregistrés. Le portail ne peut pas lire ce fichier : "
            "vérifiez vous-même qu’il ne montre aucune donnée de patient.",
        )


@require_safe
@writes_when_posted
def proof(request: PersonRequest, public_id: UUID, year: int, pk: int) -> HttpResponse:
    """A proof of the dialogue."""
    dialogue = _dialogue(request, public_id, year)
    found = DialogueProof.objects.select_related("attachment")
    one = get_object_or_404(found, pk=pk, line__dialogue=dialogue)
    return cast(HttpResponse, send_attachment(request, one.attachment))


@require_POST
def remove_proof(request: PersonRequest, public_id: UUID, year: int, pk: int) -> HttpResponse:
    dialogue = _dialogue(request, public_id, year)
    found = DialogueProof.objects.select_related("attachment", "line__dialogue")
    one = get_object_or_404(found, pk=pk, line__dialogue=dialogue)
    line = one.line_id
    try:
        declaring.remove_proof(one, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, "La preuve est retirée.")
    return redirect("contracts:dialogue-line", public_id, year, line)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def spending(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """What the year cost, by nature of expense, and its account in words."""
    dialogue = _dialogue(request, public_id, year)
    if dialogue_moves.party_of(dialogue, request.user) != "cpts":
        raise PermissionDenied
    known: dict[str, Any] = dict(dialogue.spendings.values_list("nature", "amount"))
    form = SpendingForm(
        request.POST or None,
        last=last_spending(dialogue),
        initial=known | {"comment": dialogue.comment},
    )
    if request.method == "POST" and form.is_valid():
        try:
            declaring.declare_spending(
                dialogue, form.amounts(), form.cleaned_data["comment"], by=request.user
            )
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "Les dépenses et le bilan sont enregistrés.")
            return _back(dialogue)
    status = 422 if request.method == "POST" else 200
    context = {
        "contract": dialogue.contract,
        "dialogue": dialogue,
        "form": form,
        "indemnities": agreeing.indemnities_recorded(dialogue),
    }
    return render(request, "contracts/dialogue_spending.html", context, status=status)


@require_POST
def submit(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    dialogue = _dialogue(request, public_id, year)
    try:
        declaring.submit(dialogue, by=request.user)
    except ActionRefusedError as refused:
        _refusals(request, refused)
    else:
        messages.success(request, "La déclaration est transmise. Les autres parties l’examinent.")
    return _back(dialogue)


# --- Lines all together ---------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@writes_when_posted
def review(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """The fund or the agency accepts or contests each result, in a table."""
    dialogue = _dialogue(request, public_id, year)
    if not reviewing.may_review(dialogue, request.user):
        raise PermissionDenied
    party = dialogue_moves.party_of(dialogue, request.user)
    lines = read_lines(dialogue)
    forms = [
        ReviewLineForm(
            request.POST or None,
            line=line,
            known=next((one for one in line.reviews.all() if one.party == party), None),
        )
        for line in lines
    ]

    def save(*, finish: bool) -> None:
        said = {form.line.pk: one for form in forms if (one := form.said()) is not None}
        reviewing.review(dialogue, said, by=request.user, finish=finish)

    words = ("Votre examen est enregistré.", "Votre examen est terminé.")
    return _filled_in(
        request, dialogue, forms, "contracts/dialogue_review.html", save=save, words=words
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def answer(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """The CPTS answers what is contested."""
    dialogue = _dialogue(request, public_id, year)
    if not dialogue_moves.may(dialogue, "answer", request.user):
        raise PermissionDenied
    contested = {one.pk for one in reviewing.contested_lines(dialogue)}
    lines = [one for one in read_lines(dialogue) if one.pk in contested]
    forms = [AnswerLineForm(request.POST or None, line=line) for line in lines]

    def save(*, finish: bool) -> None:
        answers = {form.line.pk: form.cleaned_data["answer"] for form in forms}
        reviewing.answer(dialogue, answers, by=request.user, finish=finish)

    words = ("Vos réponses sont enregistrées.", "Vos réponses sont transmises.")
    return _filled_in(
        request, dialogue, forms, "contracts/dialogue_answer.html", save=save, words=words
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def conclude(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """The fund or the agency writes what is retained, then proposes it to the parties."""
    dialogue = _dialogue(request, public_id, year)
    if not agreeing.may_conclude(dialogue, request.user):
        raise PermissionDenied
    forms = [AgreedLineForm(request.POST or None, line=line) for line in read_lines(dialogue)]

    def save(*, finish: bool) -> None:
        agreed = {form.line.pk: form.agreed() for form in forms}
        agreeing.conclude(dialogue, agreed, by=request.user, finish=finish)

    words = ("La conclusion est enregistrée.", "La conclusion est proposée aux parties.")
    return _filled_in(
        request, dialogue, forms, "contracts/dialogue_conclude.html", save=save, words=words
    )


def _filled_in(
    request: PersonRequest,
    dialogue: YearlyDialogue,
    forms: list[Any],
    template: str,
    *,
    save: Callable[..., None],
    words: tuple[str, str],
) -> HttpResponse:
    """One form a line: all saved together, or shown again, each with its errors.

    `words` say that they are saved, then that they are finished.
    """
    # A list: each form is to find its own errors, even after one that is wrong.
    if request.method == "POST" and all([form.is_valid() for form in forms]):  # noqa: C419 - each form finds its errors
        finish = request.POST.get("action") == "terminer"
        try:
            save(finish=finish)
        except ActionRefusedError as refused:
            _refusals(request, refused)
        else:
            messages.success(request, words[finish])
            return _back(dialogue)
    return _table(request, dialogue, forms, template)


def _table(
    request: PersonRequest, dialogue: YearlyDialogue, forms: list[Any], template: str
) -> HttpResponse:
    contract, year = dialogue.contract.public_id, dialogue.year
    shown = [(shown_line(form.line), form) for form in forms]
    rows = [
        {"shown": one, "form": form, "result": result_markup(one, contract, year)}
        for one, form in shown
    ]
    context = {
        "contract": dialogue.contract,
        "dialogue": dialogue,
        "rows": rows,
        "errors": [link for form in forms if form.is_bound for link in form.error_links()],
    }
    return render(request, template, context, status=422 if request.method == "POST" else 200)


# --- Agreeing -------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@writes_when_posted
def agree(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """Accept the conclusion for one's party, and say who signs its minutes."""
    dialogue = _dialogue(request, public_id, year)
    if not minutes.may_agree(dialogue, request.user):
        raise PermissionDenied
    contract, party = dialogue.contract, dialogue_moves.party_of(dialogue, request.user)
    form = SignerForm(
        request.POST or None,
        party=party,
        usual=minutes.usual_signer(contract, party, request.user),
        people=minutes.possible_signers(contract, party),
    )
    if request.method == "POST" and form.is_valid():
        try:
            is_last = minutes.agree(dialogue, form.signer(), by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(
                request,
                "Toutes les parties ont accepté : le compte rendu part à la signature."
                if is_last
                else "Votre accord est enregistré.",
            )
            return _back(dialogue)
    shares, problems = agreeing.shares_of(dialogue, read_lines(dialogue))
    context = {
        "contract": contract,
        "dialogue": dialogue,
        "form": form,
        "party": PARTY_LABELS[party],
        "shares": shares,
        "share_total": sum((one.amount or ZERO for one in shares), ZERO),
        "ceiling_total": sum((one.ceiling for one in shares), ZERO),
        "problems": problems,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/dialogue_agree.html", context, status=status)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def give_back(request: PersonRequest, public_id: UUID, year: int, way: str) -> HttpResponse:
    """Give a declaration back to the CPTS, or take a conclusion back, with the reason."""
    dialogue = _dialogue(request, public_id, year)
    if way not in TITLES:
        raise Http404
    move, title = TITLES[way]
    allowed = dialogue_moves.may(dialogue, move, request.user) or (
        move == "take_back" and minutes.may_take_back(dialogue, request.user)
    )
    if not allowed:
        raise PermissionDenied
    form = WhyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        act = reviewing.send_back if move == "send_back" else minutes.take_back
        try:
            act(dialogue, form.cleaned_data["reason"], by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "C’est fait : les autres parties lisent votre motif.")
            return _back(dialogue)
    context = {
        "contract": dialogue.contract,
        "dialogue": dialogue,
        "form": form,
        "title": title,
        "way": way,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/dialogue_give_back.html", context, status=status)


@require_safe
@writes_when_posted
def minutes_file(request: PersonRequest, public_id: UUID, year: int) -> HttpResponse:
    """The minutes as they were frozen, to be signed or signed."""
    dialogue = _dialogue(request, public_id, year)
    found = minutes.round_of(dialogue)
    if found is None or dialogue.state not in {State.SIGNING, State.CLOSED}:
        raise Http404
    document = found.document.document
    response = HttpResponse(read_document(document), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{document.number}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response
