"""A project of 2 000 members: the page of its signatures, then all of them from 50 clients at once.

The signatures go to a real gunicorn, each as its signer's own browser would send it: none may be
lost, none doubled, the counts right, and the slowest of a hundred not three times what a page
that only extends base.html takes under the same load.
"""

import http.client
import math
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from urllib.parse import urlencode

from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from accounts.models import User
from benchmarks.measure import Line, interleaved
from benchmarks.pages import request, served
from health_projects import services
from members.codes import PROFESSIONS
from members.models import Member
from members.services import sort_key
from outbox.services import deliver_pending
from signatures import board, links
from signatures.models import Campaign, Invitation, Signature
from tests.health_projects import projects

MEMBERS = 2_000
CLIENTS = 50
CODE = "123456"


def signatures(rounds: int) -> list[Line]:
    """The page at 20 and at 2 000 members, then the rush."""
    campaign, lead = _campaign()
    at = f"/cpts/{campaign.community.public_id}/signatures/{campaign.public_id}/"
    with served(workers=2) as port:
        found = interleaved(
            {
                "page": request(port, at, lead),
                "filtrée": request(port, f"{at}?etat=attente&nature=60&page=2", lead),
                "plancher": request(port, "/bench/", lead),
            },
            rounds=rounds,
            warm_up=5,
        )
        floor = _rush([_floor(port, lead) for _ in range(MEMBERS)])
        times = _rush(_signers(port, campaign))
    connections.close_all()
    told = Signature.objects.filter(campaign=campaign)
    counted = board.counts_of(campaign).all
    against = "une page qui ne fait qu’étendre base.html"
    return [
        Line("campagne de 2 000 membres", against, found["page"], found["plancher"], "ms", 2.0),
        Line("la même, filtrée", against, found["filtrée"], found["plancher"], "ms", 2.0),
        Line("signature, 95e centile à 50", f"{against}, 50 à la fois", _p95(times),
             _p95(floor), "ms", 3.0),
        Line("signature, médiane à 50", f"{against}, 50 à la fois",
             statistics.median(times), statistics.median(floor), "ms", 3.0),
        _exact("signatures enregistrées", told.count()),
        _exact("membres qui ont signé", told.values("member_id").distinct().count()),
        _exact("signatures comptées", counted.signed),
    ]  # fmt: skip


def _exact(what: str, found: int) -> Line:
    """A count that must be that of the members: one more or one less is a miss."""
    gap = 1.0 if found == MEMBERS else math.inf
    return Line(what, f"{MEMBERS}, ni plus ni moins", found * gap, MEMBERS, "", 1.0)


def _campaign() -> tuple[Campaign, User]:
    """An open campaign on a health project, whose members have each been sent the same code."""
    call_command("load_organisations", verbosity=0, stdout=StringIO())
    project = projects.complete("84")
    lead = project.created_by
    codes = list(PROFESSIONS)
    members = [
        Member(
            community=project.community,
            last_name=f"Nom {number:04d}",
            first_name="Prénom",
            email=f"signataire{number}@exemple.test",
            profession=codes[number % len(codes)],
            created_by=lead,
        )
        for number in range(MEMBERS - project.community.members.count())
    ]
    for member in members:
        member.sort_key = sort_key(member)
    Member.objects.bulk_create(members)
    services.freeze_version(project, actor=lead)
    deliver_pending()
    campaign = projects.campaign(projects.fresh(project))
    now = timezone.now()
    ones = list(Invitation.objects.filter(campaign=campaign))
    for one in ones:
        one.code_digest = links.code_digest(one, CODE)
        one.code_sent_at, one.code_expires_at = now, now + timedelta(hours=2)
    Invitation.objects.bulk_update(
        ones, ["code_digest", "code_sent_at", "code_expires_at"], batch_size=500
    )
    # As a server has its tables a minute after two thousand rows were written.
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Campaign.objects.get(pk=campaign.pk), lead


def _signers(port: int, campaign: Campaign) -> list[Callable[[], None]]:
    token = "a" * 32
    return [
        _signer(port, f"/signer/{links.token_of(one)}/signer/", token)
        for one in Invitation.objects.filter(campaign=campaign).order_by("?")
    ]


def _signer(port: int, path: str, token: str) -> Callable[[], None]:
    headers = {
        "Host": "localhost",
        "Cookie": f"csrftoken={token}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = urlencode({"csrfmiddlewaretoken": token, "code": CODE, "answer": "sign"})

    def sign() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        link.request("POST", path, body, headers)
        answer = link.getresponse()
        answer.read()
        link.close()
        assert answer.status == 302, (answer.status, path)

    return sign


def _floor(port: int, person: User) -> Callable[[], None]:
    if not hasattr(_floor, "ask"):
        client = Client()
        client.force_login(person)
        from benchmarks.pages import request_as

        vars(_floor)["ask"] = request_as(port, "/bench/", client.cookies["sessionid"].value)
    ask: Callable[[], None] = vars(_floor)["ask"]
    return ask


def _rush(actions: list[Callable[[], None]]) -> list[float]:
    """Run them all, fifty at a time; how long each took, in milliseconds."""

    def timed(action: Callable[[], None]) -> float:
        start = time.perf_counter()
        action()
        return (time.perf_counter() - start) * 1000

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(timed, actions))


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
