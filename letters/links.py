"""Where in the form a thing is done: the addresses the lists of what is missing lead to."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from django.urls import reverse

from letters.content import ATTACHMENTS_STEP, Missing
from letters.models import LetterOfIntent


@dataclass(frozen=True)
class MissingLink:
    """One thing to do, and the address of the field where it is done."""

    sentence: str
    url: str
    field: str


def step_url(letter: LetterOfIntent, section: str) -> str:
    """The page of a step; the pieces the form does not place have their own page."""
    return _step_url(letter.public_id, section)


@lru_cache(maxsize=4_096)
def _step_url(letter: uuid.UUID, section: str) -> str:
    # A page names a step once per thing that is missing in it.
    if section == ATTACHMENTS_STEP:
        return reverse("letters:attachments", args=[letter])
    return reverse("letters:step", args=[letter, section])


def field_url(letter: LetterOfIntent, section: str, field: str) -> str:
    """The step of a field, opened at that field."""
    return f"{step_url(letter, section)}#{anchor(field)}"


def anchor(*parts: str | int) -> str:
    """The id of a field's control on its page, or of one cell of its table."""
    return "-".join(("champ", *(str(part) for part in parts)))


def links(letter: LetterOfIntent, missing: Iterable[Missing]) -> list[MissingLink]:
    return [
        MissingLink(item.sentence, field_url(letter, item.section, item.field), item.field)
        for item in missing
    ]
