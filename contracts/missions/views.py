"""The life of a contract in force: its missions. Every view starts from what one may see."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from contracts.dialogue.patient_data import PatientDataError
from contracts.funding import crises
from contracts.funding.wording import mission_name
from contracts.missions import calendar
from contracts.missions.forms import CrisisForm, StepForm
from contracts.models import Contract, MissionStep
from cpts_portal import calendars
from cpts_portal.transactions import writes_when_posted
from documents.downloads import send_attachment
from documents.services import too_large
from documents.uploads import dropped_files
from workflow.reading import read_seen
from workflow.services import ActionRefusedError


def contract_or_404(request: PersonRequest, public_id: UUID) -> Contract:
    """The contract, once signed, if the person may see it."""
    found = read_seen(Contract, request.user, public_id)
    if found is None or not found.is_signed:
        raise Http404
    return found


@require_safe
@writes_when_posted
def missions(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """Each mission: where it stands, by when it is awaited, what the CPTS declared."""
    contract = contract_or_404(request, public_id)
    today = timezone.localdate()
    calendar_rows = calendar.calendar_of(contract)
    steps = list(contract.mission_steps.select_related("declared_by", "withdrawn_by", "proof"))
    rows = [
        {
            "dates": one,
            "short": one.short(today),
            "said": one.said(today),
            "tone": one.tone(today),
            "steps": [step for step in steps if step.mission == one.mission],
            "next": "started" if not one.started_on else "deployed" if not one.deployed_on else "",
        }
        for one in calendar_rows
    ]
    context = {
        "contract": contract,
        "rows": rows,
        "declares": calendar.may_declare(contract, request.user),
        "recognises": crises.may_recognise(contract, request.user),
        "crises": contract.crises.select_related("recorded_by").order_by("-recognised_on"),
        "has_limits": any(one.awaited for one in calendar_rows),
    }
    return render(request, "contracts/missions.html", context)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def declare(request: PersonRequest, public_id: UUID, mission: str, step: str) -> HttpResponse:
    """Say that a mission started, or is wholly in place."""
    contract = contract_or_404(request, public_id)
    if step not in MissionStep.Step.values:
        raise Http404
    if not calendar.may_declare(contract, request.user):
        raise PermissionDenied
    form = StepForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if dropped := dropped_files(request):
            form.add_error("proof", too_large(dropped[0]).message)
        elif form.is_valid():
            given = form.cleaned_data
            try:
                calendar.declare_step(
                    contract,
                    mission,
                    MissionStep.Step(step),
                    on=given["on"],
                    note=given["evidence"],
                    proof=given["proof"],
                    is_confirmed=given.get("no_patient", False),
                    by=request.user,
                )
            except PatientDataError as refused:
                form = StepForm(request.POST, request.FILES, asks_tick=refused.may_confirm)
                form.add_error("proof", refused.message)
            except ActionRefusedError as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, f"C’est déclaré : {mission_name(mission)}.")
                return redirect("contracts:missions", contract.public_id)
    status = 422 if request.method == "POST" else 200
    title = "Déclarer le démarrage" if step == "started" else "Déclarer le déploiement complet"
    context = {"contract": contract, "form": form, "mission": mission_name(mission), "title": title}
    return render(request, "contracts/mission_declare.html", context, status=status)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def recognise_crisis(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """The agency recognises a crisis: its share falls due."""
    contract = contract_or_404(request, public_id)
    if not crises.may_recognise(contract, request.user):
        raise PermissionDenied
    form = CrisisForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            crises.recognise(contract, given["on"], given["name"], by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            messages.success(request, "La crise est reconnue ; les parties sont prévenues.")
            return redirect("contracts:missions", contract.public_id)
    status = 422 if request.method == "POST" else 200
    context = {"contract": contract, "form": form}
    return render(request, "contracts/crisis.html", context, status=status)


@require_POST
def withdraw(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Take a declaration back."""
    contract = contract_or_404(request, public_id)
    try:
        step = calendar.withdraw_step(contract, pk, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, f"La déclaration est retirée : {mission_name(step.mission)}.")
    return redirect("contracts:missions", contract.public_id)


@require_safe
@writes_when_posted
def step_proof(request: PersonRequest, public_id: UUID, pk: int) -> HttpResponse:
    """The file joined to a declaration."""
    contract = contract_or_404(request, public_id)
    found = contract.mission_steps.select_related("proof")
    step = get_object_or_404(found, pk=pk, proof__isnull=False)
    assert step.proof is not None  # noqa: S101 - the query says so
    return cast(HttpResponse, send_attachment(request, step.proof))


@require_safe
@writes_when_posted
def calendar_file(request: PersonRequest, public_id: UUID) -> HttpResponse:
    """What is awaited, for one's own calendar."""
    contract = contract_or_404(request, public_id)
    content = calendars.days_file(calendar.days_of(contract), stamped_at=timezone.now())
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    name = f"missions-{contract.reference}.ics"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
