"""What the worker makes of a session: the convocation, its mails, the minutes. Each once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse

from committees.models import Session, SessionDocument
from committees.wording import convocation_content, when
from cpts_portal import calendars
from documents.rendering import render_pdf
from documents.services import issue_document
from notifications.services import About, notify
from outbox.registry import handles

Kind = SessionDocument.Kind


@handles("committees.call")
def call(*, session_id: int, sequence: int) -> None:
    """Write to the members with the convocation and a file for their calendars."""
    session = Session.objects.select_related("body").get(pk=session_id)
    if session.calls != sequence:
        return  # Changed again meanwhile: the later call tells it all.
    attachments = [(_calendar(session), "seance.ics")]
    if session.cancelled_at is None:
        convocation = print_convocation(session_id, sequence)
        attachments.insert(0, (str(convocation.document.file.name), "convocation.pdf"))
    context = {
        "body": session.body.name,
        "when": when(session),
        "place": session.place,
        "items": [item.title for item in session.items.all()],
        "is_change": sequence > 1,
        "is_cancelled": session.cancelled_at is not None,
        "is_second_call": session.is_second_call,
        "reason": session.cancel_reason,
    }
    for attendee in session.attendees.all():
        notify(
            "session",
            key=f"session:{session.pk}:{sequence}",
            to=attendee.email,
            about=About(name=session.body.name),
            template="committees/session",
            context=context,
            path=reverse("committees:session", args=[session.public_id]),
            body=session.body,
            attachments=attachments,
        )


@transaction.atomic
def print_convocation(session_id: int, sequence: int) -> SessionDocument:
    """Issue the convocation of this call, unless it is issued already."""
    session = _locked(session_id)
    content = convocation_content(session)
    return _issue_once(
        session,
        Kind.CONVOCATION,
        sequence=sequence,
        number=content["number"],
        title=f"Convocation – {session.body.name}",
        context={"convocation": content},
        moment=session.called_at or session.created_at,
    )


@handles("committees.minutes")
def print_minutes(*, session_id: int) -> None:
    """Issue the minutes, unless they are issued already."""
    with transaction.atomic():
        session = _locked(session_id)
        content = session.minutes or {}
        _issue_once(
            session,
            Kind.MINUTES,
            sequence=0,
            number=content["number"],
            title=f"Procès-verbal – {session.body.name}",
            context={"minutes": content},
            moment=session.closed_at or session.created_at,
        )


def _locked(session_id: int) -> Session:
    found = Session.objects.select_for_update(of=("self",)).select_related("body")
    return found.get(pk=session_id)


def _issue_once(
    session: Session,
    kind: SessionDocument.Kind,
    *,
    sequence: int,
    number: str,
    title: str,
    context: Mapping[str, Any],
    moment: datetime,
) -> SessionDocument:
    known = session.documents.filter(kind=kind, sequence=sequence).select_related("document")
    if issued := known.first():
        return issued
    pdf = render_pdf(
        f"pdf/session_{kind.value}.html",
        {"author": settings.PORTAL_NAME, "created_at": moment.isoformat(), **context},
        title=f"{title} ({number})",
    )
    document = issue_document(
        kind=f"session_{kind.value}", number=number, title=title[:250], pdf=pdf
    )
    return SessionDocument.objects.create(
        session=session, kind=kind, sequence=sequence, document=document
    )


def _calendar(session: Session) -> str:
    """Where the calendar file of this call is stored."""
    name = f"sessions/{session.public_id}/{session.calls}.ics"
    if not default_storage.exists(name):
        name = default_storage.save(name, ContentFile(calendar_file(session)))
    return name


def calendar_file(session: Session) -> bytes:
    """The session for a calendar."""
    return calendars.calendar_file(
        uid=f"seance.{session.public_id}",
        sequence=session.calls,
        stamped_at=session.called_at or session.created_at,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        summary=f"Séance – {session.body.name}",
        place=session.place,
        is_cancelled=session.cancelled_at is not None,
    )
