"""What came of a deposit, ready or still being prepared."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from procedures.schema import Procedure
from workflow.models import CaseDocument

# The kinds of official documents a deposit gives, in the order people need them.
LETTER, RECEIPT, PAPER = "letter", "receipt", "paper"


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
