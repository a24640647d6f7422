"""The pages of a contract's money: who sees and does what, and what each page says."""

from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from accounts.models import User
from contracts.funding import balances, importing, payments, totals
from contracts.models import Contract, Payment
from contracts.urls import urlpatterns
from cpts_portal.spreadsheets import csv_bytes
from tests import factories
from tests.contracts import signed

pytestmark = pytest.mark.django_db

HEADINGS: Final = list(importing.COLUMNS.values())


class Asked(NamedTuple):
    name: str
    args: tuple[str, ...] = ()
    data: dict[str, Any] | None = None
    # About one contract: a stranger finds nothing. Else a page of one's own, or of the payer's.
    is_about_a_contract: bool = True


SENT: Final = {
    "paid_on": "2023-07-20",
    "amount": "1 250,50",
    "reference": "VIR-9",
    "mission": "auto",
    "year": "",
}
ALL: Final = (
    Asked("board", is_about_a_contract=False),
    # The team's alone: see below.
    Asked("indemnities", ("{cpts}",), is_about_a_contract=False),
    Asked("indemnity-add", ("{cpts}",), is_about_a_contract=False),
    Asked("indemnity-cancel", ("{cpts}", "0"), {}, is_about_a_contract=False),
    Asked("payments-file", ("csv",), is_about_a_contract=False),
    Asked("import", is_about_a_contract=False),
    Asked("import-template", ("xlsx",), is_about_a_contract=False),
    Asked("import-report", ("{import}",), is_about_a_contract=False),
    Asked("import-give-up", ("{import}",), {}, is_about_a_contract=False),
    Asked("money", ("{contract}",)),
    Asked("schedule-file", ("{contract}", "csv")),
    Asked("complete", ("{contract}",), {}),
    Asked("pay", ("{contract}",)),
    Asked("pay", ("{contract}",), SENT),
    Asked("cancel", ("{contract}", "{payment}")),
    Asked("cancel", ("{contract}", "{payment}"), {"reason": ""}),
    Asked("missions", ("{contract}",)),
    Asked("missions-file", ("{contract}",)),
    Asked("mission-declare", ("{contract}", "prevention", "started")),
    Asked("crisis", ("{contract}",)),
    Asked("mission-withdraw", ("{contract}", "0"), {}),
    Asked("mission-proof", ("{contract}", "0")),
)
# What all who see the contract read; nobody has declared anything.
READS: Final = {
    "money": 200,
    "schedule-file": 200,
    "missions": 200,
    "missions-file": 200,
    "mission-proof": 404,
}


@pytest.fixture
def contract() -> Contract:
    return signed.contract()


@pytest.fixture
def payer(contract: Contract) -> User:
    assert contract.cpam
    return signed.agent(contract.cpam)


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def pay(contract: Contract, by: User, amount: str = "225000", reference: str = "VIR-1") -> Payment:
    return payments.record_payment(
        contract, paid_on=date(2023, 7, 20), amount=Decimal(amount), reference=reference, by=by
    )


def file_of(*lines: list[str], name: str = "paiements.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, csv_bytes(HEADINGS, lines))


def text(response: Any) -> str:
    return response.content.decode().replace("\u00a0", " ")


# --- Who --------------------------------------------------------------------------------------


def statuses(client: Client, contract: Contract, payment: Payment, waiting: int) -> dict[str, int]:
    known = {
        "{contract}": str(contract.public_id),
        "{payment}": str(payment.pk),
        "{import}": str(waiting),
        "{cpts}": str(contract.community.public_id),
    }
    found = {}
    for asked in ALL:
        url = reverse(f"contracts:{asked.name}", args=[known.get(arg, arg) for arg in asked.args])
        response = client.get(url) if asked.data is None else client.post(url, asked.data)
        found[f"{asked.name}{'' if asked.data is None else ' sent'}"] = response.status_code
    return found


def test_every_address_answers_those_it_concerns_and_nobody_else(
    contract: Contract, payer: User
) -> None:
    # Those of an included file have their own test.
    own = {pattern.name for pattern in urlpatterns if isinstance(pattern, URLPattern)}
    assert {asked.name for asked in ALL} == own
    payment = pay(contract, payer)
    assert contract.cpam
    waiting = importing.read_file(
        contract.cpam,
        name="a.csv",
        content=csv_bytes(HEADINGS, [[str(contract.reference), "1/8/2023", "1", "A", "", ""]]),
        by=payer,
    ).pk

    def asked_by(person: User) -> dict[str, int]:
        return statuses(browser(person), contract, payment, waiting)

    of_the_team = ("indemnities", "indemnity-add", "indemnity-cancel sent")
    own = {"board": 200, "payments-file": 200} | dict.fromkeys(of_the_team, 404)
    imports = ("import", "import-template", "import-report", "import-give-up sent")
    about = {
        f"{asked.name}{'' if asked.data is None else ' sent'}"
        for asked in ALL
        if asked.is_about_a_contract
    }
    nothing = own | dict.fromkeys(imports, 403) | dict.fromkeys(about, 404)
    for stranger in (
        factories.user(),
        signed.agent(factories.organisation("urps")),
        factories.user(is_staff=True, is_superuser=True),
    ):
        assert asked_by(stranger) == nothing
    other = asked_by(signed.agent(signed.cpam("31", "Haute-Garonne")))
    assert other == nothing | {"import": 200, "import-template": 200,
                               "import-report": 404, "import-give-up sent": 404}  # fmt: skip
    reads = nothing | dict.fromkeys(about, 403) | READS
    team = factories.team_member(contract.community, role="reader").user
    assert asked_by(signed.agent(signed.ars())) == reads | {"crisis": 200}
    assert asked_by(team) == reads | {"indemnities": 200, "indemnity-add": 403}
    assert asked_by(payer) == own | {
        **dict.fromkeys(("import", "import-template", "import-report"), 200),
        "import-give-up sent": 302,
        **READS,
        "mission-declare": 403,
        "crisis": 403,
        "mission-withdraw sent": 403,
        "complete sent": 302,
        "pay": 200,
        "pay sent": 302,
        "cancel": 200,
        "cancel sent": 422,
    }
    assert Client().get(reverse("contracts:board")).status_code == 302


# --- Pages ------------------------------------------------------------------------------------


def test_a_contract_says_its_schedule_and_what_was_paid(contract: Contract, payer: User) -> None:
    pay(contract, payer, "80000")
    response = browser(payer).get(reverse("contracts:money", args=[contract.public_id]))
    said = text(response)

    for words in (
        "En vigueur",
        "Avance de 75 % de la part fixe",
        "Part variable, selon les résultats : au plus",
        "75 000 € par an",
        "1 987 500 €",
        "Favoriser l’accès aux soins",
        "Annexes financières de deux contrats de taille 3",
        'role="img"',
    ):
        assert words in said
    assert "style=" not in said


def test_a_payment_is_recorded_then_cancelled_from_the_pages(
    contract: Contract, payer: User
) -> None:
    client = browser(payer)
    url = reverse("contracts:pay", args=[contract.public_id])
    assert client.post(url, SENT, follow=True).status_code == 200
    payment = Payment.objects.get()
    assert payment.amount == Decimal("1250.50")

    again = client.post(url, SENT)
    assert again.status_code == 422
    assert "Un paiement ne s’enregistre qu’une fois" in text(again)
    # Said at the top, and beside the field that is wrong.
    assert text(again).count("Un paiement ne s’enregistre qu’une fois") == 2
    for amount, words in (("-5", "supérieur à zéro"), ("1000000000000", "dépasse 10 000 000 €")):
        refused = client.post(url, SENT | {"amount": amount, "reference": "X"})
        assert (refused.status_code, words in text(refused)) == (422, True)

    cancel = reverse("contracts:cancel", args=[contract.public_id, payment.pk])
    said = text(client.post(cancel, {"reason": "Mauvais contrat"}, follow=True))
    assert "Mauvais contrat" in said
    assert "0 €" in said


def test_the_board_adds_up_by_departement_and_region_in_the_same_queries(
    contract: Contract, payer: User
) -> None:
    pay(contract, payer)
    agency = browser(signed.agent(signed.ars()))
    url = f"{reverse('contracts:board')}?annee=2023"
    agency.get(url)
    with CaptureQueriesContext(connection) as one:
        said = text(agency.get(url))
    assert "Tarn (81)" in said
    assert said.count("225 000 €") == 6

    for number in range(29):
        far = number % 2
        signed.contract(payer=signed.cpam("31", "Haute-Garonne") if far else None)
    with CaptureQueriesContext(connection) as many:
        response = agency.get(url)
    assert len(many) == len(one)
    (region,) = response.context["sums"]
    assert [(x.department, x.contracts, x.engaged, x.paid) for x in region.departments] == [
        ("31", 14, Decimal(3_150_000), Decimal(0)),
        ("81", 16, Decimal(3_600_000), Decimal(225_000)),
    ]
    assert (region.total.contracts, region.total.engaged) == (30, Decimal(6_750_000))
    assert len(response.context["lines"]) == 25
    narrow = agency.get(f"{url}&departement=31&page=2")
    assert narrow.context["page"].paginator.count == 14
    mine = browser(payer).get(url)
    assert mine.context["page"].paginator.count == 16
    everything = browser(factories.user(is_superuser=True, is_staff=True)).get(url)
    assert everything.context["page"].paginator.count == 30
    # Who has the sums of all opens no contract: no link that answers 404, nor an empty export.
    html = everything.content.decode()
    lines = everything.context["lines"]
    assert [one.title for one in lines if str(one.public_id) in html] == []
    assert reverse("contracts:payments-file", args=["csv"]) not in html
    for typed in ("?annee=abc", "?annee=9999", "?page=x", "?departement=%00"):
        assert agency.get(reverse("contracts:board") + typed).status_code == 200


def test_a_contract_page_costs_the_same_queries_with_thirty_payments(
    contract: Contract, payer: User
) -> None:
    url = reverse("contracts:money", args=[contract.public_id])
    client = browser(payer)
    pay(contract, payer, "1", "A")
    client.get(url)
    with CaptureQueriesContext(connection) as one:
        client.get(url)
    for number in range(29):
        pay(contract, payer, "1", f"B-{number}")
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(many) == len(one)


# --- Files ------------------------------------------------------------------------------------


def test_a_file_is_read_shown_and_written_once(contract: Contract, payer: User) -> None:
    reference = str(contract.reference)
    pay(contract, payer, "100", "VIEUX")
    client = browser(payer)
    report = client.post(
        reverse("contracts:import"),
        {
            "file": file_of(
                [reference, "20/07/2023", "100", "vieux", "", ""],
                [reference, "20/07/2023", "75 000,00", "N-1", "", ""],
                [reference, "20/07/2023", "75 000,00", "N-1", "", ""],
                [reference.lower(), "2023-08-01", "13125", "N-2", "Prévention", "1"],
                ["CT-99-2023-0001", "20/07/2023", "1", "N-3", "", ""],
                [reference, "32/07/2023", "-5", "N-4", "Jardin", "x"],
                [reference, "20/07/2023", "1000000000000", "N-5", "", ""],
                [reference, "01/07/2022", "99", "", "", ""],
                [reference, "20/07/2023", "9000000", "N-6", "", ""],
                [reference, "20/07/2023", "99", "VIEUX", "", ""],
            )
        },
        follow=True,
    )
    said = text(report)

    assert Payment.objects.count() == 1
    groups = report.context["groups"]
    assert [len(groups[one]) for one in ("ready", "known", "wrong")] == [2, 1, 7]
    for words in (
        "Ligne 4 : la référence est déjà à la ligne 3",
        "Ligne 6 : « CT-99-2023-0001 » n’est pas la référence d’un contrat signé",
        "Ligne 7 : le montant doit être supérieur à zéro",
        "Ligne 7 : « 32/07/2023 » n’est pas une date",
        "Ligne 7 : « Jardin » n’est pas une mission",
        "Ligne 7 : « x » n’est pas une année",
        "Ligne 8 : le montant dépasse 10 000 000 €",
        "Ligne 9 : le contrat a été signé le 1er juillet 2023",
        "Ligne 9 : la référence manque",
        "Ligne 10 : ce paiement dépasse de",
        "Ligne 11 : la référence « VIEUX » est déjà celle d’un paiement de 100 €",
    ):
        assert words in said

    confirm = report.redirect_chain[-1][0]
    done = client.post(confirm, follow=True)
    assert "2 paiements enregistrés, 88 125 €" in text(done)
    assert "déjà été confirmé" in text(client.post(confirm, follow=True))
    assert {one.reference for one in Payment.objects.all()} == {"VIEUX", "N-1", "N-2"}
    assert balances.account_of(contract, on=date(2023, 12, 31)).paid == Decimal("88225.00")
    assert totals.totals_are_right([contract]) == []


def test_what_is_exported_is_known_when_it_comes_back(contract: Contract, payer: User) -> None:
    pay(contract, payer, "80000.5")
    client = browser(payer)
    for form in ("csv", "xlsx"):
        sent = client.get(reverse("contracts:payments-file", args=[form]))
        back = SimpleUploadedFile(f"retour.{form}", sent.content)
        report = client.post(reverse("contracts:import"), {"file": back}, follow=True)
        groups = report.context["groups"]
        assert [len(groups[one]) for one in ("ready", "known", "wrong")] == [0, 1, 0]
    assert client.get(reverse("contracts:payments-file", args=["pdf"])).status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "vide"),
        (b"\x00\x01", "tableau"),
        (b"Contrat;Montant\nA;1\n", "Date du paiement"),
        (csv_bytes(HEADINGS, []), "sa ligne de titres"),
    ],
)
def test_a_file_of_nothing_usable_is_refused_with_the_reason(
    payer: User, content: bytes, words: str
) -> None:
    refused = browser(payer).post(
        reverse("contracts:import"), {"file": SimpleUploadedFile("a.csv", content)}
    )
    assert (refused.status_code, words in text(refused)) == (422, True)
