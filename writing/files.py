"""The files that go with a case."""

import uuid
from typing import Final, NamedTuple

from django.db import connection

from documents.models import Attachment
from writing.models import WrittenCase


class HeldFile(NamedTuple):
    """One file in its slot; its size is in bytes."""

    slot: str
    id: uuid.UUID
    name: str
    content_type: str
    size: int
    sha256: str


# Written by hand: every step that holds a slot reads it.
_FILES: Final = """
    SELECT link.slot, attachment.id, attachment.name, attachment.content_type, attachment.size,
           attachment.sha256
      FROM workflow_caseattachment AS link
      JOIN documents_attachment AS attachment ON attachment.id = link.attachment_id
     WHERE link.case_id = %s AND link.removed_in IS NULL
     ORDER BY link.slot, link.position, link.id
"""


def held_files(case: WrittenCase) -> list[HeldFile]:
    """The case's files, slot by slot, in their order, as the person works on them: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FILES, [case.pk])
        files = [HeldFile(*row) for row in cursor.fetchall()]
    if case.buffer is None:
        return files
    gone = {one for item in case.buffer.items.values() for one in item.removed}
    return [file for file in files if file.id not in gone] + [
        _held(key, buffered.attachment)
        for key, item in case.buffer.items.items()
        for buffered in item.files.all()
    ]


def _held(slot: str, file: Attachment) -> HeldFile:
    return HeldFile(slot, file.pk, file.name, file.content_type, file.size, file.sha256)
