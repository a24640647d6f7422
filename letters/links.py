"""Where in the form a thing is done: the addresses the lists of what is missing lead to."""

from collections.abc import Iterable
from dataclasses import dataclass

from cpts_portal.addresses import address
from letters.content import ATTACHMENTS_STEP, Missing
from letters.models import LetterOfIntent


@dataclass(frozen=True)
class MissingLink:
    """One thing to do, and the address of the field where it is done."""

    sentence: str
    url: str
    field: str


@dataclass(frozen=True)
class Addresses:
    """The pages of one letter, as its own pages lead to each other."""

    detail: str
    missing: str
    preview: str
    deposit: str
    territory: str
    attachments: str
    # Where its fields are saved: the key of the field comes behind it.
    fields: str


def addresses(letter: LetterOfIntent) -> Addresses:
    """Where the pages of a letter are."""
    key = letter.public_id
    return Addresses(
        detail=address("letters:detail", key),
        missing=address("letters:missing", key),
        preview=address("letters:preview", key),
        deposit=address("letters:deposit", key),
        territory=address("letters:territory", key),
        attachments=address("letters:attachments", key),
        fields=address("letters:autosave", key, "x").removesuffix("x/"),
    )


def step_url(letter: LetterOfIntent, section: str) -> str:
    """The page of a step; the pieces the form does not place have their own page."""
    if section == ATTACHMENTS_STEP:
        return address("letters:attachments", letter.public_id)
    return address("letters:step", letter.public_id, section)


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
