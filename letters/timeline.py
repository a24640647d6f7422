"""What a letter adds to the story of a case, and the short story its pages show."""

from collections.abc import Iterable
from datetime import datetime

from letters.documents import KINDS
from letters.models import LetterOfIntent
from workflow.kinds import kind_of
from workflow.models import Case, CaseDocument, TransitionLog
from workflow.readers import Audience, Reader
from workflow.timeline import (
    Line,
    brief_viewer,
    in_order,
    tells,
    transition_lines,
    visible_lines,
)


def timeline(
    letter: LetterOfIntent,
    *,
    reader: Reader,
    logs: Iterable[TransitionLog],
    documents: Iterable[CaseDocument],
) -> list[Line]:
    """The life of a letter in short, oldest first, without a query.

    `logs` come with their actor, `documents` with their file. Its page « Suivi » says all.
    """
    lines = [*transition_lines(kind_of(letter), logs, reader), *_own_lines(letter, documents)]
    return in_order(visible_lines(lines, brief_viewer(reader)))


@tells(Case.Kind.LETTER_OF_INTENT)
def letter_lines(case: Case, reader: Reader) -> list[Line]:  # noqa: ARG001
    documents = CaseDocument.objects.filter(case_id=case.pk, kind__in=KINDS)
    letter = LetterOfIntent.objects.get(pk=case.pk)
    return _own_lines(letter, documents.select_related("document"))


def _own_lines(letter: LetterOfIntent, documents: Iterable[CaseDocument]) -> list[Line]:
    """What came before the deposit is the team's; its papers are for all who have the letter."""
    lines = [Line(letter.created_at, "Lettre commencée", Audience.TEAM)]
    # A deposit is announced once, when the last of its papers is there.
    ready: dict[int, datetime] = {}
    for link in documents:
        moment = link.document.created_at
        ready[link.snapshot_id] = max(moment, ready.get(link.snapshot_id, moment))
    for rank, snapshot in enumerate(sorted(ready)):
        again = "Nouveaux documents" if rank else "Documents"
        lines.append(Line(ready[snapshot], f"{again} officiels disponibles"))
    if letter.posted_on:
        lines.append(Line(letter.posted_on, "Version papier postée"))
    return lines
