"""A request that was sent is given more time, lifted, cancelled, or ends with the case."""

from datetime import date
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import long_date
from workflow.clock import ClockState, EventKind, Silence
from workflow.clock_rules import clock_rule
from workflow.complement_mails import tell_team_cancelled, tell_team_changed, tell_team_closed
from workflow.complements import (
    LONGEST_TEXT,
    Action,
    State,
    check_office,
    locked_case,
    locked_open,
    note,
    stop_clock,
)
from workflow.kinds import child_of
from workflow.models import Case, CompletionItem, CompletionRequest
from workflow.services import (
    ActionRefusedError,
    already_done_by,
    clock_of,
    perform,
    record_clock_event,
)
from workflow.states import CaseState
from workflow.typed import check_due, typed_text


def run_clock(case: Case, actor: User, reason: str, *, is_complete: bool = False) -> None:
    """Let the period run again: what remained of it, or in full where silence accepts and the
    team has just completed its file (CRPA, L. 114-5): asking for nothing more completes nothing.
    """
    clock = clock_of(case)
    if clock.state != ClockState.SUSPENDED:
        return
    in_full = is_complete and clock_rule(case).silence == Silence.ACCEPTANCE
    record_clock_event(
        case,
        EventKind.RESTART if in_full else EventKind.RESUME,
        effective_on=timezone.localdate(),
        actor=actor,
        reason=reason,
    )


@transaction.atomic
def extend(
    request: CompletionRequest, *, user: User, due_on: date, comment: str = ""
) -> CompletionRequest:
    """Give the team more time, before or after the last day.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    request, case = locked_open(request, user)
    check_due(due_on, who="l’équipe")
    if request.due_on and due_on <= request.due_on:
        raise ActionRefusedError(
            f"La réponse est déjà attendue jusqu’au {long_date(request.due_on)}. "
            "Choisissez une date plus tardive."
        )
    comment = typed_text(comment, longest=LONGEST_TEXT)
    request.due_on = due_on
    request.save(update_fields=["due_on"])
    note(request, Action.EXTENDED, actor=user, comment=comment)
    if request.items.filter(blocking=True, lifted_at__isnull=True).exists():
        stop_clock(case, due_on, user, f"Date limite reportée, demande n° {request.number}.")
    tell_team_changed(case, request, cause=f"due:{due_on}", comment=comment)
    return request


@transaction.atomic
def lift(item: CompletionItem, *, user: User, reason: str) -> CompletionRequest:
    """Stop asking for one item. With its last item, the request itself is cancelled.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    request, case = locked_open(item.request, user)
    item = request.items.get(pk=item.pk)
    if item.lifted_at is not None:
        raise already_done_by(item.lifted_by, item.lifted_at)
    reason = typed_text(
        reason,
        longest=LONGEST_TEXT,
        needed="Dites pourquoi ce point n’est plus demandé : l’équipe le lira.",
    )
    item.lifted_at, item.lifted_by, item.lift_reason = timezone.now(), user, reason
    item.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    note(request, Action.LIFTED, actor=user, comment=f"{item.label} : {reason}")
    if not request.items.filter(lifted_at__isnull=True).exists():
        _cancel(request, case, user=user, reason=reason)
        return request
    if item.blocking and not request.items.filter(blocking=True, lifted_at__isnull=True).exists():
        _resume(request, case, user=user)
    tell_team_changed(case, request, cause=f"lift:{item.pk}", comment=f"{item.label} : {reason}")
    return request


@transaction.atomic
def cancel(request: CompletionRequest, *, user: User, reason: str) -> CompletionRequest:
    """Take a request back: the case goes on as it was deposited.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    request, case = locked_open(request, user)
    reason = typed_text(
        reason,
        longest=LONGEST_TEXT,
        needed="Dites pourquoi la demande est annulée : l’équipe le lira.",
    )
    _cancel(request, case, user=user, reason=reason)
    return request


def _cancel(request: CompletionRequest, case: Case, *, user: User, reason: str) -> None:
    _resume(request, case, user=user)
    _end(request, State.CANCELLED, Action.CANCELLED, user=user, reason=reason)
    tell_team_cancelled(case, request)


def _resume(request: CompletionRequest, case: Case, *, user: User) -> None:
    """Nothing indispensable is asked any more: the case and its clock go on."""
    if case.state == CaseState.COMPLETION_REQUESTED:
        perform(child_of(case), "resume_review", actor=user)
    run_clock(case, user, f"Plus rien d’indispensable n’est demandé (demande n° {request.number}).")


def close_case(case: Case, *, user: User, reason: str) -> None:
    """Close a case that its team did not complete in time; never done by the portal itself.

    Raises PermissionDenied, IncompleteError, AlreadyDoneError, or ActionRefusedError.
    """
    reason = typed_text(
        reason,
        longest=LONGEST_TEXT,
        needed="Dites pourquoi le dossier est clos : l’équipe le lira.",
    )
    with transaction.atomic():
        case = locked_case(case.pk)
        check_office(case, user)
        perform(child_of(case), "close", actor=user, comment=reason)
        tell_team_closed(locked_case(case.pk), reason)


def abandon_requests(case: Case, *, actor: User | None, reason: str) -> None:
    """The case ends without an answer: closed, withdrawn, accepted by silence or decided.

    What the team had prepared and the office's drafts go. The caller holds the lock on the case.
    """
    case.completion_requests.filter(state=State.DRAFT).delete()
    for request in case.completion_requests.filter(state=State.SENT):
        _end(request, State.ABANDONED, Action.ABANDONED, user=actor, reason=reason)


def _end(
    request: CompletionRequest, state: str, action: str, *, user: User | None, reason: str
) -> None:
    request.state, request.ended_at = state, timezone.now()
    request.ended_by, request.end_reason = user, reason
    empty_buffer(request)
    request.save()
    note(request, action, actor=user, comment=reason)


def empty_buffer(request: CompletionRequest, *, keep_notes: bool = False) -> None:
    """Forget what the team had prepared; the files go once this is committed.

    `request` is left to be saved by the caller.
    """
    for item in request.items.prefetch_related("files__attachment"):
        for buffered in item.files.all():
            file, attachment = buffered.attachment.file, buffered.attachment
            buffered.delete()
            attachment.delete()
            transaction.on_commit(partial(file.delete, save=False))
    request.items.update(value=None, revision=0, removed=[])
    if not keep_notes:
        request.items.update(note="")
    if request.territory is not None:
        territory, request.territory = request.territory, None
        CompletionRequest.objects.filter(pk=request.pk).update(territory=None)
        territory.delete()
