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
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import Line, interleaved

PROJECT = Path(__file__).resolve().parent.parent
SIZES = {"petit": 1_000, "grand": 100_000}
REGION = "76"
FLATNESS = 1.15
FLOOR = "plancher"


class Asked(NamedTuple):
    """A page: who opens it (a name of PEOPLE) and its address.

    `{case}` in it is a case on the desk of the Guichet.
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
    "liste filtrée et triée": Asked(
        "agence", "/bureau/?onglet=tous&departement=81&taille=T2&etat=under_review&tri=echeance"
    ),
    "liste, échéance dépassée": Asked("agence", "/bureau/?onglet=tous&echeance=depassee"),
    "liste par nom": Asked("guichet", "/bureau/?onglet=tous&tri=cpts"),
    "liste à signer": Asked("signataire", "/bureau/?onglet=a-signer"),
    "liste d’un bureau": Asked("bureau", "/bureau/?onglet=tous&tri=echeance"),
    "liste filtrée d’un bureau": Asked("bureau", "/bureau/?onglet=tous&taille=T1&tri=population"),
    "recherche d’un mot courant": Asked("guichet", "/bureau/?onglet=tous&q=prevention"),
    "recherche d’un mot rare": Asked("guichet", "/bureau/?onglet=tous&q=baleines"),
    "recherche d’une commune": Asked("guichet", "/bureau/?onglet=tous&q=lavaur"),
    "recherche dans un bureau": Asked("bureau", "/bureau/?onglet=tous&q=soins+urgences"),
    "bureau du coordinateur": Asked("agence", "/bureau/region/"),
    "dossier": Asked("guichet", "/lettres/{case}/?liste=onglet%3Dtous&rang=10"),
}


def desks(rounds: int) -> list[Line]:
    """Each page against the floor and against itself, and the looks of the periodic tasks."""
    from benchmarks.pages import served  # noqa: PLC0415

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
    for name in PAGES:
        lines += [
            Line(f"{name}, 100 000 dossiers", "une page qui ne fait qu’étendre base.html",
                 found[f"grand {name}"], found[f"grand {FLOOR}"], "ms", 2.0),
            Line(f"{name}, 100 000 contre 1 000", "la même à 1 000 dossiers",
                 found[f"grand {name}"], found[f"petit {name}"], "ms", FLATNESS),
        ]  # fmt: skip
    for name in PAGES:
        counts = [prepared[size]["queries"][name] for size in ("grand", "petit")]
        lines.append(Line(f"{name}, requêtes SQL", "à 1 000 dossiers", *counts, "req.", 1.0))
    looks = {size: prepared[size]["looks"] for size in SIZES}
    lines += [
        Line(name, "la même à 1 000 dossiers", value, looks["petit"][name], "ms", FLATNESS)
        for name, value in looks["grand"].items()
    ]
    return lines


def _addresses(prepared: dict[str, Any]) -> dict[str, Asked]:
    pages = {
        name: Asked(who, path.replace("{case}", prepared["case"]))
        for name, (who, path) in PAGES.items()
    }
    return pages | {FLOOR: Asked("guichet", "/bench/")}


def _environment(size: str) -> dict[str, str]:
    return {"BENCH_DATABASE": f"bench_cpts_{size}"}


def _request(port: int, path: str, session: str) -> Any:
    from benchmarks.pages import request_as  # noqa: PLC0415

    return request_as(port, path, session)


def _prepare(size: str) -> dict[str, Any]:
    """Make one of the databases, in a process of its own that is connected to it."""
    from devstack.paths import TEST_POSTGRES  # noqa: PLC0415
    from devstack.postgres import Postgres  # noqa: PLC0415

    environment = _environment(size)
    server = Postgres(TEST_POSTGRES, durable=False)
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {environment['BENCH_DATABASE']} WITH (FORCE)")
    server.ensure_database(environment["BENCH_DATABASE"])
    print(f"  {SIZES[size]} dossiers…", flush=True)
    done = subprocess.run(
        [sys.executable, __file__, str(SIZES[size])],
        cwd=PROJECT,
        env=os.environ
        | environment
        | {"PYTHONPATH": str(PROJECT), "DJANGO_SETTINGS_MODULE": "benchmarks.settings"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


# --- In the process of one size -----------------------------------------------------------------


def _fill(count: int) -> dict[str, Any]:
    from django.core.management import call_command  # noqa: PLC0415

    from accounts.models import Organisation  # noqa: PLC0415
    from desks.seeding import seed_cases  # noqa: PLC0415
    from territories import loading  # noqa: PLC0415
    from tests import factories  # noqa: PLC0415
    from workflow.models import Case  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    loading.load(loading.default_source())
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("load_organisations", verbosity=0, stdout=nowhere)
    people = {
        name: factories.membership(
            organisation_=Organisation.objects.get(code=code), role=role
        ).user
        for name, (code, role) in PEOPLE.items()
    }
    seed_cases(count, regions=[REGION])
    _vacuum()
    recent = Case.objects.filter(desks__organisation__code=PEOPLE["guichet"][0])
    case = str(recent.order_by("-deposited_at", "-pk")[9].public_id)
    return {
        "case": case,
        "sessions": {name: _session(person) for name, person in people.items()},
        "queries": _queries(people, case),
        "looks": _looks(),
    }


def _vacuum() -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _session(person: Any) -> str:
    from django.test import Client  # noqa: PLC0415

    client = Client()
    client.force_login(person)
    return client.cookies["sessionid"].value


def _queries(people: dict[str, Any], case: str) -> dict[str, int]:
    """How many queries each page takes, once it was opened."""
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    counts = {}
    for name, (who, path) in PAGES.items():
        client = Client()
        client.force_login(people[who])
        address = path.replace("{case}", case)
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        counts[name] = len(captured)
    return counts


def _looks() -> dict[str, float]:
    """What the periodic tasks take to find that there is nothing to do: on a day long past."""
    from datetime import date  # noqa: PLC0415

    from workflow.clock_alerts import publish_due_alerts  # noqa: PLC0415
    from workflow.consultations import close_the_silent, send_reminders  # noqa: PLC0415
    from workflow.projections import settle_lapsed_suspensions  # noqa: PLC0415

    long_ago = date(2000, 1, 3)
    settle_lapsed_suspensions()
    return interleaved(
        {
            "alertes d’échéance": lambda: publish_due_alerts(today=long_ago),
            "silences des organismes": lambda: close_the_silent(today=long_ago),
            "rappels aux organismes": lambda: send_reminders(today=long_ago),
            "suspensions échues": settle_lapsed_suspensions,
        },
        rounds=40,
    )


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(_fill(int(sys.argv[1]))))
