"""The page of a case: how far a draft is, or everything that was deposited."""

import uuid
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import PersonRequest
from accounts.models import User
from communities.models import TeamMember
from cpts_portal.composed import Composed, Given
from cpts_portal.transactions import writes_when_posted
from workflow import clock_words
from workflow.clock import ClockState
from workflow.complements import asked_of
from workflow.readers import Reader, reader_of
from workflow.services import clock_of
from workflow.standing import state_for
from workflow.states import OPEN_STATES
from workflow.tabs import tabs_of
from writing import rules
from writing.content import missing_before_deposit, procedure_of, read_content
from writing.documents import earlier_documents, expected_kinds
from writing.frozen import frozen_content
from writing.kinds import WrittenKind
from writing.links import addresses, links
from writing.models import WrittenCase
from writing.past import read_past
from writing.steps import steps_of
from writing.timeline import timeline
from writing.views.access import visible_case

_TEAM: Final = Composed(
    lambda: TeamMember.objects.filter(community=Given("community")).values_list(
        "role", "user__first_name", "user__last_name", "user__email"
    )
)


@writes_when_posted
@require_safe
def detail(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """A draft: progress, what is missing, the team. Deposited: what was frozen, and its papers."""
    case = visible_case(request, kind, public_id)
    reader = reader_of(case, request.user)
    context = {
        "case": case,
        "state": state_for(case, request.user, reader),
        "is_lead": reader == Reader.LEAD,
    }
    if case.is_deposited:
        template, context = "deposited", context | _deposited(request, case, reader)
        context["tabs"] = tabs_of(case, request.user, reader)
    else:
        template, context = "draft", context | _draft(request, case, reader)
    return render(request, f"writing/case/{template}.html", context)


def _draft(request: PersonRequest, case: WrittenCase, reader: Reader) -> dict[str, Any]:
    content = read_content(case)
    missing = missing_before_deposit(content)
    steps = steps_of(case, content, missing)
    return {
        "procedure": content.procedure,
        "summary": content.territory,
        "pages": addresses(case),
        "steps": steps,
        "next_step": next((step for step in steps if step.missing_count), steps[0]),
        "missing": links(case, missing),
        "members": _members(case),
        "may_edit": rules.may_edit(case, request.user),
        "may_invite": rules.may_invite(case, request.user),
        "may_deposit": rules.may_deposit(case, request.user),
        "events": timeline(case, reader=reader, logs=[], documents=[]),
    }


def _members(case: WrittenCase) -> list[tuple[str, str]]:
    """The team: each one's name and role."""
    rows = _TEAM.rows(community=case.community_id)
    return [
        (str(User(first_name=first, last_name=last, email=email)), TeamMember.Role(role).label)
        for role, first, last, email in rows
    ]


def _deposited(request: PersonRequest, case: WrittenCase, reader: Reader) -> dict[str, Any]:
    procedure = procedure_of(case)
    past = read_past([case])[case.pk]
    ready = {link.kind: link.document for link in past.current}
    papers = [(kind.label, ready.get(kind.key)) for kind in expected_kinds(case, case.version)]
    clock = clock_of(case)
    return {
        "frozen": frozen_content(case),
        "deadline": clock_words.short_state(clock),
        "time_left": clock_words.time_left(clock),
        "meaning": clock_words.meaning_of_silence(clock),
        "clock_is_open": clock.state in {ClockState.RUNNING, ClockState.SUSPENDED},
        "overdue": clock_words.overdue(clock, is_lead=reader == Reader.LEAD),
        "follows_clock": reader != Reader.REVIEWER,
        "procedure": procedure,
        "papers": papers,
        "earlier": earlier_documents(case) if case.version > 1 else [],
        "asked": asked_of(case) if reader == Reader.LEAD else None,
        "in_preparation": len(ready) < len(papers),
        "may_withdraw": case.state in OPEN_STATES and rules.may_withdraw(case, request.user),
        "may_post": procedure.paper is not None and rules.may_record_posting(case, request.user),
        "events": timeline(case, reader=reader, logs=past.logs, documents=past.current),
    }
