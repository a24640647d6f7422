"""How a contract ends: at its last day, by a party, with its CPTS; what was due never changes."""

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

from accounts.models import User
from contracts.endings import ending, reorganising
from contracts.endings.urls import urlpatterns
from contracts.funding import balances, payments, totals
from contracts.funding.schedule import amend, compute_schedule, until
from contracts.models import (
    Contract,
    Renewal,
    RenewalAnswer,
    Schedule,
    Termination,
)
from cpts_portal.words import day
from notifications.models import Notification
from tests import factories
from tests.contracts import signed
from tests.contracts.engaging import MISSIONS, STARTS, engagement, terms
from workflow.services import ActionRefusedError, AlreadyDoneError

Deliver = Callable[[], int]
# A contract in its third year or its fourth, and an end three months into its fifth.
YEAR = timezone.localdate().year
STARTED, LAST = date(YEAR - 3, 7, 1), date(YEAR + 2, 6, 30)
ENDS = date(YEAR + 1, 9, 30)
WORTH = compute_schedule(engagement(STARTED, ends_on=ENDS)).total()


@pytest.fixture
def contract(db: None) -> Contract:
    return signed.contract(starts_on=STARTED)


@pytest.fixture
def owner(contract: Contract) -> User:
    return contract.community.created_by


@pytest.fixture
def payer(contract: Contract) -> User:
    assert contract.cpam
    return signed.agent(contract.cpam)


@pytest.fixture
def agency(contract: Contract) -> User:
    return signed.agent(contract.ars)


def told(kind: str = "contract_ending") -> set[tuple[Any, str]]:
    return {(one.user, one.title) for one in Notification.objects.filter(kind=kind)}


def notified(contract: Contract, by: User, **changes: Any) -> Termination:
    values = {"ground": "missions", "reason": "Aucune mission n’a commencé.", "ends_on": ENDS}
    return ending.notify_termination(contract, **(values | changes), by=by)


# --- The last day ---------------------------------------------------------------------------------


def test_the_parties_are_asked_a_year_before_then_reminded_and_the_contract_ends_by_itself(
    contract: Contract, owner: User, payer: User, agency: User, deliver_outbox: Deliver
) -> None:
    for today, renewals in (
        (date(YEAR + 1, 6, 29), 0),
        (date(YEAR + 1, 6, 30), 1),
        (date(YEAR + 1, 7, 1), 1),
    ):
        ending.follow_ends(today=today)
        assert Renewal.objects.count() == renewals
    deliver_outbox()
    due = f"Le contrat finit le {day(LAST)}"
    assert told() == {(owner, due), (payer, due), (agency, due)}
    ending.follow_ends(today=date(YEAR + 1, 12, 31))
    deliver_outbox()
    reminder = f"Rappel\u00a0: le contrat finit le {day(LAST)}"
    assert told() == {(who, said) for who in (owner, payer, agency) for said in (due, reminder)}

    assert [ending.expire(LAST + timedelta(days=one)) for one in (0, 1, 2)] == [0, 1, 0]
    contract.refresh_from_db()
    assert contract.state == "closed"
    assert contract.transition_logs.get().transition == "close"
    with pytest.raises(ActionRefusedError, match="plus en vigueur"):
        ending.answer_renewal(Renewal.objects.get(), "renew", "", by=owner)
    client = Client()
    client.force_login(owner)
    for page in ("endings:hub", "contracts:money"):
        assert client.get(reverse(page, args=[contract.public_id])).status_code == 200


def test_each_party_says_what_it_wishes_and_may_change_its_mind(
    contract: Contract, owner: User, payer: User, deliver_outbox: Deliver
) -> None:
    ending.open_campaigns(date(YEAR + 1, 7, 1))
    renewal = Renewal.objects.get()
    with pytest.raises(ActionRefusedError, match="Dites pourquoi"):
        ending.answer_renewal(renewal, "expire", " ", by=payer)
    ending.answer_renewal(renewal, "expire", "À évaluer", by=payer)
    ending.answer_renewal(renewal, "renew", "", by=payer)
    ending.answer_renewal(renewal, "renew", "", by=owner)
    editor = factories.team_member(contract.community).user
    for other in (editor, factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))):
        with pytest.raises(PermissionDenied):
            ending.answer_renewal(renewal, "renew", "", by=other)

    assert [(party, one and one.wish) for party, one in ending.wishes_of(renewal)] == [
        ("CPTS", "renew"),
        ("ARS", None),
        ("CPAM", "renew"),
    ]
    assert RenewalAnswer.objects.count() == 3


# --- Termination ----------------------------------------------------------------------------------


def test_a_party_ends_the_contract_after_its_notice_and_the_observations_of_the_others(
    contract: Contract, owner: User, payer: User, agency: User, deliver_outbox: Deliver
) -> None:
    payments.record_payment(
        contract, paid_on=STARTED, amount=Decimal(225_000), reference="V1", by=payer
    )
    found = notified(contract, payer)
    with pytest.raises(ActionRefusedError, match="déjà en cours"):
        notified(contract, owner, ground="voluntary")
    with pytest.raises(ActionRefusedError, match="observations attendues"):
        ending.decide(found, decision="Fin", ends_on=ENDS, by=payer)
    ending.observe(found, "Nous commençons demain.", by=owner)
    ending.observe(found, "Sans observation.", by=agency)
    with pytest.raises(PermissionDenied):
        ending.decide(found, decision="Fin", ends_on=ENDS, by=agency)
    with pytest.raises(ActionRefusedError, match="pas l’avancer"):
        ending.decide(found, decision="Fin", ends_on=ENDS - timedelta(days=1), by=payer)
    past = [
        (one.due_on, one.mission, one.amount)
        for one in balances.current_lines(contract)[1]
        if one.due_on < timezone.localdate() and not one.is_ceiling
    ]

    ending.decide(found, decision="Les missions n’ont pas commencé.", ends_on=ENDS, by=payer)

    contract.refresh_from_db()
    assert (contract.state, contract.ends_on, contract.agreed_ends_on) == ("accepted", ENDS, LAST)
    assert balances.account_of(contract, on=ENDS).expected == WORTH
    assert contract.schedules.current().get().cause == Schedule.Cause.END
    lines = [(one.due_on, one.mission, one.amount) for one in balances.current_lines(contract)[1]]
    assert [one for one in lines if one in past] == past
    assert totals.totals_are_right([contract]) == []
    assert contract.versions.count() == 1

    deliver_outbox()
    assert {one.kind: one.document.number for one in found.papers.all()} == {
        "notice": found.letters["notice"]["number"],
        "decision": f"{found.letters['notice']['number']}-D",
    }
    assert {title for _, title in told()} == {
        f"Résiliation notifiée, observations jusqu’au {day(found.observations_until)}",
        "Résiliation\u00a0: des observations sont déposées",
        f"Le contrat prend fin le {day(ENDS)}",
    }
    with pytest.raises(AlreadyDoneError):
        ending.withdraw(found, "Non", by=payer)
    # Nobody is asked what follows; it ends on its new last day.
    assert ending.open_campaigns(date(YEAR + 1, 8, 1)) == []
    assert ending.expire(date(YEAR + 1, 10, 1)) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_on": timezone.localdate()}, "Le préavis est de 2"),
        ({"ends_on": LAST}, "finit de lui-même"),
        ({"ground": "voluntary"}, "Seule la CPTS"),
        ({"reason": " "}, "Exposez le motif"),
    ],
)
def test_a_termination_that_cannot_be_is_refused_with_the_reason(
    contract: Contract, payer: User, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(ActionRefusedError, match=words):
        notified(contract, payer, **changes)


def test_a_termination_is_given_up_with_a_reason_and_the_contract_goes_on(
    contract: Contract, owner: User, payer: User
) -> None:
    found = notified(contract, owner, ground="voluntary")
    with pytest.raises(PermissionDenied):
        ending.withdraw(found, "Non", by=payer)
    with pytest.raises(ActionRefusedError, match="Dites pourquoi"):
        ending.withdraw(found, "", by=owner)
    ending.withdraw(found, "L’équipe est renouvelée.", by=owner)
    contract.refresh_from_db()
    assert (contract.ends_on, contract.agreed_ends_on) == (LAST, None)
    assert notified(contract, owner, ground="voluntary").pk != found.pk


def test_the_database_keeps_one_termination_under_way(contract: Contract, payer: User) -> None:
    found = notified(contract, payer)
    for changes, constraint in (
        ({"state": "confirmed"}, "decided_by_someone"),
        ({"ground": "voluntary"}, "only_the_cpts"),
    ):
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Termination.objects.filter(pk=found.pk).update(**changes)
    found.pk = None
    with pytest.raises(IntegrityError, match="one_under_way"), transaction.atomic():
        found.save(force_insert=True)


# --- Merger, split, dissolution -------------------------------------------------------------------


def test_a_merger_ends_the_contract_of_the_cpts_that_stops_and_keeps_who_follows(
    contract: Contract, agency: User, deliver_outbox: Deliver
) -> None:
    stops = signed.contract(starts_on=STARTED)
    given: dict[str, Any] = {
        "before": [contract.community, stops.community],
        "after": [contract.community],
        "effective_on": date(YEAR + 1, 10, 1),
        "act": "Arrêté d’essai du 1er septembre 2027",
    }
    for refused in (contract.community.created_by, signed.agent(contract.cpam)):
        with pytest.raises(PermissionDenied):
            reorganising.reorganise("merger", **given, by=refused)
    with pytest.raises(ActionRefusedError, match="aucune ne prend la suite"):
        reorganising.reorganise("dissolution", **given, by=agency)
    with pytest.raises(ActionRefusedError, match="Écrivez l’acte"):
        reorganising.reorganise("merger", **(given | {"act": " "}), by=agency)

    made = reorganising.reorganise("merger", **given, by=agency)

    deliver_outbox()
    for one in (contract, stops):
        one.refresh_from_db()
    assert (contract.ends_on, stops.ends_on) == (LAST, ENDS)
    assert balances.account_of(stops, on=ENDS).expected == WORTH
    names = sorted(one.community.name for one in (contract, stops))
    assert reorganising.sides_of(made) == (names, [contract.community.name])
    assert reorganising.history_of(stops.community) == [made]
    assert made.communities.get(contract=stops).community == stops.community
    said = f"Fusion\u00a0: le contrat prend fin le {day(ENDS)}"
    assert (stops.community.created_by, said) in told()


# --- The pages ------------------------------------------------------------------------------------


def test_the_pages_of_an_end_answer_those_they_concern_and_nobody_else(
    contract: Contract, owner: User, payer: User, agency: User, deliver_outbox: Deliver
) -> None:
    ending.open_campaigns(date(YEAR + 1, 7, 1))
    found = notified(contract, payer)
    deliver_outbox()
    one = (found.pk,)
    sent: dict[str, Any] = {
        "answer": {"wish": "maybe"},
        "renew": {},
        "terminate": {},
        "termination": {},
        "decide": {},
        "withdraw": {},
        "reorganise": {},
    }
    addresses: list[tuple[str, tuple[Any, ...]]] = [
        ("hub", ()),
        ("answer", ()),
        ("renew", ()),
        ("terminate", ()),
        ("termination", one),
        ("decide", one),
        ("withdraw", one),
        ("letter", (*one, "notice")),
        ("reorganise", ()),
    ]
    assert {name for name, _ in addresses} == {pattern.name for pattern in urlpatterns}

    def asked(person: User) -> dict[str, tuple[int, int]]:
        client = Client()
        client.force_login(person)
        statuses = {}
        for name, args in addresses:
            url = reverse(f"endings:{name}", args=[contract.public_id, *args])
            posted = client.post(url, sent[name]).status_code if name in sent else 0
            statuses[name] = (client.get(url).status_code, posted)
        return statuses

    reader = factories.team_member(contract.community, role="reader").user
    reads = {"hub": (200, 0), "termination": (200, 403), "letter": (200, 0)}
    nothing = dict.fromkeys(sent, (403, 403)) | reads
    party = {
        "answer": (302, 422),
        "renew": (302, 302),
        "terminate": (200, 422),
        "termination": (200, 422),
    }
    assert asked(reader) == nothing
    assert asked(owner) == nothing | party
    assert asked(agency) == nothing | party | {"reorganise": (200, 422)}
    assert asked(payer) == nothing | party | {"decide": (200, 422), "withdraw": (200, 422)}
    for stranger in (factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))):
        assert asked(stranger) == {name: (404, 404 if name in sent else 0) for name, _ in addresses}


def test_the_page_of_an_end_costs_the_same_for_one_party_and_thirty_terminations(
    contract: Contract, owner: User
) -> None:
    client = Client()
    client.force_login(owner)
    url = reverse("endings:hub", args=[contract.public_id])
    ending.open_campaigns(date(YEAR + 1, 7, 1))
    found = []
    for count in (1, 29):
        for _ in range(count):
            ending.withdraw(notified(contract, owner, ground="voluntary"), "Non", by=owner)
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        found.append(len(queries))
    assert found[0] == found[1]


# --- The sums -------------------------------------------------------------------------------------


def test_an_end_three_months_into_the_fifth_year_pays_92_days_of_it() -> None:
    worked_out = compute_schedule(engagement(ends_on=date(2027, 9, 30)))
    # Of 366: 69 125,69 € sure and 30 792,35 € at most, after four years of 397 500 €.
    assert worked_out.total(5) == Decimal("99918.04")
    assert worked_out.total() == Decimal("1689918.04")


@given(
    lasts=st.integers(0, 1_825),
    as_of=st.integers(0, 1_900),
    late=st.none() | st.integers(1, 1_800),
)
def test_an_early_end_keeps_what_fell_due_and_pays_the_days_of_the_contract(
    lasts: int, as_of: int, late: int | None
) -> None:
    missions: dict[str, date | None] = dict.fromkeys(MISSIONS, STARTS)
    if late is not None:
        missions["quality_relevance"] = STARTS + timedelta(days=late)
    whole = engagement(terms=(terms(STARTS, missions=missions),), signed_on=STARTS)
    last_day = STARTS + timedelta(days=lasts)
    before = compute_schedule(whole).lines
    shorter = compute_schedule(replace(whole, ends_on=last_day, terms=until(whole.terms, last_day)))
    on = STARTS + timedelta(days=as_of)

    after = amend(before, shorter.lines, on)

    assert shorter.problems == ()
    kept = [one for one in before if one.due_on <= on and not one.is_ceiling]
    assert [one for one in after if one in kept] == kept
    assert sum(one.amount for one in after) == shorter.total()
