"""One of the two databases of `benchmarks.desks`: filled, then measured from the inside.

Runs in processes of its own, connected to that database.
"""

import json
import sys
from datetime import date
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation, User
from benchmarks.desks import MARKED_CASES, MARKED_COMMUNE, MARKED_WORD, PAGES, PEOPLE, REGION
from desks.seeding import seed_cases
from territories import loading
from territories.normalise import normalise
from tests import factories
from workflow.clock_alerts import publish_due_alerts
from workflow.consultations import close_the_silent, send_reminders
from workflow.models import Case
from workflow.projections import settle_lapsed_suspensions
from workflow.states import CaseState


def fill(count: int) -> None:
    """Fill the database with `count` cases, unless it holds them already."""
    call_command("migrate", verbosity=0)
    if Case.objects.count() != count:
        loading.load(loading.default_source())
        call_command("load_organisations", verbosity=0, stdout=StringIO())
        for code, role in PEOPLE.values():
            factories.membership(organisation_=Organisation.objects.get(code=code), role=role)
        seed_cases(count, regions=[REGION])
    _mark()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _mark() -> None:
    """Write one commune and one word in as many documents, whatever the size, evenly spread.

    Nothing where it is done: a database that is kept keeps them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH spread AS (
                SELECT case_id, row_number() OVER (ORDER BY case_id) AS rank,
                       count(*) OVER () AS size
                  FROM workflow_searchdocument)
            UPDATE workflow_searchdocument s
               SET names = names || setweight(to_tsvector('portal_french', %(commune)s), 'B'),
                   texts = texts || search_words(%(word)s),
                   body = concat('Communes : ', %(commune)s, '. ', body, ' ', %(word)s, '.')
              FROM spread
             WHERE spread.case_id = s.case_id
               AND spread.rank %% (spread.size / %(cases)s) = 0
               AND spread.rank <= spread.size / %(cases)s * %(cases)s
               AND NOT EXISTS (
                   SELECT FROM workflow_searchdocument
                    WHERE texts @@ search_query(ARRAY[%(word)s], ''))
            """,
            {
                "commune": normalise(MARKED_COMMUNE),
                "word": MARKED_WORD,
                "cases": MARKED_CASES,
            },
        )


def measure() -> None:
    """Print what is measured from the inside, as JSON.

    In another process than the one that filled: that one is slow for having made so much.
    """
    people = {name: _person(*role) for name, role in PEOPLE.items()}
    recent = Case.objects.filter(office__code=PEOPLE["guichet"][0], state=CaseState.IN_CONSULTATION)
    case = str(recent.order_by("-deposited_at", "-pk")[9].public_id)
    found = {
        "case": case,
        "sessions": {name: _session(person) for name, person in people.items()},
        "queries": _queries(people, case),
    }
    print(json.dumps(found))


def _person(code: str, role: str) -> User:
    return User.objects.get(memberships__organisation__code=code, memberships__role=role)


def _session(person: Any) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies["sessionid"].value


def _queries(people: dict[str, Any], case: str) -> dict[str, int]:
    """How many queries each page takes, once it was opened."""
    counts = {}
    for name, (who, path, _as_full) in PAGES.items():
        client = Client()
        client.force_login(people[who])
        address = path.replace("{case}", case)
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        counts[name] = len(captured)
    return counts


def look_when_asked() -> None:
    """Run the look of a periodic task each time a line names one, and answer when it is done.

    What they take to find that there is nothing to do: on a day long past.
    """
    long_ago = date(2000, 1, 3)
    settle_lapsed_suspensions()
    looks = {
        "alerts": lambda: publish_due_alerts(today=long_ago),
        "silences": lambda: close_the_silent(today=long_ago),
        "reminders": lambda: send_reminders(today=long_ago),
        "suspensions": settle_lapsed_suspensions,
    }
    for line in sys.stdin:
        looks[line.strip()]()
        print("done", flush=True)
