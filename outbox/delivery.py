"""What mail servers answer, in words, and the addresses that no longer receive anything."""

import re
import smtplib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Max, Q
from django.utils import timezone

from outbox.models import Mail

# A bounce comes back within minutes; a mail this old without one has arrived.
TIME_TO_COME_BACK: Final = timedelta(days=1)

_ENHANCED: Final = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
# RFC 3463: subject and detail of an enhanced status code, the more precise first.
_MEANINGS: Final = (
    ("1.1", "adresse inconnue"),
    ("1.2", "domaine inconnu"),
    ("1.3", "adresse mal écrite"),
    ("1.6", "la personne a changé d’adresse"),
    ("1.", "adresse refusée"),
    ("2.1", "boîte fermée"),
    ("2.2", "boîte pleine"),
    ("2.3", "message trop volumineux pour cette boîte"),
    ("2.", "boîte indisponible"),
    ("3.4", "message trop volumineux"),
    ("4.4", "serveur de courriel introuvable"),
    ("4.7", "serveur de courriel injoignable trop longtemps"),
    ("4.", "serveur de courriel injoignable"),
    ("7.", "refusé par les règles de son serveur"),
)
# RFC 5321, for servers that say no more.
_CODES: Final = {
    550: "adresse inconnue ou refusée",
    551: "adresse inconnue de ce serveur",
    552: "boîte pleine ou message trop volumineux",
    553: "adresse mal écrite",
    554: "refusé par son serveur",
}


def status_in_words(said: str, code: int = 0) -> str:
    """What a server's answer means, with its number: « adresse inconnue (5.1.1) »."""
    found = _ENHANCED.search(said)
    if found:
        detail = f"{found[2]}.{found[3]}"
        meaning = next((words for start, words in _MEANINGS if _begins(detail, start)), "")
        if meaning:
            return f"{meaning} ({found[0]})"
    number = found[0] if found else str(code or "").strip()
    meaning = _CODES.get(code, "refusé par son serveur")
    return f"{meaning} ({number})" if number else meaning


def _begins(detail: str, start: str) -> bool:
    return detail.startswith(start) if start.endswith(".") else detail == start


def refusal_in_words(error: Exception) -> str:
    """Why a mail will never leave (5xx for the recipient or the message); empty if it may.

    A server that is away, that asks to wait (4xx), or that refuses our own sender or password
    says nothing of the recipient: the mail is tried again.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answer: tuple[int, bytes | str] = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPDataError):
        answer = (error.smtp_code, error.smtp_error)
    else:
        return ""
    code, reply = answer
    if code // 100 != 5:
        return ""
    said = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return status_in_words(said, code)


def failing_addresses(addresses: Iterable[str]) -> dict[str, str]:
    """Those of these addresses that refuse or send back what is sent to them, and why.

    An address is well again once a mail sent after its last failure has not come back for a
    day. Two queries, whatever the number.
    """
    known = {address.strip().lower() for address in addresses if address}
    failures: dict[str, tuple[datetime, str]] = {}
    failed = Mail.objects.filter(
        Q(refused_at__isnull=False) | Q(bounced_at__isnull=False), recipient__in=known
    )
    for mail in failed.order_by("recipient", "-pk").distinct("recipient"):
        at = mail.refused_at or mail.bounced_at
        if at is not None:
            failures[mail.recipient] = (at, mail.delivery_in_words)
    arrived = dict(
        Mail.objects.filter(
            recipient__in=failures,
            bounced_at=None,
            sent_at__lte=timezone.now() - TIME_TO_COME_BACK,
        )
        .values_list("recipient")
        .annotate(Max("sent_at"))
    )
    return {
        address: why
        for address, (at, why) in failures.items()
        if address not in arrived or arrived[address] <= at
    }
