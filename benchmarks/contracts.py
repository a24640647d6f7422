"""The money of contracts: a schedule of five years, and a région that has a thousand of them."""

import statistics
import time
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from benchmarks.measure import Line, interleaved
from benchmarks.pages import request, served
from communities.models import Community
from contracts.amendments import national
from contracts.funding import engaging, payments
from contracts.funding.schedule import compute_schedule, five_years
from contracts.models import (
    Contract,
    ContractVersion,
    DialogueLine,
    LineReview,
    NationalAmendment,
    YearlyDialogue,
)
from procedures.rates import delivered_rates
from territories.models import Department, Region
from tests import factories
from tests.contracts import raised
from tests.contracts.engaging import MISSIONS, engagement

REGION: Final = "76"
CONTRACTS: Final = 1_000
INDICATORS: Final = 30
MOST_MILLISECONDS: Final = 10


def contracts_of_a_region(rounds: int) -> list[Line]:
    """The schedule against ten milliseconds; the pages against one that is empty."""
    contract = engagement()
    found = interleaved({"schedule": lambda: compute_schedule(contract)}, rounds=rounds)
    lines = [
        Line("échéancier de cinq ans", f"{MOST_MILLISECONDS} ms", found["schedule"],
             MOST_MILLISECONDS, "ms", 1.0),
    ]  # fmt: skip
    agent, one = _fill()
    year = timezone.localdate().year
    dialogue = _dialogue(one)
    asked = {
        f"argent d’une région, {CONTRACTS} contrats": f"/contrats/?annee={year}",
        "argent, dernière page": f"/contrats/?annee={year}&page=40",
        "argent d’un contrat": f"/contrats/{one.public_id}/argent/",
        "dialogue annuel, 30 indicateurs": f"/contrats/{one.public_id}/dialogues/{dialogue.year}/",
    }
    with served() as port:
        actions = {name: request(port, path, agent) for name, path in asked.items()}
        floor = {"plancher": request(port, "/bench/", agent)}
        measured = interleaved(actions | floor, rounds=rounds, warm_up=6)
    lines += [
        Line(name, "une page qui ne fait qu’étendre base.html", measured[name],
             measured["plancher"], "ms", 2.0)
        for name in asked
    ]  # fmt: skip
    lines += _national(one)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE contracts_ratetable, workflow_case, communities_community CASCADE")
    return lines


class _KilledError(Exception):
    """The worker stops in the middle of a piece."""


def _national(contract: Contract) -> list[Line]:
    """New national rates for all of them, interrupted on the way: each contract is amended once."""
    by = User.objects.create_superuser("banc-national@exemple.test")
    starts = timezone.localdate()
    signatures = []
    for rank in range(40):
        community = Community.objects.create(
            name=f"CPTS du banc, signature {rank}", region_id=REGION, created_by=by
        )
        terms = engaging.Signed(
            starts_on=starts,
            ends_on=five_years(starts),
            signed_on=starts,
            size="T3",
            missions=dict.fromkeys(MISSIONS, starts),
            rates=delivered_rates(),
        )
        begun = time.perf_counter()
        engaging.put_in_force(community, terms, by=by, ars=contract.ars, cpam=contract.cpam)
        signatures.append(time.perf_counter() - begun)
    amendment = raised.prepared(by)
    while NationalAmendment.objects.get(pk=amendment.pk).status == "counting":
        national.do_a_piece(amendment_id=amendment.pk)
    national.start(amendment, by=by)
    pieces = []
    while NationalAmendment.objects.get(pk=amendment.pk).status == "running":
        if len(pieces) == 10:
            with suppress(_KilledError), transaction.atomic():
                national.do_a_piece(amendment_id=amendment.pk)
                raise _KilledError
        begun = time.perf_counter()
        national.do_a_piece(amendment_id=amendment.pk)
        pieces.append(time.perf_counter() - begun)
    count = amendment.items.filter(outcome="applied").count()
    made = ContractVersion.objects.filter(number__gt=1).count()
    return [
        Line("avenant national, par contrat", "mettre un contrat en vigueur",
             sum(pieces) / count * 1000, statistics.median(signatures) * 1000, "ms", 2.0),
        Line(f"versions écrites pour {count} contrats, après une interruption",
             "une par contrat", made, count, "versions", 1.0),
    ]  # fmt: skip


def _dialogue(contract: Contract) -> YearlyDialogue:
    """A dialogue to conclude, each indicator declared and reviewed by two."""
    dialogue = YearlyDialogue.objects.create(
        contract=contract, year=1, state=YearlyDialogue.State.CONCLUDING
    )
    lines = DialogueLine.objects.bulk_create(
        DialogueLine(
            dialogue=dialogue,
            rank=rank,
            mission=MISSIONS[rank % len(MISSIONS)],
            key=f"indicator-{rank}",
            label=f"Indicateur du banc {rank}",
            kind="count",
            target=Decimal(10),
            value=Decimal(rank),
            agreed_value=Decimal(rank),
        )
        for rank in range(INDICATORS)
    )
    LineReview.objects.bulk_create(
        LineReview(line=line, party=party, position="accepted", by=contract.created_by)
        for line in lines
        for party in ("cpam", "ars")
    )
    return dialogue


def _fill() -> tuple[User, Contract]:
    """Contracts of the third size, their starts spread over two years, each with a payment."""
    region = Region.objects.get(pk=REGION)
    author = User.objects.get_or_create(email="banc-contrats@exemple.test")[0]
    agency = Organisation.objects.filter(kind="ars", region=region).first()
    if agency is None:
        agency = factories.organisation("ars", region=region)
    payers = [
        factories.membership(
            organisation_=factories.organisation("cpam", region=region, department=one)
        )
        for one in Department.objects.filter(region=region).order_by("code")
    ]
    for payer in payers:
        payer.user.acting = payer
    contract = None
    rates = delivered_rates()
    for rank in range(CONTRACTS):
        starts = date(2024, 1, 1) + timedelta(days=rank % 700)
        payer = payers[rank % len(payers)]
        community = Community.objects.create(
            name=f"CPTS du banc {rank:04d}", region=region, created_by=author
        )
        terms = engaging.Signed(
            starts_on=starts,
            ends_on=five_years(starts),
            signed_on=starts,
            size="T3",
            missions=dict.fromkeys(MISSIONS, starts),
            rates=rates,
        )
        contract = engaging.put_in_force(
            community, terms, by=author, ars=agency, cpam=payer.organisation
        )
        payments.record_payment(
            contract, paid_on=starts, amount=Decimal(225_000), reference=f"B-{rank}", by=payer.user
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    assert contract is not None
    agent = factories.membership(organisation_=agency, role=Membership.Role.COORDINATOR).user
    return agent, contract
