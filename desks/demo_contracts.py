"""Contracts of the demonstration: in force and paid, negotiated, to be signed, taken over."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from communities.models import Community, CommunityStage, LegalEntity
from communities.services import create_community
from communities.stages import open_stage
from contracts.dialogue.indicators import library
from contracts.drafts import concluding, drafting, freezing, opening
from contracts.existing import applying, checking
from contracts.existing.columns import columns
from contracts.funding import balances, engaging, payments, totals
from contracts.funding.schedule import anniversary, five_years
from contracts.models import Contract, Draft
from contracts.terms import ARS, CPAM, CPTS, Indicator, MissionTerm, Representative, Target
from cpts_portal.spreadsheets import csv_bytes
from procedures.rates import current_rates
from territories.models import Region
from territories.services import add_communes
from workflow.models import Snapshot

REGION: Final = "76"
IN_FORCE: Final = "CPTS des Bastides du Tarn"
NEGOTIATED: Final = "CPTS Réalmontais et Lautrécois"
TO_SIGN: Final = "CPTS Albi et Castres"
TAKEN_OVER: Final = "CPTS Monts de Lacaune"
_COMMUNES: Final = {
    IN_FORCE: (
        *("81099", "81105", "81060", "81140", "81163", "81271"),
        *("81120", "81220", "81145", "81021", "81257", "81144"),
    ),
    NEGOTIATED: ("81222", "81139"),
    TO_SIGN: ("81004", "81065"),
}


@dataclass(frozen=True)
class Parties:
    """Who writes and signs a contract of the Tarn: each acts in their role."""

    lead: User
    agency: User
    fund: User

    @property
    def everyone(self) -> tuple[User, User, User]:
        return self.lead, self.agency, self.fund


def parties() -> Parties:
    """The people of the demonstration. Raises DoesNotExist before `make_accounts`."""
    return Parties(
        User.objects.get(email="claire.fabre@exemple.test"),
        _acting("signataire.occitanie"),
        _acting("cpam.tarn"),
    )


def _acting(name: str) -> User:
    held = Membership.objects.select_related("user", "organisation").get(
        user__email=f"{name}@exemple.test", is_active=True
    )
    held.user.acting = held
    return held.user


def recognised(name: str, communes: Sequence[str], people: Parties) -> Community:
    """A CPTS of the Tarn with its association, recognised today."""
    community = create_community(
        name=name, region=Region.objects.get(code=REGION), user=people.lead
    )
    add_communes(community.territory, communes)
    today = timezone.localdate()
    LegalEntity.objects.create(
        community=community,
        name=f"Association {name}",
        # No prefecture has given such a number.
        rna=f"W81{community.pk % 10_000_000:07d}",
        pending_reason="Donnée de démonstration",
        address="1 place de la Mairie",
        postal_code="81000",
        city="Albi",
        valid_from=today - timedelta(days=1),
        created_by=people.lead,
    )
    open_stage(
        community,
        name=name,
        act="Reconnaissance de la CPTS, démonstration",
        reference=f"DEMO-{community.pk}",
        population=90_000,
        commune_count=len(communes),
        size_class="T3",
        carried={},
        kind=CommunityStage.Kind.CONTRACT,
    )
    return community


def open_draft(community: Community, people: Parties) -> tuple[Contract, Draft]:
    """The shared draft of its contract, with its CPAM."""
    fund = people.fund.acting.organisation if people.fund.acting else None
    contract = opening.open_contract(community, by=people.lead, form="aci", cpam=fund)
    draft = drafting.draft_of(contract)
    if draft is None:
        raise LookupError(f"contract {contract.pk} has no draft")
    return contract, draft


def fill_in(draft: Draft, people: Parties, starts_on: date, *, size: str = "") -> Draft:
    """All that a contract needs to be frozen: six missions from the first day, three signers."""
    wanted = replace(
        draft.says,
        size=size or draft.says.size,
        starts_on=starts_on,
        ends_on=five_years(starts_on),
        missions=tuple(
            MissionTerm(key=one.key, starts_on=starts_on) for one in current_rates().missions
        ),
        representatives=tuple(
            Representative(party=party, name=str(user), capacity=capacity, user=user.pk)
            for (party, capacity), user in zip(
                ((CPTS, "Présidente"), (ARS, "Directeur"), (CPAM, "Directeur")),
                people.everyone,
                strict=True,
            )
        ),
    )
    wanted = replace(wanted, indicators=tuple(_first_indicator(one.key) for one in wanted.missions))
    sections = (
        "duration",
        "missions",
        "indicators",
        "representatives",
        *(("size",) if size else ()),
    )
    for section in sections:
        draft = drafting.save_section(
            draft, section, wanted, by=people.lead, base_revision=draft.revision
        )
    return draft


def _first_indicator(mission: str) -> Indicator:
    """One of the library for a mission: done or not where it can be, else with where it begins."""
    entries = library().of_mission(mission)
    found = next((one for one in entries if one.indicator.kind == "yes_no"), None)
    if found is not None:
        return replace(found.indicator, targets=(Target(year=1),))
    return next(one.indicator for one in entries if one.target is not None)


def freeze(contract: Contract, draft: Draft, people: Parties) -> Snapshot:
    """All agree, and the text is frozen to be signed."""
    for user in people.everyone:
        drafting.mark_agreement(draft, by=user, revision=draft.revision)
    freezing.freeze_contract(contract, by=people.lead, revision=draft.revision)
    return Snapshot.objects.filter(case_id=contract.pk).latest("pk")


# --- The demonstration ----------------------------------------------------------------------------


def make_contracts() -> list[str]:
    """Have the four contracts; the names of those that are new."""
    people = parties()
    made = []
    for name, make in (
        (IN_FORCE, _in_force),
        (NEGOTIATED, _negotiated),
        (TO_SIGN, _to_sign),
        (TAKEN_OVER, _taken_over),
    ):
        if not Community.objects.filter(name=name).exists():
            with transaction.atomic():
                make(name, people)
            made.append(name)
    return made


def _in_force(name: str, people: Parties) -> None:
    """Two years of life: the first is paid, of the second only what was due at once."""
    community = recognised(name, _COMMUNES[name], people)
    today = timezone.localdate()
    starts_on = anniversary(today.replace(day=1), -2)
    contract = engaging.put_in_force(
        community,
        engaging.Signed(
            starts_on=starts_on,
            ends_on=five_years(starts_on),
            signed_on=starts_on,
            size="T3",
            missions={one.key: starts_on for one in current_rates().missions},
            population=90_000,
            population_year=2023,
            population_source="Donnée de démonstration",
        ),
        by=people.lead,
        ars=Organisation.objects.get(code="ars-occitanie"),
        cpam=Organisation.objects.get(code="cpam-81"),
    )
    account = balances.account_of(contract, on=anniversary(starts_on, 1))
    first = sum(
        (line.amount for line in account.lines if line.due_on == starts_on), start=totals.ZERO
    )
    for rank, (paid_on, amount) in enumerate(
        ((starts_on, first), (anniversary(starts_on, 1), account.due - first)), start=1
    ):
        payments.record_payment(
            contract,
            paid_on=paid_on + timedelta(days=12),
            amount=amount,
            reference=f"DEMO-{contract.pk}-{rank}",
            by=people.fund,
        )


def _negotiated(name: str, people: Parties) -> None:
    open_draft(recognised(name, _COMMUNES[name], people), people)


def _to_sign(name: str, people: Parties) -> None:
    contract, draft = open_draft(recognised(name, _COMMUNES[name], people), people)
    today = timezone.localdate()
    starts_on = anniversary(today.replace(month=1, day=1), 1)
    draft = fill_in(draft, people, starts_on, size="T3")
    concluding.issue_and_open(snapshot_id=freeze(contract, draft, people).pk)


def _taken_over(name: str, _people: Parties) -> None:
    administrator = User.objects.get(email="administration@exemple.test")
    labels = columns()
    today = timezone.localdate()
    given = {
        "name": name,
        "region": "Occitanie",
        "communes": "81124 81182 81134",
        "size": "Taille 1",
        "population": "7500",
        "population_year": "2021",
        "signed_on": f"{anniversary(today, -3):%d/%m/%Y}",
        "mission:access_to_care": f"{anniversary(today, -3):%d/%m/%Y}",
    }
    content = csv_bytes(list(labels.values()), [[given.get(key, "") for key in labels]])
    source = checking.read_file(name="demonstration.csv", content=content, by=administrator)
    applying.start(source, choices={}, invites=False, by=administrator)
    applying.take_over_batch(source=source.pk, after=0)
