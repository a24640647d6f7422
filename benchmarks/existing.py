"""Eight hundred CPTS signed before the portal: read, then taken over by the worker, each once."""

import statistics
import time
from contextlib import suppress
from typing import Final

from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from benchmarks.measure import Line
from communities.models import Community
from contracts.existing import applying, checking
from contracts.funding import engaging
from contracts.funding.schedule import five_years
from contracts.models import Contract
from procedures.rates import delivered_rates
from tests.contracts.engaging import MISSIONS
from tests.contracts.existing_list import as_csv, many, row

ROWS: Final = 800
INTERRUPTED_AFTER: Final = 200
_SILENT: Final = {"verbosity": 0}


class _KilledError(Exception):
    """The worker stops in the middle of a batch."""


def existing_cpts(_rounds: int) -> list[Line]:
    """The list read against a contract put in force, then taken over after an interruption."""
    call_command("load_organisations", **_SILENT)
    by = User.objects.create_superuser("banc-reprise@exemple.test")
    good = [{**one, "paid:2024": "75 000"} for one in many(ROWS - 3)]
    # What such lists hold: the same CPTS twice, accents read with the wrong alphabet, a commune
    # that has merged since.
    rows = [
        *good,
        good[0],
        row(name="CPTS VallÃ©e de lâ€™Ance", communes="63003", rna="W999999998"),
        row(name="CPTS sans commune connue", communes="99999", rna="W999999999"),
    ]
    content = as_csv(rows)
    one = _signature(by)
    begun = time.perf_counter()
    source = checking.read_file(name="liste.csv", content=content, by=by)
    reading = time.perf_counter() - begun
    ready = applying.waiting(source).count()
    applying.start(source, choices={}, invites=False, by=by)
    before = Contract.objects.count()
    begun = time.perf_counter()
    killed = False
    while not type(source).objects.get(pk=source.pk).finished_at:
        if not killed and Contract.objects.count() >= before + INTERRUPTED_AFTER:
            killed = True
            with suppress(_KilledError), transaction.atomic():
                applying.take_over_batch(source=source.pk, after=0)
                raise _KilledError
        applying.take_over_batch(source=source.pk, after=0)
    taking = time.perf_counter() - begun
    made = Contract.objects.count() - before
    return [
        Line(f"lecture d’une liste de {ROWS} CPTS, par ligne", "mettre un contrat en vigueur",
             reading / ROWS * 1000, one, "ms", 1.0),
        Line("reprise d’une CPTS signée hors portail", "mettre un contrat en vigueur",
             taking / max(made, 1) * 1000, one, "ms", 5.0),
        Line(f"contrats repris de {ready} lignes, après une interruption", "un par ligne",
             made, ready, "contrats", 1.0),
    ]  # fmt: skip


def _signature(by: User) -> float:
    """What putting a contract in force takes here, in milliseconds."""
    agency = Organisation.objects.filter(kind="ars", parent=None).first()
    payer = Organisation.objects.filter(kind="cpam", region=agency.region).first()
    took = []
    for rank in range(40):
        community = Community.objects.create(
            name=f"CPTS du banc, signature {rank}", region=agency.region, created_by=by
        )
        starts = timezone.localdate()
        terms = engaging.Signed(
            starts_on=starts,
            ends_on=five_years(starts),
            signed_on=starts,
            size="T3",
            missions=dict.fromkeys(MISSIONS, starts),
            rates=delivered_rates(),
        )
        begun = time.perf_counter()
        engaging.put_in_force(community, terms, by=by, ars=agency, cpam=payer)
        took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000
