"""Contracts under negotiation for tests: a recognised CPTS, its three parties, their draft."""

from dataclasses import dataclass, replace
from datetime import date
from itertools import count
from typing import Any

from accounts.models import Organisation, User
from communities.models import Community, CommunityStage, LegalEntity
from communities.stages import open_stage
from contracts.drafts import drafting, opening
from contracts.funding.schedule import five_years
from contracts.models import Contract, Draft
from contracts.terms import ARS, CPAM, CPTS, Indicator, MissionTerm, Representative, Target
from procedures.rates import current_rates
from territories.services import add_communes
from tests import factories
from tests.contracts import signed

STARTS = date(2027, 1, 1)
ALBI_AND_CASTRES = ("81004", "81065")
_numbers = count(1)


def territory_of(community: Community) -> Any:
    return community.territories.get(valid_to=None).territory


@dataclass
class Parties:
    """A recognised CPTS of the Tarn, and somebody for each party."""

    community: Community
    owner: User
    ars: Organisation
    cpam: Organisation
    agent: User
    payer: User


def parties(*communes: str, recognised: bool = True) -> Parties:
    """Albi and Castres make it of the third size, unless other communes are given.

    It wants the territories loaded, and makes its own organisations.
    """
    community = factories.community(name=f"CPTS à contrat {next(_numbers)}")
    add_communes(territory_of(community), communes or ALBI_AND_CASTRES)
    LegalEntity.objects.create(
        community=community,
        name="Association du contrat",
        rna="W812345678",
        pending_reason="SIRET demandé",
        address="1 place de la Mairie",
        postal_code="81000",
        city="Albi",
        valid_from=date(2025, 1, 1),
        created_by=community.created_by,
    )
    if recognised:
        open_stage(
            community,
            name=community.name,
            act="Projet de santé validé",
            reference=f"PS-{community.pk}",
            population=90_000,
            commune_count=2,
            size_class="T3",
            carried={},
            kind=CommunityStage.Kind.CONTRACT,
        )
    owner = community.created_by
    return Parties(
        community,
        owner,
        signed.ars(),
        signed.cpam(),
        signed.agent(signed.ars()),
        signed.agent(signed.cpam()),
    )


def opened(people: Parties | None = None, **changes: Any) -> tuple[Parties, Contract, Draft]:
    people = people or parties()
    contract = opening.open_contract(
        people.community, by=people.owner, **({"cpam": people.cpam} | changes)
    )
    draft = drafting.draft_of(contract)
    assert draft
    return people, contract, draft


def measures(*missions: str) -> tuple[Indicator, ...]:
    """One indicator of each mission, done or not."""
    return tuple(
        Indicator(
            key=f"made_{one}",
            mission=one,
            label=f"Fait pour {one}",
            kind="yes_no",
            targets=(Target(year=1),),
        )
        for one in missions
    )


def filled_in(draft: Draft, people: Parties) -> Draft:
    """The draft as it can be frozen: six missions from the first day, somebody to sign for each."""
    rates = current_rates()
    wanted = replace(
        draft.says,
        starts_on=STARTS,
        ends_on=five_years(STARTS),
        missions=tuple(MissionTerm(key=one.key, starts_on=STARTS) for one in rates.missions),
        representatives=tuple(
            Representative(party=party, name=str(user), capacity=capacity, user=user.pk)
            for party, user, capacity in (
                (CPTS, people.owner, "Présidente"),
                (ARS, people.agent, "Directrice"),
                (CPAM, people.payer, "Directeur"),
            )
        ),
    )
    wanted = replace(wanted, indicators=measures(*(one.key for one in wanted.missions)))
    for section in ("duration", "missions", "representatives", "indicators"):
        draft = drafting.save_section(
            draft, section, wanted, by=people.owner, base_revision=draft.revision
        )
    return draft


def agreed(draft: Draft, people: Parties) -> Draft:
    """Every party marks its agreement."""
    for user in (people.owner, people.agent, people.payer):
        drafting.mark_agreement(draft, by=user, revision=draft.revision)
    return draft
