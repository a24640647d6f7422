"""Who is written to about a case, and with what."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from accounts.models import Membership, Organisation, User
from accounts.organisations import regional_agency
from cpts_portal.words import figure, file_size, long_date
from documents.french import local_datetime
from procedures.circuit import Silence
from workflow.models import CaseDocument, TransitionLog
from workflow.notices import Told, team_of, tell
from writing.content import procedure_of
from writing.correspondence import clock, office_name, silence_day
from writing.documents import RECEIPT, document_kinds
from writing.kinds import written_of
from writing.models import WrittenCase

logger = logging.getLogger(__name__)


def announce_deposit(
    case: WrittenCase, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to every member of the team, and to the office in charge.

    The mails are rows of the outbox, one per person and deposit: called again, it adds none.
    """
    key = f"written-deposited:{log.pk}"
    context = _context(case, documents)
    for person in team_of(case):
        tell(
            case,
            "deposit",
            key=f"{key}:team",
            to=[person],
            template="writing/deposited_team",
            context=context | {"user": person},
            attachments=_files(documents),
        )
    body, readers = office_readers(case)
    tell(
        case,
        "received",
        key=f"{key}:office",
        to=readers,
        template="writing/deposited_office",
        context=context,
        body=body,
        attachments=_files([link for link in documents if link.kind == written_of(case).document]),
    )


def announce_completion(
    case: WrittenCase, log: TransitionLog, documents: Sequence[CaseDocument]
) -> None:
    """Write to the team with the documents of the new version; the office was told at once."""
    content = documents[0].snapshot.content
    tell(
        case,
        "deposit",
        key=f"written-completed:{log.pk}:team",
        to=team_of(case),
        template="writing/completed_team",
        context={
            "number": content["completion"]["number"],
            "version": content["version"],
            "silence_date": silence_day(content),
            **_listed(case, documents),
        },
        attachments=_files(documents),
    )


def office_readers(case: WrittenCase) -> tuple[Organisation | None, list[Told]]:
    """The office in charge, by its mailbox; without one, its regional agency's coordinators."""
    office = case.office
    if office is None or office.email:
        return office, [office] if office else []
    logger.warning("%s has no mailbox: %s is announced to coordinators", office, case.reference)
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


def _context(case: WrittenCase, documents: Sequence[CaseDocument]) -> dict[str, Any]:
    content = documents[0].snapshot.content
    procedure = procedure_of(case)
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
        **_listed(case, documents),
        "receipt": any(link.kind == RECEIPT for link in documents),
    }


def _listed(case: WrittenCase, documents: Sequence[CaseDocument]) -> dict[str, Any]:
    """The names of the attached documents, and how the sentences name the case."""
    words, kinds = case.words, document_kinds(written_of(case))
    return {
        "documents": [
            f"{kinds[link.kind].label} ({file_size(link.document.size)})" for link in documents
        ],
        "label": words.label,
        "the": words.the,
        "the_label": words.the_label,
        "a_label": words.a_label,
        "it": words.it,
        "e": words.e,
        "accepted": words.accepted,
    }


def _files(documents: Iterable[CaseDocument]) -> list[tuple[str, str]]:
    return [(str(link.document.file.name), f"{link.document.number}.pdf") for link in documents]
