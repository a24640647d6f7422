"""Mails that come back: whose they were, and why (RFC 3464).

A mail leaves with a return path of its own, `<box>+<number>-<seal>@<domain>`, when the setting
BOUNCE_ADDRESS names the mailbox that receives what comes back. The seal keeps anybody from
declaring somebody else's address dead. A server that loses the return path still quotes the
Message-ID: it is believed when the address it complains of is the one the mail was sent to.
"""

import email
import re
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses
from typing import Final

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from outbox.delivery import status_in_words
from outbox.models import Mail

# A report is a few thousand characters: what is longer is something else.
LONGEST_REPORT: Final = 5_000_000
_TAG: Final = re.compile(r"\+(\d{1,18})-([0-9a-f]{16})@")
_MESSAGE_ID: Final = re.compile(r"<mail-(\d{1,18})@")


@dataclass(frozen=True)
class Report:
    """What a delivery report says of one mail."""

    mail_id: int
    # Nothing when the return path, which is sealed, named the mail.
    address: str
    status: str


def _seal(mail_id: int) -> str:
    return salted_hmac("outbox.bounces", str(mail_id)).hexdigest()[:16]


def return_path(mail_id: int) -> str:
    """The sender on the envelope of a mail: where its server sends it back."""
    box, _, domain = settings.BOUNCE_ADDRESS.rpartition("@")
    if not box:
        return str(settings.DEFAULT_FROM_EMAIL)
    return f"{box}+{mail_id}-{_seal(mail_id)}@{domain}"


def read_report(raw: bytes) -> Report | None:
    """The mail a message says could not be delivered; None when it says no such thing.

    A report of a delay is none: the server is still trying.
    """
    message = email.message_from_bytes(raw[:LONGEST_REPORT])
    fields = _failed_fields(message)
    if fields is None:
        return None
    address, status = fields
    for header in ("To", "Delivered-To", "X-Original-To", "Envelope-To"):
        for _, to in getaddresses([str(value) for value in message.get_all(header, [])]):
            found = _TAG.search(to)
            if found and constant_time_compare(found[2], _seal(int(found[1]))):
                return Report(int(found[1]), "", status)
    original = _original_id(message)
    return Report(original, address, status) if original and address else None


def _failed_fields(message: Message) -> tuple[str, str] | None:
    """Address and status of the recipient that failed, from `message/delivery-status`."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        blocks = part.get_payload()
        for block in blocks if isinstance(blocks, list) else []:
            if (
                not isinstance(block, Message)
                or str(block.get("Action", "")).strip().lower() != "failed"
            ):
                continue
            address = str(block.get("Original-Recipient") or block.get("Final-Recipient") or "")
            # Servers put more in the diagnostic than in the status: both are read.
            said = f"{block.get('Status', '')} {block.get('Diagnostic-Code', '')}"
            return address.rpartition(";")[2].strip().lower(), said
    return None


def _original_id(message: Message) -> int:
    """The number of the mail quoted in the report, as it was or by its headers; 0 for none."""
    for part in message.walk():
        if part is message:
            continue
        quoted = str(part.get("Message-ID", ""))
        if part.get_content_type() == "text/rfc822-headers":
            quoted = str(part.get_payload())
        found = _MESSAGE_ID.search(quoted)
        if found:
            return int(found[1])
    return 0


def note_bounce(raw: bytes) -> bool:
    """Mark the mail a report speaks of as sent back. False when it speaks of none of ours.

    Reading the same report again changes nothing.
    """
    report = read_report(raw)
    if report is None:
        return False
    mails = Mail.objects.filter(pk=report.mail_id, sent_at__isnull=False)
    if report.address:
        mails = mails.filter(recipient=report.address)
    if not mails.exists():
        return False
    mails.filter(bounced_at=None).update(
        bounced_at=timezone.now(), failure=status_in_words(report.status)[:300]
    )
    return True
