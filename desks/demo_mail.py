"""The mails of a demonstration, read from the files they were caught in.

Nothing leaves a demonstration; a newcomer still needs the link that confirms their address.
Outside a demonstration these pages do not exist.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import wraps
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

# Django writes this line after each message of a file.
_SEPARATOR: Final = re.compile(rb"^-{79}\n", re.MULTILINE)
_FILE_NAME: Final = re.compile(r"[\w-]+\.log")
LISTED: Final = 100


@dataclass(frozen=True)
class CaughtMail:
    name: str
    rank: int
    subject: str
    recipient: str
    at: datetime | None
    text: str
    attachments: tuple[str, ...]


def in_demonstration(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not settings.DEMO or not getattr(settings, "EMAIL_FILE_PATH", None):
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@login_not_required
@require_safe
@in_demonstration
def mailbox(request: HttpRequest) -> HttpResponse:
    """The last mails caught, newest first."""
    return render(request, "desks/demo_mailbox.html", {"mails": caught_mails(_folder())})


@login_not_required
@require_safe
@in_demonstration
def message(request: HttpRequest, name: str, rank: int) -> HttpResponse:
    """The text of one mail, its links ready to follow."""
    file = _folder() / name
    mails = read_mails(file) if _FILE_NAME.fullmatch(name) and file.is_file() else []
    if rank >= len(mails):
        raise Http404
    return render(request, "desks/demo_message.html", {"mail": mails[rank]})


def _folder() -> Path:
    return Path(getattr(settings, "EMAIL_FILE_PATH"))  # noqa: B009 - only some backends have it


def caught_mails(folder: Path) -> list[CaughtMail]:
    """The newest `LISTED` mails of a folder, newest first."""
    files = [p for p in folder.glob("*.log") if _FILE_NAME.fullmatch(p.name)]
    files.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
    mails: list[CaughtMail] = []
    for file in files[:LISTED]:
        mails += reversed(read_mails(file))
    return mails[:LISTED]


def read_mails(file: Path) -> list[CaughtMail]:
    """The mails of one file, in the order they were written."""
    parts = [part for part in _SEPARATOR.split(file.read_bytes()) if part.strip()]
    return [_read(file.name, rank, part) for rank, part in enumerate(parts)]


def _read(name: str, rank: int, part: bytes) -> CaughtMail:
    mail = message_from_bytes(part, _class=EmailMessage, policy=policy.default)
    body = mail.get_body(("plain",))
    at = mail["date"].datetime if mail["date"] is not None else None
    return CaughtMail(
        name=name,
        rank=rank,
        subject=str(mail["subject"] or "(sans objet)"),
        recipient=str(mail["to"] or ""),
        # Django dates its mails in universal time, without saying so.
        at=at.replace(tzinfo=at.tzinfo or UTC) if at is not None else None,
        text=body.get_content() if body is not None else "",
        attachments=tuple(a.get_filename() or "fichier" for a in mail.iter_attachments()),
    )
