"""What a case adds to the story of a case, and the short story its pages show."""

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from django.utils.text import capfirst

from workflow.kinds import child_of, kind_of
from workflow.models import Case, CaseDocument, TransitionLog
from workflow.readers import Audience, Reader
from workflow.timeline import (
    Line,
    brief_viewer,
    in_order,
    transition_lines,
    visible_lines,
)
from writing.documents import declared_keys
from writing.models import WrittenCase


def timeline(
    case: WrittenCase,
    *,
    reader: Reader,
    logs: Iterable[TransitionLog],
    documents: Iterable[CaseDocument],
) -> list[Line]:
    """The life of a case in short, oldest first, without a query.

    `logs` come with their actor, `documents` with their file. Its page « Suivi » says all.
    """
    lines = [*transition_lines(kind_of(case), logs, reader), *_own_lines(case, documents)]
    return in_order(visible_lines(lines, brief_viewer(reader)))


def own_lines(case: Case, _reader: Reader) -> list[Line]:
    documents = CaseDocument.objects.filter(case_id=case.pk, kind__in=declared_keys())
    written = cast(WrittenCase, child_of(case))
    return _own_lines(written, documents.select_related("document"))


def _own_lines(case: WrittenCase, documents: Iterable[CaseDocument]) -> list[Line]:
    """What came before the deposit is the team's; its papers are for all who have the case."""
    words = case.words
    lines = [Line(case.created_at, f"{capfirst(words.noun)} commencé{words.e}", Audience.TEAM)]
    # A deposit is announced once, when the last of its papers is there.
    ready: dict[int, datetime] = {}
    for link in documents:
        moment = link.document.created_at
        ready[link.snapshot_id] = max(moment, ready.get(link.snapshot_id, moment))
    for rank, snapshot in enumerate(sorted(ready)):
        again = "Nouveaux documents" if rank else "Documents"
        lines.append(Line(ready[snapshot], f"{again} officiels disponibles"))
    if case.posted_on:
        lines.append(Line(case.posted_on, "Version papier postée"))
    return lines
