"""The team answers a request: what it changed, what it says, and what is still missing."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from communities.models import CommunityTerritory
from workflow import complement_rules as rules
from workflow.complement_ending import run_clock
from workflow.complement_mails import tell_office_answered
from workflow.complements import LONGEST_TEXT, Action, State, check_is_open, locked_case, note
from workflow.consultation_mails import tell_bodies_of_version
from workflow.kinds import kind_of
from workflow.models import Case, CompletionItem, CompletionRequest
from workflow.services import already_done_by
from workflow.typed import typed_text


@transaction.atomic
def save_note(item: CompletionItem, *, user: User, note: str) -> None:
    """What the team says of an item: why nothing changes, or where to look.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    case = locked_case(item.request.case_id)
    if not rules.may_prepare_answer(case, user):
        raise PermissionDenied("Seuls les responsables et les rédacteurs de l’équipe répondent.")
    request = CompletionRequest.objects.get(pk=item.request_id)
    check_is_open(request)
    item = request.items.get(pk=item.pk)
    if item.is_lifted:
        raise already_done_by(item.lifted_by, item.lifted_at or timezone.now())
    request.items.filter(pk=item.pk).update(
        note=typed_text(note, longest=LONGEST_TEXT), updated_at=timezone.now(), updated_by=user
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
    note(request, Action.ANSWERED, actor=actor)
    run_clock(case, actor, f"Compléments reçus (demande n° {request.number}).", is_complete=True)
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
