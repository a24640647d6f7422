"""Where in the form a thing is done: the addresses the lists of what is missing lead to."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from cpts_portal.addresses import address
from writing.content import ATTACHMENTS_STEP, Missing, procedure_of
from writing.kinds import written_of
from writing.models import WrittenCase


@dataclass(frozen=True)
class MissingLink:
    """One thing to do, and the address of the field where it is done."""

    sentence: str
    url: str
    field: str


@dataclass(frozen=True)
class Addresses:
    """The pages of one case, as its own pages lead to each other."""

    detail: str
    missing: str
    preview: str
    deposit: str
    territory: str
    attachments: str
    # Where its fields are saved: the key of the field comes behind it.
    fields: str


def addresses(case: WrittenCase) -> Addresses:
    """Where the pages of a case are."""
    key = case.public_id
    pages = written_of(case).namespace
    return Addresses(
        detail=address(f"{pages}:detail", key),
        missing=address(f"{pages}:missing", key),
        preview=address(f"{pages}:preview", key),
        deposit=address(f"{pages}:deposit", key),
        territory=address(f"{pages}:territory", key),
        attachments=address(f"{pages}:attachments", key),
        fields=address(f"{pages}:autosave", key, "x").removesuffix("x/"),
    )


def page(case: WrittenCase, name: str, *parts: Hashable) -> str:
    """One of the pages of a case, by the name of its address in `writing.urls`."""
    return address(f"{written_of(case).namespace}:{name}", case.public_id, *parts)


def step_url(case: WrittenCase, section: str) -> str:
    """The page of a step; the pieces the form does not place have their own page."""
    if section == ATTACHMENTS_STEP:
        return page(case, "attachments")
    if section not in {one.key for one in procedure_of(case).sections}:
        # A part beside the form: it has a page of its own name.
        return page(case, section)
    return page(case, "step", section)


def field_url(case: WrittenCase, section: str, field: str) -> str:
    """The step of a field, opened at that field."""
    return f"{step_url(case, section)}#{anchor(field)}"


def anchor(*parts: str | int) -> str:
    """The id of a field's control on its page, or of one cell of its table."""
    return "-".join(("champ", *(str(part) for part in parts)))


def links(case: WrittenCase, missing: Iterable[Missing]) -> list[MissingLink]:
    return [
        MissingLink(item.sentence, field_url(case, item.section, item.field), item.field)
        for item in missing
    ]
