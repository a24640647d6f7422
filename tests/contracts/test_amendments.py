"""Typed amendments: ticked, written by the parties, signed; what was due never changes."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pypdfium2
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from contracts.amendments import amending, national, signing
from contracts.amendments.urls import urlpatterns
from contracts.drafts import drafting
from contracts.endings import ending
from contracts.funding import balances
from contracts.funding.ratebook import mission_labels
from contracts.funding.schedule import five_years
from contracts.models import Contract, ContractVersion, Draft, Renewal
from contracts.signing import answers
from contracts.terms import ARS, CPAM, CPTS, Bank, Representative, to_data
from contracts.versions import terms_on
from notifications.models import Notification
from procedures.rates import RateTable, cpom_rates, delivered_rates
from tests import factories
from tests.contracts import drafts, sealing, signed
from workflow.official import read_document
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError

Deliver = Callable[[], int]
YEAR = timezone.localdate().year
STARTED = date(YEAR - 3, 7, 1)


def rates() -> RateTable:
    """The delivered rates, and a second size that pays half of the third."""
    known = delivered_rates()
    third = [one for one in known.rates if one.size == "T3"]
    halves = tuple(replace(one, size="T2", amount=one.amount / 2) for one in third)
    return replace(known, rates=(*(one for one in known.rates if one.size != "T2"), *halves))


class Parties(NamedTuple):
    owner: User
    agent: User
    payer: User


@pytest.fixture
def contract(db: None) -> Contract:
    return signed.contract(starts_on=STARTED, rates=rates())


@pytest.fixture
def people(contract: Contract) -> Parties:
    """Somebody for each party, whom the contract names to sign."""
    assert contract.cpam
    found = Parties(
        contract.community.created_by, signed.agent(contract.ars), signed.agent(contract.cpam)
    )
    for agent in (found.agent, found.payer):
        sealing.equip(agent)
    version = contract.versions.get()
    roles = zip((CPTS, ARS, CPAM), found, strict=True)
    says = replace(
        version.says,
        representatives=tuple(
            Representative(party=role, name=str(one), capacity="Responsable", user=one.pk)
            for role, one in roles
        ),
    )
    ContractVersion.objects.filter(pk=version.pk).update(terms=to_data(says))
    return found


def opened(contract: Contract, by: User, *sections: str, **changes: Any) -> Draft:
    given = {"sections": sections, "effective_on": timezone.localdate()} | changes
    return amending.open_amendment(contract, **given, by=by)


def written(draft: Draft, by: User, section: str, **says: Any) -> Draft:
    wanted = replace(draft.says, **says)
    return drafting.save_section(draft, section, wanted, by=by, base_revision=draft.revision)


def frozen(draft: Draft, people: Parties) -> Draft:
    for one in people:
        drafting.mark_agreement(draft, by=one, revision=draft.revision)
    return signing.freeze_amendment(draft, by=people.payer, revision=draft.revision)


def lines_of(contract: Contract) -> list[tuple[date, str, str, Decimal]]:
    lines = balances.current_lines(contract)[1]
    return [(one.due_on, one.mission, one.step.value, one.amount) for one in lines]


def test_an_amendment_is_proposed_on_as_a_draft_is_and_leaves_no_mission_without_indicator(
    contract: Contract, people: Parties, deliver_outbox: Deliver
) -> None:
    today = timezone.localdate()
    draft = opened(contract, people.owner, "size")
    deliver_outbox()
    owner, payer = Client(), Client()
    owner.force_login(people.owner)
    payer.force_login(people.payer)
    page = reverse("amendments:amendment", args=[contract.public_id, draft.pk])
    given = {"base_revision": "1", "size": "T2", "action": "propose", "reason": "Insee 2026"}
    section = f"{page}partie/size/"
    assert "n’a pas changé" in owner.post(section, given, follow=True).content.decode()
    proposal = draft.proposals.get()
    deliver_outbox()
    told = Notification.objects.filter(user=people.payer, path=section)
    assert told.count() == 1
    asked = [one for one in amending.missing_to_sign(draft, on=today) if "proposition" in one]
    assert asked == ["1 proposition attend une réponse\u00a0: acceptez-la ou écartez-la d’abord."]
    for shown in (page, section):
        said = [one.get(shown).content.decode() for one in (owner, payer)]
        assert ["Accepter la proposition" in one for one in said] == [False, True]
        assert ["Retirer la proposition" in one for one in said] == [True, False]
    answer = f"{page}propositions/{proposal.pk}/"
    assert owner.post(answer, {"action": "accept"}).status_code == 403
    payer.post(answer, {"action": "accept"})
    draft.refresh_from_db()
    assert (draft.says.size, draft.revision) == ("T2", 2)

    # One more section, then a mission that nothing would follow.
    payer.post(f"{page}cocher/", {"section": "missions"})
    payer.post(f"{page}cocher/", {"section": "inconnue"})
    draft.refresh_from_db()
    assert draft.sections == ["size", "missions"]
    unfollowed = "aucun indicateur ne suit cette mission"
    first, *others = draft.says.missions
    without = written(draft, people.payer, "missions", missions=tuple(others))
    ContractVersion.objects.filter(pk=draft.based_on_id).update(terms=without.terms)
    draft = written(without, people.payer, "missions", missions=(first, *others))
    draft = Draft.objects.select_related("based_on", "contract").get(pk=draft.pk)
    found = [one for one in amending.missing_to_sign(draft, on=today) if unfollowed in one]
    assert [one.split("\u00a0")[0] for one in found] == [mission_labels()[first.key]]
    amending.tick_too(draft, "indicators", by=people.owner)
    draft = written(draft, people.payer, "indicators", indicators=drafts.measures(first.key))
    draft = Draft.objects.select_related("based_on", "contract").get(pk=draft.pk)
    assert [one for one in amending.missing_to_sign(draft, on=today) if unfollowed in one] == []


def test_an_amendment_moves_the_class_once_all_have_signed_and_the_schedule_follows(
    contract: Contract, people: Parties, deliver_outbox: Deliver
) -> None:
    today = timezone.localdate()
    past = [one for one in lines_of(contract) if one[0] < today and one[2] != "results"]
    draft = opened(contract, people.owner, "size")
    with pytest.raises(ActionRefusedError, match="déjà en cours"):
        opened(contract, people.payer, "bank")
    assert national.foresee(contract, rates(), today, today).reason == "open_amendment"
    with pytest.raises(ActionRefusedError, match="ne porte pas sur"):
        written(draft, people.owner, "bank", bank=Bank(holder="CPTS"))
    assert amending.missing_to_sign(draft, on=today)[0].startswith("L’avenant ne change encore")
    draft = written(draft, people.payer, "size", size="T2")
    foreseen = amending.foresee(draft, on=today)
    assert foreseen
    assert foreseen.before == Decimal(1_987_500) > foreseen.after
    with pytest.raises(IncompleteError) as refused:
        signing.freeze_amendment(draft, by=people.payer, revision=draft.revision)
    assert [str(one) for one in refused.value.missing] == [
        f"{party}\u00a0: son accord sur la version 2 n’est pas marqué."
        for party in ("CPTS", "ARS", "CPAM")
    ]
    with pytest.raises(ActionRefusedError, match="L’avenant a changé"):
        signing.freeze_amendment(draft, by=people.payer, revision=1)

    frozen(draft, people)
    deliver_outbox()
    opened_round = signing.rounds_of(draft)[0]
    pdf = read_document(opened_round.document.document)
    with closing(pypdfium2.PdfDocument(pdf)) as pages:
        text = " ".join(one.get_textpage().get_text_range() for one in pages)
    assert [word in text for word in ("Avenant n°", "Taille 2", "Responsable")] == [True] * 3
    client = Client()
    client.force_login(people.owner)
    page = client.get(reverse("amendments:amendment", args=[contract.public_id, draft.pk]))
    assert f"/signatures/{opened_round.public_id}/" in page.content.decode()
    sealing.sign(opened_round, "cpts", "cpam")
    assert contract.versions.count() == 1
    sealing.sign(opened_round, "ars")

    deliver_outbox()
    contract = Contract.objects.get(pk=contract.pk)
    draft.refresh_from_db()
    assert (draft.state, contract.size_class, contract.versions.count()) == ("signed", "T2", 2)
    assert [terms_on(contract, on).size for on in (today - timedelta(1), today)] == ["T3", "T2"]
    assert [one for one in lines_of(contract) if one in past] == past
    assert balances.account_of(contract, on=today).expected == foreseen.after
    assert {one.title for one in Notification.objects.filter(kind="contract_amended")} == {
        "Un avenant est ouvert",
        "L’avenant est signé de tous",
    }
    # An amendment on an amendment: from what the first one says, and never before it.
    with pytest.raises(ActionRefusedError, match="prend déjà effet"):
        opened(contract, people.owner, "size", effective_on=today - timedelta(days=1))
    assert opened(contract, people.owner, "missions").says.size == "T2"


def test_an_amendment_of_the_bank_changes_no_amount(
    contract: Contract, people: Parties, deliver_outbox: Deliver
) -> None:
    draft = opened(contract, people.owner, "bank")
    bank = Bank(holder="Association", masked_iban="FR76 •••• •••• 1234")
    draft = written(draft, people.owner, "bank", bank=bank)
    assert amending.foresee(draft, on=timezone.localdate()) is None
    frozen(draft, people)
    deliver_outbox()
    sealing.sign(signing.rounds_of(draft)[0], "cpts", "ars", "cpam")

    assert (contract.versions.count(), contract.schedules.count()) == (2, 1)
    found = terms_on(contract, timezone.localdate())
    assert found
    assert found.bank == bank


def test_a_longer_contract_is_paid_until_its_new_last_day(
    contract: Contract, people: Parties, deliver_outbox: Deliver
) -> None:
    longer = date(YEAR + 3, 6, 30)
    draft = opened(contract, people.owner, "duration")
    draft = written(draft, people.owner, "duration", ends_on=longer)
    frozen(draft, people)
    deliver_outbox()
    sealing.sign(signing.rounds_of(draft)[0], "cpts", "ars", "cpam")

    contract.refresh_from_db()
    assert contract.ends_on == longer
    assert balances.account_of(contract, on=longer).expected == Decimal(6 * 397_500)


def test_a_refusal_or_a_party_brings_the_text_back_and_it_may_be_given_up(
    contract: Contract, people: Parties, deliver_outbox: Deliver
) -> None:
    draft = opened(contract, people.owner, "size")
    draft = frozen(written(draft, people.owner, "size", size="T2"), people)
    deliver_outbox()
    one = sealing.signer(signing.rounds_of(draft)[0], "cpam")
    answers.refuse(
        one,
        reason="Population à revoir",
        code=sealing.code_of(one),
        seen=sealing.Seen(),
        by=one.user,
    )
    draft.refresh_from_db()
    assert draft.state == "open"
    assert [one.stands for one in drafting.agreements_of(draft)] == [False, False, False]

    frozen(draft, people)
    with pytest.raises(ActionRefusedError, match="Écrivez pourquoi"):
        signing.take_back(draft, by=people.owner, reason=" ")
    signing.take_back(draft, by=people.owner, reason="Une date à revoir")
    with pytest.raises(AlreadyDoneError):
        signing.take_back(draft, by=people.owner, reason="Encore")
    deliver_outbox()
    signing.drop(draft, by=people.agent, reason="La population n’a pas changé")
    assert (contract.versions.count(), amending.amendments_of(contract)[0].state) == (1, "dropped")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sections": ["unknown"]}, "Cochez au moins une partie"),
        ({"effective_on": STARTED - timedelta(days=1)}, "prend déjà effet"),
        ({"effective_on": date(YEAR + 9, 1, 1)}, "au plus tard"),
    ],
)
def test_an_amendment_that_cannot_be_is_not_opened(
    contract: Contract, people: Parties, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ActionRefusedError, match=words):
        opened(contract, people.owner, "size", **changes)
    for stranger in (factories.user(), factories.team_member(contract.community).user):
        with pytest.raises(PermissionDenied):
            opened(contract, stranger, "size")


# --- What follows a contract ----------------------------------------------------------------------


@pytest.mark.usefixtures("loaded_territories")
def test_a_renewed_contract_begins_with_what_the_parties_had_on_todays_ground(db: None) -> None:
    found = drafts.parties()
    contract = signed.contract(of=found.community, starts_on=STARTED)
    last = five_years(STARTED)
    ending.open_campaigns(last - timedelta(days=30))
    renewal = Renewal.objects.get()

    made = ending.renew(renewal, by=found.owner)

    assert ending.renew(renewal, by=found.payer).pk == made.pk
    draft = drafting.draft_of(made)
    assert draft
    says = draft.says
    assert (says.starts_on, says.ends_on) == (
        last + timedelta(days=1),
        five_years(last + timedelta(days=1)),
    )
    assert {one.key for one in says.missions} == {
        one.mission for one in contract.versions.get().missions.all()
    }
    assert len(says.communes) == 2
    assert (made.state, contract.state) == ("draft", "accepted")


# --- The pages ------------------------------------------------------------------------------------


def test_the_pages_of_an_amendment_answer_those_they_concern_and_nobody_else(
    contract: Contract, people: Parties
) -> None:
    draft = opened(contract, people.owner, "size", "bank", "indicators")
    one = (draft.pk,)
    addresses: list[tuple[str, tuple[Any, ...], dict[str, Any] | None]] = [
        ("history", (), None),
        ("prepare", (), None),
        ("prepare", (), {}),
        ("amendment", one, None),
        ("section", (*one, "size"), None),
        ("section", (*one, "size"), {}),
        ("section", (*one, "indicators"), None),
        ("section", (*one, "indicators"), {"action": "remove", "key": "unknown"}),
        ("proposal", (*one, 0), {}),
        ("tick", one, {"section": "size"}),
        ("remark", one, {}),
        ("agree", one, {}),
        ("freeze", one, {}),
        ("take-back", one, None),
        ("drop", one, None),
        ("drop", one, {}),
        ("document", one, None),
    ]
    assert {name for name, _, _ in addresses} == {pattern.name for pattern in urlpatterns}

    def asked(person: User) -> list[int]:
        client = Client()
        client.force_login(person)
        found = []
        for name, args, sent in addresses:
            url = reverse(f"amendments:{name}", args=[contract.public_id, *args])
            found.append((client.get(url) if sent is None else client.post(url, sent)).status_code)
        return found

    reads = {"history": 200, "amendment": 200, "document": 404}
    reader = factories.team_member(contract.community, role="reader").user
    assert asked(reader) == [reads.get(name, 403) for name, _, _ in addresses]
    party = [200, 200, 422, 200, 200, 422, 200, *(302, 404), *[302] * 4, 200, 200, 422, 404]
    for person in people:
        assert asked(person) == party
    for stranger in (factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))):
        assert set(asked(stranger)) == {404}


def test_the_contract_in_force_is_read_at_the_day_of_the_address_at_the_same_cost(
    contract: Contract, people: Parties
) -> None:
    client = Client()
    client.force_login(people.owner)
    url = reverse("amendments:history", args=[contract.public_id])
    version = contract.versions.get()
    counts = []
    for numbers in (range(2, 31), range(0)):
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(url, {"le": f"{STARTED:%Y-%m-%d}"}).content.decode()
        counts.append(len(queries))
        ContractVersion.objects.bulk_create(
            ContractVersion(
                contract=contract,
                number=number,
                effective_on=timezone.localdate(),
                signed_on=timezone.localdate(),
                size_class="T2",
                rates=version.rates,
                terms=to_data(replace(version.says, size="T2")),
                created_by=people.owner,
            )
            for number in numbers
        )
    assert counts[0] == counts[1]
    assert "Taille 3" in page
    assert "Taille 2" in client.get(url).content.decode()
    before = client.get(url, {"le": f"{STARTED - timedelta(days=1):%Y-%m-%d}"}).content.decode()
    assert "pas encore pris effet" in before
    assert client.get(url, {"le": "hier"}).status_code == 200


def test_an_amended_cpom_pays_what_it_says_and_no_more_than_its_source(db: None) -> None:
    contract = signed.contract(
        form="cpom", size="", missions={}, rates=cpom_rates(Decimal(30_000)), starts_on=STARTED
    )
    owner = contract.community.created_by
    draft = written(
        opened(contract, owner, "rates"), owner, "rates", yearly_amount=Decimal(1_000_000)
    )
    asked = "Écrivez l’aide annuelle du CPOM"
    today = timezone.localdate()
    assert any(one.startswith(asked) for one in amending.missing_to_sign(draft, on=today))
    draft = written(draft, owner, "rates", yearly_amount=Decimal(40_000))
    assert not any(one.startswith(asked) for one in amending.missing_to_sign(draft, on=today))
    foreseen = amending.foresee(draft, on=today)
    assert foreseen
    assert foreseen.years[-1][1:] == (Decimal(30_000), Decimal(40_000))
