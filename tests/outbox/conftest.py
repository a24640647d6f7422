"""A real mail server on this machine, and a handler that does what its payload says."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class MailCatcher:
    """Keeps what it receives; refuses everything while `refusal` is set.

    With `hold_at`, it says nothing of that message (the first is 1) while the test does
    something, until `let_go`; if the sender is gone by then, it has received nothing.
    """

    messages: list[EmailMessage] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    refusal: str = ""
    # What is answered to these recipients.
    refused: dict[str, str] = field(default_factory=dict)
    hold_at: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.refusal:
            return self.refusal
        if len(self.messages) + 1 == self.hold_at and not self.let_go.is_set():
            self.held.set()
            while not self.let_go.is_set():
                await asyncio.sleep(0.02)
            # A sender that has gone meanwhile is noticed here, and nothing is received from it.
            await asyncio.sleep(0.05)
        self.senders.append(envelope.mail_from or "")
        self.messages.append(BytesParser(policy=default).parsebytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mail_catcher(settings: Any) -> Iterator[MailCatcher]:
    catcher = MailCatcher()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        catcher.port = probe.getsockname()[1]
    controller = Controller(catcher, hostname="127.0.0.1", port=catcher.port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", catcher.port
    try:
        yield catcher
    finally:
        controller.stop()
