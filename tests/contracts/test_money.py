"""A contract in force: its frozen schedule, its payments, and what the two add up to."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import User
from contracts.funding import balances, engaging, payments, ratebook, totals
from contracts.funding.fields import read_amount
from contracts.funding.schedule import Achievement, Results
from contracts.models import Contract, ContractYear, Payment, PaymentPart, ScheduleLine
from procedures.rates import Share
from tests import factories
from tests.contracts import signed
from tests.contracts.engaging import MISSIONS, STARTS
from workflow.models import Case
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract() -> Contract:
    return signed.contract()


@pytest.fixture
def payer(contract: Contract) -> User:
    assert contract.cpam
    return signed.agent(contract.cpam)


def pay(contract: Contract, by: User, amount: str = "225000", **given: Any) -> Payment:
    values = {"paid_on": date(2023, 7, 20), "reference": "VIR-1"} | given
    return payments.record_payment(contract, amount=Decimal(amount), by=by, **values)


def current(contract: Contract) -> list[ScheduleLine]:
    return list(ScheduleLine.objects.filter(schedule__contract=contract, schedule__is_current=True))


# --- Contracts --------------------------------------------------------------------------------


def test_a_signed_contract_is_a_case_on_the_desks_of_its_parties_with_its_schedule(
    contract: Contract,
) -> None:
    assert contract.cpam
    assert (contract.reference or "").startswith("CT-76-")
    assert (contract.state, contract.money_department) == ("accepted", "81")
    assert {(one.organisation_id, one.kind) for one in contract.desks.all()} == {
        (contract.cpam_id, "in_charge"),
        (contract.ars_id, "informed"),
    }
    assert balances.account_of(contract, on=date(2023, 7, 1)).expected == Decimal(1_987_500)
    assert balances.account_of(contract, on=date(2023, 7, 1)).due == Decimal(225_000)
    assert list(contract.money_years.order_by("year").values_list("year", "engaged", "paid")) == [
        (2023, Decimal(225_000), 0),
        *((year, Decimal(397_500), 0) for year in (2024, 2025, 2026, 2027)),
        (2028, Decimal(172_500), 0),
    ]


def test_only_its_parties_see_a_contract(contract: Contract) -> None:
    assert contract.cpam
    team = factories.team_member(contract.community, role="reader").user
    seers = [team, signed.agent(contract.cpam), signed.agent(signed.ars())]
    others = [factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))]

    assert [Contract.objects.visible_to(one).count() for one in seers] == [1, 1, 1]
    assert [Contract.objects.visible_to(one).count() for one in others] == [0, 0]


def test_unknown_rates_block_a_signature_but_not_the_record_of_one_made_elsewhere() -> None:
    with pytest.raises(engaging.ScheduleRefusedError, match="à confirmer"):
        signed.contract(size="T1")
    assert not Contract.objects.exists()

    kept = signed.contract(size="T1", signed_outside=True)
    assert (kept.is_signed_outside, current(kept)) == (True, [])
    assert kept.cpam
    agent = signed.agent(kept.cpam)
    pay(kept, agent, "50000")
    assert balances.account_of(kept, on=date(2024, 1, 1)).unallocated == Decimal(50_000)
    with pytest.raises(engaging.ScheduleRefusedError, match="à confirmer"):
        engaging.complete_rates(kept, by=agent)


def test_once_its_rates_are_published_a_contract_signed_elsewhere_has_its_schedule() -> None:
    tables = ratebook.load_delivered_rates().tables
    kept = signed.contract(size="T1", signed_outside=True)
    assert kept.cpam
    agent = signed.agent(kept.cpam)
    pay(kept, agent, "60000")
    draft = ratebook.prepare_version(tables[1], by=agent)
    draft.lines.filter(size_class="T1").update(
        fixed_share=Decimal(10_000), is_confirmed=True, source="Un texte"
    )
    draft.lines.filter(size_class="T1").exclude(mission="").update(variable_share=Decimal(1_000))
    draft.source = "Un texte"
    draft.save()
    ratebook.publish(draft)

    engaging.complete_rates(kept, by=agent)

    account = balances.account_of(kept, on=date(2023, 12, 31))
    assert (account.unallocated, account.paid) == (Decimal(0), Decimal(60_000))
    assert account.expected == Decimal(5 * (10_000 + 6 * 11_000))
    with pytest.raises(ActionRefusedError, match="déjà un échéancier"):
        engaging.complete_rates(kept, by=agent)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_on": date(2023, 6, 30)}, "après sa fin"),
        ({"missions": {"quality_relevance": None}}, "pas de date de début"),
    ],
)
def test_terms_that_make_no_schedule_are_not_signed(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(engaging.ScheduleRefusedError, match=words):
        signed.contract(**changes)


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"ends_on": date(2020, 1, 1)}, "contract_dates_in_order"),
        ({"cpam": None}, "contract_signed_has_dates_and_parties"),
        ({"starts_on": None}, "contract_signed_has_dates_and_parties"),
    ],
)
def test_the_database_refuses_a_contract_that_makes_no_sense(
    contract: Contract, values: dict[str, Any], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Contract.objects.filter(pk=contract.pk).update(**values)


# --- Amendments, results, crises ------------------------------------------------------------------


def test_an_amendment_leaves_what_was_paid_and_regularises(contract: Contract, payer: User) -> None:
    pay(contract, payer)
    before = [(one.due_on, one.mission, one.amount) for one in current(contract)]
    some = {key: STARTS for key in MISSIONS if key != "prevention"}

    engaging.amend_contract(
        contract,
        effective_on=date(2023, 10, 1),
        signed_on=date(2023, 10, 10),
        missions=some,
        by=payer,
    )

    after = current(contract)
    kept = [one for one in before if one[0] <= date(2023, 10, 10)]
    assert [(one.due_on, one.mission, one.amount) for one in after][: len(kept)] == kept
    # 17 500 × 92 / 366 of prevention: 3 299,18 of the advance of 13 125 go to its three months.
    assert [(one.due_on, str(one.amount)) for one in after if one.step == "regularisation"] == [
        (date(2023, 10, 10), "-9825.82")
    ]
    account = balances.account_of(contract, on=date(2023, 12, 31))
    assert account.paid == Decimal(225_000)
    assert account.left == Decimal("-9825.82")
    assert (contract.schedules.count(), contract.versions.count()) == (2, 2)
    assert totals.totals_are_right([contract]) == []


def test_results_bring_the_variable_share_and_are_agreed_once(
    contract: Contract, payer: User
) -> None:
    half = Results(date(2024, 9, 1), (Achievement(Decimal(1), Decimal("0.5")),))
    engaging.record_results(contract, 1, {"prevention": half}, by=payer)

    variable = [one for one in current(contract) if one.share == Share.VARIABLE and one.year == 1]
    assert {(one.mission, str(one.amount), one.is_ceiling) for one in variable} == {
        ("access_to_care", "35000.00", True),
        ("care_pathways", "45000.00", True),
        ("prevention", "8750.00", False),
        ("quality_relevance", "15000.00", True),
        ("professional_support", "10000.00", True),
    }
    with pytest.raises(ActionRefusedError, match="déjà convenus"):
        engaging.record_results(contract, 1, {"prevention": half}, by=payer)
    wrong = Results(date(2024, 9, 1), (Achievement(Decimal(1), Decimal(2)),))
    with pytest.raises(ActionRefusedError, match="de 0 à 1"):
        engaging.record_results(contract, 1, {"care_pathways": wrong}, by=payer)


def test_a_recognised_crisis_adds_its_share_to_the_year(contract: Contract, payer: User) -> None:
    engaging.recognise_crisis(contract, date(2025, 2, 1), "Épidémie", by=payer)

    assert [
        (one.due_on, str(one.amount)) for one in current(contract) if one.share == Share.CRISIS
    ] == [(date(2025, 7, 1), "67500.00")]


def test_the_database_keeps_lines_and_payments_as_they_are(contract: Contract, payer: User) -> None:
    payment = pay(contract, payer)
    lines = ScheduleLine.objects.filter(schedule__contract=contract)
    for change in (
        lambda: lines.update(amount=1),
        lambda: lines._raw_delete("default"),
        lambda: Payment.objects.filter(pk=payment.pk).update(amount=1),
        lambda: Payment.objects.filter(pk=payment.pk).update(contract_id=0),
        lambda: Payment.objects.filter(pk=payment.pk)._raw_delete("default"),
        lambda: PaymentPart.objects.filter(payment=payment).update(amount=1),
        lambda: PaymentPart.objects.filter(payment=payment)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="never_change"), transaction.atomic():
            change()


# --- Payments -----------------------------------------------------------------------------------


def test_a_payment_goes_to_what_fell_due_first(contract: Contract, payer: User) -> None:
    payment = pay(contract, payer, "80000")

    parts = {(one.year, one.mission): str(one.amount) for one in payment.parts.all()}
    assert parts == {(1, ""): "75000.00", (1, "access_to_care"): "5000.00"}
    account = balances.account_of(contract, on=date(2023, 12, 31))
    assert (account.due, account.paid, account.left) == (
        Decimal(225_000),
        Decimal(80_000),
        Decimal(145_000),
    )
    assert ContractYear.objects.get(contract=contract, year=2023).paid == Decimal(80_000)


def test_a_payment_may_be_given_to_a_mission_and_a_year(contract: Contract, payer: User) -> None:
    payment = pay(contract, payer, "1000.01", mission="prevention", year=1)

    assert [(one.year, one.mission, str(one.amount)) for one in payment.parts.all()] == [
        (1, "prevention", "1000.01")
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"paid_on": date(2023, 6, 30)}, "rien n’a pu être payé"),
        ({"paid_on": date(2999, 1, 1)}, "est à venir"),
        ({"reference": "  "}, "La référence manque"),
        ({"reference": "x" * 61}, "dépasse 60 signes"),
        ({"amount": "2000000"}, "dépasse de 12"),
        ({"amount": "40000", "mission": "prevention", "year": 1}, "là où vous l’affectez"),
    ],
)
def test_a_payment_that_cannot_be_is_refused_with_the_reason(
    contract: Contract, payer: User, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ActionRefusedError, match=words):
        pay(contract, payer, **given)
    assert not Payment.objects.exists()


def test_the_same_reference_is_paid_once_whatever_its_case_until_it_is_cancelled(
    contract: Contract, payer: User
) -> None:
    first = pay(contract, payer, "100")
    for again in ("VIR-1", " vir-1 "):
        with pytest.raises(ActionRefusedError, match="déjà celle d’un paiement de 100"):
            pay(contract, payer, "100", reference=again)
    with pytest.raises(IntegrityError, match="payment_reference_once"), transaction.atomic():
        Payment.objects.create(contract=contract, payer=first.payer, paid_on=first.paid_on,
                               amount=1, reference="vir-1", recorded_by=payer)  # fmt: skip

    with pytest.raises(ActionRefusedError, match="pourquoi"):
        payments.cancel_payment(first, " ", by=payer)
    payments.cancel_payment(first, "Mauvais contrat", by=payer)
    with pytest.raises(ActionRefusedError, match="déjà annulé"):
        payments.cancel_payment(first, "Encore", by=payer)
    assert ContractYear.objects.get(contract=contract, year=2023).paid == 0
    pay(contract, payer, "100")
    assert balances.account_of(contract, on=date(2023, 12, 31)).paid == Decimal(100)
    assert totals.totals_are_right([contract]) == []


@pytest.mark.parametrize("amount", [Decimal(-1), Decimal(0), Decimal("1e9")])
def test_the_database_refuses_impossible_payments(
    contract: Contract, payer: User, amount: Decimal
) -> None:
    with pytest.raises(IntegrityError, match="payment_possible_amount"), transaction.atomic():
        Payment.objects.create(contract=contract, payer_id=contract.cpam_id, amount=amount,
                               paid_on=STARTS, reference="A", recorded_by=payer)  # fmt: skip


def test_only_an_agent_of_the_payer_records_and_cancels(contract: Contract, payer: User) -> None:
    payment = pay(contract, payer)
    assert contract.cpam
    for other in (
        contract.community.created_by,
        signed.agent(signed.ars()),
        signed.agent(signed.cpam("31", "Haute-Garonne")),
        signed.agent(contract.cpam, "reviewer"),
    ):
        with pytest.raises(PermissionDenied):
            pay(contract, other, reference="VIR-2")
        with pytest.raises(PermissionDenied):
            payments.cancel_payment(payment, "Erreur", by=other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-100", "supérieur à zéro"),
        ("0", "supérieur à zéro"),
        ("1e12", "n’est pas un montant"),
        ("1000000000000", "dépasse 10"),
        ("10,005", "plus de deux décimales"),
        ("1.250,50", "n’est pas un montant"),
        ("NaN", "n’est pas un montant"),
        ("mille", "n’est pas un montant"),
    ],
)
def test_an_amount_that_is_none_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_amount(text)


@pytest.mark.parametrize("text", ["1250,5", "1 250,50 €", "1\u202f250.50", "1250.50\u00a0€"])
def test_an_amount_is_read_as_the_french_write_it(text: str) -> None:
    assert read_amount(text) == Decimal("1250.50")


def test_the_kind_is_known(contract: Contract) -> None:
    assert Case.objects.get(pk=contract.pk).kind == "contract"
