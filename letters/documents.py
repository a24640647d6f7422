"""Issuing the official documents of a deposited letter: once each, from its snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from documents.rendering import render_pdf
from letters.correspondence import (
    completion_receipt_context,
    cover_context,
    receipt_context,
)
from letters.models import LetterOfIntent
from letters.printing import letter_context
from procedures.schema import Procedure
from territories.maps import TerritoryMap, printed_map
from workflow.models import CaseDocument, Snapshot
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from writing.content import procedure_of, read_content
from writing.saying import content_as_data

LETTER: Final = "letter"
RECEIPT: Final = "receipt"
PAPER: Final = "paper"
COMPLETION_RECEIPT: Final = "completion_receipt"


@dataclass(frozen=True)
class DocumentKind:
    """One kind of official document: how it is called, numbered and laid out."""

    key: str
    label: str
    # Ends the number of the document, after the reference of the letter.
    suffix: str
    template: str
    context: Callable[["Source"], dict[str, Any]]


@dataclass(frozen=True)
class Source:
    """What documents are made from: the frozen content, its procedure and its hash."""

    letter: LetterOfIntent
    snapshot: Snapshot
    procedure: Procedure

    @property
    def content(self) -> dict[str, Any]:
        return self.snapshot.content


def _letter(source: Source) -> dict[str, Any]:
    return {
        "letter": letter_context(
            source.content,
            source.procedure,
            digest=source.snapshot.sha256,
            territory_map=_map(source.content),
        )
    }


def _map(content: dict[str, Any]) -> TerritoryMap | None:
    """The communes that were frozen, with the outlines of the day the document is made."""
    return printed_map(
        ((line["code"], line["part_name"]) for line in content["territory"]),
        cog_year=content["summary"]["cog_year"],
    )


def _receipt(source: Source) -> dict[str, Any]:
    url = case_url(source.letter)
    return {"receipt": receipt_context(source.content, source.procedure, case_url=url)}


def _completion_receipt(source: Source) -> dict[str, Any]:
    url = case_url(source.letter)
    return {"receipt": completion_receipt_context(source.content, case_url=url)}


def _paper(source: Source) -> dict[str, Any]:
    return _letter(source) | {"cover": cover_context(source.content, source.procedure)}


KINDS: Final = {
    kind.key: kind
    for kind in (
        DocumentKind(LETTER, "Lettre d’intention", "", "pdf/letter.html", _letter),
        DocumentKind(
            RECEIPT, "Accusé de réception électronique", "-AR", "pdf/receipt.html", _receipt
        ),
        DocumentKind(PAPER, "Version à poster", "-P", "pdf/paper.html", _paper),
        DocumentKind(
            COMPLETION_RECEIPT,
            "Accusé de réception des compléments",
            "-AR",
            "pdf/receipt.html",
            _completion_receipt,
        ),
    )
}

for _key in KINDS:
    declare_readers(_key, whoever_sees_the_case)


def expected_kinds(procedure: Procedure, version: int = 1) -> list[DocumentKind]:
    """The documents a deposit under this procedure gives, in the order they are issued.

    A version that completes the first one has its own receipt, and is not posted.
    """
    if version > 1:
        return [KINDS[LETTER], KINDS[COMPLETION_RECEIPT]]
    keys = [LETTER, RECEIPT] + ([PAPER] if procedure.paper else [])
    return [KINDS[key] for key in keys]


@transaction.atomic
def issue_documents(letter: LetterOfIntent, snapshot: Snapshot) -> list[CaseDocument]:
    """Issue what is not issued yet, and return all the documents of this deposit.

    The snapshot stays locked meanwhile: two workers never issue the same document. Running it
    again renders nothing.
    """
    procedure = procedure_of(letter)
    source = Source(letter, snapshot, procedure)
    return [_issue(kind, source) for kind in expected_kinds(procedure, snapshot.version)]


def _issue(kind: DocumentKind, source: Source) -> CaseDocument:
    version = source.snapshot.version
    return issue_once(
        source.snapshot,
        kind=kind.key,
        number=source.content["reference"] + (f"-V{version}" if version > 1 else "") + kind.suffix,
        title=f"{kind.label} – {source.content['title']}",
        template=kind.template,
        context=lambda: kind.context(source) | {"created_at": _moment(source.content)},
    )


def _moment(content: dict[str, Any]) -> str:
    """When this version was deposited, in ISO form."""
    completion = content.get("completion")
    return str(completion["answered_at"] if completion else content["deposited_at"])


def earlier_documents(letter: LetterOfIntent) -> list[CaseDocument]:
    """The documents of the versions before the last one, the newest version first."""
    links = CaseDocument.objects.filter(
        case_id=letter.pk, snapshot__version__lt=letter.version, kind__in=KINDS
    ).select_related("document", "snapshot")
    order = list(KINDS)
    return sorted(links, key=lambda link: (-link.snapshot.version, order.index(link.kind)))


def documents_of(letter: LetterOfIntent) -> list[CaseDocument]:
    """The documents of the letter's last deposit, in the order of `KINDS`; fewer, or none, while
    the worker prepares them."""
    links = CaseDocument.objects.filter(
        case_id=letter.pk, snapshot__version=letter.version, kind__in=KINDS
    ).select_related("document")
    order = list(KINDS)
    return sorted(links, key=lambda link: order.index(link.kind))


def preview(letter: LetterOfIntent) -> bytes:
    """The letter as it stands, marked as a draft on each page; nothing is kept of it."""
    content = read_content(letter)
    shown = content_as_data(letter, content)
    return render_pdf(
        "pdf/letter.html",
        {
            "letter": letter_context(shown, content.procedure, territory_map=_map(shown)),
            "author": settings.PORTAL_NAME,
        },
        title=f"Brouillon de la lettre d’intention – {letter.title}",
        draft=True,
    )


def case_url(letter: LetterOfIntent) -> str:
    """Where the letter is read on the portal, by its team as by the desks that see it."""
    return settings.PORTAL_URL + reverse("letters:detail", args=[letter.public_id])
