"""Issuing the official documents of a deposited letter: once each, from its snapshot."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from documents.models import OfficialDocument
from documents.rendering import render_pdf
from documents.services import issue_document
from letters.content import procedure_of, read_content
from letters.correspondence import cover_context, receipt_context
from letters.models import LetterOfIntent
from letters.printing import letter_context
from letters.services import letter_content
from procedures.schema import Procedure
from workflow.models import CaseDocument, Snapshot

LETTER: Final = "letter"
RECEIPT: Final = "receipt"
PAPER: Final = "paper"


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
        "letter": letter_context(source.content, source.procedure, digest=source.snapshot.sha256)
    }


def _receipt(source: Source) -> dict[str, Any]:
    url = case_url(source.letter)
    return {"receipt": receipt_context(source.content, source.procedure, case_url=url)}


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
    )
}


def expected_kinds(procedure: Procedure) -> list[DocumentKind]:
    """The documents a deposit under this procedure gives, in the order they are issued."""
    keys = [LETTER, RECEIPT] + ([PAPER] if procedure.paper else [])
    return [KINDS[key] for key in keys]


@transaction.atomic
def issue_documents(letter: LetterOfIntent, snapshot: Snapshot) -> list[CaseDocument]:
    """Issue what is not issued yet, and return all the documents of this deposit.

    The snapshot stays locked meanwhile: two workers never issue the same document. Running it
    again renders nothing.
    """
    Snapshot.objects.select_for_update().get(pk=snapshot.pk)
    procedure = procedure_of(letter)
    source = Source(letter, snapshot, procedure)
    issued = {link.kind: link for link in _of_snapshot(snapshot)}
    return [issued.get(kind.key) or _issue(kind, source) for kind in expected_kinds(procedure)]


def _of_snapshot(snapshot: Snapshot) -> QuerySet[CaseDocument]:
    return CaseDocument.objects.filter(snapshot=snapshot).select_related("document")


def _issue(kind: DocumentKind, source: Source) -> CaseDocument:
    title = f"{kind.label} – {source.content['title']}"
    pdf = render_pdf(
        kind.template,
        kind.context(source)
        | {"author": settings.PORTAL_NAME, "created_at": source.content["deposited_at"]},
        title=f"{title} ({source.content['reference']})",
    )
    version = source.snapshot.version
    document = issue_document(
        kind=kind.key,
        number=source.content["reference"] + (f"-V{version}" if version > 1 else "") + kind.suffix,
        title=title[:250],
        pdf=pdf,
    )
    return CaseDocument.objects.create(
        case_id=source.letter.pk, document=document, snapshot=source.snapshot, kind=kind.key
    )


def documents_of(letter: LetterOfIntent) -> list[CaseDocument]:
    """The documents of the letter's last deposit, in the order of `KINDS`; fewer, or none, while
    the worker prepares them."""
    links = CaseDocument.objects.filter(
        case_id=letter.pk, snapshot__version=letter.version
    ).select_related("document")
    order = list(KINDS)
    return sorted(links, key=lambda link: order.index(link.kind))


def read_document(document: OfficialDocument) -> bytes:
    """The bytes of an official document, as they were issued.

    Raises DocumentAlteredError when the storage gives back something else: an act that does
    not match its hash is not handed out.
    """
    with document.file.open("rb") as file:
        pdf = file.read()
    if hashlib.sha256(pdf).hexdigest() != document.sha256:
        raise DocumentAlteredError(document.number)
    return pdf


class DocumentAlteredError(Exception):
    """The stored file is no longer the one that was issued."""


def preview(letter: LetterOfIntent) -> bytes:
    """The letter as it stands, marked as a draft on each page; nothing is kept of it."""
    content = read_content(letter)
    return render_pdf(
        "pdf/letter.html",
        {
            "letter": letter_context(letter_content(letter, content), content.procedure),
            "author": settings.PORTAL_NAME,
        },
        title=f"Brouillon de la lettre d’intention – {letter.title}",
        draft=True,
    )


def case_url(letter: LetterOfIntent) -> str:
    """Where the letter is read on the portal, by its team as by the desks that see it."""
    return settings.PORTAL_URL + reverse("letters:detail", args=[letter.public_id])
