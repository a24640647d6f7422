"""The commune search against its raw SQL, and the load against a bare COPY."""

from django.db import connection, transaction

from benchmarks.measure import Line, interleaved
from territories import loading, reference
from territories.models import Commune
from territories.querysets import commune_search_query

SEARCHES = ("toulouse", "st sulpice", "81500", "75056", "la roch", "sainte colombe", "paris 12")


def search(rounds: int) -> list[Line]:
    def through_the_manager() -> None:
        for text in SEARCHES:
            Commune.objects.search(text)

    queries = [query for text in SEARCHES if (query := commune_search_query(text))]

    def raw() -> None:
        with connection.cursor() as cursor:
            for query in queries:
                cursor.execute(*query)
                cursor.fetchall()

    found = interleaved({"search": through_the_manager, "sql": raw}, rounds=rounds)
    count = len(SEARCHES)
    return [
        Line(
            "recherche d’une commune",
            "son SQL brut",
            found["search"] / count,
            found["sql"] / count,
            "ms",
            1.3,
        )
    ]


def load(rounds: int) -> list[Line]:
    source = loading.default_source()
    tables = loading.database_tables(reference.read(source))
    names = ", ".join(table.name for table in reversed(tables))

    def empty() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {names}, territories_vintage CASCADE")

    def bare_copy() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for table in tables:
                loading.copy_rows(cursor, table.name, table.columns, table.rows)

    durations: dict[str, list[float]] = {"load": [], "copy": []}
    for _ in range(rounds):
        for name, action in (("copy", bare_copy), ("load", lambda: loading.load(source))):
            empty()
            durations[name].append(interleaved({name: action}, rounds=1, warm_up=0)[name])
    middle = {name: sorted(values)[len(values) // 2] for name, values in durations.items()}
    return [
        Line(
            "load_territories",
            "COPY nu des mêmes lignes dans les mêmes tables",
            middle["load"],
            middle["copy"],
            "ms",
            2.0,
        )
    ]
