"""A territory against a thousand others, five hundred communes at once, the outlines of France.

Targets here are durations and sizes, not ratios to something else: the reference of a line is
its target. The outlines are measured when CONTOURS_SOURCE names a folder of GeoJSON.
"""

import os
import resource
import subprocess
import sys
import time
from typing import Final

from django.db import connection, transaction

from accounts.models import User
from benchmarks.measure import Line, interleaved
from communities.models import Community
from territories.models import Commune, Region, Territory
from territories.overlap import Line as TerritoryLine
from territories.services import add_communes
from workflow import overlaps
from workflow.models import Case, TerritoryClaim
from workflow.states import CaseState

CASES: Final = 1_000
COMMUNES: Final = 40
MOST_MILLISECONDS: Final = 20
MOST_SECONDS: Final = 120
MOST_MEGABYTES: Final = 500


def overlap(rounds: int) -> list[Line]:
    with transaction.atomic():
        lines, community = _seed()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workflow_territoryclaim")
            plan = _plan(cursor, lines, community)
        found = interleaved(
            {"overlap": lambda: overlaps.find_overlaps(lines, community_id=community)},
            rounds=rounds,
        )
        five_hundred = _five_hundred()
        transaction.set_rollback(True)
    measured = [
        Line(
            f"chevauchement d’un territoire avec {CASES} autres de {COMMUNES} communes",
            f"{MOST_MILLISECONDS} ms",
            found["overlap"],
            MOST_MILLISECONDS,
            "ms",
            1.0,
        ),
        Line(
            "sa requête ne lit que l’index",
            "un parcours de l’index seul",
            float("Index Only Scan" not in plan) + 1,
            1,
            "plan",
            1.0,
        ),
        Line("ajout de 500 communes à un territoire", "1 s", five_hundred, 1_000, "ms", 1.0),
    ]
    return measured + _contours()


def _seed() -> tuple[list[TerritoryLine], int]:
    """A thousand CPTS of forty communes, taken in order: neighbours of a département overlap."""
    codes = list(
        Commune.objects.filter(is_active=True, kind="commune")
        .order_by("code")
        .values_list("code", "population", "department__region_id")
    )
    person = User.objects.create_user("banc@exemple.test")
    region = Region.objects.get(pk="76")
    communities = Community.objects.bulk_create(
        Community(name=f"CPTS {rank}", region=region, created_by=person) for rank in range(CASES)
    )
    cases = Case.objects.bulk_create(
        Case(
            kind=Case.Kind.LETTER_OF_INTENT,
            community=community,
            title=community.name,
            region=region,
            procedure_key="occitanie",
            procedure_version=1,
            created_by=person,
            state=CaseState.DRAFT,
        )
        for community in communities
    )
    step = (len(codes) - COMMUNES) // CASES
    TerritoryClaim.objects.bulk_create(
        (
            TerritoryClaim(
                case=case, community_id=case.community_id, commune_id=code, population=population
            )
            for rank, case in enumerate(cases)
            for code, population, _ in codes[rank * step : rank * step + COMMUNES]
        ),
        batch_size=5_000,
    )
    middle = CASES // 2 * step
    mine = [
        TerritoryLine(code, "", population)
        for code, population, _ in codes[middle : middle + COMMUNES]
    ]
    return mine, communities[CASES // 2].pk


def _plan(cursor: object, lines: list[TerritoryLine], community: int) -> str:
    codes = [line.commune for line in lines]
    cursor.execute("EXPLAIN " + overlaps.CLAIMS_SQL, [codes, community])  # type: ignore[attr-defined]
    return "\n".join(row[0] for row in cursor.fetchall())  # type: ignore[attr-defined]


def _five_hundred() -> float:
    territory = Territory.objects.create()
    codes = Commune.objects.filter(is_active=True, kind="commune").order_by("code")[:500]
    chosen = list(codes.values_list("code", flat=True))
    start = time.perf_counter()
    add_communes(territory, chosen)
    return (time.perf_counter() - start) * 1000


def _contours() -> list[Line]:
    """`load_contours` for France in a process of its own: how long, and how much memory."""
    source = os.environ.get("CONTOURS_SOURCE", "")
    if not source:
        print("  contours : sans CONTOURS_SOURCE, ils ne sont pas mesurés.")
        return []
    start = time.perf_counter()
    # The same settings, the same database, a memory of its own.
    program = (
        "import django; django.setup(); "
        "from territories.contours import load_contours; "
        f"load_contours({source!r}, force=True)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        Line("load_contours, France", f"{MOST_SECONDS} s", seconds, MOST_SECONDS, "s", 1.0),
        Line(
            "load_contours, mémoire", f"{MOST_MEGABYTES} Mo", megabytes, MOST_MEGABYTES, "Mo", 1.0
        ),
    ]
