"""Many deposited cases for measuring and trying lists: invented, the same for the same seed.

Rows go in by COPY, in batches; nobody is written to. For development: a portal that people use
refuses (`manage.py seed_cases`). A case is invented (`invented`) from what its region has
(`regions`), then its rows are put aside (`rows`): its own (`cases`), what is said of it
(`opinions`), its texts (`words`). `writer` sends them, and lists and search are filled at the end
(`indexes`).
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from django.db import connection, transaction

from desks.seeding.regions import read_regions
from desks.seeding.rows import NUMBERED
from desks.seeding.writer import Writer


def seed_cases(
    count: int,
    *,
    seed: int = 1,
    regions: Sequence[str] = (),
    report: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write `count` deposited letters with their CPTS, territories, opinions, log and clock.

    The same seed writes the same cases. `regions` are INSEE codes; none: every region that has
    an agency. `report` is told how many are written. Lists and search are filled with them.

    Raises Organisation.DoesNotExist before `load_organisations`.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        writer = Writer(Random(seed), read_regions(regions), count)  # noqa: S311 - nothing secret
        for done in writer.write(cursor):
            report(done)
        _finish(cursor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _finish(cursor: Any) -> None:
    """Put the numbers given by hand behind those the database gives."""
    for model in NUMBERED:
        table = model._meta.db_table
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "  # noqa: S608 - the name of a model's table
            f"greatest((SELECT max(id) FROM {table}), 1))"
        )
