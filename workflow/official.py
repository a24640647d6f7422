"""Official documents of a case: issued once, read by those their kind names and by no one else.

Each kind of document declares its readers beside its wording. One that declares none is read by
nobody: a document whose confidentiality was forgotten never leaves.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import User
from documents.models import OfficialDocument
from documents.rendering import render_pdf
from documents.services import issue_document
from workflow.models import Case, CaseDocument, Snapshot

Readers = Callable[[User], Q]


class DocumentAlteredError(Exception):
    """The stored file is no longer the one that was issued."""


_readers: dict[str, Readers] = {}


def declare_readers(kind: str, readers: Readers) -> None:
    """Say who reads the documents of a kind, among those who see their case.

    `readers` gives, for a person in the role they act in, a condition on `CaseDocument`.
    """
    _readers[kind] = readers


def whoever_sees_the_case(_user: User) -> Q:
    """The readers of a document that holds nothing more than the case itself."""
    return Q()


def readable_documents(case: Case, user: User) -> QuerySet[CaseDocument]:
    """The documents of a case the person may read; the caller has checked they see the case."""
    allowed = Q(pk__in=[])
    for kind, readers in _readers.items():
        allowed |= Q(kind=kind) & readers(user)
    return CaseDocument.objects.filter(allowed, case_id=case.pk).select_related("document")


@transaction.atomic
def issue_once(
    snapshot: Snapshot,
    *,
    kind: str,
    number: str,
    title: str,
    template: str,
    context: Callable[[], Mapping[str, Any]],
    about: int | None = None,
) -> CaseDocument:
    """Issue a document unless it is issued already; returns it either way.

    One of each kind for a deposit, or one of each kind and `about`: the primary key of what it
    is about, an opinion for instance. `context` is called only when there is something to
    render, and reads frozen content: it gives the template's context, with `created_at`, the
    moment of the act in ISO form. `title` is followed by the number in a reader's window.

    The snapshot stays locked meanwhile: two workers never issue the same document.
    """
    Snapshot.objects.select_for_update().get(pk=snapshot.pk)
    known = CaseDocument.objects.filter(snapshot=snapshot, kind=kind, about=about)
    if link := known.select_related("document", "snapshot").first():
        return link
    pdf = render_pdf(
        template, {"author": settings.PORTAL_NAME, **context()}, title=f"{title} ({number})"
    )
    document = issue_document(kind=kind, number=number, title=title[:250], pdf=pdf)
    return CaseDocument.objects.create(
        case_id=snapshot.case_id, document=document, snapshot=snapshot, kind=kind, about=about
    )


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
