"""The page of a project: how far a draft is, or what was deposited and its papers."""

import uuid
from functools import lru_cache
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.addresses import address
from cpts_portal.transactions import writes_when_posted
from health_projects import services
from health_projects.forms import DepositForm
from health_projects.models import HealthProject
from health_projects.opening import ACCEPTED, letter_reserves
from health_projects.past import read_past
from health_projects.preparing import papers_of
from health_projects.signing import frozen_version, is_unchanged, problems_of
from health_projects.timeline import timeline
from health_projects.views.access import visible_project
from workflow import clock_words
from workflow.clock import ClockState
from workflow.complements import asked_of
from workflow.models import Snapshot
from workflow.readers import Reader, reader_of
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    IncompleteError,
    clock_of,
)
from workflow.standing import state_for
from workflow.states import OPEN_STATES, CaseState
from workflow.tabs import tabs_of
from writing import rules
from writing.content import missing_before_deposit, procedure_of, read_content
from writing.content_markup import content as content_html
from writing.kinds import written
from writing.links import addresses, links
from writing.steps import steps_of


@writes_when_posted
@require_safe
def detail(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """A draft: what is missing, what is to be signed. Deposited: what was filed, its papers."""
    return _page(request, visible_project(request, project))


@never_cache
@writes_when_posted
@require_safe
def papers(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """The official documents alone, for the page that follows those on their way."""
    case = visible_project(request, project)
    context = {"project": case, "papers": papers_of(case, read_past([case])[case.pk])}
    return render(request, "health_projects/_papers.html", context)


def _page(
    request: PersonRequest,
    case: HealthProject,
    *,
    form: DepositForm | None = None,
    missing: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    reader = reader_of(case, request.user)
    past = read_past([case])[case.pk]
    context: dict[str, Any] = {
        "project": case,
        "is_lead": reader == Reader.LEAD,
        "state": state_for(case, request.user, reader),
        "papers": papers_of(case, past),
        "events": timeline(case, reader=reader, logs=past.logs, documents=past.documents),
        "refused": missing or [],
        "reserves": letter_reserves(case) if reader in {Reader.LEAD, Reader.OFFICE} else [],
    }
    if case.is_deposited:
        template, context = "deposited", context | _deposited(request, case, reader)
    else:
        template, context = "draft", context | _draft(request, case, form)
    return render(request, f"health_projects/{template}.html", context, status=status)


def _draft(request: PersonRequest, case: HealthProject, form: DepositForm | None) -> dict[str, Any]:
    frozen = frozen_version(case)
    content = read_content(case)
    missing = missing_before_deposit(content)
    unchanged = frozen is not None and not missing and is_unchanged(case, frozen, content)
    problems = [] if missing else problems_of(frozen, is_unchanged=unchanged)
    may_deposit = rules.may_deposit(case, request.user)
    return {
        "procedure": procedure_of(case),
        "missing": links(case, missing),
        "steps": steps_of(case, content, missing),
        "summary": content.territory,
        "pages": addresses(case),
        "frozen": frozen,
        "may_freeze": may_deposit and not missing and not unchanged,
        "is_to_sign": unchanged and bool(problems),
        "problems": problems,
        "may_deposit": may_deposit and not missing and not problems,
        "is_owner": may_deposit,
        "form": form or DepositForm(commitment=procedure_of(case).commitment),
    }


def _deposited(request: PersonRequest, case: HealthProject, reader: Reader) -> dict[str, Any]:
    clock = clock_of(case)
    return {
        "frozen_html": _frozen_html(case.public_id, case.version),
        "procedure": procedure_of(case),
        "tabs": tabs_of(case, request.user, reader),
        "deadline": clock_words.short_state(clock),
        "time_left": clock_words.time_left(clock),
        "meaning": clock_words.meaning_of_silence(clock),
        "clock_is_open": clock.state in {ClockState.RUNNING, ClockState.SUSPENDED},
        "overdue": clock_words.overdue(clock, is_lead=reader == Reader.LEAD),
        "follows_clock": reader != Reader.REVIEWER,
        "asked": asked_of(case) if reader == Reader.LEAD else None,
        "may_amend": case.state in ACCEPTED
        and reader == Reader.LEAD
        and case.team_role(request.user) in {"owner", "editor"},
        "may_withdraw_silence": case.state == CaseState.TACITLY_ACCEPTED
        and rules.may_withdraw_decision(case, request.user),
        "may_withdraw": case.state in OPEN_STATES and rules.may_withdraw(case, request.user),
    }


# About a hundred kilobytes each, as for the other cases: what a team of agents reads in a day.
@lru_cache(maxsize=64)
def _frozen_html(public_id: uuid.UUID, version: int) -> SafeString:
    """What a deposit holds, which never changes: drawn once per process."""
    snapshot = Snapshot.objects.get(case__public_id=public_id, version=version)
    filing = HealthProject.objects.values_list("filing", flat=True).get(public_id=public_id)
    kind = written(snapshot.content["kind"])
    return content_html(kind, snapshot.content | (filing or {}), public_id)


@require_POST
def freeze(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """Freeze what the members are asked to sign."""
    case = visible_project(request, project)
    try:
        services.freeze_version(case, actor=request.user)
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except IncompleteError as incomplete:
        sentences = [str(getattr(one, "sentence", one)) for one in incomplete.missing]
        return _page(request, case, missing=sentences, status=409)
    else:
        messages.success(
            request,
            f"La version {case.version} est figée. Son PDF se prépare : ouvrez ensuite une "
            "campagne de signatures.",
        )
    return redirect("projects:detail", case.public_id)


@require_http_methods(["GET", "HEAD", "POST"])
def deposit(request: PersonRequest, project: uuid.UUID) -> HttpResponse:
    """File the version that the members signed: asked on the page of the project."""
    case = visible_project(request, project)
    if request.method != "POST":
        return redirect(f"{address('projects:detail', case.public_id)}#deposer")
    form = DepositForm(request.POST, commitment=procedure_of(case).commitment)
    if not form.is_valid():
        if case.is_deposited:
            return redirect("projects:detail", case.public_id)
        return _page(request, case, form=form, status=422)
    try:
        services.deposit(
            case,
            actor=request.user,
            commits=form.cleaned_data["commits"],
            signatory_name=form.cleaned_data["signatory_name"],
            place=form.cleaned_data["place"],
        )
    except AlreadyDoneError as done:
        messages.info(request, done.message)
    except IncompleteError as incomplete:
        sentences = [str(getattr(one, "sentence", one)) for one in incomplete.missing]
        return _page(request, case, form=form, missing=sentences, status=409)
    except ActionRefusedError as refused:
        form.add_error(None, refused.message)
        return _page(request, case, form=form, status=422)
    else:
        messages.success(
            request,
            f"Votre projet est déposé sous la référence {case.reference}. Ses documents se "
            "préparent ; l’équipe les reçoit par courriel.",
        )
    return redirect("projects:detail", case.public_id)
