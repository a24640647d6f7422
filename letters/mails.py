"""Who is written to about a letter, and with what."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from accounts.models import Membership, Organisation, User
from accounts.organisations import regional_agency
from cpts_portal.words import figure, file_size
from documents.french import local_datetime, long_date
from letters.correspondence import clock, office_name, silence_day
from letters.documents import KINDS, LETTER, RECEIPT
from letters.models import LetterOfIntent
from procedures.circuit import Silence
from workflow.models import CaseDocument, TransitionLog
from workflow.notices import Told, team_of, tell
from writing.content import procedure_of

logger = logging.getLogger(__name__)


def announce_deposit(
    letter: LetterOfIntent, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to every member of the team, and to the office in charge.

    The mails are rows of the outbox, one per person and deposit: called again, it adds none.
    """
    key = f"letter-deposited:{log.pk}"
    context = _context(letter, documents)
    for person in team_of(letter):
        tell(
            letter,
            "deposit",
            key=f"{key}:team",
            to=[person],
            template="letters/deposited_team",
            context=context | {"user": person},
            attachments=_files(documents),
        )
    body, readers = office_readers(letter)
    tell(
        letter,
        "received",
        key=f"{key}:office",
        to=readers,
        template="letters/deposited_office",
        context=context,
        body=body,
        attachments=_files([link for link in documents if link.kind == LETTER]),
    )


def announce_completion(
    letter: LetterOfIntent, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to the team with the documents of the new version; the office was told at once."""
    content = documents[0].snapshot.content
    tell(
        letter,
        "deposit",
        key=f"letter-completed:{log.pk}:team",
        to=team_of(letter),
        template="letters/completed_team",
        context={
            "number": content["completion"]["number"],
            "version": content["version"],
            "silence_date": silence_day(content),
            "documents": [
                f"{KINDS[link.kind].label} ({file_size(link.document.size)})" for link in documents
            ],
        },
        attachments=_files(documents),
    )


def office_readers(letter: LetterOfIntent) -> tuple[Organisation | None, list[Told]]:
    """The office in charge, by its mailbox; without one, its regional agency's coordinators."""
    office = letter.office
    if office is None or office.email:
        return office, [office] if office else []
    logger.warning("%s has no mailbox: %s is announced to coordinators", office, letter.reference)
    agency = _agency(office)
    coordinators = User.objects.filter(
        memberships__in=Membership.objects.filter(
            organisation=agency, role=Membership.Role.COORDINATOR, is_active=True
        ),
        is_active=True,
    )
    return agency, list(coordinators.distinct().order_by("email"))


def _agency(office: Organisation) -> Organisation:
    return office if office.kind == Organisation.Kind.ARS else regional_agency(office.region_id)


def _context(letter: LetterOfIntent, documents: Sequence[CaseDocument]) -> dict[str, Any]:
    content = documents[0].snapshot.content
    procedure = procedure_of(letter)
    return {
        "deposited_on": long_date(local_datetime(content["deposited_at"])),
        "deposited_time": clock(content),
        "signatory": content["signature"]["name"],
        "silence_date": silence_day(content),
        "silence_refuses": procedure.circuit.period.silence == Silence.REFUSAL,
        "office": office_name(content["office"]),
        "communes": figure(content["summary"]["commune_count"]),
        "several": content["summary"]["commune_count"] > 1,
        "population": figure(content["summary"]["population"]),
        "paper": procedure.paper,
        "documents": [
            f"{KINDS[link.kind].label} ({file_size(link.document.size)})" for link in documents
        ],
        "receipt": any(link.kind == RECEIPT for link in documents),
    }


def _files(documents: Iterable[CaseDocument]) -> list[tuple[str, str]]:
    return [(str(link.document.file.name), f"{link.document.number}.pdf") for link in documents]
