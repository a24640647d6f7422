"""Attachments: checked by content, kept in their place, read by those who may see the case."""

import hashlib
import io
import uuid
import zipfile
from typing import Any

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from documents.models import Attachment
from documents.services import MAX_SIZE
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from workflow.models import Answer, CaseAttachment
from writing import services as writing_services
from writing.content import missing_before_deposit, read_content

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(17)
EXECUTABLE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff" + bytes(400)


def documents(kind: str) -> bytes:
    """A small office file of this kind, as an office suite would begin it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        if kind in {"odt", "ods"}:
            what = {"odt": "text", "ods": "spreadsheet"}[kind]
            archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{what}")
            archive.writestr("content.xml", "<office/>")
        else:
            main = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}[kind]
            archive.writestr("[Content_Types].xml", "<Types/>")
            archive.writestr("_rels/.rels", "<Relationships/>")
            archive.writestr(main, "<document/>")
    return buffer.getvalue()


pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> LetterOfIntent:
    return cases.draft("76", communes=("81140",))


@pytest.fixture
def owner(client: Any, letter: LetterOfIntent) -> Any:
    client.force_login(letter.created_by)
    return client


def file(name: str = "cerfa.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    # The type a browser announces is never trusted.
    return SimpleUploadedFile(name, content, content_type="application/pdf")


def url(name: str, letter: LetterOfIntent, *args: Any) -> str:
    return reverse(f"letters:{name}", args=[letter.public_id, *args])


def add(client: Any, letter: LetterOfIntent, slot: str, *files: Any, **headers: Any) -> Any:
    return client.post(url("attachment-add", letter, slot), {"files": files}, headers=headers)


def stored(letter: LetterOfIntent) -> list[tuple[str, str, str]]:
    links = CaseAttachment.objects.filter(case=letter).select_related("attachment")
    return [(link.slot, link.attachment.name, link.attachment.content_type) for link in links]


def read(response: Any) -> str:
    return response.content.decode().replace("\u00a0", " ")


# --- Sending -------------------------------------------------------------------------


def test_a_file_is_kept_in_its_slot_with_its_size_and_hash(owner, letter):
    response = add(owner, letter, "cerfa", file())
    assert (response.status_code, stored(letter)) == (
        302,
        [("cerfa", "cerfa.pdf", "application/pdf")],
    )
    attachment = Attachment.objects.get()
    assert (attachment.size, attachment.sha256, attachment.scan) == (
        len(PDF),
        hashlib.sha256(PDF).hexdigest(),
        "not_scanned",
    )
    text = read(owner.get(url("attachments", letter)))
    assert "cerfa.pdf" in text
    assert "(PDF, 1 Ko)" in text


def test_several_files_are_sent_at_once(owner, letter):
    add(owner, letter, "other", file("a.pdf"), file("b.png", PNG))
    assert stored(letter) == [
        ("other", "a.pdf", "application/pdf"),
        ("other", "b.png", "image/png"),
    ]


@pytest.mark.parametrize("kind", ["docx", "xlsx", "odt", "ods"])
def test_office_files_are_known_by_their_content(owner, letter, kind):
    response = add(owner, letter, "diagnosis", file(f"diagnostic.{kind}", documents(kind)))
    assert (response.status_code, len(stored(letter))) == (302, 1)


@pytest.mark.parametrize(
    ("slot", "sent", "expected"),
    [
        ("cerfa", ("cerfa.pdf", EXECUTABLE), "d’après son contenu, ce n’est pas un fichier PDF"),
        ("cerfa", ("cerfa.pdf", b"#!/bin/sh\nrm -rf /\n"), "ce n’est pas un fichier PDF"),
        ("cerfa", ("carte.png", PNG), "ce n’est pas un fichier PDF"),
        ("map", ("carte.pdf", EXECUTABLE), "ce n’est pas un fichier PDF, JPEG ou PNG"),
        ("diagnosis", ("archive.docx", b"PK\x05\x06" + bytes(18)), "d’après son contenu"),
        ("diagnosis", ("casse.docx", documents("docx")[:60]), "d’après son contenu"),
        ("cerfa", ("vide.pdf", b""), "est vide"),
        ("cerfa", ("gros.pdf", PDF + bytes(MAX_SIZE)), "pèse plus de 10 Mo"),
    ],
    ids=[
        "executable",
        "script",
        "image",
        "not a map",
        "bare zip",
        "broken zip",
        "empty",
        "oversized",
    ],
)
def test_a_bad_file_is_refused_beside_its_slot_and_in_the_list(owner, letter, slot, sent, expected):
    response = add(owner, letter, slot, file(*sent))
    text = read(response)
    assert response.status_code == 422
    assert text.count(expected) == 2
    assert f'href="#fichiers-{slot}"' in text
    assert (stored(letter), Attachment.objects.count()) == ([], 0)


def test_good_files_are_kept_when_another_is_refused(owner, letter):
    response = add(owner, letter, "other", file("bon.pdf"), file("mauvais.pdf", EXECUTABLE))
    assert (response.status_code, stored(letter)) == (
        422,
        [("other", "bon.pdf", "application/pdf")],
    )
    text = read(response)
    assert "« mauvais.pdf » n’est pas accepté ici" in text
    assert "bon.pdf" in text


def test_a_spreadsheet_made_by_a_program_is_known_too(owner, letter):
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    response = add(owner, letter, "diagnosis", file("professionnels.xlsx", buffer.getvalue()))
    assert (response.status_code, stored(letter)) == (
        302,
        [
            (
                "diagnosis",
                "professionnels.xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            )
        ],
    )


def test_a_document_with_macros_is_refused(owner, letter):
    buffer = io.BytesIO(documents("docx"))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("word/vbaProject.bin", "macro")
    response = add(owner, letter, "diagnosis", file("macro.docx", buffer.getvalue()))
    assert (response.status_code, stored(letter)) == (422, [])


def test_a_file_of_exactly_ten_megabytes_is_kept(owner, letter):
    response = add(owner, letter, "cerfa", file("juste.pdf", PDF + bytes(MAX_SIZE - len(PDF))))
    assert (response.status_code, Attachment.objects.get().size) == (302, MAX_SIZE)


def test_too_many_files_are_refused(owner, letter):
    response = add(owner, letter, "cerfa", file("un.pdf"), file("deux.pdf"))
    assert response.status_code == 422
    assert "accepte 1 fichier(s) au plus" in read(response)
    assert stored(letter) == [("cerfa", "un.pdf", "application/pdf")]


def test_sending_nothing_is_said(owner, letter):
    response = owner.post(url("attachment-add", letter, "cerfa"), {})
    assert response.status_code == 422
    assert "Aucun fichier n’a été choisi" in read(response)


def test_an_unknown_slot_is_a_404(owner, letter):
    assert add(owner, letter, "passport", file()).status_code == 404


def test_a_form_beyond_every_limit_gets_words(owner, letter, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = owner.post(url("attachment-defer", letter, "cerfa"), {"reason": "x" * 2000})
    assert response.status_code == 400
    assert "trop volumineux" in read(response)


def test_the_script_receives_the_slot_alone(owner, letter):
    response = add(owner, letter, "cerfa", file(), **{"X-Fragment": "1"})
    assert (response.status_code, response["X-Fragment"]) == (200, "slot")
    text = read(response)
    assert "<html" not in text
    assert "cerfa.pdf" in text
    refused = add(owner, letter, "map", file("x.pdf", EXECUTABLE), **{"X-Fragment": "1"})
    assert (refused.status_code, refused["X-Fragment"]) == (422, "slot")


def test_names_cannot_lead_anywhere_nor_grow_without_end(owner, letter):
    add(owner, letter, "cerfa", file("../../étoile\u202e" + "x" * 300 + ".pdf"))
    attachment = Attachment.objects.get()
    assert attachment.name.endswith(".pdf")
    assert len(attachment.name) <= 150
    assert "/" not in attachment.name
    assert "\u202e" not in attachment.name
    assert attachment.file.name == f"attachments/{attachment.pk}"


# --- Announcing as to come -----------------------------------------------------------


def test_a_piece_can_be_announced_with_a_reason_and_withdrawn(owner, letter):
    place = url("attachment-defer", letter, "cerfa")
    owner.post(place, {"reason": "L’association se crée en mars."})
    assert read_content(letter).deferred == {"cerfa": "L’association se crée en mars."}
    assert "L’association se crée en mars." in read(owner.get(url("attachments", letter)))
    owner.post(place, {"reason": "   "})
    assert read_content(letter).deferred == {"cerfa": ""}


def test_a_required_piece_is_missing_until_it_is_joined_or_announced(owner, letter):
    def is_missing() -> bool:
        return any(one.field == "cerfa" for one in missing_before_deposit(read_content(letter)))

    outcomes = [is_missing()]
    owner.post(url("attachment-defer", letter, "cerfa"), {"reason": "À venir en mars."})
    outcomes.append(is_missing())
    owner.post(url("attachment-defer", letter, "cerfa"), {"reason": ""})
    outcomes.append(is_missing())
    add(owner, letter, "cerfa", file())
    outcomes.append(is_missing())
    assert outcomes == [True, False, True, False]


@pytest.mark.parametrize(
    ("slot", "reason", "expected"),
    [
        ("map", "Plus tard", "ne peut pas être annoncée comme à venir"),
        ("cerfa", "x" * 2000, "compte 2 000 caractères"),
    ],
)
def test_what_cannot_be_announced_is_refused_and_the_text_kept(
    owner, letter, slot, reason, expected
):
    response = owner.post(url("attachment-defer", letter, slot), {"reason": reason})
    assert response.status_code == 422
    assert expected in read(response)
    assert not Answer.objects.filter(case=letter, key=slot).exists()


# --- Removing ------------------------------------------------------------------------


def test_a_file_is_removed_after_a_question_and_its_bytes_go(
    owner, letter, django_capture_on_commit_callbacks
):
    add(owner, letter, "cerfa", file())
    attachment = Attachment.objects.get()
    place = url("attachment-remove", letter, attachment.pk)
    assert "cerfa.pdf" in read(owner.get(place))
    assert Attachment.objects.count() == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert owner.post(place).status_code == 302
    assert stored(letter) == []
    assert not default_storage.exists(f"attachments/{attachment.pk}")


# --- Who may ---------------------------------------------------------------------------


def test_the_file_comes_down_as_it_went_up(owner, letter):
    add(owner, letter, "cerfa", file("CERFA de l’équipe.pdf"))
    place = url("attachment", letter, Attachment.objects.get().pk)
    response = owner.get(place)
    assert b"".join(response.streaming_content) == PDF
    assert response["Content-Disposition"].startswith("attachment; ")
    assert {
        name: response[name] for name in ("Content-Type", "X-Content-Type-Options", "Cache-Control")
    } == {
        "Content-Type": "application/pdf",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    again = owner.get(place, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_file_whose_bytes_are_gone_is_a_404(owner, letter):
    add(owner, letter, "cerfa", file())
    attachment = Attachment.objects.get()
    default_storage.delete(attachment.file.name)
    assert owner.get(url("attachment", letter, attachment.pk)).status_code == 404


def test_each_person_downloads_what_they_may_see_and_nothing_else(client, letter):
    cases.fill(letter)
    slot = writing_services.slot_of(letter, "cerfa")
    link = writing_services.attach(letter, slot, file(), user=letter.created_by)
    place = url("attachment", letter, link.attachment_id)
    elsewhere = cases.draft("76")
    guichet = cases.agent(cases.body("one_stop_desk", "76"))
    people = {
        "owner": letter.created_by,
        "reader": factories.team_member(letter.community, role="reader").user,
        "outsider": factories.user(),
        "owner of another letter": elsewhere.created_by,
        "Guichet": guichet,
        "office of another région": cases.agent(cases.body("ars_branch", "32", "59")),
    }

    def seen() -> dict[str, int]:
        found = {}
        for role, person in people.items():
            client.force_login(person)
            response = client.get(place)
            found[role] = response.status_code
            if response.streaming:
                assert b"".join(response.streaming_content) == PDF
        return found

    assert seen() == {
        "owner": 200,
        "reader": 200,
        "outsider": 404,
        "owner of another letter": 404,
        "Guichet": 404,
        "office of another région": 404,
    }
    cases.file(letter)
    assert seen() == {
        "owner": 200,
        "reader": 200,
        "outsider": 404,
        "owner of another letter": 404,
        "Guichet": 200,
        "office of another région": 404,
    }
    client.logout()
    assert client.get(place).status_code == 302


def test_a_file_is_not_found_through_another_letter(owner, letter):
    add(owner, letter, "cerfa", file())
    mine = cases.draft("76", owner=letter.created_by)
    attachment = Attachment.objects.get()
    assert [
        owner.get(url("attachment", mine, attachment.pk)).status_code,
        owner.post(url("attachment-remove", mine, attachment.pk)).status_code,
        owner.get(url("attachment", letter, uuid.uuid4())).status_code,
    ] == [404, 404, 404]
    assert stored(letter) != []


@pytest.mark.parametrize("when", ["reader", "deposited"])
def test_who_may_only_read_changes_nothing(client, letter, when):
    cases.fill(letter)
    slot = writing_services.slot_of(letter, "other")
    link = writing_services.attach(letter, slot, file(), user=letter.created_by)
    if when == "reader":
        client.force_login(factories.team_member(letter.community, role="reader").user)
    else:
        cases.file(letter)
        client.force_login(letter.created_by)
    assert [
        add(client, letter, "other", file()).status_code,
        client.post(url("attachment-defer", letter, "cerfa"), {"reason": ""}).status_code,
        client.post(url("attachment-remove", letter, link.attachment_id)).status_code,
    ] == [403, 403, 403]
    text = read(client.get(url("attachments", letter)))
    assert "<form" not in text.split("<main")[1].split("</main>")[0]
    assert len(stored(letter)) == 1


def test_the_page_costs_the_same_with_one_file_and_with_ten(owner, letter):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert owner.get(url("attachments", letter)).status_code == 200
        return len(captured)

    add(owner, letter, "other", file("0.pdf"))
    with_one = queries()
    add(owner, letter, "other", *(file(f"{number}.pdf") for number in range(1, 10)))
    assert (with_one, queries()) == (6, 6)


def test_the_summary_counts_what_was_refused_and_what_was_kept(owner, letter):
    fake = file("faux.pdf", b"pas un PDF")
    said = [
        read(add(owner, letter, "other", *files))
        for files in ([fake], [fake, file("a.pdf")], [fake, fake], [])
    ]
    titles = (
        "Ce fichier n’a pas été gardé.<",
        "Ce fichier n’a pas été gardé. L’autre l’est.<",
        "Ces fichiers n’ont pas été gardés.<",
        "Rien n’a été enregistré : voici pourquoi.<",
    )
    assert [[title in page for title in titles] for page in said] == [
        [True, False, False, False],
        [False, True, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]
