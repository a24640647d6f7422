"""What the case page shows: how far a draft is, or what came of a deposit."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from letters.content import ATTACHMENTS_STEP, LetterContent, Missing
from letters.links import step_url
from letters.models import LetterOfIntent
from procedures import answers as answer_rules
from procedures.schema import FieldKind, Procedure, Section
from workflow.models import CaseDocument

# The kinds of official documents a deposit gives, in the order people need them.
LETTER, RECEIPT, PAPER = "letter", "receipt", "paper"


@dataclass(frozen=True)
class Step:
    """A step of the form, and how far the team is with it, in words."""

    title: str
    url: str
    state: str
    tone: str

    @property
    def is_complete(self) -> bool:
        return self.state == COMPLETE[0]


# The words and the tone of a step, by what is done of it.
UNTOUCHED: Final = ("À commencer", "")
BEGUN: Final = ("En cours", "info")
COMPLETE: Final = ("Complète", "success")


def steps(letter: LetterOfIntent, content: LetterContent, missing: list[Missing]) -> list[Step]:
    """Every step of the form in its order, the page of the pieces it does not place included.

    A step is complete when nothing that is required is missing from it.
    """
    lacking = Counter(one.section for one in missing)

    def step(key: str, title: str, *, begun: bool) -> Step:
        words = COMPLETE if not lacking[key] else BEGUN if begun else UNTOUCHED
        return Step(title, step_url(letter, key), *words)

    listed = [
        step(section.key, section.title, begun=_is_begun(section, content))
        for section in content.procedure.sections
    ]
    placed = {field.key for field in content.procedure.fields}
    apart = [slot for slot in content.procedure.attachments if slot.key not in placed]
    if apart:
        begun = any(content.files.get(slot.key) for slot in apart)
        listed.append(step(ATTACHMENTS_STEP, "Pièces jointes", begun=begun))
    return listed


def _is_begun(section: Section, content: LetterContent) -> bool:
    for field in section.fields:
        if field.kind == FieldKind.TERRITORY:
            if content.territory.commune_count:
                return True
        elif content.files.get(field.key):
            return True
        elif field.is_answer:
            value = content.answers.get(field.key)
            if not answer_rules.is_blank(field, value):
                return True
    return False


@dataclass(frozen=True)
class OfficialPaper:
    """An official document of the deposit; without an id, it is still being prepared."""

    kind: str
    label: str
    id: uuid.UUID | None = None
    size: int = 0


def official_papers(procedure: Procedure, documents: Iterable[CaseDocument]) -> list[OfficialPaper]:
    """The papers this deposit gives, ready or still to come. `documents` come with their file."""
    ready = {link.kind: link.document for link in documents}
    expected = {LETTER: "Lettre d’intention", RECEIPT: "Accusé de réception"}
    if procedure.paper is not None:
        expected[PAPER] = procedure.paper.label
    return [
        OfficialPaper(kind, label, ready[kind].pk, ready[kind].size)
        if kind in ready
        else OfficialPaper(kind, label)
        for kind, label in expected.items()
    ]
