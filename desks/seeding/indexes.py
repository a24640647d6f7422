"""Lists and search, filled all at once: row by row, triggers and indexes would take minutes."""

from collections.abc import Sequence
from typing import Any, Final

from workflow.models import SearchDocument
from workflow.projections import LINE_COLUMNS

# The triggers that write the lists and what is searched, each time a row of these comes.
_FOLLOWED: Final = (
    ("workflow_casedesk", "workflow_inbox_follow_desk"),
    ("workflow_decision", "workflow_inbox_follow_decision"),
    ("workflow_decisionparty", "workflow_inbox_follow_party"),
    ("workflow_searchdocument", "workflow_search_write"),
)


def follow(cursor: Any, *, enabled: bool) -> None:
    """Have the triggers write the lists again, or leave them to `fill_lists`."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    verb = "ENABLE" if enabled else "DISABLE"
    for followed, trigger in _FOLLOWED:
        cursor.execute(f"ALTER TABLE {followed} {verb} TRIGGER {trigger}")
    if not enabled:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def fill_lists(cursor: Any, *, after: int) -> None:
    """The lines of the cases whose number is beyond `after`."""
    cursor.execute(
        f"INSERT INTO workflow_inboxline ({LINE_COLUMNS}) "  # noqa: S608 - a constant
        f"SELECT {LINE_COLUMNS} FROM workflow_inbox_expected WHERE case_id > %s",
        [after],
    )


def drop_indexes(cursor: Any) -> list[str]:
    """Take the indexes of the lists and of the search away; returns how to make them again.

    Made at the end they take seconds; fed row by row, minutes.
    """
    cursor.execute(
        """SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
             FROM pg_index i
            WHERE i.indrelid IN ('workflow_inboxline'::regclass,
                                 'workflow_searchdocument'::regclass)
              AND NOT i.indisunique"""
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _, definition in found]


def index_words(cursor: Any, pending: Sequence[tuple[int, dict[str, str]]]) -> None:
    """What the cases of a batch are found by, in one statement; their numbers follow."""
    cursor.execute("DROP TABLE IF EXISTS seeded_words")
    cursor.execute(
        "CREATE TEMP TABLE seeded_words "
        "(case_id bigint, names text, communes text, people text, texts text, body text)"
    )
    with cursor.copy("COPY seeded_words FROM STDIN") as copy:
        for case_id, words in pending:
            copy.write_row((case_id, *words.values()))
    cursor.execute(
        f"""INSERT INTO {SearchDocument._meta.db_table}
                   (case_id, names, texts, body, case_kind, deposited_at, lists)
            SELECT w.case_id,
                   setweight(to_tsvector('portal_french', w.names), 'A')
                   || setweight(to_tsvector('portal_french', w.communes), 'B')
                   || setweight(to_tsvector('portal_french', w.people), 'C'),
                   search_words(w.texts), w.body, listed.case_kind, listed.deposited_at,
                   listed.lists
              FROM seeded_words w JOIN (
                   SELECT case_id, case_kind, deposited_at,
                          array_agg(organisation_id || ':' || department_code
                                    ORDER BY organisation_id, department_code) AS lists
                     FROM workflow_inbox_expected
                    WHERE case_id BETWEEN %s AND %s
                    GROUP BY case_id, case_kind, deposited_at) listed USING (case_id)""",  # noqa: S608 - the name of a model's table
        [pending[0][0], pending[-1][0]],
    )
