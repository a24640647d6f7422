"""The pages of a yearly dialogue: who reaches them, and the whole of it by forms alone."""

from decimal import Decimal
from typing import Any, Final

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from contracts.dialogue import minutes
from contracts.dialogue.urls import urlpatterns
from contracts.models import YearlyDialogue
from tests import factories
from tests.contracts import conversing, sealing, signed
from tests.contracts.conversing import YEAR, Table

pytestmark = pytest.mark.django_db

# Name, what follows the year, and what is sent (None: the page is read).
ALL: Final[tuple[tuple[str, tuple[str, ...], dict[str, str] | None], ...]] = (
    ("dialogues", (), None),
    ("dialogue", ("{year}",), None),
    ("dialogue-open", ("1",), {}),
    ("dialogue-line", ("{year}", "{line}"), None),
    ("dialogue-proof", ("{year}", "0"), None),
    ("dialogue-proof-remove", ("{year}", "0"), {}),
    ("dialogue-spending", ("{year}",), None),
    ("dialogue-submit", ("{year}",), {}),
    ("dialogue-review", ("{year}",), None),
    ("dialogue-answer", ("{year}",), None),
    ("dialogue-conclude", ("{year}",), None),
    ("dialogue-agree", ("{year}",), None),
    ("dialogue-give-back", ("{year}", "renvoyer"), None),
    ("dialogue-minutes", ("{year}",), None),
)


@pytest.fixture
def table() -> Table:
    return conversing.table()


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def url(table: Table, name: str, *rest: Any) -> str:
    return reverse(f"contracts:{name}", args=[table.contract.public_id, *rest])


def text(response: Any) -> str:
    return response.content.decode().replace("\u00a0", " ")


def test_every_address_answers_those_it_concerns_and_nobody_else(table: Table) -> None:
    assert {name for name, _, _ in ALL} == {pattern.name for pattern in urlpatterns}
    line = table.line("directory")

    def asked_by(person: User) -> dict[str, int]:
        client = browser(person)
        found = {}
        for name, rest, sent in ALL:
            known = {"{year}": str(YEAR), "{line}": str(line.pk)}
            address = url(table, name, *[known.get(one, one) for one in rest])
            response = client.get(address) if sent is None else client.post(address, sent)
            found[name] = response.status_code
        return found

    nothing = dict.fromkeys((name for name, _, _ in ALL), 404)
    for stranger in (factories.user(), signed.agent(signed.cpam("31", "Haute-Garonne"))):
        assert asked_by(stranger) == nothing
    reads = dict.fromkeys(nothing, 403) | {
        "dialogues": 200,
        "dialogue": 200,
        "dialogue-proof": 404,
        "dialogue-proof-remove": 404,
        "dialogue-minutes": 404,
    }
    reader = factories.team_member(table.contract.community, role="reader").user
    assert asked_by(reader) == reads
    writes = reads | {"dialogue-line": 200, "dialogue-spending": 200, "dialogue-submit": 302}
    assert asked_by(table.lead) == writes
    assert asked_by(table.agency) == reads | {"dialogue-open": 302}
    assert Client().get(url(table, "dialogue", YEAR)).status_code == 302
    assert browser(table.lead).get(url(table, "dialogue", 9)).status_code == 404


def send(client: Client, address: str, **data: Any) -> str:
    """Send a form that is accepted; where it leads."""
    response = client.post(address, data)
    assert response.status_code == 302, text(response)
    return response["Location"]


def test_a_dialogue_is_led_to_its_minutes_by_forms_alone(table: Table, deliver_outbox: Any) -> None:
    lead, fund, agency = (browser(one) for one in (table.lead, table.fund, table.agency))
    page = url(table, "dialogue", YEAR)
    lines = list(table.dialogue.lines.all())
    # The CPTS, line by line.
    first = url(table, "dialogue-line", YEAR, lines[0].pk)
    people = SimpleUploadedFile("présents.csv", "Nom;Prénom".encode())
    refused = lead.post(first, {"value": "1", "proof": people})
    assert (refused.status_code, "liste de patients" in text(refused)) == (422, True)
    people.seek(0)
    send(lead, first, value="1", proof=people, no_patient="on", encore="1")
    photo = SimpleUploadedFile("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100))
    send(lead, first, value="1", proof=photo)
    assert "non lu par le portail" in text(lead.get(page))
    for line in lines[1:]:
        address = url(table, "dialogue-line", YEAR, line.pk)
        wrong = lead.post(address, {"value": "beaucoup"})
        assert wrong.status_code == 422
        proof = SimpleUploadedFile("bilan.csv", b"Action;Nombre\nAtelier;2")
        send(lead, address, value="1", comment="Fait.", proof=proof)
    assert lead.post(url(table, "dialogue-spending", YEAR), {"salaries": "-1"}).status_code == 422
    send(lead, url(table, "dialogue-spending", YEAR), salaries="52 000,50", comment="Bien.")
    send(lead, url(table, "dialogue-submit", YEAR))
    assert "Examen" in text(lead.get(page))
    # Given back once, and sent again.
    send(fund, url(table, "dialogue-give-back", YEAR, "renvoyer"), reason="Manque le bilan.")
    send(lead, url(table, "dialogue-submit", YEAR))
    # Reviewed by two: the fund contests the first.
    review = url(table, "dialogue-review", YEAR)
    accepted = {f"l{line.pk}-position": "accepted" for line in lines}
    contested = accepted | {f"l{lines[0].pk}-position": "contested"}
    assert fund.post(review, contested | {"action": "terminer"}).status_code == 422
    contested |= {f"l{lines[0].pk}-reason": "Rien en ligne.", f"l{lines[0].pk}-value": "0"}
    assert agency.post(review, {"action": "terminer"}).status_code == 422
    send(fund, review, **contested, action="enregistrer")
    send(fund, review, **contested, action="terminer")
    send(agency, review, **accepted, action="terminer")
    # Answered, concluded, agreed by three.
    answer = url(table, "dialogue-answer", YEAR)
    assert lead.post(answer, {"action": "terminer"}).status_code == 422
    send(lead, answer, **{f"l{lines[0].pk}-answer": "En ligne en mai."}, action="terminer")
    assert "Rien en ligne." in text(agency.get(url(table, "dialogue-conclude", YEAR)))
    agreed: dict[str, str] = {f"l{line.pk}-value": "1" for line in lines}
    wrong_rate = agreed | {f"l{lines[0].pk}-rate": "150"}
    assert agency.post(url(table, "dialogue-conclude", YEAR), wrong_rate).status_code == 422
    half = {f"l{lines[0].pk}-rate": "50", f"l{lines[0].pk}-reason": "En ligne à mi-année."}
    send(agency, url(table, "dialogue-conclude", YEAR), **agreed, **half, action="terminer")
    assert "17 500 €" in text(lead.get(page))
    agree = url(table, "dialogue-agree", YEAR)
    assert "président" in text(lead.get(agree))
    president = {"name": "D. Martin", "email": "president@exemple.test", "capacity": "Présidente"}
    send(lead, agree, **president)
    send(fund, agree, person=str(table.fund.pk), capacity="Directeur")
    send(agency, agree, person=str(table.agency.pk), capacity="Directrice")
    deliver_outbox()
    dialogue = YearlyDialogue.objects.get(pk=table.dialogue.pk)
    opened = minutes.round_of(dialogue)
    assert opened
    assert reverse("contracts:round", args=[table.contract.public_id, opened.public_id]) in text(
        fund.get(page)
    )
    file = lead.get(url(table, "dialogue-minutes", YEAR))
    assert (file.status_code, file["Content-Type"]) == (200, "application/pdf")
    sealing.sign(opened, "cpts", "cpam", "ars")
    assert "La part variable est inscrite" in text(lead.get(page))
    assert table.contract.results.get(mission="access_to_care").indicators == [
        {"weight": "1.0000", "rate": "0.5000"}
    ]


def test_the_page_asks_as_much_of_the_database_for_many_lines_as_for_few(table: Table) -> None:
    client = browser(table.fund)
    table.declare()
    with CaptureQueriesContext(connection) as many:
        client.get(url(table, "dialogue", YEAR))
    first = table.dialogue.lines.all()[0]
    table.dialogue.lines.exclude(pk=first.pk).delete()
    with CaptureQueriesContext(connection) as few:
        client.get(url(table, "dialogue", YEAR))
    assert len(many) == len(few)
    assert len(many) <= 18


def test_a_contract_without_schedule_keeps_its_results_for_the_day_it_has_one() -> None:
    contract = signed.contract(size="T1", signed_outside=True)
    assert not contract.schedules.exists()
    table = conversing.table(contract)
    table.declare()
    table.review()
    table.propose()
    shares = browser(table.fund).get(url(table, "dialogue-agree", YEAR))
    assert shares.status_code == 200
    assert table.dialogue.lines.exclude(agreed_value=Decimal(1)).count() == 0
