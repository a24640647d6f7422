"""An office prepares a request for complements, and sends it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, cast

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Organisation, User
from territories.models import Territory, TerritoryPart
from workflow.complement_mails import tell_team_requested
from workflow.complements import (
    LONGEST_TEXT,
    Action,
    State,
    check_office,
    locked_case,
    note,
    open_request,
    stop_clock,
)
from workflow.kinds import Target, child_of, kind_of
from workflow.models import Case, CompletionItem, CompletionRequest
from workflow.services import ActionRefusedError, AlreadyDoneError, already_done_by, perform
from workflow.typed import check_due, typed_text

MOST_ITEMS: Final = 60
# What the team is given unless the office says otherwise, in days.
USUAL_DELAY: Final = 30


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
    case = locked_case(case.pk)
    check_office(case, user)
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
    check_due(due_on, who="l’équipe")
    request.message = typed_text(message, longest=LONGEST_TEXT)
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
    comment = typed_text(asked.comment, longest=LONGEST_TEXT)
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
    note(request, Action.SENT, actor=user)
    if blocking and request.due_on:
        stop_clock(case, request.due_on, user, f"Demande de compléments n° {request.number}.")
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


def _locked_draft(request: CompletionRequest, user: User) -> tuple[CompletionRequest, Case]:
    case = locked_case(request.case_id)
    check_office(case, user)
    try:
        request = CompletionRequest.objects.get(pk=request.pk, office=case.office_id)
    except CompletionRequest.DoesNotExist:
        raise AlreadyDoneError("Cette demande a été abandonnée par un collègue.") from None
    if not request.is_draft:
        raise already_done_by(request.sent_by, request.sent_at or request.created_at)
    return request, case
