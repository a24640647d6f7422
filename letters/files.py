"""The files that go with a letter."""

import uuid
from typing import Final, NamedTuple

from django.db import connection

from letters.models import LetterOfIntent


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
     WHERE link.case_id = %s
     ORDER BY link.slot, link.position, link.id
"""


def held_files(letter: LetterOfIntent) -> list[HeldFile]:
    """The letter's files, slot by slot, in their order: one query."""
    with connection.cursor() as cursor:
        cursor.execute(_FILES, [letter.pk])
        return [HeldFile(*row) for row in cursor.fetchall()]
