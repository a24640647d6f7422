"""Who is written to about a letter, and with what."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from accounts.models import Membership, Organisation, User
from accounts.organisations import regional_agency
from cpts_portal.mails import queue_template_mail
from cpts_portal.words import file_size
from letters.content import procedure_of
from letters.correspondence import clock, office_name, silence_day
from letters.documents import KINDS, LETTER, RECEIPT, case_url
from letters.models import LetterOfIntent
from letters.printing import figure, local_datetime, long_date
from workflow.models import CaseDocument, TransitionLog

logger = logging.getLogger(__name__)


def announce_deposit(
    letter: LetterOfIntent, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to every member of the team, and to the office in charge.

    The mails are rows of the outbox, one per person and deposit: called again, it adds none.
    """
    key = f"letter-deposited:{log.pk}"
    context = _context(letter, documents)
    for member in letter.community.team_members.select_related("user"):
        if member.user.is_active:
            queue_template_mail(
                key=f"{key}:team",
                recipient=member.user.email,
                template="letters/deposited_team",
                context=context | {"user": member.user},
                attachments=_files(documents),
            )
    to_office = [link for link in documents if link.kind == LETTER]
    for address in office_addresses(letter):
        queue_template_mail(
            key=f"{key}:office",
            recipient=address,
            template="letters/deposited_office",
            context=context,
            attachments=_files(to_office),
        )


def office_addresses(letter: LetterOfIntent) -> list[str]:
    """The mailbox of the office in charge; without one, its regional agency's coordinators."""
    office = letter.office
    if office is None:
        return []
    if office.email:
        return [office.email]
    logger.warning("%s has no mailbox: %s is announced to coordinators", office, letter.reference)
    coordinators = User.objects.filter(
        memberships__in=Membership.objects.filter(
            organisation=_agency(office), role=Membership.Role.COORDINATOR, is_active=True
        ),
        is_active=True,
    )
    return sorted(set(coordinators.values_list("email", flat=True)))


def _agency(office: Organisation) -> Organisation:
    return office if office.kind == Organisation.Kind.ARS else regional_agency(office.region_id)


def _context(letter: LetterOfIntent, documents: Sequence[CaseDocument]) -> dict[str, Any]:
    content = documents[0].snapshot.content
    procedure = procedure_of(letter)
    return {
        "title": content["title"],
        "reference": content["reference"],
        "deposited_on": long_date(local_datetime(content["deposited_at"])),
        "deposited_time": clock(content),
        "signatory": content["signature"]["name"],
        "silence_date": silence_day(content),
        "office": office_name(content["office"]),
        "communes": figure(content["summary"]["commune_count"]),
        "several": content["summary"]["commune_count"] > 1,
        "population": figure(content["summary"]["population"]),
        "paper": procedure.paper,
        "documents": [
            f"{KINDS[link.kind].label} ({file_size(link.document.size)})" for link in documents
        ],
        "receipt": any(link.kind == RECEIPT for link in documents),
        "url": case_url(letter),
    }


def _files(documents: Iterable[CaseDocument]) -> list[tuple[str, str]]:
    return [(str(link.document.file.name), f"{link.document.number}.pdf") for link in documents]
