"""The pages of the end of a contract, for whoever sees the contract."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from contracts import rules
from contracts.endings import ending, reorganising
from contracts.endings.forms import (
    DecisionForm,
    ObservationForm,
    RenewalForm,
    ReorganisationForm,
    TerminationForm,
    WithdrawForm,
)
from contracts.labels import state_label
from contracts.models import Contract, Termination
from cpts_portal.transactions import writes_when_posted
from cpts_portal.words import day
from workflow.official import read_document
from workflow.readers import reader_of
from workflow.reading import read_seen
from workflow.services import ActionRefusedError
from workflow.states import CaseState
from workflow.views.documents import pdf_response


def _contract(request: PersonRequest, public_id: UUID) -> Contract:
    """A signed contract the person sees."""
    found = read_seen(Contract, request.user, public_id)
    if found is None or not found.is_signed:
        raise Http404
    return found


def _committing(request: PersonRequest, public_id: UUID) -> Contract:
    contract = _contract(request, public_id)
    if not rules.may_commit(contract, request.user):
        raise PermissionDenied
    return contract


@require_safe
@writes_when_posted
def hub(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """How the contract ends: what is asked, what was answered, what is decided."""
    contract = _contract(request, public_id)
    return _hub(request, contract, RenewalForm())


def _hub(
    request: PersonRequest, contract: Contract, form: RenewalForm, status: int = 200
) -> HttpResponse:
    renewal = contract.renewals.select_related("successor").first()
    if renewal is not None:
        renewal.contract = contract
    is_live = contract.state == CaseState.ACCEPTED
    commits = rules.may_commit(contract, request.user)
    terminations = list(contract.terminations.all())
    under_way = any(one.state == Termination.State.NOTIFIED for one in terminations)
    ends = contract.agreed_ends_on is not None
    context = {
        "contract": contract,
        "state": state_label(contract.state, reader_of(contract, request.user)),
        "renewal": renewal,
        "wishes": ending.wishes_of(renewal) if renewal else [],
        "form": form,
        "may_answer": commits and is_live and renewal is not None and not ends,
        "may_renew": commits
        and is_live
        and renewal is not None
        and renewal.successor_id is None
        and not ends,
        "may_terminate": commits and is_live and not under_way and not ends,
        "terminations": terminations,
        "reorganisations": [
            (one, *reorganising.sides_of(one))
            for one in reorganising.history_of(contract.community)
        ],
        "may_reorganise": is_live and reorganising.may_reorganise(contract.region_id, request.user),
    }
    return render(request, "contracts/ending.html", context, status=status)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def answer(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What a party wishes for after the last day."""
    contract = _committing(request, public_id)
    renewal = contract.renewals.first()
    if renewal is None:
        raise Http404
    if request.method != "POST":
        return redirect("endings:hub", public_id)
    form = RenewalForm(request.POST)
    if form.is_valid():
        try:
            ending.answer_renewal(renewal, **form.cleaned_data, by=request.user)
        except ActionRefusedError as refused:
            form.add_error("comment", refused.message)
        else:
            messages.success(request, "Votre réponse est enregistrée ; les autres parties l’ont.")
            return redirect("endings:hub", public_id)
    return _hub(request, contract, form, 422)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def renew(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Open the contract that follows, written from this one."""
    contract = _committing(request, public_id)
    renewal = contract.renewals.first()
    if renewal is None:
        raise Http404
    if request.method != "POST":
        return redirect("endings:hub", public_id)
    try:
        made = ending.renew(renewal, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
        return redirect("endings:hub", public_id)
    messages.success(request, "Le nouveau contrat est ouvert, repris de celui-ci.")
    return redirect("contracts:draft", made.public_id)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def terminate(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Notify the other parties that one of them ends the contract."""
    contract = _committing(request, public_id)
    if contract.state != CaseState.ACCEPTED:
        raise Http404
    party = rules.party_of(contract, request.user)
    earliest = ending.earliest_end(party, timezone.localdate())
    form = TerminationForm(request.POST or None, party=party, earliest=day(earliest))
    if request.method == "POST" and form.is_valid():
        try:
            made = ending.notify_termination(contract, **form.cleaned_data, by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "La résiliation est notifiée aux autres parties.")
            return redirect("endings:termination", public_id, made.pk)
    context = {"contract": contract, "form": form, "rules": ending.ending_rules()}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/terminate.html", context, status=status)


def _termination(contract: Contract, pk: int) -> Termination:
    found = contract.terminations.select_related("opened_by", "decided_by")
    one = get_object_or_404(found, pk=pk)
    one.contract = contract
    return one


@require_http_methods(["GET", "POST"])
@writes_when_posted
def termination(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """The reasons, the observations, the decision; a party adds its observations."""
    contract = _contract(request, public_id)
    found = _termination(contract, pk)
    is_open = found.state == Termination.State.NOTIFIED
    party = rules.party_of(contract, request.user) if is_open else ""
    commits = is_open and rules.may_commit(contract, request.user)
    form = ObservationForm(request.POST or None)
    if request.method == "POST":
        if not commits:
            raise PermissionDenied
        if form.is_valid():
            try:
                ending.observe(found, form.cleaned_data["text"], by=request.user)
            except ActionRefusedError as refused:
                form.add_error("text", refused.message)
            else:
                messages.success(request, "Vos observations sont déposées.")
                return redirect("endings:termination", public_id, pk)
    awaited = ending.awaited_observations(found) if is_open else []
    in_time = timezone.localdate() <= found.observations_until
    papers = found.papers.select_related("document").order_by("pk")
    context = {
        "contract": contract,
        "termination": found,
        "party": ending.name_of(contract, found.party),
        "observations": list(found.observations.select_related("by")),
        "papers": papers,
        "awaited": awaited,
        "form": form if commits and (in_time or party == found.party) else None,
        "decides": commits and party == found.party,
        "may_decide": commits and party == found.party and not awaited,
        "is_open": is_open,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/termination.html", context, status=status)


def _deciding(request: PersonRequest, public_id: UUID, pk: int) -> Termination:
    contract = _committing(request, public_id)
    found = _termination(contract, pk)
    if rules.party_of(contract, request.user) != found.party:
        raise PermissionDenied
    return found


@require_http_methods(["GET", "POST"])
@writes_when_posted
def decide(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """The money of the end, then the decision."""
    found = _deciding(request, public_id, pk)
    if found.state != Termination.State.NOTIFIED:
        return redirect("endings:termination", public_id, pk)
    form = DecisionForm(request.POST or None, initial={"ends_on": found.ends_on})
    if request.method == "POST" and form.is_valid():
        try:
            ending.decide(found, **form.cleaned_data, by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "La fin du contrat est décidée ; les parties l’apprennent.")
            return redirect("endings:termination", public_id, pk)
    foreseen = ending.foresee_end(found.contract, found.ends_on, on=timezone.localdate())
    context = {
        "contract": found.contract,
        "termination": found,
        "form": form,
        "facts": ending.money_facts(foreseen) if foreseen else [],
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/termination_decide.html", context, status=status)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def withdraw(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Give the termination up, with a reason."""
    found = _deciding(request, public_id, pk)
    if found.state != Termination.State.NOTIFIED:
        return redirect("endings:termination", public_id, pk)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ending.withdraw(found, form.cleaned_data["reason"], by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "La résiliation est abandonnée : le contrat continue.")
            return redirect("endings:termination", public_id, pk)
    context: dict[str, Any] = {"contract": found.contract, "termination": found, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/termination_withdraw.html", context, status=status)


@require_safe
def letter(request: PersonRequest, public_id: UUID, pk: int, kind: str) -> HttpResponse:
    """A letter as it was issued."""
    found = _termination(_contract(request, public_id), pk)
    paper = get_object_or_404(found.papers.select_related("document"), kind=kind)
    name = f"{paper.document.number}.pdf"
    return pdf_response(read_document(paper.document), name=name, as_attachment=False)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def reorganise(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The agency records that CPTS merge, split or dissolve."""
    contract = _contract(request, public_id)
    if not reorganising.may_reorganise(contract.region_id, request.user):
        raise PermissionDenied
    form = ReorganisationForm(request.POST or None, community=contract.community)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            reorganising.reorganise(
                given["kind"],
                before=[contract.community, *given["others"]],
                after=list(given["after"]),
                effective_on=given["effective_on"],
                act=given["act"],
                by=request.user,
            )
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "La réorganisation est enregistrée.")
            return redirect("endings:hub", public_id)
    context = {"contract": contract, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/reorganise.html", context, status=status)
