"""Writing to the outbox, and delivering what it holds."""

import hashlib
import logging
import re
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.mail import EmailMultiAlternatives
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from outbox.bounces import return_path
from outbox.delivery import refusal_in_words
from outbox.models import Mail, OutboxEvent
from outbox.registry import handler_for

logger = logging.getLogger(__name__)

# What a mail may carry, by the end of its visible name.
_TYPES: Final = {".pdf": "application/pdf", ".ics": "text/calendar"}
# About two weeks: long enough for a mail server or a printer to be mended after holidays.
MAX_ATTEMPTS = 400
RETRY_AFTER = timedelta(seconds=20)
BROKER_PAUSE_SECONDS = 5
LONGEST_WAIT = timedelta(hours=1)
# Longer than a worker may spend on one task (CELERY_TASK_TIME_LIMIT): once it has passed,
# whoever had claimed the mail is dead.
CLAIM = timedelta(seconds=330)
# How long a worker that has sent a mail waits for a database that went away meanwhile.
RECORD_SECONDS = 240
# The longest-lived link a mail carries, an invitation's, lasts 14 days.
BODIES_KEPT = timedelta(days=15)
DONE_EVENTS_KEPT = timedelta(days=90)


def publish(handler: str, *, key: str, **payload: Any) -> None:
    """Record that `handler` must run once this transaction has committed.

    `key` names the cause: publishing the same handler and key again changes nothing.
    `payload` holds ids only, since rows may change before delivery.
    """
    event, created = OutboxEvent.objects.get_or_create(
        deduplication_key=f"{handler}:{key}",
        defaults={"handler": handler, "payload": payload},
    )
    if created:
        transaction.on_commit(partial(_call_worker, "event", event.pk))


def queue_mail(
    *,
    key: str,
    recipient: str,
    subject: str,
    text_body: str,
    html_body: str = "",
    attachments: Sequence[tuple[str, str]] = (),
) -> Mail:
    """Write one message to one person, to be sent after commit.

    `key` names the cause; with the recipient it makes the message unique, so that a task run
    twice mails nobody twice. `attachments` are (storage name, visible name) pairs.
    """
    recipient = recipient.strip().lower()
    mail, created = Mail.objects.get_or_create(
        deduplication_key=_mail_key(key, recipient),
        defaults={
            "recipient": recipient,
            # One line, whose no-break spaces stay.
            "subject": re.sub(r"[ \t\r\n\f\v]+", " ", subject).strip(" ")[:250],
            "text_body": text_body,
            "html_body": html_body,
            "attachments": [list(pair) for pair in attachments],
        },
    )
    if created:
        transaction.on_commit(partial(_call_worker, "mail", mail.pk))
    return mail


def _mail_key(key: str, recipient: str) -> str:
    """The whole of it, or its digest: cut short, two causes could look the same."""
    whole = f"{key}:{recipient}"
    return whole if len(whole) <= 250 else hashlib.sha256(whole.encode()).hexdigest()


def mail_exists(*, key: str, recipient: str) -> bool:
    """Whether this cause was already written to this person."""
    whole = _mail_key(key, recipient.strip().lower())
    return Mail.objects.filter(deduplication_key=whole).exists()


class _Broker:
    """Whether the broker was seen away a moment ago, by this process."""

    away_until = 0.0


def _call_worker(kind: str, pk: int) -> None:
    """Tell the worker at once; if the broker is away the periodic sweep will find the row."""
    if time.monotonic() < _Broker.away_until:
        return  # a deposit calls for many things: it waits for a silent broker once only
    from outbox.tasks import deliver_event, send_mail  # noqa: PLC0415 - tasks import this module

    task = {"event": deliver_event, "mail": send_mail}[kind]
    try:
        task.delay(pk)
    except Exception:  # noqa: BLE001 - whatever the broker's failure, the row is safe
        _Broker.away_until = time.monotonic() + BROKER_PAUSE_SECONDS
        logger.warning("Broker unreachable: %s %s waits for the sweep", kind, pk)


def deliver(event_id: int) -> bool:
    """Run the handler of one event, once. Returns False when there was nothing to do.

    The row stays locked while the handler runs: a second worker skips it. Handler and mark
    commit together, so a handler that fails halfway leaves no trace and is tried again. That it
    has begun is committed before, for whoever waits to be told.
    """
    with transaction.atomic():
        if (begun := _free(event_id)) is None:
            return False
        begun.started_at = timezone.now()
        begun.save(update_fields=["started_at"])
    with transaction.atomic():
        if (event := _free(event_id)) is None:
            return False
        try:
            with transaction.atomic():
                handler_for(event.handler)(**event.payload)
        except Exception as error:
            logger.exception("Outbox event %s failed", event.pk)
            _postpone(event, error)
        else:
            event.done_at = timezone.now()
            event.attempts += 1
            event.last_error = ""
        event.started_at = None
        event.save(
            update_fields=["started_at", "done_at", "attempts", "last_error", "available_at"]
        )
    return event.done_at is not None


def _free(event_id: int) -> OutboxEvent | None:
    """The event, locked, if it is neither done nor in another worker's hands."""
    left = OutboxEvent.objects.filter(pk=event_id, done_at__isnull=True)
    return left.select_for_update(skip_locked=True).first()


def send(mail_id: int) -> bool:
    """Send one message, once. Returns False when it was sent already or could not leave.

    It is claimed first, and the claim committed: while the mail server is spoken to, no other
    worker takes it, even if the database restarts. What became of it is then written, however
    long (see RECORD_SECONDS) the database takes to come back. Only a worker killed between
    the server's « 250 » and that line sends it again, under the same Message-ID.
    """
    now = timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    claimed = Mail.objects.filter(free, pk=mail_id, sent_at=None, refused_at=None)
    if not claimed.update(claimed_until=now + CLAIM):
        return False
    mail = Mail.objects.get(pk=mail_id)
    try:
        _message(mail).send()
    except Exception as error:  # noqa: BLE001 - a refused mail is kept
        outcome = _outcome_of(mail, error)
    else:
        outcome = {"sent_at": timezone.now(), "last_error": ""}
    _record(mail, outcome | {"attempts": mail.attempts + 1, "claimed_until": None})
    return "sent_at" in outcome


def _outcome_of(mail: Mail, error: Exception) -> dict[str, Any]:
    reason = refusal_in_words(error)
    kind = type(error).__name__
    if reason:
        logger.warning("Mail %s was refused for good: %s", mail.pk, kind)
        return {"refused_at": timezone.now(), "failure": reason, "last_error": _said(error)}
    logger.warning("Mail %s could not leave: %s", mail.pk, kind)
    return {"available_at": _next_attempt(mail.attempts + 1), "last_error": _said(error)}


def _record(mail: Mail, outcome: dict[str, Any]) -> None:
    deadline = time.monotonic() + RECORD_SECONDS
    while True:
        try:
            Mail.objects.filter(pk=mail.pk).update(**outcome)
        except (OperationalError, InterfaceError):
            if connection.in_atomic_block or time.monotonic() > deadline:
                raise
            logger.warning("Mail %s: the database is away, its outcome waits", mail.pk)
            connection.close()
            time.sleep(0.5)
        else:
            return


def try_again(mails: QuerySet[Mail]) -> int:
    """Put refused mails back in the queue, once their cause is mended; how many.

    Those whose text has been emptied since are left as they are.
    """
    waiting = mails.filter(refused_at__isnull=False).exclude(text_body="")
    return waiting.update(
        refused_at=None, failure="", last_error="", attempts=0, available_at=timezone.now()
    )


def _postpone(event: OutboxEvent, error: Exception) -> None:
    event.attempts += 1
    event.last_error = _said(error)
    event.available_at = _next_attempt(event.attempts)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]


def _next_attempt(attempts: int) -> datetime:
    return timezone.now() + min(RETRY_AFTER * attempts, LONGEST_WAIT)


def _message(mail: Mail) -> EmailMultiAlternatives:
    host = settings.PORTAL_URL.split("//")[-1].split(":")[0]
    message = EmailMultiAlternatives(
        subject=mail.subject,
        body=mail.text_body,
        # Whom a mail that cannot be delivered goes back to; readers see the header below.
        from_email=return_path(mail.pk),
        to=[mail.recipient],
        headers={
            "From": settings.DEFAULT_FROM_EMAIL,
            # The same message keeps the same identifier when it is tried again.
            "Message-ID": f"<mail-{mail.pk}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    if mail.html_body:
        message.attach_alternative(mail.html_body, "text/html")
    for name, label in mail.attachments:
        with default_storage.open(name, "rb") as file:
            message.attach(
                label, file.read(), _TYPES.get(Path(label).suffix, "application/octet-stream")
            )
    return message


def pending() -> tuple[list[int], list[int]]:
    """Ids of the events and of the mails that are due and not yet delivered."""
    due = {"available_at__lte": timezone.now(), "attempts__lt": MAX_ATTEMPTS}
    events = OutboxEvent.objects.filter(done_at__isnull=True, **due).values_list("pk", flat=True)
    free = Q(claimed_until=None) | Q(claimed_until__lte=timezone.now())
    mails = Mail.objects.filter(free, sent_at=None, refused_at=None, **due)
    return list(events[:500]), list(mails.values_list("pk", flat=True)[:500])


def deliver_pending() -> int:
    """Deliver all that is due, here and now: the sweep, and commands run without a worker."""
    delivered = 0
    for _ in range(10):
        events, mails = pending()
        done = sum(deliver(pk) for pk in events) + sum(send(pk) for pk in mails)
        if not done:
            break  # what is left is failing, or in another worker's hands
        delivered += done
    return delivered


def forget_old() -> tuple[int, int]:
    """Empty the bodies of mails sent, or refused for good, more than 15 days ago; delete work
    done over 90 days ago.

    A mail holds names and links, and nobody reads it here once it has left. Its row stays:
    it proves the sending, and its key keeps the same cause from being mailed twice. What has
    not been sent or done is never touched. Returns how many (mails, events).
    """
    now = timezone.now()
    with transaction.atomic():
        mails = (
            Mail.objects.filter(
                Q(sent_at__lt=now - BODIES_KEPT) | Q(refused_at__lt=now - BODIES_KEPT)
            )
            .exclude(text_body="", html_body="")
            .update(text_body="", html_body="")
        )
        events, _ = OutboxEvent.objects.filter(done_at__lt=now - DONE_EVENTS_KEPT).delete()
    return mails, events
