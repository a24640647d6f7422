"""What the diagnosis gives to the letter: shown first, added after what is written, never over."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from diagnosis import annex, asking, figures
from diagnosis.asking import DiagnosisError
from diagnosis.board import read_board
from diagnosis.models import DiagnosisRequest, Topic
from letters.models import LetterOfIntent
from tests import factories
from tests.diagnosis import drawing
from tests.diagnosis.test_diagnosis_requests import PDF, as_, text
from tests.documents.pdf import flat_text
from tests.letters import cases
from workflow.models import Answer, CaseAttachment

pytestmark = pytest.mark.django_db


def drafted(region: str = "76") -> LetterOfIntent:
    figures.refresh_areas()
    return cases.draft(region, communes=("81140",) if region == "76" else ("49007",))


def answer_of(letter: LetterOfIntent) -> Any:
    found = Answer.objects.filter(case=letter, key="prediagnosis").first()
    return (found.value, found.revision) if found else None


def page(letter: LetterOfIntent, name: str) -> str:
    return reverse(f"diagnosis:{name}", args=[letter.community.public_id])


def test_the_paragraph_is_shown_then_added_after_what_is_written() -> None:
    letter = drafted()
    client = as_(letter.created_by)
    Answer.objects.create(
        case_id=letter.pk,
        key="prediagnosis",
        value="Peu de médecins.",
        updated_by=letter.created_by,
    )
    said = annex.paragraph(read_board(letter.community))

    shown = text(client.get(page(letter, "paragraph")))
    assert "Peu de médecins." in shown
    assert "Le territoire réunit 1 commune" in shown
    assert client.post(page(letter, "paragraph"), {"revision": "7"}).status_code == 302
    assert answer_of(letter) == ("Peu de médecins.", 1)
    written = client.post(page(letter, "paragraph"), {"revision": "1"})
    assert written["Location"] == reverse("letters:detail", args=[letter.public_id])
    assert answer_of(letter) == (f"Peu de médecins.\n\n{said}", 2)
    assert "déjà dans" in text(client.get(page(letter, "paragraph")))
    client.post(page(letter, "paragraph"), {"revision": "2"})
    assert answer_of(letter) == (f"Peu de médecins.\n\n{said}", 2)


def test_a_field_too_full_is_left_as_it_is() -> None:
    letter = drafted()
    field = annex.field_of(letter)
    assert field is not None
    full = "x" * 200_000
    Answer.objects.create(
        case_id=letter.pk, key=field.key, value=full, updated_by=letter.created_by
    )
    with pytest.raises(DiagnosisError):
        annex.write_paragraph(letter, letter.community, user=letter.created_by, revision=1)
    assert answer_of(letter) == (full, 1)


def test_figures_are_printed_and_joined_where_the_region_has_a_place() -> None:
    letter = drafted()
    client = as_(letter.created_by)

    printed = client.get(page(letter, "pdf"))
    said = flat_text(printed.content).replace("\u00a0", " ")
    for words in ("Diagnostic du territoire", "Lavaur", "81140", "Occitanie", "INSEE"):
        assert words in said
    assert client.post(page(letter, "join")).status_code == 302
    joined = CaseAttachment.objects.get(case=letter)
    assert (joined.slot, joined.attachment.name) == ("diagnosis", annex.ANNEX_NAME)

    elsewhere = drafted("52")
    assert annex.field_of(elsewhere) is None
    other = as_(elsewhere.created_by)
    assert "ne le demande pas" in text(other.get(page(elsewhere, "paragraph")))


def test_a_document_of_an_answer_becomes_a_piece_of_the_letter() -> None:
    letter = drafted()
    community = letter.community
    made = asking.ask(
        community,
        by=letter.created_by,
        recipient=drawing.desk(),
        topics=Topic.values,
        wanted_on=timezone.localdate() + asking.USUAL_DELAY,
    )
    sent = SimpleUploadedFile("etude.pdf", PDF, content_type="application/pdf")
    asking.answer(made, by=drawing.agent(drawing.desk()), text="", files=[sent])
    file = DiagnosisRequest.objects.get().files.get().attachment
    url = reverse("diagnosis:join-answer", args=[made.public_id, file.pk])

    assert as_(drawing.agent(drawing.desk())).post(url).status_code == 403
    assert as_(letter.created_by).post(url).status_code == 302
    joined = CaseAttachment.objects.get(case=letter)
    assert (joined.slot, joined.attachment.sha256) == ("diagnosis", file.sha256)
    assert joined.attachment_id != file.pk


def test_who_may_not_write_the_letter_adds_nothing_to_it() -> None:
    letter = drafted()
    reader = factories.team_member(letter.community, role="reader").user
    people: dict[str, tuple[User, list[int]]] = {
        "reader": (reader, [200, 403, 403, 403]),
        "stranger": (factories.user(), [404] * 4),
        "office": (drawing.agent(drawing.desk()), [404] * 4),
    }
    for who, (person, expected) in people.items():
        client = as_(person)
        seen = [
            client.get(page(letter, "pdf")).status_code,
            client.get(page(letter, "paragraph")).status_code,
            client.post(page(letter, "paragraph"), {"revision": "0"}).status_code,
            client.post(page(letter, "join")).status_code,
        ]
        assert (who, seen) == (who, expected)
    assert Client().get(page(letter, "paragraph")).status_code == 302
    cases.fill(letter)
    cases.file(letter)
    owner = as_(letter.created_by)
    assert owner.post(page(letter, "join")).status_code == 403


def test_a_deposited_letter_is_offered_nothing_that_it_would_refuse() -> None:
    figures.refresh_areas()
    letter = cases.deposited("76", communes=("81140",))
    client = as_(letter.created_by)
    shown = text(client.get(page(letter, "overview")))
    offered = [words in shown for words in ("Ajouter un paragraphe", "Joindre ces", "le PDF")]
    assert offered == [False, False, True]
    assert client.get(page(letter, "paragraph")).status_code == 403
