"""What cases left behind them since their deposit: their logs and their official documents."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from accounts.models import User
from documents.models import OfficialDocument
from workflow.models import CaseDocument, TransitionLog
from writing.documents import declared_keys
from writing.models import WrittenCase


@dataclass(frozen=True)
class Past:
    """Oldest first, with what the pages tell of each line and nothing else: who acted, by name;
    of a document its numbers in the base and on paper, its size in bytes and its date.
    """

    logs: list[TransitionLog] = field(default_factory=list)
    documents: list[CaseDocument] = field(default_factory=list)
    # Those of the last deposit.
    current: list[CaseDocument] = field(default_factory=list)


# Written by hand: as models, the same lines take two queries and four times as long. The values
# are hidden from the planner (« SELECT »): one plan serves every case, and takes longer to make
# than to run.
_PAST: Final = """
    SELECT log.case_id, log.transition AS name, log.at, log.id AS rank, log.comment,
           actor.id AS actor, actor.first_name, actor.last_name, actor.email,
           NULL AS document, NULL AS number, NULL AS size, NULL AS snapshot, NULL AS is_current
      FROM workflow_transitionlog AS log
      LEFT JOIN accounts_user AS actor ON actor.id = log.actor_id
     WHERE log.case_id = ANY((SELECT %(cases)s)::bigint[])
     UNION ALL
    SELECT link.case_id, link.kind, document.created_at, link.id, NULL,
           NULL, NULL, NULL, NULL,
           document.id, document.number, document.size, snapshot.id,
           snapshot.version = workflow_case.version
      FROM workflow_casedocument AS link
      JOIN workflow_case ON workflow_case.id = link.case_id
      JOIN workflow_snapshot AS snapshot ON snapshot.id = link.snapshot_id
      JOIN documents_officialdocument AS document ON document.id = link.document_id
     WHERE link.case_id = ANY((SELECT %(cases)s)::bigint[])
       AND link.kind = ANY((SELECT %(kinds)s)::text[])
     ORDER BY at, rank
"""


def read_past(
    cases: Iterable[WrittenCase], *, kinds: Sequence[str] | None = None
) -> dict[int, Past]:
    """The past of each case, by number: one query, none when nothing of them was ever frozen.

    `kinds` are those of the documents told, all read by whoever sees these cases: the documents
    that deposits give, when they are not named.
    """
    past = {case.pk: Past() for case in cases}
    frozen = [case.pk for case in cases if case.version]
    if not frozen:
        return past
    wanted = declared_keys() if kinds is None else list(kinds)
    with connection.cursor() as cursor:
        cursor.execute(_PAST, {"cases": frozen, "kinds": wanted})
        for case, name, at, rank, comment, *rest in cursor.fetchall():
            person, first, last, email, document, number, size, snapshot, is_current = rest
            if document is None:
                actor = person and User(pk=person, first_name=first, last_name=last, email=email)
                past[case].logs.append(
                    TransitionLog(
                        pk=rank,
                        case_id=case,
                        transition=name,
                        at=at,
                        comment=comment,
                        actor=actor,
                    )
                )
                continue
            file = OfficialDocument(pk=document, kind=name, number=number, size=size, created_at=at)
            link = CaseDocument(case_id=case, kind=name, snapshot_id=snapshot, document=file)
            past[case].documents.append(link)
            if is_current:
                past[case].current.append(link)
    return past
