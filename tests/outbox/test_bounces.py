"""Mails that come back are known by their return path, else by the message they quote."""

import io
import sys
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from outbox import services
from outbox.bounces import note_bounce, read_report, return_path
from outbox.delivery import failing_addresses, status_in_words
from outbox.models import Mail
from tests.outbox.conftest import MailCatcher

pytestmark = pytest.mark.django_db

ALICE = "alice@exemple.test"
BOX = "retours@portail.test"
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def bounce_address(settings: Any) -> None:
    settings.BOUNCE_ADDRESS = BOX


def sent(key: str = "a", recipient: str = ALICE) -> Mail:
    mail = services.queue_mail(key=key, recipient=recipient, subject="Objet", text_body="Texte")
    assert services.send(mail.pk)
    return Mail.objects.get(pk=mail.pk)


def report(
    mail: Mail,
    *,
    to: str = BOX,
    action: str = "failed",
    status: str = "5.1.1",
    recipient: str = "",
    quoted: str = "message/rfc822",
    identifier: str = "",
) -> bytes:
    """A delivery report as a mail server writes it (RFC 3464)."""
    identifier = identifier or f"<mail-{mail.pk}@testserver>"
    original = f"Message-ID: {identifier}\r\nSubject: Objet\r\n\r\nTexte\r\n"
    return (
        f"From: MAILER-DAEMON@exemple.test\r\nTo: {to}\r\nSubject: Undelivered Mail\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="limite"\r\n\r\n'
        "--limite\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n"
        "--limite\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.exemple.test\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient or mail.recipient}\r\nAction: {action}\r\n"
        f"Status: {status}\r\nDiagnostic-Code: smtp; 550 {status} said by the server\r\n\r\n"
        f"--limite\r\nContent-Type: {quoted}\r\n\r\n{original}--limite--\r\n"
    ).encode()


def test_a_mail_leaves_with_a_return_path_of_its_own(mail_catcher: MailCatcher) -> None:
    mail = sent()
    assert mail_catcher.senders == [return_path(mail.pk)]
    assert return_path(mail.pk).startswith(f"retours+{mail.pk}-")
    assert mail_catcher.messages[0]["From"] == "Portail CPTS <portail@example.test>"
    assert mail_catcher.messages[0]["Auto-Submitted"] == "auto-generated"


def test_without_a_mailbox_for_them_mails_come_back_to_their_sender(
    settings: Any, mail_catcher: MailCatcher
) -> None:
    settings.BOUNCE_ADDRESS = ""
    sent()
    assert mail_catcher.senders == ["portail@example.test"]


@pytest.mark.parametrize("quoted", ["message/rfc822", "text/rfc822-headers"])
def test_a_report_is_known_by_its_return_path_or_by_the_message_it_quotes(quoted: str) -> None:
    by_path, by_quote = sent("a"), sent("b", "bob@exemple.test")
    noted = [
        note_bounce(report(by_path, to=return_path(by_path.pk), identifier="<lost@elsewhere>")),
        note_bounce(report(by_quote, quoted=quoted, status="5.2.2")),
    ]
    assert noted == [True, True]
    assert {mail.recipient: mail.delivery_in_words for mail in Mail.objects.all()} == {
        ALICE: f"revenu{NBSP}: adresse inconnue (5.1.1)",
        "bob@exemple.test": f"revenu{NBSP}: boîte pleine (5.2.2)",
    }


def test_reading_the_same_report_again_changes_nothing() -> None:
    mail = sent()
    note_bounce(report(mail))
    before = Mail.objects.values().get()
    assert note_bounce(report(mail, status="5.2.2"))
    assert Mail.objects.values().get() == before


def test_what_is_no_report_of_ours_changes_nothing() -> None:
    mail = sent()
    answer = EmailMessage()
    answer["To"], answer["Subject"] = return_path(mail.pk), "Absente du bureau"
    answer.set_content("Je reviens lundi.")
    forged = f"retours+{mail.pk}-{'0' * 16}@portail.test"
    found = [
        note_bounce(answer.as_bytes()),
        note_bounce(report(mail, action="delayed", status="4.4.1")),
        note_bounce(report(mail, to=forged, identifier="<nothing>")),
        note_bounce(report(mail, recipient="mallory@exemple.test")),
        note_bounce(report(mail, identifier="<mail-999999999@testserver>")),
        note_bounce(b""),
    ]
    assert found == [False] * 6
    assert Mail.objects.get().delivery == "sent"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_falling_over(raw: bytes) -> None:
    assert read_report(raw) is None
    head = b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n"
    assert read_report(head + raw) is None


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ("5.1.1 User unknown", 550, "adresse inconnue (5.1.1)"),
        ("5.1.10 Null MX", 556, "adresse refusée (5.1.10)"),
        ("5.2.2 Mailbox full", 552, "boîte pleine (5.2.2)"),
        ("5.7.1 Policy", 550, "refusé par les règles de son serveur (5.7.1)"),
        ("4.4.7 Expired", 0, "serveur de courriel injoignable trop longtemps (4.4.7)"),
        ("No such user here", 550, "adresse inconnue ou refusée (550)"),
        ("5.9.9 ?", 554, "refusé par son serveur (5.9.9)"),
        ("", 0, "refusé par son serveur"),
    ],
)
def test_a_server_s_answer_is_said_in_words(said: str, code: int, words: str) -> None:
    assert status_in_words(said, code) == words


# --- Addresses in failure -----------------------------------------------------------------


def test_an_address_is_in_failure_until_a_later_mail_has_not_come_back_for_a_day(
    django_assert_num_queries: Any,
) -> None:
    note_bounce(report(sent("a")))
    sent("b", "bob@exemple.test")
    later = sent("c")
    with django_assert_num_queries(2):
        first = failing_addresses([ALICE.upper(), "bob@exemple.test", ""])
    Mail.objects.update(bounced_at=None)
    Mail.objects.filter(deduplication_key__startswith="a:").update(
        bounced_at=timezone.now() - timedelta(days=3)
    )
    Mail.objects.filter(pk=later.pk).update(sent_at=timezone.now() - timedelta(days=2))
    assert first == {ALICE: f"revenu{NBSP}: adresse inconnue (5.1.1)"}
    assert failing_addresses([ALICE]) == {}


# --- The command --------------------------------------------------------------------------


def command(*arguments: str) -> str:
    said = io.StringIO()
    call_command("read_bounces", *arguments, stdout=said)
    return said.getvalue().strip()


def test_the_command_reads_a_maildir_once(tmp_path: Path) -> None:
    new = tmp_path / "retours" / "new"
    new.mkdir(parents=True)
    (new / "1700000000.M1P1.portail").write_bytes(report(sent()))
    (new / "1700000000.M2P1.portail").write_bytes(b"Subject: Bonjour\r\n\r\nUn vrai message.\r\n")
    path = str(tmp_path / "retours")

    kept = command(path, "--keep")
    said = [command(path), command(path)]

    assert [kept, *said] == [
        f"Retours notés{NBSP}: 1. Autres messages laissés{NBSP}: 1.",
        f"Retours notés{NBSP}: 1. Autres messages laissés{NBSP}: 1.",
        f"Retours notés{NBSP}: 0. Autres messages laissés{NBSP}: 0.",
    ]
    assert Mail.objects.get().delivery == "bounced"
    assert sorted(file.name for file in (tmp_path / "retours" / "cur").iterdir()) == [
        "1700000000.M1P1.portail:2,S",
        "1700000000.M2P1.portail:2,S",
    ]


def test_the_command_reads_one_message_given_by_the_mail_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = report(sent())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
    assert command() == "1 retour noté."
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"bonjour")))
    assert command() == "Ce message n’est pas un retour."


def test_the_command_says_what_it_expects(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Maildir"):
        command(str(tmp_path))
