"""Writing a case: its answers, its files, its pieces to come."""

import json
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from documents.models import Attachment
from documents.services import FileRefusedError, store_attachment
from procedures import answers as answer_rules
from procedures.schema import AttachmentSlot, Field, FieldKind
from workflow.models import BufferedFile, Case, CaseAttachment
from workflow.services import ActionRefusedError
from writing.buffer import Buffer, buffered_file, read_buffer
from writing.content import procedure_of
from writing.files import held_files
from writing.kinds import written_of
from writing.models import WrittenCase


@dataclass(frozen=True)
class Saved:
    """A field was written; `problems` are sentences about what it holds now."""

    revision: int
    problems: list[str]


@dataclass(frozen=True)
class Conflict:
    """Somebody else changed the field meanwhile: nothing was written, both texts are shown."""

    revision: int
    value: Any
    changed_by: str
    changed_at: Any


def save_answer(
    case: WrittenCase, field: Field, raw: Any, *, user: User, base_revision: int | None
) -> Saved | Conflict:
    """Write one field of a draft, in one statement, unless somebody changed it meanwhile.

    `base_revision` is the revision the person started from: 0 for a field they saw empty,
    None to write over whatever is there (« garder ma version »). The caller holds the lock on
    the case, so that nothing is written behind a deposit's back.

    Raises ActionRefusedError when the value is larger than a draft may hold.
    """
    refusals = answer_rules.hard_limits(field, raw)
    if refusals:
        raise ActionRefusedError(" ".join(refusal.sentence for refusal in refusals))
    value = answer_rules.normalise(field, raw)
    # A name that is being completed is the CPTS's once it is deposited.
    name = _new_name(case, field, value) if case.buffer is None else ""
    revision = _upsert(case, field.key, value, user.pk, base_revision, name=name)
    if revision is None:
        current = (
            case.buffer.items[field.key]
            if case.buffer
            else case.answers.select_related("updated_by").get(key=field.key)
        )
        if current.value == value:
            return Saved(current.revision, _sentences(field, value))
        return Conflict(
            current.revision, current.value, str(current.updated_by), current.updated_at
        )
    _take_name(case, name)
    return Saved(revision, _sentences(field, value))


def _sentences(field: Field, value: Any) -> list[str]:
    """Problems of what was written; an empty field is not a problem while drafting."""
    return [p.sentence for p in answer_rules.problems(field, value, required=False)]


_UPSERT = """
    INSERT INTO workflow_answer AS answer (case_id, key, value, revision, updated_at, updated_by_id)
    VALUES (%(case)s, %(key)s, %(value)s, 1, %(now)s, %(user)s)
    ON CONFLICT (case_id, key) DO UPDATE
       SET value = EXCLUDED.value,
           revision = answer.revision + 1,
           updated_at = EXCLUDED.updated_at,
           updated_by_id = EXCLUDED.updated_by_id
     WHERE %(base)s::integer IS NULL OR answer.revision = %(base)s::integer
    RETURNING revision
"""


# The CPTS and the lists bear the name the case gives: written with it, or not at all.
_UPSERT_AND_RENAME = f"""
    WITH saved AS ({_UPSERT}),
         community AS (
             UPDATE communities_community SET name = %(name)s
              WHERE id = %(community)s AND EXISTS (SELECT FROM saved)
         ),
         named_case AS (
             UPDATE workflow_case SET title = %(name)s
              WHERE id = %(case)s AND EXISTS (SELECT FROM saved)
         )
    SELECT revision FROM saved
"""  # noqa: S608 - made of two constants


def _upsert(
    case: WrittenCase, key: str, value: Any, user_id: int, base: int | None, *, name: str = ""
) -> int | None:
    """The new revision, or None when the row no longer is at `base`. `name` renames the CPTS."""
    if case.buffer is not None:
        return case.buffer.write(key, value, user_id=user_id, base=base)
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT_AND_RENAME if name else _UPSERT,
            {
                "case": case.pk,
                "community": case.community_id if case.names_its_cpts else None,
                "key": key,
                "value": json.dumps(value, cls=DjangoJSONEncoder),
                "now": timezone.now(),
                "user": user_id,
                "base": base,
                "name": name,
            },
        )
        row = cursor.fetchone()
    return row[0] if row else None


def store_answer(
    case: WrittenCase, key: str, value: Any, field: Field | None, *, user: User
) -> None:
    """Write over one answer of a case that is deposited again. The caller holds the lock."""
    name = _new_name(case, field, value) if field is not None else ""
    _upsert(case, key, value, user.pk, None, name=name)
    _take_name(case, name)


def _take_name(case: WrittenCase, name: str) -> None:
    """The objects in hand say what was just written; nothing without a name."""
    if name:
        case.title = name
        if case.names_its_cpts:
            case.community.name = name


def _new_name(case: WrittenCase, field: Field, value: Any) -> str:
    """The name the CPTS takes from the case's own field; empty when it keeps the one it has."""
    if field.key != "title" or not written_of(case).renames:
        return ""
    name = " ".join(value.split())[:200] if isinstance(value, str) else ""
    return name if name != case.title else ""


def slot_of(case: WrittenCase, key: str) -> AttachmentSlot | None:
    return next((s for s in procedure_of(case).attachments if s.key == key), None)


@transaction.atomic
def attach(
    case: WrittenCase, slot: AttachmentSlot, file: UploadedFile, *, user: User
) -> CaseAttachment | BufferedFile:
    """Add a file to its slot. Raises FileRefusedError when it cannot be kept there."""
    Case.objects.select_for_update().get(pk=case.pk)
    if sum(file.slot == slot.key for file in held_files(case)) >= slot.max_files:
        raise FileRefusedError(
            f"« {slot.label} » accepte {slot.max_files} fichier(s) au plus. "
            "Retirez-en un avant d’en ajouter un autre."
        )
    attachment = store_attachment(
        file, content_types=slot.content_types, accept_label=slot.accept_label, user=user
    )
    if case.buffer is not None:
        buffered = case.buffer.items[slot.key].files.create(attachment=attachment)
        case.buffer = read_buffer(case)
        return buffered
    here = case.attachments.filter(slot=slot.key)
    last = here.aggregate(last=Max("position"))["last"] or 0
    return CaseAttachment.objects.create(
        case_id=case.pk, attachment=attachment, slot=slot.key, position=last + 1
    )


@transaction.atomic
def detach(case: WrittenCase, attachment: Attachment) -> None:
    """Remove a file from a draft, and the stored bytes once the removal has committed.

    What was deposited is kept for whoever reads that version: it is only set aside.
    """
    if case.buffer is not None:
        buffered = buffered_file(case, attachment.pk)
        if buffered is None:
            _set_aside(case.buffer, attachment)
            return
        buffered.delete()
    else:
        case.attachments.get(attachment=attachment).delete()
    attachment.delete()
    transaction.on_commit(lambda: attachment.file.delete(save=False))


def _set_aside(buffer: Buffer, attachment: Attachment) -> None:
    slot = CaseAttachment.objects.values_list("slot", flat=True).get(attachment=attachment)
    item = buffer.items[slot]
    if attachment.pk not in item.removed:
        item.removed = [*item.removed, attachment.pk]
        item.save(update_fields=["removed"])


def defer_attachment(case: WrittenCase, slot: AttachmentSlot, reason: str, *, user: User) -> None:
    """Announce a piece as « à venir », with the reason; an empty one withdraws it.

    Raises ActionRefusedError when the piece cannot come later, or the reason is too long.
    """
    if not slot.deferrable:
        raise ActionRefusedError(
            f"« {slot.label} » ne peut pas être annoncée comme à venir : joignez le fichier."
        )
    field = Field(key=slot.key, kind=FieldKind.ATTACHMENT, label=slot.label)
    given = {"deferred": "yes" if reason.strip() else "", "reason": reason.strip()}
    refusals = answer_rules.problems(
        field, value := answer_rules.normalise(field, given), required=False
    )
    if refusals:
        raise ActionRefusedError(" ".join(refusal.sentence for refusal in refusals))
    _upsert(case, slot.key, value, user.pk, None)
