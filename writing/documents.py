"""Issuing the official documents of a deposited case: once each, from its snapshot."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils.text import capfirst

from documents.rendering import render_pdf
from procedures.schema import Procedure
from territories.maps import TerritoryMap, printed_map
from workflow.models import CaseDocument, Snapshot
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from writing.content import procedure_of, read_content
from writing.correspondence import (
    completion_receipt_context,
    cover_context,
    receipt_context,
)
from writing.kinds import WrittenKind, declared, written_of
from writing.links import page
from writing.models import WrittenCase
from writing.printing import form_context
from writing.saying import content_as_data

RECEIPT: Final = "receipt"
PAPER: Final = "paper"
COMPLETION_RECEIPT: Final = "completion_receipt"


@dataclass(frozen=True)
class DocumentKind:
    """One kind of official document: how it is called, numbered and laid out."""

    key: str
    label: str
    # Ends the number of the document, after the reference of the case.
    suffix: str
    template: str
    context: Callable[["Source"], dict[str, Any]]


@dataclass(frozen=True)
class Source:
    """What documents are made from: the frozen content, its procedure and its hash."""

    case: WrittenCase
    snapshot: Snapshot
    procedure: Procedure

    @property
    def content(self) -> dict[str, Any]:
        return self.snapshot.content


def _form(source: Source) -> dict[str, Any]:
    return {
        **written_of(source.case).printed(source.content),
        "printed": form_context(
            source.content,
            source.procedure,
            digest=source.snapshot.sha256,
            territory_map=_map(source.content),
        ),
    }


def _map(content: dict[str, Any]) -> TerritoryMap | None:
    """The communes that were frozen, with the outlines of the day the document is made."""
    return printed_map(
        ((line["code"], line["part_name"]) for line in content["territory"]),
        cog_year=content["summary"]["cog_year"],
    )


def _receipt(source: Source) -> dict[str, Any]:
    url = case_url(source.case)
    return {"receipt": receipt_context(source.content, source.procedure, case_url=url)}


def _completion_receipt(source: Source) -> dict[str, Any]:
    url = case_url(source.case)
    return {"receipt": completion_receipt_context(source.content, case_url=url)}


def _paper(source: Source) -> dict[str, Any]:
    return _form(source) | {"cover": cover_context(source.content, source.procedure)}


# Those that are the same whatever the kind of case.
_COMMON: Final = {
    kind.key: kind
    for kind in (
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

for _key in _COMMON:
    declare_readers(_key, whoever_sees_the_case)


@cache
def document_kinds(kind: WrittenKind) -> dict[str, DocumentKind]:
    """The documents of a kind of case by key, the one it is itself first."""
    label = capfirst(kind.words.label)
    itself = DocumentKind(kind.document, label, "", kind.document_template, _form)
    return {kind.document: itself, **_COMMON}


def declared_keys() -> list[str]:
    """The documents that deposits give, whatever the kind of case."""
    return [*(kind.document for kind in declared()), *_COMMON]


def expected_kinds(case: WrittenCase, version: int = 1) -> list[DocumentKind]:
    """The documents a deposit under its procedure gives, in the order they are issued.

    A version that completes the first one has its own receipt, and is not posted.
    """
    kind = written_of(case)
    kinds = document_kinds(kind)
    if version > 1:
        return [kinds[kind.document], kinds[COMPLETION_RECEIPT]]
    keys = [kind.document, RECEIPT] + ([PAPER] if procedure_of(case).paper else [])
    return [kinds[key] for key in keys]


@transaction.atomic
def issue_documents(case: WrittenCase, snapshot: Snapshot) -> list[CaseDocument]:
    """Issue what is not issued yet, and return all the documents of this deposit.

    The snapshot stays locked meanwhile: two workers never issue the same document. Running it
    again renders nothing.
    """
    procedure = procedure_of(case)
    source = Source(case, snapshot, procedure)
    return [_issue(kind, source) for kind in expected_kinds(case, snapshot.version)]


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


def earlier_documents(case: WrittenCase) -> list[CaseDocument]:
    """The documents of the versions before the last one, the newest version first."""
    order = list(document_kinds(written_of(case)))
    links = CaseDocument.objects.filter(
        case_id=case.pk, snapshot__version__lt=case.version, kind__in=order
    ).select_related("document", "snapshot")
    return sorted(links, key=lambda link: (-link.snapshot.version, order.index(link.kind)))


def documents_of(case: WrittenCase) -> list[CaseDocument]:
    """The documents of the last deposit, in the order of `document_kinds`; fewer, or none, while
    the worker prepares them."""
    order = list(document_kinds(written_of(case)))
    links = CaseDocument.objects.filter(
        case_id=case.pk, snapshot__version=case.version, kind__in=order
    ).select_related("document")
    return sorted(links, key=lambda link: order.index(link.kind))


def preview(case: WrittenCase) -> bytes:
    """The case as it stands, marked as a draft on each page; nothing is kept of it."""
    content = read_content(case)
    shown = content_as_data(case, content)
    kind = written_of(case)
    return render_pdf(
        kind.document_template,
        {
            **kind.printed(shown),
            "printed": form_context(shown, content.procedure, territory_map=_map(shown)),
            "author": settings.PORTAL_NAME,
        },
        title=f"Brouillon {case.words.of_the_label} – {case.title}",
        draft=True,
    )


def case_url(case: WrittenCase) -> str:
    """Where the case is read on the portal, by its team as by the desks that see it."""
    return settings.PORTAL_URL + page(case, "detail")
