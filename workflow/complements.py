"""Requests for what a case lacks: the one that is open, and what it does to the clock.

Every function that changes something locks the case first, then reads what it changes. A request
that holds an indispensable item stops the clock as the law says (CRPA, L. 114-5); what the office
merely wishes to know does not.
"""

from datetime import date
from typing import Final, NamedTuple

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import User
from cpts_portal.composed import Composed, Given
from cpts_portal.words import long_date
from workflow import complement_rules as rules
from workflow.clock import ClockState, EventKind, Silence
from workflow.clock_rules import clock_rule
from workflow.models import Case, CompletionLog, CompletionRequest
from workflow.models.complements import CompletionAction, CompletionState
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, already_done_by, clock_of, record_clock_event

LONGEST_TEXT: Final = 2_000
State = CompletionState
Action = CompletionAction


def open_request(case: Case) -> CompletionRequest | None:
    """The request the team has to answer, if there is one."""
    return case.completion_requests.filter(state=State.SENT).first()


class OpenRequest(NamedTuple):
    """The request the team has to answer, in brief: its number and its last day."""

    number: int
    due_on: date | None


_ASKED: Final = Composed(
    lambda: CompletionRequest.objects.filter(
        case=Given("case"), state=State.SENT.value
    ).values_list("number", "due_on")
)


def asked_of(case: Case) -> OpenRequest | None:
    """The same as its page shows it on top."""
    return next((OpenRequest(*row) for row in _ASKED.rows(case=case.pk)), None)


def blocking_requests(case: Case) -> list[str]:
    """Why nothing can be decided yet: one sentence per open request that blocks; empty: nothing.

    One query. A request blocks while one of its indispensable items is neither given nor lifted.
    """
    found = CompletionRequest.objects.filter(
        case_id=case.pk, state=State.SENT, items__blocking=True, items__lifted_at__isnull=True
    ).distinct()
    return [
        f"La demande de compléments n° {one.number} attend une réponse avant le "
        f"{long_date(one.due_on)} : attendez-la, ou levez ses points indispensables."
        for one in found
        if one.due_on
    ]


def overdue_request(case: Case, *, today: date | None = None) -> CompletionRequest | None:
    """The open request whose last day has passed, if it blocks the case: it may be closed."""
    found = CompletionRequest.objects.filter(
        case_id=case.pk,
        state=State.SENT,
        due_on__lt=today or timezone.localdate(),
        items__blocking=True,
        items__lifted_at__isnull=True,
    )
    return found.distinct().first()


def missing_before_closing(case: Case) -> list[str]:
    """Why the case cannot be closed without action; empty: it can."""
    if overdue_request(case):
        return []
    sentence = (
        "Un dossier n’est clos sans suite que si une demande de compléments indispensables est "
        "restée sans réponse après sa date limite."
    )
    return [sentence]


def effect_on_clock(case: Case, *, blocking: bool, due_on: date | None) -> str:
    """What sending a request does to the legal period, in words (CRPA, L. 114-5)."""
    if not blocking:
        return (
            "Aucun point n’est indispensable : le délai de réponse continue de courir, et une "
            "décision reste possible."
        )
    silence = clock_rule(case).silence
    clock = clock_of(case)
    if clock.state in {ClockState.NOT_STARTED, ClockState.ENDED} or clock.silence_took_effect:
        return "Le délai de réponse ne court plus : la demande n’y change rien."
    if silence == Silence.ACCEPTANCE:
        return (
            "Le silence vaut acceptation sur ce dossier : le délai s’arrête aujourd’hui et "
            "repartira en entier le jour où tous les points indispensables seront fournis "
            "(CRPA, article L. 114-5)."
        )
    until = f", au plus tard le {long_date(due_on)}" if due_on else ""
    return (
        "Le silence vaut rejet sur ce dossier : le délai est seulement suspendu. Il s’arrête "
        f"aujourd’hui et reprendra à la réception des points indispensables{until} (CRPA, article "
        "L. 114-5)."
    )


def stop_clock(case: Case, until: date, actor: User, reason: str) -> None:
    clock = clock_of(case)
    if clock.state not in {ClockState.RUNNING, ClockState.SUSPENDED} or clock.silence_took_effect:
        return
    record_clock_event(
        case,
        EventKind.SUSPEND,
        effective_on=timezone.localdate(),
        until=until,
        actor=actor,
        reason=reason,
    )


def locked_case(pk: int) -> Case:
    Case.objects.select_for_update().get(pk=pk)
    return Case.objects.select_related("office", "region", "community").get(pk=pk)


def check_office(case: Case, user: User) -> None:
    if not rules.follows(case, user):
        raise PermissionDenied(
            "Seul le bureau en charge du dossier demande des compléments, par ses agents qui le "
            "suivent."
        )
    still_holds_their_role(user)
    if case.state not in rules.ASKING_STATES:
        raise ActionRefusedError(
            "À cette étape, aucun complément ne peut être demandé ni changé sur ce dossier. "
            "Prenez-le d’abord en charge s’il vient d’arriver."
        )


def locked_open(request: CompletionRequest, user: User) -> tuple[CompletionRequest, Case]:
    case = locked_case(request.case_id)
    check_office(case, user)
    request = CompletionRequest.objects.select_related("territory").get(pk=request.pk)
    check_is_open(request)
    return request, case


def check_is_open(request: CompletionRequest) -> None:
    if request.is_draft:
        raise ActionRefusedError("Cette demande n’est pas encore envoyée.")
    if not request.is_open:
        raise already_done_by(request.ended_by, request.ended_at or timezone.now())


def note(
    request: CompletionRequest,
    action: str,
    *,
    actor: User | None = None,
    comment: str = "",
    cause: str = "",
) -> CompletionLog:
    return CompletionLog.objects.create(
        request=request,
        action=action,
        actor=actor,
        comment=comment,
        due_on=request.due_on,
        cause=cause,
    )
