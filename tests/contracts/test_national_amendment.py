"""New national rates for every contract: counted, applied once each, never to what is due."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from contracts.amendments import amending, national, signing
from contracts.amendments.national_urls import urlpatterns
from contracts.endings import ending
from contracts.funding import balances, engaging
from contracts.funding.schedule import Terms, amend, compute_schedule, five_years, with_rates
from contracts.models import Contract, NationalAmendment, NationalAmendmentItem, ScheduleLine
from notifications.models import Notification
from procedures.rates import Share, delivered_rates
from tests import factories
from tests.contracts import raised, sealing, signed
from tests.contracts.engaging import MISSIONS, STARTS, engagement, terms
from workflow.models import Case
from workflow.services import ActionRefusedError

Deliver = Callable[[], int]


def total(contract: Contract) -> Decimal:
    return balances.account_of(contract, on=STARTS).expected


def due(contract: Contract) -> list[tuple[date, str, Decimal]]:
    """What had fallen due before today."""
    lines = ScheduleLine.objects.filter(
        schedule__contract=contract,
        schedule__is_current=True,
        is_ceiling=False,
        due_on__lt=timezone.localdate(),
    )
    return [(one.due_on, one.mission, one.amount) for one in lines]


def everything_else() -> dict[Contract, tuple[str, str]]:
    """Contracts that new rates do not reach, each with the reason and a word of its sentence."""
    found = {
        signed.contract(size="T1", signed_outside=True): ("no_schedule", "hors portail"),
        signed.contract(ends_on=date(2025, 12, 31)): ("ended", "31 décembre 2025"),
    }
    draft = Contract.objects.create(
        kind=Case.Kind.CONTRACT,
        community=factories.community(),
        title="En négociation",
        region=factories.region(),
        procedure_key="occitanie",
        procedure_version=1,
        created_by=factories.user(),
        ars=signed.ars(),
    )
    return found | {draft: ("unsigned", "pas encore signé")}


@pytest.mark.django_db
def test_a_national_amendment_is_counted_then_reaches_each_contract_once(
    deliver_outbox: Deliver,
) -> None:
    contract = signed.contract()
    assert contract.cpam
    agent, team = signed.agent(contract.cpam), contract.community.created_by
    before = due(contract)
    others = everything_else()
    by = raised.administrator()
    amendment = raised.prepared(by)
    newer = signed.contract(starts_on=raised.FROM)
    deliver_outbox()

    amendment.refresh_from_db()
    assert amendment.status == "ready"
    items = {one.contract_id: one for one in amendment.items.all()}
    assert {
        pk: (items[one.pk].reason, word in items[one.pk].detail)
        for pk, (one, (_, word)) in enumerate(others.items())
    } == {pk: (reason, True) for pk, (reason, _) in enumerate(others.values())}
    # It was signed at these rates.
    assert items[newer.pk].reason == "unchanged"
    # 5 000 € a year from 1 January 2026 to 30 June 2028.
    planned = items[contract.pk]
    after = Decimal(1_987_500) + 2 * 5_000 + Decimal("2479.45")
    assert (planned.before, planned.after) == (Decimal(1_987_500), after)
    assert [(one.year, one.mission, one.after - one.before) for one in
            national.changes_of(planned)] == [
        (3, "", Decimal("2479.45")), (4, "", Decimal(5_000)), (5, "", Decimal(5_000))
    ]  # fmt: skip

    national.start(amendment, by=by)
    deliver_outbox()
    deliver_outbox()

    amendment.refresh_from_db()
    assert amendment.status == "done"
    assert total(contract) == after
    assert due(contract)[: len(before)] == before
    assert contract.versions.count() == 2
    assert [one.versions.count() for one in others] == [1, 1, 0]
    assert {
        (one.user, one.title) for one in Notification.objects.filter(kind="contract_amended")
    } == {
        (team, "De nouveaux tarifs nationaux s’appliquent à votre contrat"),
        (agent, "Tarifs nationaux appliqués à 1\u00a0contrat"),
    }
    exported = {(row[1], row[3]) for row in national.exported_exceptions(amendment)}
    assert ("En négociation", "Contrat pas encore signé") in exported
    assert len(exported) == 4

    national.try_exceptions_again(amendment, by=by)
    deliver_outbox()
    amendment.refresh_from_db()
    assert (amendment.status, contract.versions.count()) == ("done", 2)


@pytest.mark.django_db
def test_rates_reach_what_a_signed_amendment_will_change_later(deliver_outbox: Deliver) -> None:
    contract = signed.contract()
    by = raised.administrator()
    later = date(2027, 7, 1)
    fewer = {key: STARTS for key in MISSIONS if key != "prevention"}
    today = timezone.localdate()
    engaging.amend_contract(contract, effective_on=later, signed_on=today, missions=fewer, by=by)
    planned = total(contract)

    amendment = raised.prepared(by)
    deliver_outbox()
    national.start(amendment, by=by)
    deliver_outbox()

    assert total(contract) == planned + 2 * 5_000 + Decimal("2479.45")
    with pytest.raises(engaging.ScheduleRefusedError, match="prend déjà effet le 1er juillet 2027"):
        engaging.amend_contract(contract, effective_on=raised.FROM, signed_on=today, by=by)


@pytest.mark.django_db
def test_a_national_amendment_to_sign_changes_a_contract_once_its_parties_have_signed(
    deliver_outbox: Deliver,
) -> None:
    contract, later, ending, nobody = (signed.contract() for _ in range(4))
    raised.with_signers([contract, later, ending])
    today = timezone.localdate()
    by = raised.administrator()
    after = raised.FROM + timedelta(days=1)
    engaging.amend_contract(later, effective_on=after, signed_on=today, by=by)
    Contract.objects.filter(pk=ending.pk).update(agreed_ends_on=ending.ends_on)
    planned = total(contract)

    amendment = raised.prepared(by, way="to_sign")
    deliver_outbox()
    national.start(amendment, by=by)
    deliver_outbox()
    deliver_outbox()

    def outcomes() -> dict[int, tuple[str, str]]:
        return {one.contract_id: (one.outcome, one.reason) for one in amendment.items.all()}

    assert outcomes() == {
        contract.pk: ("to_sign", ""),
        later.pk: ("exception", "later"),
        ending.pk: ("exception", "ended"),
        nobody.pk: ("exception", "no_signer"),
    }
    item = amendment.items.get(contract=contract)
    assert item.draft
    assert (item.draft.state, item.draft.sections, contract.drafts.count()) == (
        "to_sign",
        ["rates"],
        1,
    )
    assert total(contract) == planned
    waiting = national.signing_of(item)
    assert waiting
    assert [len(one) for one in waiting] == [0, 3]
    assert {one.title for one in Notification.objects.filter(kind="contract_amended")} == {
        "Un avenant national de tarifs est à signer",
        "Avenants nationaux à signer pour 1\u00a0contrat",
    }

    # What is signed is what was frozen, though other rates are published meanwhile.
    raised.raised_rates(by, raised.FROM, grant=90_000)
    sealing.sign(signing.rounds_of(item.draft)[0], "cpts", "cpam", "ars")
    deliver_outbox()
    amendment.refresh_from_db()
    assert outcomes()[contract.pk] == ("applied", "")
    assert total(contract) == planned + 2 * 5_000 + Decimal("2479.45") == item.after
    assert contract.versions.count() == 2
    counts = national.counts_of(amendment)
    assert national.progress_of(amendment, counts).label == "Avenants signés\u00a0: 1 sur 1"


@pytest.mark.django_db
def test_an_amendment_taken_back_then_given_up_is_an_exception_that_may_be_sent_again(
    deliver_outbox: Deliver,
) -> None:
    contract = signed.contract()
    raised.with_signers([contract])
    by, owner = raised.administrator(), contract.community.created_by
    amendment = raised.prepared(by, way="to_sign")
    deliver_outbox()
    national.start(amendment, by=by)
    deliver_outbox()
    item = amendment.items.get()
    assert item.draft
    signing.take_back(item.draft, by=owner, reason="À relire")
    item = amendment.items.select_related("draft").get()
    assert item.draft
    assert item.draft.rates is None
    assert item.state_label == "Texte repris par une partie, en négociation"
    raised.raised_rates(by, raised.FROM, grant=90_000)
    assert "reprenez-les" in " ".join(amending.missing_to_sign(item.draft, on=timezone.localdate()))
    signing.drop(item.draft, by=owner, reason="Montants à revoir")
    item.refresh_from_db()
    assert (item.outcome, item.reason, "Montants à revoir" in item.detail) == (
        "exception",
        "dropped",
        True,
    )
    national.try_exceptions_again(amendment, by=by)
    deliver_outbox()
    deliver_outbox()
    assert [one.state for one in amending.amendments_of(contract)] == ["to_sign", "dropped"]
    assert amendment.items.get().outcome == "to_sign"


@pytest.mark.django_db
def test_a_contract_that_ends_takes_with_it_the_amendment_nobody_has_signed(
    deliver_outbox: Deliver,
) -> None:
    waiting, negotiated = signed.contract(), signed.contract()
    raised.with_signers([waiting, negotiated])
    amendment = raised.prepared(by := raised.administrator(), way="to_sign")
    deliver_outbox()
    national.start(amendment, by=by)
    deliver_outbox()
    sent = {one.contract_id: one.draft for one in amendment.items.select_related("draft")}
    taken = sent[negotiated.pk]
    assert taken
    signing.take_back(taken, by=negotiated.community.created_by, reason="À relire")

    assert waiting.ends_on == negotiated.ends_on
    assert waiting.ends_on
    assert ending.expire(waiting.ends_on + timedelta(days=1)) == 2
    why = "Le contrat a pris fin avant que cet avenant soit signé de tous."
    items = amendment.items.select_related("draft", "contract")
    assert {
        one.contract_id: (one.outcome, one.reason, one.detail, one.draft and one.draft.state)
        for one in items
    } == dict.fromkeys((waiting.pk, negotiated.pk), ("exception", "ended", why, "dropped"))
    assert [
        (one.state, one.end_reason) for one in waiting.signing_rounds.filter(purpose="amendment")
    ] == [("cancelled", why)]
    national.try_exceptions_again(amendment, by=by)
    deliver_outbox()
    assert {one.reason for one in items.all()} == {"ended"}


@pytest.mark.django_db
def test_only_the_national_administrator_amends_and_once_for_a_table() -> None:
    by = raised.administrator()
    amendment = raised.prepared(by)
    table = amendment.table
    for refused in (factories.user(), signed.agent(signed.ars())):
        for act in (
            lambda who: national.prepare(table, legal_basis=raised.LAW, by=who),
            lambda who: national.start(amendment, by=who),
            lambda who: national.abandon(amendment, by=who),
            lambda who: national.try_exceptions_again(amendment, by=who),
        ):
            with pytest.raises(PermissionDenied):
                act(refused)
    with pytest.raises(ActionRefusedError, match="déjà leur avenant"):
        national.prepare(table, legal_basis=raised.LAW, by=by)
    with pytest.raises(ActionRefusedError, match="aperçu en préparation"):
        national.start(amendment, by=by)
    national.abandon(amendment, by=by)
    with pytest.raises(ActionRefusedError, match="Écrivez"):
        national.prepare(table, legal_basis=" ", by=by)
    assert national.prepare(table, legal_basis=raised.LAW, by=by).status == "counting"


@pytest.mark.django_db
def test_the_database_keeps_one_row_for_a_contract() -> None:
    contract = signed.contract()
    amendment = raised.prepared()
    row: dict[str, Any] = {"amendment": amendment, "contract": contract, "outcome": "planned"}
    NationalAmendmentItem.objects.create(**row)
    for wrong, constraint in (
        ({}, "each_contract_once"),
        ({"contract": signed.contract(), "outcome": "applied"}, "applied_is_a_version"),
        ({"contract": signed.contract(), "outcome": "exception"}, "exception_has_a_reason"),
        ({"contract": signed.contract(), "outcome": "to_sign"}, "to_sign_is_a_draft"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            NationalAmendmentItem.objects.create(**(row | wrong))


# --- The pages ------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_pages_answer_the_administrator_and_nobody_else(deliver_outbox: Deliver) -> None:
    contract = signed.contract()
    by = raised.administrator()
    assert contract.cpam
    client, agent = Client(), Client()
    client.force_login(by)
    agent.force_login(signed.agent(contract.cpam))
    table = raised.raised_rates(by)
    sent = {"table": table.pk, "way": "by_law", "legal_basis": raised.LAW}
    assert agent.post(reverse("national:amendments"), sent).status_code == 403
    assert client.post(reverse("national:amendments"), {}).status_code == 422
    assert client.post(reverse("national:amendments"), sent).status_code == 302
    amendment = NationalAmendment.objects.get()
    counting = client.get(reverse("national:amendment", args=[amendment.pk])).content.decode()
    assert "Contrats examinés\u00a0: 0 sur 1" in counting
    deliver_outbox()

    item = amendment.items.get()
    addresses = [
        ("amendments", []),
        ("amendment", [amendment.pk]),
        ("start", [amendment.pk]),
        ("retry", [amendment.pk]),
        ("abandon", [amendment.pk]),
        ("contract", [amendment.pk, item.pk]),
        ("exceptions", [amendment.pk, "csv"]),
    ]
    assert {name for name, _ in addresses} == {one.name for one in urlpatterns}
    posted = {"retry", "abandon"}
    for name, args in addresses:
        url = reverse(f"national:{name}", args=args)
        assert (agent.post(url) if name in posted else agent.get(url)).status_code == 403
        if name not in posted:
            assert client.get(url).status_code == 200
    page = client.get(reverse("national:amendment", args=[amendment.pk])).content.decode()
    assert "Appliquer à 1 contrat…" in page

    assert client.post(reverse("national:start", args=[amendment.pk])).status_code == 302
    deliver_outbox()
    done = client.get(reverse("national:amendment", args=[amendment.pk])).content.decode()
    assert "Appliqué par" in done


@pytest.mark.django_db
def test_a_page_of_an_amendment_costs_the_same_for_one_contract_and_thirty(
    deliver_outbox: Deliver,
) -> None:
    signed.contract()
    amendment = raised.prepared()
    client = Client()
    client.force_login(raised.administrator())
    url = reverse("national:amendment", args=[amendment.pk])
    deliver_outbox()
    found = []
    for _ in range(2):
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get(url)
        found.append(len(asked))
        NationalAmendmentItem.objects.bulk_create(
            NationalAmendmentItem(
                amendment=amendment,
                contract=signed.contract(),
                outcome="planned",
                before=1,
                after=2,
            )
            for _ in range(29)
        )
    assert found[0] == found[1]


# --- The sums -------------------------------------------------------------------------------------


@given(
    effective=st.integers(-400, 1_700),
    as_of=st.integers(0, 1_900),
    later=st.none() | st.integers(1, 1_700),
    cents=st.integers(0, 20_000_000),
)
def test_other_rates_never_change_what_fell_due_and_pay_the_rest(
    effective: int, as_of: int, later: int | None, cents: int
) -> None:
    known = delivered_rates()
    grant = Decimal(cents) / 100
    rates = replace(
        known,
        rates=tuple(
            replace(one, amount=grant) if one.share == Share.OPERATING else one
            for one in known.rates
        ),
    )
    held: tuple[Terms, ...] = (terms(STARTS),)
    if later is not None:
        fewer = dict.fromkeys(MISSIONS[1:], STARTS)
        held = (*held, terms(STARTS + timedelta(days=later), missions=fewer))
    contract = engagement(terms=held, signed_on=STARTS)
    before = compute_schedule(contract).lines
    on = STARTS + timedelta(days=effective)
    wanted = compute_schedule(replace(contract, terms=with_rates(held, on, rates)))

    after = amend(before, wanted.lines, STARTS + timedelta(days=as_of))

    assert wanted.problems == ()
    until = STARTS + timedelta(days=as_of)
    kept = [one for one in before if one.due_on <= until and not one.is_ceiling]
    assert [one for one in after if one in kept] == kept
    assert sum(one.amount for one in after) == wanted.total()
    assert five_years(STARTS) == contract.ends_on
