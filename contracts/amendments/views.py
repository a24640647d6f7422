"""The pages of a contract's amendments, and of the contract in force on a day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.models import User
from contracts import rules
from contracts.amendments import amending, documents, signing
from contracts.drafts import drafting, negotiation
from contracts.drafts.drafting import StaleDraftError
from contracts.drafts.forms import form_of, read_form
from contracts.drafts.forms.base import SectionForm
from contracts.drafts.forms.indicators import IndicatorForm, library_entries
from contracts.drafts.markup import lines_markup
from contracts.drafts.measures import measured
from contracts.drafts.negotiation import ShownProposal, shown_proposals
from contracts.drafts.saving import save_or_propose, theirs_of
from contracts.funding.ratebook import mission_labels
from contracts.models import Contract, Draft
from contracts.terms import PARTY_LABELS, SECTIONS, Row, lines_of
from contracts.versions import version_on
from cpts_portal.forms import DayField, PortalForm
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from workflow.models import CaseDocument
from workflow.official import read_document
from workflow.reading import read_seen
from workflow.services import ActionRefusedError, IncompleteError
from workflow.states import CaseState
from workflow.views.documents import pdf_response

SHOWN: Final = 25
_MOST_PROPOSALS: Final = 50
# Buttons that do something without reading a form.
_AT_ONCE: Final = frozenset({"refresh", "remove"})
_REFRESHED: Final = {
    "territory": (drafting.refresh_ground, "Reprendre le territoire actuel de la CPTS"),
    "size": (drafting.refresh_ground, "Reprendre la taille et la population actuelles"),
    "parties": (drafting.refresh_parties, "Reprendre ce que le portail sait des parties"),
    "rates": (drafting.refresh_rates, "Reprendre les tarifs publiés aujourd’hui"),
}


class PrepareForm(PortalForm):
    """What an amendment is about, and from when."""

    sections = forms.MultipleChoiceField(
        label="Ce que l’avenant modifie",
        choices=list(SECTIONS.items()),
        widget=forms.CheckboxSelectMultiple,
        help_text="Seules les parties cochées se modifient ; les autres restent celles du contrat.",
        error_messages={"required": "Cochez au moins une partie du contrat."},
    )
    effective_on = DayField("Prend effet le")


class ReasonForm(PortalForm):
    reason = forms.CharField(
        label="Pourquoi",
        max_length=signing.LONGEST_REASON,
        help_text="Les autres parties le lisent.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _contract(request: PersonRequest, public_id: UUID) -> Contract:
    """A signed contract the person sees."""
    found = read_seen(Contract, request.user, public_id)
    if found is None or not found.is_signed:
        raise Http404
    return found


def _amendment(request: PersonRequest, public_id: UUID, pk: int) -> tuple[Contract, Draft]:
    contract = _contract(request, public_id)
    mine = contract.drafts.filter(purpose=Draft.Purpose.AMENDMENT)
    draft = get_object_or_404(mine.select_related("based_on", "opened_by", "updated_by"), pk=pk)
    draft.contract = contract
    return contract, draft


def _to_write(request: PersonRequest, public_id: UUID, pk: int) -> tuple[Contract, Draft]:
    contract, draft = _amendment(request, public_id, pk)
    if not rules.party_of(contract, request.user):
        raise PermissionDenied
    return contract, draft


def _day_asked(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return timezone.localdate()


@require_safe
@writes_when_posted
def history(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The contract in force on a day of the address, then its versions and its amendments."""
    contract = _contract(request, public_id)
    on = _day_asked(request.GET.get("le", ""))
    version = version_on(contract, on)
    labels = mission_labels()
    terms = version.says if version else None
    sections = [
        (label, lines_markup(lines))
        for key, label in SECTIONS.items()
        if terms is not None and (lines := lines_of(terms, key, labels))
    ]
    versions, page = read_page(
        contract.versions.order_by("-number"), request.GET.get("page"), SHOWN
    )
    drafts = amending.amendments_of(contract)
    is_open = any(one.state in Draft.UNDER_WAY for one in drafts)
    context = {
        "contract": contract,
        "on": on,
        "version": version,
        "sections": sections,
        "versions": versions,
        "page": page,
        "drafts": drafts,
        "may_prepare": rules.may_commit(contract, request.user)
        and contract.state == CaseState.ACCEPTED
        and contract.agreed_ends_on is None
        and not is_open,
        "ended": contract.ends_on is not None and on > contract.ends_on,
    }
    return render(request, "contracts/amendments.html", context)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def prepare(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Tick what changes: the shared draft of the amendment opens."""
    contract = _contract(request, public_id)
    if not rules.may_commit(contract, request.user):
        raise PermissionDenied
    form = PrepareForm(request.POST or None, initial={"effective_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        try:
            draft = amending.open_amendment(contract, **form.cleaned_data, by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "L’avenant est ouvert entre les parties.")
            return redirect("amendments:amendment", public_id, draft.pk)
    context = {"contract": contract, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/amendment_prepare.html", context, status=status)


@require_safe
@writes_when_posted
def amendment(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """What the amendment changes, its money, who agrees, what is missing, who signs."""
    contract, draft = _amendment(request, public_id, pk)
    today = timezone.localdate()
    is_open = draft.state == Draft.State.OPEN
    party = rules.party_of(contract, request.user)
    commits = rules.may_commit(contract, request.user)
    agreements = drafting.agreements_of(draft)
    mine = next((one for one in agreements if one.party == party), None)
    missing = amending.missing_to_sign(draft, on=today) if is_open else []
    context = {
        "contract": contract,
        "draft": draft,
        "number": amending.number_of(draft),
        "sections": [(key, SECTIONS[key]) for key in draft.sections],
        "changes": amending.changes_of(draft),
        "money": amending.foresee(draft, on=today) if draft.state in Draft.UNDER_WAY else None,
        "agreements": agreements,
        "agrees": mine is not None and mine.stands,
        "party": PARTY_LABELS.get(party, ""),
        "missing": missing,
        "writes": bool(party) and is_open,
        "commits": commits and is_open,
        "may_take_back": commits and draft.state == Draft.State.TO_SIGN,
        "rounds": signing.rounds_of(draft),
        "document": _document(draft),
        "proposals": _proposals(draft, request.user) if is_open else [],
        "in_amendment": True,
        "unticked": [(key, label) for key, label in SECTIONS.items() if key not in draft.sections],
        "threads": list(draft.threads.prefetch_related("remarks__by")[:50]),
        "last_note": draft.versions.order_by("-number").first(),
    }
    return render(request, "contracts/amendment.html", context)


def _document(draft: Draft) -> CaseDocument | None:
    return (
        CaseDocument.objects.filter(
            case_id=draft.contract_id,
            kind=documents.DOCUMENT,
            about__in=draft.versions.values("pk"),
        )
        .select_related("document")
        .order_by("-pk")
        .first()
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def section(request: PersonRequest, public_id: UUID, pk: int, section: str) -> HttpResponse:
    """A ticked section of the amendment: its form, and what it says now."""
    contract, draft = _to_write(request, public_id, pk)
    if section not in draft.sections:
        raise Http404
    if draft.state != Draft.State.OPEN:
        return redirect("amendments:amendment", public_id, pk)
    party = rules.party_of(contract, request.user)
    refresh = _REFRESHED.get(section)
    action = request.POST.get("action", "") if request.method == "POST" else ""
    data = request.POST if request.method == "POST" and action not in _AT_ONCE else None
    form = _section_form(request, draft, party, section, data)
    theirs: tuple[Row, ...] = ()
    try:
        if action == "refresh" and refresh:
            refresh[0](draft, by=request.user)
            return redirect("amendments:amendment", public_id, pk)
        if action == "remove" and section == "indicators":
            _remove_indicator(request, draft)
            return redirect("amendments:section", public_id, pk, section)
        if form is not None and form.is_valid():
            messages.success(request, save_or_propose(draft, form, request.POST, by=request.user))
            return redirect("amendments:section", public_id, pk, section)
    except StaleDraftError as stale:
        if form is None or not form.is_bound:
            messages.error(request, stale.message)
        else:
            form.add_error(None, stale.message)
            theirs = theirs_of(stale, form)
    except ActionRefusedError as refused:
        if form is None or data is None:
            messages.error(request, refused.message)
        else:
            form.add_error(None, refused.message)
    labels = mission_labels()
    context = {
        "contract": contract,
        "draft": draft,
        "number": amending.number_of(draft),
        "label": SECTIONS[section],
        "form": form,
        "refresh": refresh[1] if refresh else "",
        "theirs": theirs,
        "lines": lines_markup(lines_of(draft.says, section, labels)),
        "measured": measured(draft.says, labels) if section == "indicators" else (),
        "proposals": _proposals(draft, request.user, section),
        "in_amendment": True,
        "writes": True,
    }
    more = form is not None and not form.is_bound and action == "more"
    status = 422 if request.method == "POST" and not more else 200
    return render(request, "contracts/amendment_section.html", context, status=status)


def _section_form(
    request: PersonRequest, draft: Draft, party: str, section: str, data: Any
) -> SectionForm | None:
    """The form of a section; of the indicators, that of the one the address names, or a new one."""
    if section != "indicators":
        form_class = form_of(section, draft)
        return read_form(form_class, data, draft=draft, party=party) if form_class else None
    terms = draft.says
    asked, model = request.GET.get("cle", ""), request.GET.get("modele", "")
    known = next((one for one in terms.indicators if one.key == asked), None)
    entry = next((one for one in library_entries(terms) if one.indicator.key == model), None)
    return IndicatorForm(
        data,
        draft=draft,
        party=party,
        known=known,
        entry=entry,
        mission=request.GET.get("mission", ""),
    )


def _proposals(draft: Draft, user: User, section: str = "") -> list[ShownProposal]:
    """The proposals that wait for an answer, on one section or on all."""
    pending = draft.proposals.filter(state="pending").select_related("by")
    found = pending.filter(section=section) if section else pending
    return shown_proposals(draft, list(found[:_MOST_PROPOSALS]), user, dict(mission_labels()))


def _remove_indicator(request: PersonRequest, draft: Draft) -> None:
    terms = draft.says
    kept = tuple(one for one in terms.indicators if one.key != request.POST.get("key"))
    asked = replace(terms, indicators=kept)
    revision = draft.revision
    drafting.save_section(draft, "indicators", asked, by=request.user, base_revision=revision)


@require_POST
def remark(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Say something of a section to the other parties."""
    draft = _to_write(request, public_id, pk)[1]

    def say() -> None:
        asked = request.POST.get("section", "")
        negotiation.open_thread(draft, asked, request.POST.get("text", ""), by=request.user)

    return _do(request, draft, say, "Votre remarque est envoyée.")


@require_POST
def answer_proposal(
    request: PersonRequest, public_id: UUID, pk: int, proposal: int
) -> HttpResponse:
    """Accept a proposal, leave it aside, or take one's own back."""
    draft = _to_write(request, public_id, pk)[1]
    asked = get_object_or_404(draft.proposals, pk=proposal)
    if request.POST.get("action") == "accept":
        return _do(
            request,
            draft,
            lambda: negotiation.accept_proposal(asked, by=request.user),
            "La proposition est acceptée : l’avenant la reprend.",
        )
    answer = request.POST.get("answer", "")
    return _do(
        request,
        draft,
        lambda: negotiation.decline_proposal(asked, by=request.user, answer=answer),
        "La proposition est écartée.",
    )


@require_POST
def tick(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Open one more section of the contract to the amendment."""
    draft = _to_write(request, public_id, pk)[1]
    asked = request.POST.get("section", "")
    return _do(
        request,
        draft,
        lambda: amending.tick_too(draft, asked, by=request.user),
        "L’avenant modifie aussi cette partie.",
    )


@require_POST
def agree(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Mark the party's agreement to the version it read, or take it back."""
    draft = _to_write(request, public_id, pk)[1]
    if request.POST.get("action") == "take_back":
        return _do(
            request,
            draft,
            lambda: drafting.take_agreement_back(draft, by=request.user),
            "Votre accord est retiré.",
        )
    revision = _number(request.POST.get("revision", ""))
    return _do(
        request,
        draft,
        lambda: drafting.mark_agreement(draft, by=request.user, revision=revision),
        "Votre accord est marqué.",
    )


@require_POST
def freeze(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    draft = _to_write(request, public_id, pk)[1]
    revision = _number(request.POST.get("revision", ""))
    return _do(
        request,
        draft,
        lambda: signing.freeze_amendment(draft, by=request.user, revision=revision),
        "L’avenant est figé : son document se prépare, puis chaque signataire est appelé.",
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def take_back(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Take the frozen text back, with a reason."""
    return _with_reason(
        request,
        _to_write(request, public_id, pk)[1],
        signing.take_back,
        title="Reprendre le texte de l’avenant",
        lead="Les signatures déjà données tombent, et les accords sont à marquer de nouveau.",
        done="Le texte est repris : les parties le modifient de nouveau.",
    )


@require_http_methods(["GET", "POST"])
@writes_when_posted
def drop(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Give the amendment up, with a reason."""
    return _with_reason(
        request,
        _to_write(request, public_id, pk)[1],
        signing.drop,
        title="Abandonner l’avenant",
        lead="Il ne se modifie plus ensuite, et reste lisible. Le contrat ne change pas.",
        done="L’avenant est abandonné : le contrat ne change pas.",
    )


def _with_reason(
    request: PersonRequest,
    draft: Draft,
    act: Callable[..., Any],
    *,
    title: str,
    lead: str,
    done: str,
) -> HttpResponse:
    if not rules.may_commit(draft.contract, request.user):
        raise PermissionDenied
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act(draft, by=request.user, reason=form.cleaned_data["reason"])
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, done)
            return redirect("amendments:amendment", draft.contract.public_id, draft.pk)
    context = {
        "contract": draft.contract,
        "draft": draft,
        "number": amending.number_of(draft),
        "title": title,
        "lead": lead,
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/amendment_reason.html", context, status=status)


@require_safe
def document(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """The document of the amendment as it was issued last."""
    draft = _amendment(request, public_id, pk)[1]
    link = _document(draft)
    if link is None:
        raise Http404
    name = f"{link.document.number}.pdf"
    return pdf_response(read_document(link.document), name=name, as_attachment=False)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def _do(request: PersonRequest, draft: Draft, act: Callable[[], Any], done: str) -> HttpResponse:
    try:
        act()
    except IncompleteError as refused:
        for sentence in refused.missing:
            messages.error(request, str(sentence))
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, done)
    return redirect("amendments:amendment", draft.contract.public_id, draft.pk)
