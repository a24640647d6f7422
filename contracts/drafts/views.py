"""The pages of a contract under negotiation. Every view starts from what one may see."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from communities.models import Community
from contracts import rules
from contracts.documents import CONTRACT, contract_context, frozen_context
from contracts.drafts import concluding, drafting, freezing, negotiation
from contracts.drafts import opening as openings
from contracts.drafts.drafting import StaleDraftError
from contracts.drafts.forms import form_of, read_form
from contracts.drafts.forms.base import SectionForm
from contracts.drafts.forms.indicators import MOST_INDICATORS, IndicatorForm, library_entries
from contracts.drafts.forms.opening import OpenForm, ReasonForm
from contracts.drafts.markup import lines_choices, lines_markup
from contracts.drafts.measures import measured
from contracts.drafts.negotiation import shown_proposals
from contracts.drafts.pages import pending_of, read_board, sections_of, threads_of
from contracts.drafts.saving import save_or_propose, theirs_of
from contracts.funding.ratebook import mission_labels
from contracts.labels import state_label
from contracts.models import Contract, Draft
from contracts.terms import (
    PARTY_LABELS,
    SECTIONS,
    Row,
    difference,
    from_data,
    lines_of,
    to_data,
)
from contracts.texts import text_model
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from workflow.models import CaseDocument
from workflow.official import read_document
from workflow.readers import reader_of
from workflow.reading import read_seen
from workflow.services import ActionRefusedError, IncompleteError
from workflow.states import CaseState

VERSIONS_SHOWN: Final = 25


def _contract(request: PersonRequest, public_id: UUID) -> Contract:
    """Raises Http404 unless the person sees a contract that was drawn up here."""
    found = read_seen(Contract, request.user, public_id)
    if found is None:
        raise Http404
    return found


def _with_draft(request: PersonRequest, public_id: UUID) -> tuple[Contract, Draft]:
    contract = _contract(request, public_id)
    draft = drafting.draft_of(contract)
    if draft is None:
        raise Http404
    draft.contract = contract
    return contract, draft


def _to_write(request: PersonRequest, public_id: UUID) -> tuple[Contract, Draft]:
    """The same, for who writes it. Raises PermissionDenied for anybody else."""
    contract, draft = _with_draft(request, public_id)
    if not rules.party_of(contract, request.user):
        raise PermissionDenied
    return contract, draft


# --- Opening --------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@writes_when_posted
def open_draft(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What the contract of a CPTS would begin with; the button opens the shared draft."""
    community = get_object_or_404(Community, public_id=public_id)
    opening = openings.read_opening(community)
    opens = openings.may_open(opening, request.user)
    if not opens and not (request.user.acting is None and community.team_role(request.user)):
        raise Http404
    if opening.current is not None:
        return redirect("contracts:draft", opening.current.public_id)
    if request.method == "POST" and not opens:
        raise PermissionDenied
    agency = openings.speaks_for_the_agency(opening, request.user)
    asks = opening.stage is None and agency
    why_not = opening.why_not
    if opening.stage is None and not agency:
        why_not = (
            "Le projet de santé de cette CPTS n’est pas validé sur le portail. Le contrat s’ouvre "
            "après sa validation ; si la CPTS a été reconnue ailleurs, son ARS ouvre le contrat."
        )
    if not opens:
        why_not = "Un responsable de la CPTS ouvre le contrat, ou son ARS, ou sa CPAM."
    form = OpenForm(request.POST or None, opening=opening, asks_recognition=asks)
    if request.method == "POST" and not why_not and form.is_valid():
        given = form.cleaned_data
        recognised = openings.Recognition(given["recognised_on"], given["act"]) if asks else None
        try:
            contract = openings.open_contract(
                community,
                by=request.user,
                form=given["form"],
                cpam=given["cpam"],
                recognised=recognised,
            )
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "Le projet de contrat est ouvert entre les parties.")
            return redirect("contracts:draft", contract.public_id)
    context = {"opening": opening, "community": community, "form": form, "why_not": why_not}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/draft_open.html", context, status=status)


# --- The draft ------------------------------------------------------------------------------------


@require_safe
@writes_when_posted
def draft_page(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Where the contract stands: each section, what it lacks, who agrees, what to do next."""
    contract, draft = _with_draft(request, public_id)
    board = read_board(contract, draft, request.user)
    context = {
        "contract": contract,
        "draft": draft,
        "board": board,
        "party": PARTY_LABELS.get(board.party, ""),
        "is_draft": contract.state == CaseState.DRAFT,
        "is_to_sign": contract.state == CaseState.TO_SIGN,
        "document": _document(contract),
        "rounds": concluding.rounds_of(contract) if contract.version else [],
        "state": state_label(contract.state, reader_of(contract, request.user)),
    }
    return render(request, "contracts/draft.html", context)


def _document(contract: Contract) -> CaseDocument | None:
    """The document being signed, or signed; None while there is none."""
    if not contract.is_deposited:
        return None
    return (
        CaseDocument.objects.filter(
            case_id=contract.pk, kind=CONTRACT, snapshot__version=contract.version
        )
        .select_related("document")
        .first()
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def section_page(request: PersonRequest, public_id: UUID, section: str) -> HttpResponse:
    """A section: what it says, its form, what the parties say of it."""
    contract, draft = _with_draft(request, public_id)
    if section not in sections_of(draft.says):
        raise Http404
    party = rules.party_of(contract, request.user)
    writes = bool(party) and draft.state == Draft.State.OPEN
    if request.method == "POST" and not party:
        raise PermissionDenied
    form_class = form_of(section, draft)
    form: SectionForm | None = None
    theirs: tuple[Row, ...] = ()
    if form_class is not None and writes:
        data = request.POST if request.method == "POST" else None
        form = read_form(form_class, data, draft=draft, party=party)
        if form.is_valid():
            try:
                said = save_or_propose(draft, form, request.POST, by=request.user)
            except StaleDraftError as stale:
                form.add_error(None, stale.message)
                theirs = theirs_of(stale, form)
            except ActionRefusedError as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, said)
                return redirect("contracts:draft-section", contract.public_id, section)
    context = _section_context(request, contract, draft, section) | {
        "form": form,
        "theirs": theirs,
        "writes": writes,
    }
    more = form is not None and not form.is_bound
    status = 422 if request.method == "POST" and not more else 200
    return render(request, "contracts/draft_section.html", context, status=status)


def _section_context(
    request: PersonRequest, contract: Contract, draft: Draft, section: str
) -> dict[str, Any]:
    labels = mission_labels()
    terms = draft.says
    is_open = draft.state == Draft.State.OPEN
    lines = lines_of(terms, section, labels)
    return {
        "contract": contract,
        "draft": draft,
        "section": section,
        "label": SECTIONS[section],
        "lines": lines_markup(lines),
        "choices": lines_choices(lines),
        "lacks": [one.sentence for one in drafting.lacks_in(draft, section)] if is_open else [],
        "proposals": shown_proposals(draft, pending_of(draft, section), request.user, dict(labels)),
        "threads": threads_of(draft, section),
        "measured": measured(terms, labels) if section == "indicators" else (),
    }


@require_http_methods(["GET", "POST"])
@writes_when_posted
def indicator_page(request: PersonRequest, public_id: UUID, key: str = "") -> HttpResponse:
    """Add an indicator, alone or from the library, or change one of the contract."""
    contract, draft = _to_write(request, public_id)
    if draft.state != Draft.State.OPEN:
        return redirect("contracts:draft", contract.public_id)
    terms = draft.says
    known = next((one for one in terms.indicators if one.key == key), None)
    if key and known is None:
        raise Http404
    wanted = request.GET.get("modele", "")
    entry = next((one for one in library_entries(terms) if one.indicator.key == wanted), None)
    party = rules.party_of(contract, request.user)
    form = IndicatorForm(
        request.POST or None,
        draft=draft,
        party=party,
        known=known,
        entry=entry,
        mission=request.GET.get("mission", ""),
    )
    theirs: tuple[Row, ...] = ()
    if request.method == "POST" and form.is_valid():
        try:
            if known is None and len(terms.indicators) >= MOST_INDICATORS:
                raise ActionRefusedError(  # noqa: TRY301 - said as the others are
                    f"Un contrat a {MOST_INDICATORS} indicateurs au plus : retirez-en un d’abord."
                )
            said = save_or_propose(draft, form, request.POST, by=request.user)
        except StaleDraftError as stale:
            form.add_error(None, stale.message)
            theirs = theirs_of(stale, form)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, said)
            return redirect("contracts:draft-section", contract.public_id, "indicators")
    context = {
        "contract": contract,
        "draft": draft,
        "form": form,
        "known": known,
        "entry": entry,
        "theirs": theirs,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/draft_indicator.html", context, status=status)


@require_POST
def remove_indicator(request: PersonRequest, public_id: UUID, key: str) -> HttpResponse:
    contract, draft = _to_write(request, public_id)
    terms = draft.says
    kept = tuple(one for one in terms.indicators if one.key != key)

    def act() -> str:
        asked = terms.__class__(**{**vars(terms), "indicators": kept})
        drafting.save_section(
            draft, "indicators", asked, by=request.user, base_revision=draft.revision
        )
        return "L’indicateur est retiré du projet."

    return _act(request, contract, act, back="indicators")


# --- Actions --------------------------------------------------------------------------------------


def _act(request: PersonRequest, contract: Contract, act: Any, *, back: str = "") -> HttpResponse:
    """Do one thing and come back with what happened in a sentence."""
    try:
        messages.success(request, act())
    except IncompleteError as lacking:
        for sentence in lacking.missing[:20]:
            messages.error(request, str(sentence))
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    if back:
        return redirect("contracts:draft-section", contract.public_id, back)
    return redirect("contracts:draft", contract.public_id)


def _read_revision(request: PersonRequest) -> int:
    """The version the person was reading, as the form says it."""
    text = request.POST.get("revision", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


@require_POST
def refresh(request: PersonRequest, public_id: UUID, what: str) -> HttpResponse:
    """Take the territory, the parties or the rates again, as they are today."""
    contract, draft = _to_write(request, public_id)
    doors = {
        "territoire": (
            drafting.refresh_ground,
            "territory",
            "Le territoire, la population et la taille sont ceux de la CPTS aujourd’hui.",
        ),
        "parties": (
            drafting.refresh_parties,
            "parties",
            "Les parties sont celles que le portail connaît aujourd’hui.",
        ),
        "tarifs": (
            drafting.refresh_rates,
            "rates",
            "Les tarifs du projet sont ceux que le portail publie aujourd’hui.",
        ),
    }
    if what not in doors:
        raise Http404
    door, section, said = doors[what]

    def act() -> str:
        door(draft, by=request.user)
        return said

    return _act(request, contract, act, back=section)


@require_POST
def agree(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Mark the agreement of one's party on the version read, or take it back."""
    contract, draft = _to_write(request, public_id)

    def act() -> str:
        if request.POST.get("action") == "take_back":
            drafting.take_agreement_back(draft, by=request.user)
            return "L’accord de votre partie n’est plus marqué."
        drafting.mark_agreement(draft, by=request.user, revision=_read_revision(request))
        return f"L’accord de votre partie est marqué sur la version {draft.revision}."

    return _act(request, contract, act)


@require_POST
def freeze(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Freeze the version all agree on, to be signed."""
    contract, _draft = _to_write(request, public_id)

    def act() -> str:
        freezing.freeze_contract(contract, by=request.user, revision=_read_revision(request))
        return (
            "Le contrat est figé. Son document se prépare, puis chaque signataire reçoit un "
            "courriel."
        )

    return _act(request, contract, act)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def give_up(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Renounce the contract, with a reason, before it is frozen."""
    contract, _draft = _to_write(request, public_id)
    if not rules.may_give_up(contract, request.user) or contract.state != CaseState.DRAFT:
        raise PermissionDenied
    return _with_reason(
        request,
        contract,
        title="Renoncer au contrat",
        lead="Le projet n’est plus modifiable ensuite ; il reste lisible. La CPTS pourra en "
        "ouvrir un autre.",
        submit="Renoncer au contrat",
        act=lambda reason: freezing.give_up(contract, by=request.user, reason=reason),
        done="Le contrat est abandonné. Les autres parties sont prévenues.",
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def take_back(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Take a frozen contract back to its draft, with a reason, before all have signed."""
    contract, _draft = _to_write(request, public_id)
    if not rules.may_reopen(contract, request.user) or contract.state != CaseState.TO_SIGN:
        raise PermissionDenied
    return _with_reason(
        request,
        contract,
        title="Reprendre le texte",
        lead="Le contrat revient en négociation : les signatures déjà données ne comptent plus, "
        "et chaque partie marquera à nouveau son accord.",
        submit="Reprendre le texte",
        act=lambda reason: concluding.take_back(contract, by=request.user, reason=reason),
        done="Le projet est rouvert. Les autres parties sont prévenues.",
    )


def _with_reason(
    request: PersonRequest,
    contract: Contract,
    *,
    title: str,
    lead: str,
    submit: str,
    act: Any,
    done: str,
) -> HttpResponse:
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act(form.cleaned_data["reason"])
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, done)
            return redirect("contracts:draft", contract.public_id)
    context = {"contract": contract, "form": form, "title": title, "lead": lead, "submit": submit}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/draft_reason.html", context, status=status)


# --- What the parties say -------------------------------------------------------------------------


@require_POST
def remark(request: PersonRequest, public_id: UUID, section: str) -> HttpResponse:
    """Say something of a section, answer a thread, or settle it."""
    contract, draft = _to_write(request, public_id)
    if section not in SECTIONS:
        raise Http404
    text = request.POST.get("text", "")
    thread_id = request.POST.get("thread", "")
    thread = None
    if thread_id:
        thread = get_object_or_404(
            draft.threads, section=section, pk=int(thread_id) if thread_id.isdecimal() else 0
        )

    def act() -> str:
        if thread is None:
            line = request.POST.get("line", "").replace("\x00", "")
            negotiation.open_thread(draft, section, text, by=request.user, line=line)
            return "Votre remarque est envoyée aux autres parties."
        if request.POST.get("action") == "settle":
            negotiation.settle_thread(thread, by=request.user)
            return "L’échange est réglé."
        negotiation.answer_thread(thread, text, by=request.user)
        return "Votre réponse est envoyée aux autres parties."

    response = _act(request, contract, act, back=section)
    response["Location"] += "#echanges"
    return response


@require_POST
def answer_proposal(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Accept a proposal, or leave it aside."""
    contract, draft = _to_write(request, public_id)
    proposal = get_object_or_404(draft.proposals, pk=pk)

    def act() -> str:
        if request.POST.get("action") == "accept":
            saved = negotiation.accept_proposal(proposal, by=request.user)
            return f"La proposition est acceptée : le projet en est à la version {saved.revision}."
        negotiation.decline_proposal(
            proposal, by=request.user, answer=request.POST.get("answer", "")
        )
        return "La proposition est écartée."

    return _act(request, contract, act, back=proposal.section)


# --- Reading --------------------------------------------------------------------------------------


@require_safe
@writes_when_posted
def versions(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The versions of the draft, and what changes from one to another."""
    contract, draft = _with_draft(request, public_id)
    rows, page = read_page(
        draft.versions.select_related("by").defer("terms"),
        request.GET.get("page"),
        VERSIONS_SHOWN,
    )
    before, after = (_number(request, name) for name in ("de", "a"))
    changes = None
    if before and after:
        first, second = (drafting.version_terms(draft, one) for one in (before, after))
        if first is None or second is None:
            raise Http404
        changes = difference(first, second, mission_labels())
    context = {
        "contract": contract,
        "draft": draft,
        "rows": rows,
        "page": page,
        "before": before or max(draft.revision - 1, 1),
        "after": after or draft.revision,
        "changes": changes,
        "numbers": range(1, draft.revision + 1),
    }
    return render(request, "contracts/draft_versions.html", context)


def _number(request: PersonRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


@require_safe
@writes_when_posted
def text(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The contract as it is written today, or as it was frozen: articles and annexes."""
    contract, draft = _with_draft(request, public_id)
    frozen = freezing.frozen_version(contract) if contract.is_deposited else None
    if frozen is not None:
        shown = frozen_context(frozen.content, f"{contract.reference}-V{frozen.version}")
    else:
        shown = contract_context(
            draft.says,
            drafting.rates_for(draft.says),
            text_model(contract.form),
            name=contract.title,
        )
    context = {"contract": contract, "draft": draft, "shown": shown, "is_frozen": bool(frozen)}
    return render(request, "contracts/draft_text.html", context)


@require_safe
@writes_when_posted
def document(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The PDF being signed, or signed."""
    contract = _contract(request, public_id)
    found = _document(contract)
    if found is None:
        raise Http404
    response = HttpResponse(read_document(found.document), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{found.document.number}.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@writes_when_posted
def data_file(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What the contract says, as data: its nature by the national terminology, the numbers of its
    parties, and no address or account of a person."""
    contract, draft = _with_draft(request, public_id)
    frozen = freezing.frozen_version(contract) if contract.is_deposited else None
    terms = from_data(frozen.content["terms"]) if frozen else draft.says
    said = to_data(terms)
    for one in said["representatives"]:
        del one["email"], one["user"], one["delegation"]
    data = {
        "type_engagement": terms.ans_code,
        "reference": contract.reference,
        "cpts": contract.title,
        "etat": contract.state,
        "version": contract.version,
        "contenu": said,
    }
    response = JsonResponse(data, json_dumps_params={"ensure_ascii": False, "indent": 2})
    response["Content-Disposition"] = (
        f'attachment; filename="{contract.reference or "projet-de-contrat"}.json"'
    )
    response["Cache-Control"] = "private, no-store"
    return response
