"""The money of contracts: a schedule of five years, and a région that has a thousand of them."""

import statistics
import time
from contextlib import suppress
from dataclasses import replace
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
from contracts.dialogue.indicators import library
from contracts.drafts import drafting
from contracts.drafts.pages import sections_of
from contracts.funding import engaging, payments
from contracts.funding.schedule import compute_schedule, five_years
from contracts.models import (
    Contract,
    ContractVersion,
    DialogueLine,
    Draft,
    LineReview,
    NationalAmendment,
    YearlyDialogue,
)
from contracts.terms import SECTIONS
from procedures.rates import delivered_rates
from territories.models import Commune, Department, Region
from tests import factories
from tests.contracts import drafts, raised, sealing
from tests.contracts.engaging import MISSIONS, engagement

REGION: Final = "76"
CONTRACTS: Final = 1_000
INDICATORS: Final = 30
INDICATORS_OF_A_MISSION: Final = 2
COMMUNES: Final = 40
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
    payer, draft = _draft()
    asked = _asked(agent, one) | _asked_of_draft(payer, draft)
    floors = {agent: "plancher", payer: "plancher de la CPAM"}
    with served() as port:
        actions = {name: request(port, path, who) for name, (who, path) in asked.items()}
        actions |= {name: request(port, "/bench/", who) for who, name in floors.items()}
        measured = interleaved(actions, rounds=rounds, warm_up=6)
    lines += [
        Line(name, "une page qui ne fait qu’étendre base.html", measured[name],
             measured[floors[who]], "ms", 2.0)
        for name, (who, _) in asked.items()
    ]  # fmt: skip
    lines += _national(one)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE contracts_ratetable, workflow_case, communities_community CASCADE")
    return lines


def _asked(agent: User, one: Contract) -> dict[str, tuple[User, str]]:
    """The pages of contracts in force, and who asks for them."""
    year = timezone.localdate().year
    dialogue = _dialogue(one)
    with sealing.purpose_declared([]):
        signing = sealing.opened(one)
    at = f"/contrats/{one.public_id}/"
    return {
        f"argent d’une région, {CONTRACTS} contrats": (agent, f"/contrats/?annee={year}"),
        "argent, dernière page": (agent, f"/contrats/?annee={year}&page=40"),
        "contrats qui attendent": (agent, "/contrats/a-faire/"),
        "tous les contrats": (agent, "/contrats/a-faire/?voir=tous"),
        "où en est un contrat": (agent, at),
        "argent d’un contrat": (agent, f"{at}argent/"),
        f"dialogue annuel, {INDICATORS} indicateurs": (agent, f"{at}dialogues/{dialogue.year}/"),
        "signatures d’un contrat": (agent, f"{at}signatures/{signing.public_id}/"),
    }


def _asked_of_draft(payer: User, draft: Draft) -> dict[str, tuple[User, str]]:
    """The pages of a draft, for who writes it."""
    at = f"/contrats/{draft.contract.public_id}/projet/"
    return {
        "projet de contrat": (payer, at),
        **{
            f"projet : {SECTIONS[key].lower()}": (payer, f"{at}partie/{key}/")
            for key in sections_of(draft.says)
        },
    }


class _KilledError(Exception):
    """The worker stops in the middle of a piece."""


def _national(contract: Contract) -> list[Line]:
    """New national rates for all of them, interrupted on the way: each contract is amended once."""
    by = User.objects.create_superuser("banc-national@exemple.test")
    amendment = raised.prepared(by)
    while NationalAmendment.objects.get(pk=amendment.pk).status == "counting":
        national.do_a_piece(amendment_id=amendment.pk)
    national.start(amendment, by=by)
    signatures, pieces = [], []
    while NationalAmendment.objects.get(pk=amendment.pk).status == "running":
        if len(pieces) == 10:
            with suppress(_KilledError), transaction.atomic():
                national.do_a_piece(amendment_id=amendment.pk)
                raise _KilledError
        # One against the other: what slows the machine for a while slows both.
        signatures.append(_signature(contract, by, len(pieces)))
        begun = time.perf_counter()
        national.do_a_piece(amendment_id=amendment.pk)
        pieces.append((time.perf_counter() - begun) / national.CHUNK)
    count = amendment.items.filter(outcome="applied").count()
    made = ContractVersion.objects.filter(number__gt=1).count()
    return [
        Line("avenant national, par contrat", "mettre un contrat en vigueur",
             statistics.median(pieces) * 1000, statistics.median(signatures) * 1000, "ms", 2.0),
        Line(f"versions écrites pour {count} contrats, après une interruption",
             "une par contrat", made, count, "versions", 1.0),
    ]  # fmt: skip


def _signature(contract: Contract, by: User, rank: int) -> float:
    """How long a contract takes to be put in force, in seconds."""
    starts = timezone.localdate()
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
    return time.perf_counter() - begun


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


def _draft() -> tuple[User, Draft]:
    """A draft that could be frozen, with two indicators a mission, and who writes for its CPAM."""
    people, _contract, draft = drafts.opened(drafts.parties(*_communes()))
    draft = drafts.filled_in(draft, people)
    indicators = [
        entry.indicator
        for mission in draft.says.missions
        for entry in library().of_mission(mission.key)[:INDICATORS_OF_A_MISSION]
    ]
    wanted = replace(draft.says, indicators=tuple(indicators))
    draft = drafting.save_section(
        draft, "indicators", wanted, by=people.owner, base_revision=draft.revision
    )
    return people.payer, draft


def _communes() -> list[str]:
    found = Commune.objects.filter(department="81").order_by("code")
    return list(found.values_list("code", flat=True)[:COMMUNES])


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
