"""The lists of an office at a thousand and at a hundred thousand cases: as quick, both times.

Two databases hold the two sizes, each behind its own gunicorn, asked in turn: what slows the
machine slows both. All the cases are in one region, so that its Guichet and its agency have
every one of them on their desk, more than any office ever will; the office of one département
has what an office has.

To measure another page, add a line to PAGES: what it is called, who opens it, its address.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import Line, interleaved
from benchmarks.pages import request_as, served
from devstack.paths import TEST_POSTGRES
from devstack.postgres import Postgres

PROJECT = Path(__file__).resolve().parent.parent
SIZES = {"petit": 1_000, "grand": 100_000}
REGION = "76"
FLATNESS = 1.15
LOOKS = {
    "alertes d’échéance": "alerts",
    "silences des organismes": "silences",
    "rappels aux organismes": "reminders",
    "suspensions échues": "suspensions",
}
# Django is set up before the module that needs its models is read.
_PROGRAM = "import django; django.setup(); from benchmarks import filled; filled.{done}"


class Asked(NamedTuple):
    """A page: who opens it (a name of PEOPLE) and its address.

    `{case}` in it is the tenth case that waits for opinions on the desk of the Guichet. `{place}`
    is the word of the names and communes that is in the nearest to 150 cases: it fills the first
    pages at both sizes, and no more is read for one than for the other.
    """

    who: str
    path: str


# Who opens the pages: the organisation and the role.
PEOPLE = {
    "guichet": ("guichet-cpts-occitanie", "agent"),
    "agence": ("ars-occitanie", "coordinator"),
    "signataire": ("ars-occitanie", "signatory"),
    "bureau": ("ars-occitanie-81", "agent"),
}
PAGES: dict[str, Asked] = {
    "liste": Asked("guichet", "/bureau/?onglet=tous"),
    "liste par échéance": Asked("agence", "/bureau/?onglet=a-decider&tri=echeance"),
    # 27 of a thousand cases, as many as fill a page: it is full at both sizes.
    "liste filtrée et triée": Asked(
        "agence", "/bureau/?onglet=tous&departement=32&taille=T1&etat=accepted&tri=population"
    ),
    # 12 of a thousand cases: its flatness holds what 25 rows cost more than 12.
    "liste filtrée du Tarn": Asked(
        "agence", "/bureau/?onglet=tous&departement=81&taille=T1&etat=accepted&tri=population"
    ),
    "liste, échéance dépassée": Asked("agence", "/bureau/?onglet=tous&echeance=depassee"),
    "liste par nom": Asked("guichet", "/bureau/?onglet=tous&tri=cpts"),
    "liste à signer": Asked("signataire", "/bureau/?onglet=a-signer"),
    "liste d’un bureau": Asked("bureau", "/bureau/?onglet=tous&tri=echeance"),
    "liste filtrée d’un bureau": Asked("bureau", "/bureau/?onglet=tous&taille=T1&tri=population"),
    "recherche d’un mot courant": Asked("guichet", "/bureau/?onglet=tous&q=prevention"),
    # These two find a few cases of a thousand, and hundreds of a hundred thousand.
    "recherche d’un mot rare": Asked("guichet", "/bureau/?onglet=tous&q=baleines"),
    "recherche d’une commune": Asked("guichet", "/bureau/?onglet=tous&q=lavaur"),
    "recherche d’un nom de 150 dossiers": Asked("guichet", "/bureau/?onglet=tous&q={place}"),
    "recherche dans un bureau": Asked("bureau", "/bureau/?onglet=tous&q=soins+urgences"),
    "bureau du coordinateur": Asked("agence", "/bureau/region/"),
    "dossier": Asked("guichet", "/lettres/{case}/?liste=onglet%3Davis&rang=10"),
}


def desks(rounds: int) -> list[Line]:
    """Each page against the floor and against itself, and the looks of the periodic tasks."""
    prepared = {name: _prepare(name) for name in SIZES}
    with (
        served(_environment("petit")) as small_port,
        served(_environment("grand")) as large_port,
    ):
        ports = {"petit": small_port, "grand": large_port}
        actions = {
            f"{size} {name}": _request(ports[size], path, prepared[size]["sessions"][who])
            for size in SIZES
            for name, (who, path) in _addresses(prepared[size]).items()
        }
        found = interleaved(actions, rounds=rounds, warm_up=6)
    lines = []
    for name, (who, _path) in PAGES.items():
        lines += [
            Line(f"{name}, 100 000 dossiers", "une page qui ne fait qu’étendre base.html",
                 found[f"grand {name}"], found[f"grand {_floor(who)}"], "ms", 2.0),
            Line(f"{name}, 100 000 contre 1 000", "la même à 1 000 dossiers",
                 found[f"grand {name}"], found[f"petit {name}"], "ms", FLATNESS),
        ]  # fmt: skip
    for name in PAGES:
        counts = [prepared[size]["queries"][name] for size in ("grand", "petit")]
        lines.append(Line(f"{name}, requêtes SQL", "à 1 000 dossiers", *counts, "req.", 1.0))
    return lines + _looks(rounds)


def _looks(rounds: int) -> list[Line]:
    """What the periodic tasks take to find nothing to do, on each database in turn."""
    with _looking("petit") as small, _looking("grand") as large:
        asks = {"petit": small, "grand": large}
        actions = {
            f"{size} {name}": partial(asks[size], look)
            for name, look in LOOKS.items()
            for size in SIZES
        }
        found = interleaved(actions, rounds=rounds, warm_up=6)
    return [
        Line(name, "la même à 1 000 dossiers",
             found[f"grand {name}"], found[f"petit {name}"], "ms", FLATNESS)
        for name in LOOKS
    ]  # fmt: skip


@contextmanager
def _looking(size: str) -> Iterator[Callable[[str], None]]:
    """A process connected to that database that looks when it is asked to."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM.format(done="look_when_asked()")],
        cwd=PROJECT,
        env=_inside(size),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def ask(look: str) -> None:
            asked.write(f"{look}\n")
            asked.flush()
            assert answered.readline() == "done\n", look

        yield ask


def _addresses(prepared: dict[str, Any]) -> dict[str, Asked]:
    pages = {
        name: Asked(
            who, path.replace("{case}", prepared["case"]).replace("{place}", prepared["place"])
        )
        for name, (who, path) in PAGES.items()
    }
    # Whoever comes first of a size finds the caches full of the other: that page is not told.
    first = {"mise en route": Asked("guichet", "/bureau/?onglet=tous")}
    return first | pages | {_floor(who): Asked(who, "/bench/") for who in PEOPLE}


def _floor(who: str) -> str:
    """Each person has a floor of their own: their menu is not the same."""
    return f"plancher, {who}"


def _environment(size: str) -> dict[str, str]:
    return {"BENCH_DATABASE": f"bench_cpts_{size}"}


def _request(port: int, path: str, session: str) -> Any:
    return request_as(port, path, session)


def _prepare(size: str) -> dict[str, Any]:
    """Make one of the databases, in a process of its own that is connected to it."""
    environment = _environment(size)
    server = Postgres(TEST_POSTGRES, durable=False)
    # With `--keep`, a database already filled is brought up to date instead of made again.
    if not os.environ.get("BENCH_KEEP"):
        with server.connect() as connection:
            connection.execute(
                f"DROP DATABASE IF EXISTS {environment['BENCH_DATABASE']} WITH (FORCE)"
            )
    server.ensure_database(environment["BENCH_DATABASE"])
    print(f"  {SIZES[size]} dossiers…", flush=True)
    _run(size, f"fill({SIZES[size]})")
    return json.loads(_run(size, "measure()").splitlines()[-1])


def _inside(size: str) -> dict[str, str]:
    """The environment of a process that is connected to one of the databases."""
    there = {"PYTHONPATH": str(PROJECT), "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
    return {**os.environ, **_environment(size), **there}


def _run(size: str, done: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(done=done)],
        cwd=PROJECT,
        env=_inside(size),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
