"""Each main page against the floor: the same request to a page that only extends base.html.

The requests go to a real gunicorn over the loopback, one after the other.
"""

import http.client
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Organisation, User
from benchmarks.measure import Line, interleaved
from letters.json_import import import_file
from letters.models import LetterOfIntent
from tests import factories
from tests.desks.factories import deposited_letter
from workflow.models import Snapshot
from writing.content import procedure_of
from writing.documents import issue_documents

PROJECT = Path(__file__).resolve().parent.parent
SCENARIO = PROJECT / "fixtures" / "scenarios" / "tarn-ouest.json"
LETTERS_ON_THE_DESK = 60
AUTOSAVE_QUERIES = 6


def pages(rounds: int) -> list[Line]:
    lead, agent, draft, deposited = _data()
    at = f"/lettres/{draft.public_id}/"
    asked: dict[str, tuple[User | None, str]] = {
        "accueil public": (None, "/"),
        "mes projets": (lead, "/accueil/"),
        "mon compte": (lead, "/compte/"),
        "équipe": (lead, f"/cpts/{draft.community.public_id}/equipe/"),
        "nouvelle lettre": (lead, "/lettres/nouvelle/"),
        "brouillon": (lead, at),
        **{
            f"étape : {section.title}": (lead, f"{at}etapes/{section.key}/")
            for section in procedure_of(draft).sections
        },
        "territoire": (lead, f"{at}territoire/"),
        "pièces jointes": (lead, f"{at}pieces/"),
        "ce qui manque": (lead, f"{at}a-completer/"),
        "relire et déposer": (lead, f"{at}depot/"),
        "lettre déposée (équipe)": (lead, f"/lettres/{deposited.public_id}/"),
        "lettre déposée (bureau)": (agent, f"/lettres/{deposited.public_id}/"),
        "lettres reçues (25 lignes)": (agent, "/bureau/"),
    }
    floors: dict[User | None, str] = {lead: "plancher", agent: "plancher du bureau"}
    with served() as port:
        actions = {name: request(port, path, person) for name, (person, path) in asked.items()} | {
            name: request(port, "/bench/", person) for person, name in floors.items()
        }
        found = interleaved(actions, rounds=rounds, warm_up=3)
    return [
        Line(
            name,
            "une page qui ne fait qu’étendre base.html",
            found[name],
            found[floors.get(person, "plancher")],
            "ms",
            2.0,
        )
        for name, (person, _) in asked.items()
    ]


def autosave(_rounds: int) -> list[Line]:
    """The queries of one autosave, transaction included: one request, six at most."""
    lead = factories.user()
    draft = import_file(SCENARIO, owner_email=lead.email, force=True).letter
    client = Client()
    client.force_login(lead)
    with CaptureQueriesContext(connection) as queries:
        answer = client.post(
            f"/lettres/{draft.public_id}/champs/existing_tools/",
            {"value": "Une messagerie sécurisée", "revision": None},
            content_type="application/json",
        )
    assert answer.status_code == 200, answer.content
    return [
        Line(
            "requêtes SQL d’un enregistrement",
            "six au plus",
            len(queries),
            AUTOSAVE_QUERIES,
            "req.",
            1.0,
        )
    ]


def _data() -> tuple[User, User, LetterOfIntent, LetterOfIntent]:
    """A lead with a full draft and its deposited twin; an agent with a long inbox."""
    call_command("load_organisations", verbosity=0, stdout=io.StringIO())
    lead = factories.user()
    draft = import_file(SCENARIO, owner_email=lead.email).letter
    deposited = import_file(SCENARIO, owner_email=lead.email, force=True, deposit=True).letter
    deposited.refresh_from_db()
    issue_documents(deposited, Snapshot.objects.get(case=deposited))
    desk = Organisation.objects.get(code="guichet-cpts-occitanie")
    for number in range(LETTERS_ON_THE_DESK):
        deposited_letter(
            desk,
            reference=f"LI-76-2025-{number + 1:04d}",
            department_codes=["81", "31", "82", "12"][: 1 + number % 4],
        )
    agent = factories.membership(organisation_=desk, role=Membership.Role.REVIEWER).user
    return lead, agent, draft, deposited


@contextmanager
def served(
    environment: Mapping[str, str] = MappingProxyType({}), *, workers: int = 1
) -> Iterator[int]:
    """A gunicorn on a free port, until the block ends: one process unless told otherwise."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "gunicorn"),
            *("--workers", str(workers), "--bind", f"127.0.0.1:{port}", "--no-control-socket"),
            *("--log-level", "warning", "cpts_portal.wsgi"),
        ],
        cwd=PROJECT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"} | environment,
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.1)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


def request(port: int, path: str, person: User | None) -> Callable[[], None]:
    """Ask for a page as this person; AssertionError when it is not a page."""
    if person is None:
        return request_as(port, path, "")
    client = Client()
    client.force_login(person)
    return request_as(port, path, client.cookies["sessionid"].value)


def request_as(port: int, path: str, session: str) -> Callable[[], None]:
    """The same with the key of a session, or nobody's."""
    headers = {"Host": "localhost"}
    if session:
        headers["Cookie"] = f"sessionid={session}"

    def ask() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        link.request("GET", path, headers=headers)
        answer = link.getresponse()
        answer.read()
        link.close()
        assert answer.status == 200, (path, answer.status)

    return ask
