"""A case that is completed: what may be asked for, and what its new version is made of."""

from typing import Any, cast

from django.utils import timezone

from accounts.models import User
from outbox.services import publish
from procedures.schema import FieldKind
from workflow.complement_answers import adopt_territory, is_touched, receive_answer
from workflow.complement_ending import abandon_requests, empty_buffer
from workflow.consultations import revoke_all
from workflow.kinds import Target
from workflow.models import Case, CaseAttachment, CaseDesk, CompletionItem, TransitionLog
from workflow.services import clock_of, end_clock, freeze
from writing.buffer import Buffer, changed_values, read_buffer
from writing.content import procedure_of, read_content
from writing.depositing import deposited_content, informed_desks
from writing.links import field_url, page
from writing.models import WrittenCase
from writing.saying import territory_kept
from writing.services import store_answer

_KINDS = {
    FieldKind.TERRITORY: "territory",
    FieldKind.POPULATION: "territory",
    FieldKind.ATTACHMENT: "attachment",
}
# Computed or gathered at the deposit: nobody writes them.
_NEVER = frozenset({FieldKind.SIZE_CLASS, FieldKind.SIGNATURE})
_LOOSE = "Pièces jointes"


def targets(case: Case) -> list[Target]:
    """What the team of a case may be asked to complete, in the order of its form."""
    procedure = procedure_of(cast(WrittenCase, case))
    listed = [
        Target(field.key, field.label, _KINDS.get(field.kind, "field"), section.title)
        for section in procedure.sections
        for field in section.fields
        if field.kind not in _NEVER
    ]
    placed = {target.key for target in listed}
    return listed + [
        Target(slot.key, slot.label, "attachment", _LOOSE)
        for slot in procedure.attachments
        if slot.key not in placed
    ]


def target_url(case: Case, key: str) -> str:
    """Where the team completes it; empty when the form no longer has it."""
    written = cast(WrittenCase, case)
    procedure = procedure_of(written)
    if any(slot.key == key for slot in procedure.attachments):
        return f"{page(written, 'attachments')}#piece-{key}"
    for section in procedure.sections:
        for field in section.fields:
            if field.key == key and field.kind == FieldKind.TERRITORY:
                return page(written, "territory")
            if field.key == key:
                return field_url(written, section.key, key)
    return ""


def measure_again(case: WrittenCase, **_data: Any) -> dict[str, Any]:
    """The territory as the team has prepared it, under the case's lock."""
    case.buffer = read_buffer(case)
    content = read_content(case)
    territory = content.territory
    if territory_kept(case, content):
        return {
            "population": case.population,
            "commune_count": case.commune_count,
            "size_class": case.size_class,
            "department_codes": case.department_codes,
        }
    return {
        "population": territory.population,
        "commune_count": territory.commune_count,
        "size_class": territory.size_class,
        "department_codes": list(territory.department_codes),
    }


def deposit_the_answer(case: WrittenCase, *, log: TransitionLog, actor: User) -> None:
    """Make what was prepared the case's own, freeze it as a new version, tell the office."""
    answered = take_the_answer(case, actor=actor)
    content = deposited_content(case, log=log) | {"completion": answered}
    freeze_the_answer(case, content, actor=actor)
    publish("writing.completed", key=f"{case.pk}:{case.version}", log_id=log.pk)


def take_the_answer(case: WrittenCase, *, actor: User) -> dict[str, Any]:
    """Make what was prepared the case's own; gives what the new version says of the answer.

    Raises ValueError when nothing was asked: the caller has locked the case and knows better.
    """
    buffer = case.buffer
    if buffer is None:
        raise ValueError(f"{case} has no open request to answer.")
    items = [item_as_data(item, buffer) for item in buffer.items.values()]
    adopt(case, buffer, actor)
    case.buffer = None
    receive_answer(case, buffer.request, actor=actor)
    due_on = buffer.request.due_on
    return {
        "number": buffer.request.number,
        "requested_at": buffer.request.sent_at,
        "answered_at": timezone.now(),
        "account": str(actor),
        "is_late": bool(due_on and timezone.localdate() > due_on),
        "clock": clock_of(case).state,
        "items": items,
    }


def freeze_the_answer(case: WrittenCase, content: dict[str, Any], *, actor: User) -> None:
    """Freeze the new version, and show it to the offices its territory now reaches."""
    freeze(case, content, actor=actor)
    inform_new_desks(case)


def item_as_data(item: CompletionItem, buffer: Buffer) -> dict[str, Any]:
    """What the frozen answer keeps of a point that was asked."""
    return {
        "key": item.key,
        "label": item.label,
        "reason": item.get_reason_display(),
        "blocking": item.blocking,
        "changed": is_touched(item, buffer.request),
        "note": item.note,
    }


def adopt(case: WrittenCase, buffer: Buffer, actor: User) -> None:
    """The prepared answers, files and territory take the place of the deposited ones."""
    case.buffer = None
    procedure = procedure_of(case)
    known = {field.key: field for field in procedure.fields}
    for key, value in changed_values(buffer).items():
        store_answer(case, key, value, known.get(key), user=actor)
    for key, item in buffer.items.items():
        case.attachments.filter(attachment_id__in=item.removed).update(removed_in=case.version)
        for position, buffered in enumerate(item.files.all(), start=1):
            buffered.delete()
            CaseAttachment.objects.create(
                case_id=case.pk,
                attachment_id=buffered.attachment_id,
                slot=key,
                position=100 * case.version + position,
            )
    drawn = [i for i in buffer.items.values() if i.kind == CompletionItem.Kind.TERRITORY]
    if any(is_touched(item, buffer.request) for item in drawn):
        adopt_territory(case, buffer.request)
    # What the team said of an item is part of its answer: the office reads it.
    empty_buffer(buffer.request, keep_notes=True)


def inform_new_desks(case: WrittenCase) -> None:
    """A territory that reaches a new département is seen by its office; no desk is taken away."""
    known = set(case.desks.values_list("organisation_id", flat=True))
    found = {desk.pk for desk in informed_desks(procedure_of(case), case)} - known
    CaseDesk.objects.bulk_create(
        CaseDesk(case_id=case.pk, organisation_id=pk, kind=CaseDesk.Kind.INFORMED)
        for pk in sorted(found)
    )


def end_without_action(case: WrittenCase, *, log: TransitionLog, actor: User) -> None:
    """The clock stops, and nobody is awaited any more."""
    end_clock(case, actor=actor, reason="Dossier clos sans suite.")
    abandon_requests(case, actor=actor, reason=log.comment)
    revoke_all(case, reason="Le dossier est clos sans suite.")
