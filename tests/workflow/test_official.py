"""Official documents of a case: issued once, read by those their kind names."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from documents.models import OfficialDocument
from tests import factories
from tests.documents.pdf import flat_text
from tests.letters import cases
from workflow.models import CaseDocument, Snapshot
from workflow.official import issue_once, read_document, readable_documents

pytestmark = pytest.mark.django_db


def issue(snapshot: Snapshot, *, kind: str = "letter", about: int | None = None) -> CaseDocument:
    number = f"{kind}-{snapshot.pk}-{about}"
    return issue_once(
        snapshot,
        kind=kind,
        number=number,
        title="Un acte",
        template="pdf/base.html",
        context=dict,
        about=about,
    )


def test_document_is_issued_once_for_a_deposit_and_a_matter() -> None:
    snapshot = Snapshot.objects.get(case_id=cases.deposited().pk)
    first = [issue(snapshot), issue(snapshot, about=1), issue(snapshot, about=2)]
    files = list(OfficialDocument.objects.values().order_by("number"))

    def refuse() -> dict[str, Any]:
        raise AssertionError("rendered again")

    again = issue_once(
        snapshot, kind="letter", number="x", title="x", template="x", context=refuse, about=2
    )
    assert (again, len({link.document_id for link in first})) == (first[2], 3)
    assert list(OfficialDocument.objects.values().order_by("number")) == files


def test_database_refuses_a_second_document_of_the_same_matter() -> None:
    snapshot = Snapshot.objects.get(case_id=cases.deposited().pk)
    link, other = issue(snapshot), issue(snapshot, about=1)
    with pytest.raises(IntegrityError, match="case_document_once"), transaction.atomic():
        CaseDocument.objects.filter(pk=other.pk).update(about=None)
    assert link.about is None


def test_document_whose_kind_names_no_readers_is_read_by_nobody() -> None:
    letter = cases.deposited()
    snapshot = Snapshot.objects.get(case_id=letter.pk)
    known, unknown = issue(snapshot), issue(snapshot, kind="forgotten")

    assert list(readable_documents(letter, letter.created_by)) == [known]
    client = Client()
    client.force_login(letter.created_by)

    def status(name: str, link: CaseDocument) -> int:
        url = reverse(f"{name}:document", args=[letter.public_id, link.document_id])
        return client.get(url).status_code

    statuses = [status(name, one) for name in ("cases", "letters") for one in (known, unknown)]
    assert statuses == [200, 404, 200, 404]


def test_document_of_another_case_is_not_found() -> None:
    letter, other = cases.deposited(), cases.deposited()
    link = issue(Snapshot.objects.get(case_id=other.pk))
    client = Client()
    client.force_login(letter.created_by)
    for case in (letter, other):
        url = reverse("cases:document", args=[case.public_id, link.document_id])
        assert client.get(url).status_code == 404


def test_stored_bytes_are_handed_out_as_they_are() -> None:
    letter = cases.deposited()
    link = issue(Snapshot.objects.get(case_id=letter.pk))
    client = Client()
    client.force_login(factories.team_member(letter.community, role="reader").user)
    url = reverse("cases:document", args=[letter.public_id, link.document_id])
    answer = client.get(url)
    again = client.get(url, headers={"If-None-Match": answer.headers["ETag"]})
    assert (answer.content, again.status_code) == (read_document(link.document), 304)
    assert flat_text(answer.content) == flat_text(read_document(link.document))
