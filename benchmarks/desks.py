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
from itertools import cycle, permutations
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus

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

    `{case}` in it is the tenth case that waits for opinions on the desk of the Guichet.

    `as_full` is the address that fills a page at the small size, where this one would show a few
    cases and hundreds at the large one: what is compared then is as much to read.
    """

    who: str
    path: str
    as_full: str = ""


# A commune and a word of an answer that `benchmarks.filled` writes in as many cases at both sizes.
MARKED_CASES = 150
MARKED_COMMUNE = "Belvézines"
MARKED_WORD = "radeaux"
_OF_COMMUNE = "/bureau/?onglet=tous&q=belvezines"
_OF_WORD = "/bureau/?onglet=tous&q=radeaux"
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
    # 25 of a thousand cases.
    "liste filtrée du Tarn": Asked(
        "agence", "/bureau/?onglet=decides&departement=81&taille=T1&tri=population"
    ),
    "liste d’un onglet par état": Asked("agence", "/bureau/?onglet=decides&tri=etat"),
    "liste d’un état par référence": Asked(
        "guichet", "/bureau/?onglet=tous&etat=accepted&tri=reference"
    ),
    "liste d’une taille par population": Asked(
        "guichet", "/bureau/?onglet=tous&taille=T1&tri=-population"
    ),
    "liste, échéance dépassée": Asked("agence", "/bureau/?onglet=tous&echeance=depassee"),
    "liste par nom": Asked("guichet", "/bureau/?onglet=tous&tri=cpts"),
    "liste à signer": Asked("signataire", "/bureau/?onglet=a-signer"),
    "liste d’un bureau": Asked("bureau", "/bureau/?onglet=tous&tri=echeance"),
    "liste filtrée d’un bureau": Asked("bureau", "/bureau/?onglet=tous&taille=T1&tri=population"),
    "recherche d’un mot courant": Asked("guichet", "/bureau/?onglet=tous&q=prevention"),
    # In 150 cases of a thousand, and of a hundred thousand.
    "recherche d’un mot de 150 réponses": Asked("guichet", _OF_WORD),
    "recherche d’une commune de 150 dossiers": Asked("guichet", _OF_COMMUNE),
    # In a few of a thousand, and in 700 or 900 of a hundred thousand.
    "recherche d’un mot rare": Asked("guichet", "/bureau/?onglet=tous&q=baleines", _OF_WORD),
    "recherche d’une commune": Asked("guichet", "/bureau/?onglet=tous&q=lavaur", _OF_COMMUNE),
    "recherche dans un bureau": Asked("bureau", "/bureau/?onglet=tous&q=soins+urgences"),
    "bureau du coordinateur": Asked("agence", "/bureau/region/"),
    "dossier": Asked("guichet", "/lettres/{case}/?liste=onglet%3Davis&rang=10"),
}


# What was searched lately is quicker: the words are read, the excerpts cut. This search never was.
NEW_SEARCH = Asked("guichet", "/bureau/?onglet=tous&q={new}")
NEW_WORDS = (
    "accès", "médecin", "coordination", "parcours", "patients", "pharmacien", "vaccination",
    "dépistage", "gériatrie", "diabète", "permanence", "urgences", "domicile", "territoire",
)  # fmt: skip


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
            for name, (who, path) in _addresses(size, prepared[size]).items()
        } | {
            f"{size} {_NEW}": _new_search(ports[size], prepared[size]["sessions"][NEW_SEARCH.who])
            for size in SIZES
        }
        found = interleaved(actions, rounds=rounds, warm_up=6)
    lines = []
    for name, (who, _path, as_full) in (PAGES | {_NEW: NEW_SEARCH}).items():
        same = "autant à lire à 1 000 dossiers" if as_full else "la même à 1 000 dossiers"
        lines += [
            Line(f"{name}, 100 000 dossiers", "une page qui ne fait qu’étendre base.html",
                 found[f"grand {name}"], found[f"grand {_floor(who)}"], "ms", 2.0),
            Line(f"{name}, 100 000 contre 1 000", same,
                 found[f"grand {name}"], found[f"petit {name}"], "ms", FLATNESS),
        ]  # fmt: skip
    for name in PAGES:
        counts = [prepared[size]["queries"][name] for size in ("grand", "petit")]
        lines.append(Line(f"{name}, requêtes SQL", "à 1 000 dossiers", *counts, "req.", 1.0))
    return lines + _looks(rounds)


_NEW = "recherche de mots nouveaux"


def _new_search(port: int, session: str) -> Callable[[], None]:
    """Search two words that were never asked together; again from the first when all were."""
    pairs = cycle(permutations(NEW_WORDS, 2))

    def ask() -> None:
        path = NEW_SEARCH.path.replace("{new}", quote_plus(" ".join(next(pairs))))
        _request(port, path, session)()

    return ask


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


def _addresses(size: str, prepared: dict[str, Any]) -> dict[str, tuple[str, str]]:
    pages = {
        name: (who, ((size == "petit" and as_full) or path).replace("{case}", prepared["case"]))
        for name, (who, path, as_full) in PAGES.items()
    }
    # Whoever comes first of a size finds the caches full of the other: that page is not told.
    first = {"mise en route": ("guichet", "/bureau/?onglet=tous")}
    return first | pages | {_floor(who): (who, "/bench/") for who in PEOPLE}


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
