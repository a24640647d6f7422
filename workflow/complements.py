"""Asking the team for what is missing, and what becomes of the request.

Every function that changes something locks the case first, then reads what it changes.

A request that holds an indispensable item stops the clock as the law says (CRPA, L. 114-5);
what the office merely wishes to know does not.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Final, NamedTuple, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import CommunityTerritory
from cpts_portal.composed import Composed, Given
from territories.models import Territory, TerritoryPart
from workflow import complement_rules as rules
from workflow.clock import ClockState, EventKind, Silence, day_in_words
from workflow.clock_rules import clock_rule
from workflow.complement_mails import (
    tell_office_answered,
    tell_office_overdue,
    tell_team_cancelled,
    tell_team_changed,
    tell_team_closed,
    tell_team_due,
    tell_team_requested,
)
from workflow.consultation_mails import tell_bodies_of_version
from workflow.kinds import Target, child_of, kind_of
from workflow.models import Case, CompletionItem, CompletionLog, CompletionRequest
from workflow.models.complements import CompletionAction, CompletionState
from workflow.people import still_holds_their_role
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    already_done_by,
    clock_of,
    perform,
    record_clock_event,
)
from workflow.states import CaseState

logger = logging.getLogger(__name__)

LONGEST_TEXT: Final = 2_000
MOST_ITEMS: Final = 60
# A date further away than this is a slip of the keyboard.
LONGEST_DELAY: Final = timedelta(days=366)
# What the team is given unless the office says otherwise, in days.
USUAL_DELAY: Final = 30
# Days before and after the last day on which the team is reminded.
BEFORE: Final = (7, 2)
AFTER: Final = (1, 15)

State = CompletionState
Action = CompletionAction


# --- Reading --------------------------------------------------------------------------------


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
        f"{day_in_words(one.due_on)} : attendez-la, ou levez ses points indispensables."
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
    until = f", au plus tard le {day_in_words(due_on)}" if due_on else ""
    return (
        "Le silence vaut rejet sur ce dossier : le délai est seulement suspendu. Il s’arrête "
        f"aujourd’hui et reprendra à la réception des points indispensables{until} (CRPA, article "
        "L. 114-5)."
    )


# --- Preparing --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing to ask for."""

    key: str
    reason: str
    comment: str = ""
    blocking: bool = True


@transaction.atomic
def start_request(case: Case, *, user: User) -> CompletionRequest:
    """The office's request in preparation; it is made if there is none.

    Raises PermissionDenied, and ActionRefusedError while a request waits for its answer.
    """
    case = _locked_case(case.pk)
    _check_office(case, user)
    office = cast(Organisation, case.office)
    if (waiting := open_request(case)) is not None:
        raise ActionRefusedError(
            f"La demande n° {waiting.number} attend la réponse de l’équipe. Attendez-la, levez ses "
            "points ou annulez-la avant d’en préparer une autre."
        )
    # What another office prepared before it handed the case over is its own.
    case.completion_requests.filter(state=State.DRAFT).exclude(office=case.office_id).delete()
    draft = case.completion_requests.filter(state=State.DRAFT).first()
    if draft is not None:
        return draft
    last = case.completion_requests.aggregate(last=Max("number"))["last"] or 0
    return CompletionRequest.objects.create(
        case=case,
        number=last + 1,
        office=office,
        created_by=user,
        due_on=timezone.localdate() + timedelta(days=USUAL_DELAY),
    )


@transaction.atomic
def save_request(
    request: CompletionRequest, *, user: User, message: str, due_on: date
) -> CompletionRequest:
    """Write the message and the last day of a request in preparation."""
    request, _case = _locked_draft(request, user)
    _check_due(due_on)
    request.message = _text(message)
    request.due_on = due_on
    request.save(update_fields=["message", "due_on"])
    return request


@transaction.atomic
def save_item(request: CompletionRequest, asked: Asked, *, user: User) -> CompletionItem:
    """Add an item to a request in preparation, or change the one that asks for the same thing.

    Raises ActionRefusedError for something the procedure of the case does not have.
    """
    request, case = _locked_draft(request, user)
    target = target_named(case, asked.key)
    if target is None:
        raise ActionRefusedError(
            "Ce champ n’est pas dans le formulaire de ce dossier. Choisissez-en un dans la liste."
        )
    comment = _text(asked.comment)
    if asked.reason == CompletionItem.Reason.UNCLEAR and not comment:
        raise ActionRefusedError("Dites ce qui est à préciser : l’équipe ne peut pas le deviner.")
    items = request.items
    known = items.filter(key=asked.key).first()
    if known is None and items.count() >= MOST_ITEMS:
        raise ActionRefusedError(
            f"Une demande compte {MOST_ITEMS} points au plus. Regroupez-en quelques-uns."
        )
    item = known or CompletionItem(
        request=request,
        key=asked.key,
        position=(items.aggregate(last=Max("position"))["last"] or 0) + 1,
    )
    item.kind, item.label = target.kind, target.label
    item.reason, item.comment, item.blocking = asked.reason, comment, asked.blocking
    item.save()
    return item


@transaction.atomic
def remove_item(item: CompletionItem, *, user: User) -> None:
    """Take an item out of a request in preparation."""
    request, _case = _locked_draft(item.request, user)
    request.items.filter(pk=item.pk).delete()


@transaction.atomic
def discard(request: CompletionRequest, *, user: User) -> None:
    """Give up a request in preparation: nobody has read it."""
    request, _case = _locked_draft(request, user)
    request.delete()


def target_named(case: Case, key: str) -> Target | None:
    """What of the case bears this key today, or None."""
    return next((one for one in kind_of(case).targets(case) if one.key == key), None)


# --- Sending --------------------------------------------------------------------------------


def missing_before_sending(request: CompletionRequest) -> list[str]:
    """What a request in preparation lacks; empty: it can be sent."""
    sentences = []
    if not request.items.exists():
        sentences.append("Ajoutez au moins un point à compléter.")
    if request.due_on is None or request.due_on <= timezone.localdate():
        sentences.append("Donnez une date limite dans l’avenir.")
    return sentences


@transaction.atomic
def send(request: CompletionRequest, *, user: User) -> CompletionRequest:
    """Send a request to the team, once: the case moves, the clock stops if the law says so.

    Raises PermissionDenied, AlreadyDoneError when it was sent, ActionRefusedError with what lacks.
    """
    request, case = _locked_draft(request, user)
    if missing := missing_before_sending(request):
        raise ActionRefusedError(" ".join(missing))
    items = list(request.items.all())
    blocking = any(item.blocking for item in items)
    name = "request_completion" if blocking else "request_details"
    perform(child_of(case), name, actor=user)
    request.state = State.SENT
    request.sent_at, request.sent_by, request.version = timezone.now(), user, case.version
    if any(item.kind == CompletionItem.Kind.TERRITORY for item in items):
        request.territory = copy_territory(case.community.territory)
    request.save()
    _log(request, Action.SENT, actor=user)
    if blocking and request.due_on:
        _stop_clock(case, request.due_on, user, f"Demande de compléments n° {request.number}.")
    tell_team_requested(case, request)
    return request


def copy_territory(territory: Territory) -> Territory:
    """A territory with the same lines and declared population, that belongs to no CPTS."""
    copy = Territory.objects.create(
        declared_population=territory.declared_population,
        declared_population_reason=territory.declared_population_reason,
        awaiting_id=territory.awaiting_id,
    )
    TerritoryPart.objects.bulk_create(
        TerritoryPart(
            territory=copy,
            commune_id=part.commune_id,
            part_name=part.part_name,
            part_population=part.part_population,
        )
        for part in territory.parts.all()
    )
    return copy


def _stop_clock(case: Case, until: date, actor: User, reason: str) -> None:
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


def _run_clock(case: Case, actor: User, reason: str, *, is_complete: bool = False) -> None:
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


# --- Once sent --------------------------------------------------------------------------------


@transaction.atomic
def extend(
    request: CompletionRequest, *, user: User, due_on: date, comment: str = ""
) -> CompletionRequest:
    """Give the team more time, before or after the last day.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    request, case = _locked_open(request, user)
    _check_due(due_on)
    if request.due_on and due_on <= request.due_on:
        raise ActionRefusedError(
            f"La réponse est déjà attendue jusqu’au {day_in_words(request.due_on)}. "
            "Choisissez une date plus tardive."
        )
    comment = _text(comment)
    request.due_on = due_on
    request.save(update_fields=["due_on"])
    _log(request, Action.EXTENDED, actor=user, comment=comment)
    if request.items.filter(blocking=True, lifted_at__isnull=True).exists():
        _stop_clock(case, due_on, user, f"Date limite reportée, demande n° {request.number}.")
    tell_team_changed(case, request, cause=f"due:{due_on}", comment=comment)
    return request


@transaction.atomic
def lift(item: CompletionItem, *, user: User, reason: str) -> CompletionRequest:
    """Stop asking for one item. With its last item, the request itself is cancelled.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    request, case = _locked_open(item.request, user)
    item = request.items.get(pk=item.pk)
    if item.lifted_at is not None:
        raise already_done_by(item.lifted_by, item.lifted_at)
    reason = _text(reason, needed="Dites pourquoi ce point n’est plus demandé : l’équipe le lira.")
    item.lifted_at, item.lifted_by, item.lift_reason = timezone.now(), user, reason
    item.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    _log(request, Action.LIFTED, actor=user, comment=f"{item.label} : {reason}")
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
    request, case = _locked_open(request, user)
    reason = _text(reason, needed="Dites pourquoi la demande est annulée : l’équipe le lira.")
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
    _run_clock(
        case, user, f"Plus rien d’indispensable n’est demandé (demande n° {request.number})."
    )


def close_case(case: Case, *, user: User, reason: str) -> None:
    """Close a case that its team did not complete in time; never done by the portal itself.

    Raises PermissionDenied, IncompleteError, AlreadyDoneError, or ActionRefusedError.
    """
    reason = _text(reason, needed="Dites pourquoi le dossier est clos : l’équipe le lira.")
    with transaction.atomic():
        case = _locked_case(case.pk)
        _check_office(case, user)
        perform(child_of(case), "close", actor=user, comment=reason)
        tell_team_closed(_locked_case(case.pk), reason)


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
    _log(request, action, actor=user, comment=reason)


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


# --- The answer -------------------------------------------------------------------------------


@transaction.atomic
def save_note(item: CompletionItem, *, user: User, note: str) -> None:
    """What the team says of an item: why nothing changes, or where to look.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    case = _locked_case(item.request.case_id)
    if not rules.may_prepare_answer(case, user):
        raise PermissionDenied("Seuls les responsables et les rédacteurs de l’équipe répondent.")
    request = CompletionRequest.objects.get(pk=item.request_id)
    _check_is_open(request)
    item = request.items.get(pk=item.pk)
    if item.is_lifted:
        raise already_done_by(item.lifted_by, item.lifted_at or timezone.now())
    request.items.filter(pk=item.pk).update(
        note=_text(note), updated_at=timezone.now(), updated_by=user
    )


def is_touched(item: CompletionItem, request: CompletionRequest) -> bool:
    """Whether the team has changed what the item asks for. `files` come with the item."""
    if item.kind == CompletionItem.Kind.TERRITORY:
        territory = request.territory
        return item.revision > 0 or (territory is not None and territory.revision > 0)
    return item.revision > 0 or bool(item.removed) or bool(item.files.all())


def missing_before_answer(case: Case) -> list[tuple[str, str]]:
    """What the answer still lacks, as (key, sentence): each indispensable item is dealt with."""
    request = case.completion_requests.filter(state=State.SENT).select_related("territory").first()
    if request is None:
        return [("", "Aucune demande de compléments n’attend de réponse.")]
    items = request.items.filter(lifted_at__isnull=True).prefetch_related("files")
    known = {one.key for one in kind_of(case).targets(case)}
    touched = [item for item in items if is_touched(item, request) or item.note]
    missing = [
        (item.key, _wanted(item))
        for item in items
        # What the procedure no longer has is answered by a note only, and holds nothing up.
        if item.blocking and item not in touched and item.key in known
    ]
    if not missing and not touched:
        missing.append(("", "Rien n’a encore été complété : répondez à un point au moins."))
    return missing


def _wanted(item: CompletionItem) -> str:
    return (
        f"« {item.label} » attend votre réponse : complétez ce point, ou écrivez pourquoi "
        "rien ne change."
    )


def receive_answer(case: Case, request: CompletionRequest, *, actor: User) -> None:
    """Note that the team has deposited its answer: the clock runs again, the office and the
    bodies that have the case are told.

    The caller holds the lock on the case, which bears its new version.
    """
    request.state, request.ended_at, request.ended_by = State.ANSWERED, timezone.now(), actor
    request.answered_version = case.version
    request.save()
    _log(request, Action.ANSWERED, actor=actor)
    _run_clock(case, actor, f"Compléments reçus (demande n° {request.number}).", is_complete=True)
    tell_office_answered(case, request)
    tell_bodies_of_version(case)


def adopt_territory(case: Case, request: CompletionRequest) -> None:
    """Make the team's copy the current territory of the CPTS, from today on."""
    territory = request.territory
    if territory is None:
        return
    request.territory = None
    CompletionRequest.objects.filter(pk=request.pk).update(territory=None)
    links = CommunityTerritory.objects.filter(community_id=case.community_id)
    links.filter(valid_to__isnull=True).update(valid_to=timezone.localdate())
    links.create(community_id=case.community_id, territory=territory)


# --- Time --------------------------------------------------------------------------------


def follow_requests(*, today: date | None = None) -> int:
    """Remind teams before and after the last day, and tell offices once it has passed.

    It can run as often as one likes: each thing is done once per request and last day. After a
    stop of several days only the most pressing reminder is sent. Nothing is ever closed here.
    """
    today = today or timezone.localdate()
    near = CompletionRequest.objects.filter(
        state=State.SENT,
        due_on__lte=today + timedelta(days=max(BEFORE)),
        case__state__in=rules.ANSWERING_STATES,
    )
    return sum(_each(near.order_by("pk").values_list("pk", flat=True), today))


def _each(ids: Iterable[int], today: date) -> list[bool]:
    done = []
    for pk in list(ids):
        try:
            with transaction.atomic():
                done.append(_remind(pk, today))
        except Exception:
            logger.exception("Completion request %s could not be followed", pk)
    return done


def _remind(pk: int, today: date) -> bool:
    request = CompletionRequest.objects.get(pk=pk)
    case = _locked_case(request.case_id)
    request.refresh_from_db()
    if request.state != State.SENT or request.due_on is None or request.sent_at is None:
        return False
    left = (request.due_on - today).days
    if left < 0 and _once(request, Action.OVERDUE, f"{request.due_on}"):
        tell_office_overdue(case, request)
    given = (request.due_on - timezone.localdate(request.sent_at)).days
    reached = (
        [day for day in BEFORE if left <= day < given]
        if left >= 0
        else [-day for day in AFTER if -left >= day]
    )
    if not reached:
        return False
    day = min(reached)
    if not _once(request, Action.REMINDED, f"{request.due_on}:{day}"):
        return False
    tell_team_due(case, request, day=day, is_over=left < 0)
    return True


def _once(request: CompletionRequest, action: str, cause: str) -> bool:
    """Write a line of the log unless it is there already: the case is locked."""
    if request.logs.filter(action=action, cause=cause).exists():
        return False
    _log(request, action, cause=cause)
    return True


# --- Shared --------------------------------------------------------------------------------


def _locked_case(pk: int) -> Case:
    Case.objects.select_for_update().get(pk=pk)
    return Case.objects.select_related("office", "region", "community").get(pk=pk)


def _check_office(case: Case, user: User) -> None:
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


def _locked_draft(request: CompletionRequest, user: User) -> tuple[CompletionRequest, Case]:
    case = _locked_case(request.case_id)
    _check_office(case, user)
    try:
        request = CompletionRequest.objects.get(pk=request.pk, office=case.office_id)
    except CompletionRequest.DoesNotExist:
        raise AlreadyDoneError("Cette demande a été abandonnée par un collègue.") from None
    if not request.is_draft:
        raise already_done_by(request.sent_by, request.sent_at or request.created_at)
    return request, case


def _locked_open(request: CompletionRequest, user: User) -> tuple[CompletionRequest, Case]:
    case = _locked_case(request.case_id)
    _check_office(case, user)
    request = CompletionRequest.objects.select_related("territory").get(pk=request.pk)
    _check_is_open(request)
    return request, case


def _check_is_open(request: CompletionRequest) -> None:
    if request.is_draft:
        raise ActionRefusedError("Cette demande n’est pas encore envoyée.")
    if not request.is_open:
        raise already_done_by(request.ended_by, request.ended_at or timezone.now())


def _check_due(due_on: date) -> None:
    today = timezone.localdate()
    if due_on <= today:
        raise ActionRefusedError(
            "La date limite doit être dans l’avenir : l’équipe a besoin d’un jour au moins."
        )
    if due_on > today + LONGEST_DELAY:
        raise ActionRefusedError(
            "La date limite est à plus d’un an : vérifiez l’année que vous avez saisie."
        )


def _text(text: str, *, needed: str = "") -> str:
    text = text.replace("\0", "").strip()
    if needed and not text:
        raise ActionRefusedError(needed)
    if len(text) > LONGEST_TEXT:
        raise ActionRefusedError(
            f"Ce texte compte {len(text)} caractères ; il en accepte {LONGEST_TEXT} au plus. "
            "Raccourcissez-le."
        )
    return text


def _log(
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
