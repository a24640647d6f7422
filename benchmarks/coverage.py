"""The coverage of Occitanie: what is sent, how soon, cold and kept.

Two sizes: a thousand CPTS of forty communes, more than the région will ever have, and a hundred
thousand small ones. The page and what its map paints are compared with the page that only extends
base.html, through a real gunicorn. With CONTOURS_SOURCE the outlines are weighed too.
"""

import os
import time
from typing import Final

from django.db import connection

from accounts.models import Membership, Organisation, User
from benchmarks.measure import Line, interleaved
from benchmarks.pages import request, served
from communities.models import Community
from desks.coverage_files import map_payload
from territories.models import Commune, Region
from tests import factories
from workflow import coverage
from workflow.models import Case, TerritoryPeriod

REGION: Final = "76"
SIZES: Final = {
    "1 000 CPTS de 40 communes": (1_000, 40),
    "100 000 CPTS de 8 communes": (100_000, 8),
}
MOST_KILOBYTES: Final = 300
MOST_COLD: Final = 1_000


def coverage_of_a_region(rounds: int) -> list[Line]:
    agent = _agent()
    lines = []
    for name, (count, communes) in SIZES.items():
        _fill(count, communes)
        cold = []
        for _ in range(3):
            start = time.perf_counter()
            # As a process that has just started reads it.
            found = coverage._read(REGION, None, None)
            payload = map_payload(found)
            cold.append((time.perf_counter() - start) * 1000)
        lines += [
            Line(f"couverture d’Occitanie à froid, {name}", "1 s", sorted(cold)[1], MOST_COLD,
                 "ms", 1.0),
            Line(f"ce que la carte peint, {name}", f"{MOST_KILOBYTES} ko",
                 len(payload.body) / 1000, MOST_KILOBYTES, "ko", 1.0),
        ]  # fmt: skip
        lines += _pages(agent, name, rounds)
        _empty()
    return lines + _outlines()


def _agent() -> User:
    agency = Organisation.objects.filter(kind="ars", region=REGION).first()
    if agency is None:
        agency = factories.organisation("ars", region=Region.objects.get(pk=REGION))
    return factories.membership(organisation_=agency, role=Membership.Role.COORDINATOR).user


def _fill(count: int, communes: int) -> None:
    """CPTS of consecutive communes, half of them decided; committed: another process reads."""
    codes = list(
        Commune.objects.filter(
            department__region=REGION, is_active=True, kind="commune"
        ).order_by("code").values_list("code", "department_id")
    )  # fmt: skip
    author = User.objects.get_or_create(email="banc-couverture@exemple.test")[0]
    region = Region.objects.get(pk=REGION)
    communities = Community.objects.bulk_create(
        (Community(name=f"CPTS du banc {rank}", region=region, created_by=author)
         for rank in range(count)),
        batch_size=1_500,
    )  # fmt: skip
    cases = Case.objects.bulk_create(
        (
            Case(
                kind=Case.Kind.LETTER_OF_INTENT,
                community=one,
                title=one.name,
                region=region,
                procedure_key="occitanie",
                procedure_version=1,
                created_by=author,
            )
            for one in communities
        ),
        batch_size=1_500,
    )
    room = len(codes) - communes
    TerritoryPeriod.objects.bulk_create(
        (
            TerritoryPeriod(
                case=case,
                stage="decided" if rank % 2 else "filed",
                whole=[code for code, _ in held],
                department_codes=sorted({department for _, department in held}),
            )
            for rank, case in enumerate(cases)
            for held in [codes[rank * 37 % room :][:communes]]
        ),
        batch_size=1_500,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE workflow_territoryperiod; ANALYZE workflow_case")


def _empty() -> None:
    """What comes after in `make bench` writes its own cases."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE workflow_case, communities_community CASCADE")


def _pages(agent: User, name: str, rounds: int) -> list[Line]:
    asked = {
        "page de la couverture": "/bureau/couverture/",
        "zones blanches par intercommunalité": "/bureau/couverture/?vue=epci",
        "ce que la carte peint": "/bureau/couverture/carte.json",
        "plancher": "/bench/",
    }
    with served() as port:
        found = interleaved(
            {what: request(port, path, agent) for what, path in asked.items()},
            rounds=rounds,
            warm_up=3,
        )
    return [
        Line(f"{what}, {name}", "une page qui ne fait qu’étendre base.html", found[what],
             found["plancher"], "ms", 2.0)
        for what in asked
        if what != "plancher"
    ]  # fmt: skip


def _outlines() -> list[Line]:
    """What the outlines of the région add on a first visit: the picker's own files."""
    source = os.environ.get("CONTOURS_SOURCE", "")
    if not source:
        print("  contours : sans CONTOURS_SOURCE, ils ne sont pas pesés.")
        return []
    from territories.contours import load_contours
    from territories.models import DepartmentOutline

    load_contours(source)
    drawn = DepartmentOutline.objects.filter(department__region=REGION)
    size = sum(len(bytes(one)) for one in drawn.values_list("brotli", flat=True))
    return [Line("contours d’Occitanie", f"{MOST_KILOBYTES} ko", size / 1000, MOST_KILOBYTES, "ko",
                 1.0)]  # fmt: skip
