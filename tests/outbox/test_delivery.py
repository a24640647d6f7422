"""What is written in the outbox happens once, whatever fails on the way."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from outbox import services
from outbox.models import Mail, OutboxEvent
from outbox.registry import handles
from tests.outbox import handlers
from tests.outbox.conftest import MailCatcher

ALICE = "alice@example.test"


@pytest.fixture(autouse=True)
def calm_handlers() -> Iterator[None]:
    for signal in (handlers.entered, handlers.may_leave, handlers.broken):
        signal.clear()
    yield
    handlers.may_leave.set()


def make_due() -> None:
    """Let the time before the next attempt pass."""
    OutboxEvent.objects.update(available_at=timezone.now())
    Mail.objects.update(available_at=timezone.now())


def traces() -> list[str]:
    return list(Group.objects.values_list("name", flat=True))


# --- Events --------------------------------------------------------------------------


@pytest.mark.django_db
def test_publishing_the_same_cause_twice_writes_one_event() -> None:
    services.publish("tests.outbox.trace", key="letter-1", recipient=ALICE)
    services.publish("tests.outbox.trace", key="letter-1", recipient="bob@example.test")

    assert list(OutboxEvent.objects.values("handler", "payload", "deduplication_key")) == [
        {
            "handler": "tests.outbox.trace",
            "payload": {"recipient": ALICE},
            "deduplication_key": "tests.outbox.trace:letter-1",
        }
    ]


@pytest.mark.django_db
def test_an_event_is_delivered_once() -> None:
    services.publish("tests.outbox.trace", key="letter-1", recipient=ALICE)
    event = OutboxEvent.objects.get()

    assert [services.deliver(event.pk), services.deliver(event.pk)] == [True, False]
    assert traces() == [f"{ALICE} 0"]


@pytest.mark.django_db(transaction=True)
def test_an_event_published_in_a_transaction_that_fails_never_existed() -> None:
    def deposit_that_fails() -> None:
        with transaction.atomic():
            services.publish("tests.outbox.trace", key="letter-1", recipient=ALICE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        deposit_that_fails()

    assert OutboxEvent.objects.count() == 0


@pytest.mark.django_db
def test_a_handler_that_fails_leaves_no_trace_says_why_and_is_tried_again(
    deliver_outbox: Callable[[], int],
) -> None:
    services.publish("tests.outbox.fragile", key="letter-1", recipient=ALICE)
    handlers.broken.set()

    assert deliver_outbox() == 0
    event = OutboxEvent.objects.get()
    assert (event.done_at, event.attempts, event.last_error) == (
        None,
        1,
        "RuntimeError: the printer is on fire",
    )
    assert traces() == []
    assert deliver_outbox() == 0, "the second attempt waits its time"

    handlers.broken.clear()
    make_due()
    assert deliver_outbox() == 1
    event.refresh_from_db()
    assert (event.done_at is not None, event.attempts, event.last_error) == (True, 2, "")
    assert traces() == [f"{ALICE} 0"]


@pytest.mark.django_db
def test_each_attempt_waits_longer_than_the_one_before_up_to_an_hour() -> None:
    services.publish("tests.outbox.fragile", key="letter-1", recipient=ALICE)
    event = OutboxEvent.objects.get()
    handlers.broken.set()

    waits = []
    for attempts in (0, 1, 398):
        OutboxEvent.objects.update(attempts=attempts)
        before = timezone.now()
        services.deliver(event.pk)
        event.refresh_from_db()
        waits.append(round((event.available_at - before) / timedelta(seconds=1)))

    assert waits == [20, 40, 3600]


@pytest.mark.django_db
def test_an_event_nobody_handles_is_kept_with_its_reason(
    deliver_outbox: Callable[[], int],
) -> None:
    services.publish("tests.outbox.nobody", key="letter-1")

    assert deliver_outbox() == 0
    assert OutboxEvent.objects.get().last_error == "KeyError: 'tests.outbox.nobody'"


def test_two_handlers_cannot_take_the_same_name() -> None:
    with pytest.raises(ValueError, match=r"tests\.outbox\.trace"):
        handles("tests.outbox.trace")(lambda: None)


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_the_same_event_run_its_handler_once() -> None:
    services.publish("tests.outbox.slow", key="letter-1", recipient=ALICE)
    event = OutboxEvent.objects.get()
    results: list[bool] = []

    def first_worker() -> None:
        results.append(services.deliver(event.pk))
        connection.close()

    thread = threading.Thread(target=first_worker)
    thread.start()
    assert handlers.entered.wait(10)
    second = services.deliver(event.pk)
    handlers.may_leave.set()
    thread.join(10)

    assert (results, second) == ([True], False)
    assert services.deliver(event.pk) is False
    assert traces() == [f"{ALICE} 0"]


# --- Mail ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_mail_leaves_once_with_its_attachment(
    mail_catcher: MailCatcher, deliver_outbox: Callable[[], int]
) -> None:
    name = default_storage.save("receipt.pdf", ContentFile(b"%PDF-1.7 receipt"))
    for _ in range(2):
        services.queue_mail(
            key="receipt-1",
            recipient=" Alice@Example.test ",
            subject="Accusé de\nréception",
            text_body="Bonjour,",
            html_body="<p>Bonjour,</p>",
            attachments=[(name, "accusé.pdf")],
        )

    assert (deliver_outbox(), deliver_outbox()) == (1, 0)
    (message,) = mail_catcher.messages
    mail = Mail.objects.get()
    assert {
        "to": message["To"],
        "subject": message["Subject"],
        "id": message["Message-ID"],
        "text": message.get_body(("plain",)).get_content().strip(),
        "html": message.get_body(("html",)).get_content().strip(),
        "files": [
            (part.get_filename(), part.get_content_type(), part.get_content())
            for part in message.iter_attachments()
        ],
    } == {
        "to": ALICE,
        "subject": "Accusé de réception",
        "id": f"<mail-{mail.pk}@testserver>",
        "text": "Bonjour,",
        "html": "<p>Bonjour,</p>",
        "files": [("accusé.pdf", "application/pdf", b"%PDF-1.7 receipt")],
    }


@pytest.mark.django_db
def test_a_mail_the_server_refuses_is_kept_and_leaves_later(
    mail_catcher: MailCatcher, deliver_outbox: Callable[[], int]
) -> None:
    services.queue_mail(key="a", recipient=ALICE, subject="Objet", text_body="Texte")
    mail_catcher.refusal = "451 Try again later"

    assert deliver_outbox() == 0
    mail = Mail.objects.get()
    assert (mail.sent_at, mail.attempts) == (None, 1)
    assert "451" in mail.last_error
    assert "Try again later" in mail.last_error

    mail_catcher.refusal = ""
    make_due()
    assert deliver_outbox() == 1
    mail.refresh_from_db()
    assert (mail.sent_at is not None, mail.attempts, mail.last_error) == (True, 2, "")
    assert [message["Subject"] for message in mail_catcher.messages] == ["Objet"]


@pytest.mark.django_db
def test_one_refused_mail_does_not_hold_the_others(
    mail_catcher: MailCatcher, deliver_outbox: Callable[[], int]
) -> None:
    services.queue_mail(
        key="a", recipient=ALICE, subject="Perdu", text_body="…", attachments=[("none.pdf", "x")]
    )
    services.queue_mail(key="b", recipient=ALICE, subject="Objet", text_body="Texte")

    assert deliver_outbox() == 1
    assert [message["Subject"] for message in mail_catcher.messages] == ["Objet"]
    assert Mail.objects.get(sent_at=None).last_error.startswith("FileNotFoundError")


@pytest.mark.django_db
def test_an_absent_mail_server_loses_nothing(
    mail_catcher: MailCatcher, settings: object, deliver_outbox: Callable[[], int]
) -> None:
    settings.EMAIL_PORT = 1
    services.queue_mail(key="a", recipient=ALICE, subject="Objet", text_body="Texte")

    assert deliver_outbox() == 0
    settings.EMAIL_PORT = mail_catcher.port
    make_due()
    assert deliver_outbox() == 1
    assert len(mail_catcher.messages) == 1


# --- Forgetting ----------------------------------------------------------------------


def _mail(key: str, *, sent_days_ago: int | None) -> None:
    mail = services.queue_mail(
        key=key, recipient=ALICE, subject=key, text_body="Un lien", html_body="<p>Un lien</p>"
    )
    if sent_days_ago is not None:
        sent_at = timezone.now() - timedelta(days=sent_days_ago)
        Mail.objects.filter(pk=mail.pk).update(sent_at=sent_at)


@pytest.mark.django_db
def test_a_mail_is_emptied_once_its_links_have_ended_and_never_written_twice() -> None:
    _mail("sent-16-days-ago", sent_days_ago=16)
    _mail("sent-14-days-ago", sent_days_ago=14)
    _mail("still-waiting", sent_days_ago=None)
    Mail.objects.update(created_at=timezone.now() - timedelta(days=400))

    assert [services.forget_old(), services.forget_old()] == [(1, 0), (0, 0)]
    assert list(Mail.objects.values_list("subject", "text_body", "html_body")) == [
        ("sent-16-days-ago", "", ""),
        ("sent-14-days-ago", "Un lien", "<p>Un lien</p>"),
        ("still-waiting", "Un lien", "<p>Un lien</p>"),
    ]
    _mail("sent-16-days-ago", sent_days_ago=16)
    assert Mail.objects.count() == 3


@pytest.mark.django_db
def test_work_done_over_90_days_ago_is_deleted_and_what_waits_is_kept() -> None:
    for key, done_days_ago in [("old", 91), ("recent", 89), ("waiting", None)]:
        services.publish("tests.outbox.trace", key=key, recipient=ALICE)
        done_at = done_days_ago and timezone.now() - timedelta(days=done_days_ago)
        OutboxEvent.objects.filter(deduplication_key__endswith=f":{key}").update(
            done_at=done_at, created_at=timezone.now() - timedelta(days=400)
        )

    assert services.forget_old() == (0, 1)
    assert list(OutboxEvent.objects.values_list("deduplication_key", flat=True)) == [
        "tests.outbox.trace:recent",
        "tests.outbox.trace:waiting",
    ]
