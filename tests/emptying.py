"""What a test that ran real transactions has written is taken away; what was there stays.

Django empties every table, and the communes of France take seconds to come back. Here they are
left alone when nothing has moved them, and of the other tables only those with rows are touched.
"""

from collections.abc import Callable
from typing import Final

from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql

# Of a table: how many rows it has, and the latest transaction that wrote one of them. A row that
# is added or changed moves the second, one that goes moves the first.
Mark = tuple[int, int]

# What migrations and the reference files write; everything else is a test's.
KEPT: Final = {
    "auth_permission",
    "django_content_type",
    "django_site",
    "territories_commune",
    "territories_department",
    "territories_formercommune",
    "territories_intercommunality",
    "territories_region",
    "territories_vintage",
}

_MARK: Final = sql.SQL(
    "SELECT {name} AS name, count(*) AS lines, max(xmin::text::bigint) AS latest FROM {table}"
)


def _marks() -> dict[str, Mark]:
    """The mark of each table that has rows."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    asked = sql.SQL(" UNION ALL ").join(
        _MARK.format(name=sql.Literal(name), table=sql.Identifier(name)) for name in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM ({}) AS marks WHERE lines > 0").format(asked))
        return {name: (lines, latest) for name, lines, latest in cursor.fetchall()}


def keep_what_is_there(restore: Callable[[], None]) -> None:
    """From now on, tests that run real transactions leave the tables `KEPT` as they are now.

    `restore` fills them again, once empty, when a test has changed something of what was there.
    """
    # A run that was stopped may have left rows.
    _empty(set(_marks()) - KEPT)
    kept = _marks()
    empty_all = TransactionTestCase._fixture_teardown

    def take_away(test: TransactionTestCase) -> None:
        nonlocal kept
        found = _marks()
        if all(found.get(name) == kept.get(name) for name in KEPT):
            _empty(set(found) - KEPT)
        else:
            empty_all(test)
            restore()
            kept = _marks()

    TransactionTestCase._fixture_teardown = take_away


def _empty(tables: set[str]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Neither the foreign keys nor the guards of the ledgers are asked: all goes.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for name in sorted(tables):
            cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
