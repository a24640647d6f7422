"""`make bench`: what the main things cost, as ratios measured in one run.

Never part of the tests: a figure depends on the machine, a ratio much less. Prints a table
and writes the same as JSON in `var/bench.json`.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measure import Line

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
# The tests' own server is measured: the data of `make run` stay out of it.
os.environ.pop("DATABASE_URL", None)

import django

from devstack.paths import TEST_POSTGRES, VAR
from devstack.postgres import Postgres

DATABASE = "bench_cpts"
# What the parts write, and all that refers to it.
FILLED = ("accounts_user", "accounts_organisation", "communities_community", "workflow_case")


def main() -> None:
    """Measure the parts asked for. A target that is missed is a figure, not a failure."""
    parser = argparse.ArgumentParser(description="Mesurer le portail.")
    parser.add_argument("parts", nargs="*", metavar="PARTIE", help=f"parmi : {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=60, help="tours de mesure des pages")
    parser.add_argument(
        "--keep", action="store_true", help="reprendre les bases de « desks » déjà remplies"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"partie inconnue : {', '.join(sorted(unknown))}")
    if options.keep:
        os.environ["BENCH_KEEP"] = "1"
    server = Postgres(TEST_POSTGRES, durable=False)
    server.start()
    try:
        _measure(server, options.parts or list(PARTS), options.rounds)
    finally:
        server.stop()


def _measure(server: Postgres, parts: list[str], rounds: int) -> None:
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    server.ensure_database(DATABASE)
    django.setup()
    from django.core.management import call_command
    from django.db import connection, connections

    from benchmarks.measure import table
    from territories import loading

    say("Base de données…")
    call_command("migrate", verbosity=0)
    lines: list[Line] = []
    for name, measure in PARTS.items():
        if name in parts:
            # Each part finds the database as the first one does.
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {', '.join(FILLED)} CASCADE")
            if name != "load":
                loading.load(loading.default_source())
            say(f"Mesure : {name}…")
            lines += measure(rounds)
    connections.close_all()
    print(f"\n{table(lines)}\n")
    report = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "lines": [line.as_data() for line in lines],
    }
    target = VAR / "bench.json"
    target.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    print(f"Chiffres : {target.relative_to(PROJECT)}")
    print(f"{sum(line.is_met for line in lines)} cibles tenues sur {len(lines)}.")


def say(line: str) -> None:
    print(line, flush=True)


def _load(_rounds: int) -> "list[Line]":
    from benchmarks import territories

    return territories.load(5)


def _search(rounds: int) -> "list[Line]":
    from benchmarks import territories

    return territories.search(rounds)


def _pages(rounds: int) -> "list[Line]":
    from benchmarks import pages

    return pages.pages(rounds)


def _autosave(rounds: int) -> "list[Line]":
    from benchmarks import pages

    return pages.autosave(rounds)


def _pdf(rounds: int) -> "list[Line]":
    from benchmarks import pdf

    return pdf.pdf(rounds)


def _desks(rounds: int) -> "list[Line]":
    from benchmarks import desks

    return desks.desks(rounds)


def _overlap(rounds: int) -> "list[Line]":
    from benchmarks import overlap

    return overlap.overlap(rounds)


def _coverage(rounds: int) -> "list[Line]":
    from benchmarks import coverage

    return coverage.coverage_of_a_region(rounds)


def _signatures(rounds: int) -> "list[Line]":
    from benchmarks import signatures

    return signatures.signatures(rounds)


def _questionnaires(rounds: int) -> "list[Line]":
    from benchmarks import questionnaires

    return questionnaires.questionnaires(rounds)


def _contracts(rounds: int) -> "list[Line]":
    from benchmarks import contracts

    return contracts.contracts_of_a_region(rounds)


def _projects(rounds: int) -> "list[Line]":
    from benchmarks import projects

    return projects.health_projects(rounds)


# The load empties the tables: it comes before the letters are written.
def _existing(rounds: int) -> "list[Line]":
    from benchmarks import existing

    return existing.existing_cpts(rounds)


PARTS: dict[str, Callable[[int], "list[Line]"]] = {
    "load": _load,
    "search": _search,
    "overlap": _overlap,
    "coverage": _coverage,
    "pages": _pages,
    "autosave": _autosave,
    "pdf": _pdf,
    "desks": _desks,
    "signatures": _signatures,
    "questionnaires": _questionnaires,
    "contracts": _contracts,
    "existing": _existing,
    "projects": _projects,
}

if __name__ == "__main__":
    main()
