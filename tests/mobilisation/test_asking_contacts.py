"""The list of those who are asked: read row by row, written to, left alone when they ask."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from cpts_portal.spreadsheets import TableFileError, csv_bytes, xlsx_bytes
from mobilisation import contacts, links, services
from mobilisation.models import Contact, OptOut, Questionnaire
from mobilisation.results import results_of
from outbox.models import Mail
from outbox.services import deliver_pending
from tests import factories
from tests.mailbox import mails
from tests.mobilisation import polling
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db
HEADINGS = list(contacts.COLUMNS.values())
LINES = [
    ["Fabre", "Claire", "Claire.Fabre@exemple.test", "Médecin"],
    ["Petit", "Noé", "noe.petit@exemple.test", "IDEL"],
    ["Roy", "Zoé", "zoe@", "Astrologue"],
    ["", "", "claire.fabre@exemple.test", ""],
    ["Sans", "Adresse", "", "Pharmacien"],
]


def imported(one: Questionnaire, lines: list[list[str]] | None = None) -> int:
    content = csv_bytes(HEADINGS, lines or LINES)
    waiting = contacts.read_contacts_file(one, name="liste.csv", content=content, by=one.created_by)
    return contacts.apply_import(waiting, by=one.created_by)


def test_a_list_is_read_row_by_row_and_each_fault_is_said() -> None:
    one = polling.opened()
    client = polling.signed_in(one.created_by)
    content = xlsx_bytes("Liste", HEADINGS, LINES)
    sent = client.post(
        polling.url(one, "liste/importer/"), {"file": SimpleUploadedFile("liste.xlsx", content)}
    )
    page = client.get(sent.url).content.decode().replace("\u00a0", " ")
    said = [
        "Ligne 4 : « zoe@ » n’est pas une adresse",
        "Ligne 4 : « Astrologue » n’est pas une profession",
        "Ligne 5 : cette adresse est déjà à la ligne 2",
        "Ligne 6 : l’adresse électronique manque",
    ]
    assert [sentence in page for sentence in said] == [True] * 4
    assert not Contact.objects.exists()
    client.post(sent.url, {"answer": "confirm"})
    assert list(Contact.objects.values_list("email", "profession")) == [
        ("claire.fabre@exemple.test", "general_practitioners"),
        ("noe.petit@exemple.test", "nurses"),
    ]
    # What waited is emptied, and confirming it again adds nobody.
    assert one.contact_imports.get().rows == []
    client.post(sent.url, {"answer": "confirm"})
    assert Contact.objects.count() == 2


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "vide"),
        ("Nom;Prénom\nFabre;Claire\n".encode(), "Adresse électronique"),
        ("Adresse électronique\n".encode(), "que sa ligne de titres"),
        (b"\xd0\xcf\x11\xe0ancien", "ancien format"),
    ],
)
def test_a_file_that_says_nothing_is_refused(content: bytes, fault: str) -> None:
    one = polling.opened()
    with pytest.raises(TableFileError, match=fault):
        contacts.read_contacts_file(one, name="l.csv", content=content, by=one.created_by)


def test_mails_leave_to_those_who_have_not_answered_then_rest() -> None:
    one = polling.opened()
    imported(one)
    polling.reply(one, email="noe.petit@exemple.test")
    assert contacts.ask_contacts(one, by=one.created_by) == 1
    deliver_pending()
    mail = mails("claire.fabre@exemple.test")[0]
    assert (f"/q/{one.code}/" in mail.text_body, "/q/stop/" in mail.text_body) == (True, True)
    with pytest.raises(ActionRefusedError, match="personne à qui écrire"):
        contacts.ask_contacts(one, by=one.created_by)
    asked = Contact.objects.filter(told_count__gt=0)
    for _ in range(2):
        asked.update(told_at=timezone.now() - contacts.REST)
        contacts.ask_contacts(one, by=one.created_by)
        deliver_pending()
    asked.update(told_at=timezone.now() - timedelta(days=30))
    with pytest.raises(ActionRefusedError):
        contacts.ask_contacts(one, by=one.created_by)
    subjects = [mail.subject.startswith("Rappel") for mail in mails("claire.fabre@exemple.test")]
    assert subjects == [False, True, True]
    # Who was written to is counted among those solicited, by profession.
    assert {t.key: t.solicited for t in results_of(one).professions if t.solicited} == {
        "general_practitioners": 1}  # fmt: skip


def test_nobody_is_written_to_before_it_opens_nor_once_it_is_closed() -> None:
    one = polling.submitted()
    imported(one)
    with pytest.raises(ActionRefusedError, match="n’est pas ouvert"):
        contacts.ask_contacts(one, by=one.created_by)
    services.approve_questionnaire(one, by=polling.president(one.urps))
    contacts.ask_contacts(one, by=one.created_by)
    services.close_questionnaire(one, by=one.created_by)
    deliver_pending()
    assert not Mail.objects.filter(recipient__startswith="claire").exists()


def test_an_address_that_bounces_is_said_and_written_to_no_more() -> None:
    one = polling.opened()
    imported(one)
    contacts.ask_contacts(one, by=one.created_by)
    deliver_pending()
    Mail.objects.filter(recipient__startswith="claire").update(
        bounced_at=timezone.now(), failure="adresse inconnue"
    )
    Contact.objects.update(told_at=timezone.now() - contacts.REST)
    assert [c.email for c in contacts.still_to_ask(one)] == ["noe.petit@exemple.test"]
    page = polling.signed_in(one.created_by).get(polling.url(one, "liste/?etat=revenus"))
    said = page.content.decode().replace("\u00a0", " ")
    assert ("1 courriel non reçu" in said, "adresse inconnue" in said) == (True, True)
    assert "noe.petit" not in said


def test_who_unsubscribes_is_left_alone_by_every_questionnaire() -> None:
    one = polling.opened()
    imported(one)
    contact = Contact.objects.get(email__startswith="noe")
    path = f"/q/stop/{links.token_of(contact)}/"
    # Programs open the links of mails: opening it does nothing.
    assert Client().get(path).status_code == 200
    assert contacts.still_to_ask(one).count() == 2
    assert Client().post(path).status_code == 200
    assert [c.email for c in contacts.still_to_ask(one)] == ["claire.fabre@exemple.test"]
    other = polling.opened()
    assert imported(other) == 1
    assert "noe" not in str(list(OptOut.objects.values()))


def test_the_list_costs_the_same_for_two_and_for_forty(django_assert_max_num_queries: Any) -> None:
    one = polling.opened()
    imported(one)
    client = polling.signed_in(one.created_by)
    with django_assert_max_num_queries(12) as before:
        client.get(polling.url(one, "liste/"))
    imported(one, [["Nom", f"P{n}", f"p{n}@exemple.test", ""] for n in range(40)])
    with django_assert_max_num_queries(len(before)):
        client.get(polling.url(one, "liste/"))


def test_a_reader_and_the_urps_read_no_address() -> None:
    one = polling.opened()
    imported(one)
    reader = factories.team_member(one.community, role="reader").user
    people = (reader, polling.president(one.urps))
    assert [polling.signed_in(p).get(polling.url(one, "liste/")).status_code for p in people] == [
        403, 403]  # fmt: skip
