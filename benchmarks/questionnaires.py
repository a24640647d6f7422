"""A questionnaire of 5 000 answers: its results against the floor, and as many queries as for one.

Then a rush of answers, from clients at once, as browsers send them: none lost, none doubled.
"""

import http.client
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlencode

from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from benchmarks.measure import Line, interleaved
from benchmarks.pages import SCENARIO, request, served
from desks.play_questionnaire import drawn_answers
from letters.json_import import import_file
from mobilisation import links, services
from mobilisation.answering import FIELDS
from mobilisation.models import Questionnaire, Reply
from tests import factories

ANSWERS = 5_000
RUSH = 250
CLIENTS = 25


def questionnaires(rounds: int) -> list[Line]:
    one, lead = _questionnaire()
    at = f"/cpts/{one.community.public_id}/questionnaires/{one.public_id}/"
    few = _queries(f"{at}resultats/", lead)
    _fill(one, ANSWERS)
    many = _queries(f"{at}resultats/", lead)
    with served() as port:
        found = interleaved(
            {
                "page": request(port, at, lead),
                "résultats": request(port, f"{at}resultats/", lead),
                "textes": request(port, f"{at}resultats/textes/", lead),
                "formulaire": request(port, f"/q/{one.code}/", None),
                "plancher": request(port, "/bench/", lead),
            },
            rounds=rounds,
            warm_up=5,
        )
        before = one.replies.count()
        took = _rush(port, one)
    kept = one.replies.count() - before
    connections.close_all()
    against = "une page qui ne fait qu’étendre base.html"
    names = {
        "page": "questionnaire", "résultats": "résultats de 5 000 réponses",
        "textes": "textes de 5 000 réponses", "formulaire": "le questionnaire à remplir",
    }  # fmt: skip
    return [
        *(Line(what, against, found[key], found["plancher"], "ms", 2.0)
          for key, what in names.items()),
        Line("requêtes des résultats", "autant que sans réponse", many, few, "req.", 1.0),
        Line("réponses gardées d’une ruée", f"{RUSH}, ni plus ni moins",
             kept if kept == RUSH else math.inf, RUSH, "", 1.0),
        Line("5 000 réponses à ce rythme", "une heure", ANSWERS * took / RUSH, 3_600, "s", 1.0),
    ]  # fmt: skip


def _questionnaire() -> tuple[Questionnaire, User]:
    call_command("load_organisations", verbosity=0)
    lead = factories.user()
    letter = import_file(SCENARIO, owner_email=lead.email, force=True).letter
    urps = Organisation.objects.get(code="urps-medecins-occitanie")
    made = services.prepare_questionnaire(
        letter.community,
        {
            "urps": urps,
            "closes_on": timezone.localdate() + timedelta(days=30),
            "message": "",
            "own_questions": [],
        },
        by=lead,
    )
    services.submit_questionnaire(made, by=lead)
    president = factories.user()
    president.acting = factories.membership(president, urps, Membership.Role.PRESIDENT)
    services.approve_questionnaire(made, by=president)
    return Questionnaire.objects.select_related("community", "urps").get(pk=made.pk), lead


def _fill(one: Questionnaire, count: int) -> None:
    replies = []
    for rank, values in enumerate(drawn_answers(one, count)):
        reply = Reply(questionnaire=one, form_mark=f"{one.pk}-{rank}")
        for name in FIELDS:
            setattr(reply, name, values[name])
        links.issue(reply)
        replies.append(reply)
    Reply.objects.bulk_create(replies, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE mobilisation_reply")


def _queries(path: str, person: User) -> int:
    client = Client()
    client.force_login(person)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def _rush(port: int, one: Questionnaire) -> float:
    """Send answers, many at a time; how many seconds they all took."""
    senders = [_sender(port, one, rank) for rank in range(RUSH)]
    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda send: send(), senders))
    return time.perf_counter() - start


def _sender(port: int, one: Questionnaire, rank: int) -> Callable[[], None]:
    token = "a" * 32
    headers = {
        "Host": "localhost",
        "Cookie": f"csrftoken={token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = urlencode(
        {
            "csrfmiddlewaretoken": token,
            "mark": links.new_mark(at=time.time() - 60),
            "profession": "nurses",
            "commune": "81140",
            "interest": "3",
            "last_name": "Fabre",
            "email": f"ruee{rank}@exemple.test",
        }
    )

    def send() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        link.request("POST", f"/q/{one.code}/", body, headers)
        answer = link.getresponse()
        answer.read()
        link.close()
        assert answer.status == 302, answer.status

    return send
