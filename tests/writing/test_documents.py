"""The official documents: what they say, that they never change, and who reads them."""

import hashlib
import io
import re
from datetime import date

import pytest
from django.urls import reverse
from page import ValidationProfile, validate_pdf_bytes
from pypdf import PdfReader

from cpts_portal.words import file_size, long_date
from documents.french import french_spaces, to_paragraphs
from documents.models import OfficialDocument
from letters.models import LetterOfIntent
from territories.contours import load_contours
from territories.models import Commune
from territories.services import add_communes, add_part
from tests import factories
from tests.documents.pdf import (
    flat_text,
    page_texts,
    squeezed,
    structure,
    text_outside_the_page,
)
from tests.letters import cases
from tests.territories.outlines import grid, write
from workflow.models import CaseDocument, Snapshot
from workflow.official import DocumentAlteredError, read_document
from writing import services as writing_services
from writing.content import procedure_of
from writing.documents import documents_of, issue_documents
from writing.printing import column_widths

pytestmark = pytest.mark.django_db


def issue(letter: LetterOfIntent) -> dict[str, OfficialDocument]:
    """The documents of a deposited letter, by kind."""
    snapshot = Snapshot.objects.get(case_id=letter.pk, version=letter.version)
    return {link.kind: link.document for link in issue_documents(letter, snapshot)}


def answer(letter: LetterOfIntent, key: str, value: object) -> None:
    field = procedure_of(letter).field(key)
    writing_services.save_answer(letter, field, value, user=letter.created_by, base_revision=None)


# --- What is issued --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "communes", "suffixes"),
    [
        ("76", ("81140",), {"letter": "", "receipt": "-AR"}),
        ("32", ("62041",), {"letter": "", "receipt": "-AR", "paper": "-P"}),
        ("52", ("44114",), {"letter": "", "receipt": "-AR"}),
        ("84", ("01053",), {"letter": "", "receipt": "-AR"}),
    ],
)
def test_each_region_gives_its_documents_numbered_after_the_reference(region, communes, suffixes):
    letter = cases.deposited(region, communes=communes)

    assert {kind: document.number for kind, document in issue(letter).items()} == {
        kind: f"{letter.reference}{suffix}" for kind, suffix in suffixes.items()
    }


def test_issuing_again_changes_nothing():
    letter = cases.deposited()
    first = issue(letter)
    rows = list(OfficialDocument.objects.order_by("pk").values())

    assert (issue(letter), list(OfficialDocument.objects.order_by("pk").values())) == (first, rows)


def test_stored_bytes_match_their_hash_and_size():
    document = issue(cases.deposited())["letter"]
    pdf = read_document(document)

    assert (document.sha256, document.size) == (hashlib.sha256(pdf).hexdigest(), len(pdf))


def test_document_altered_in_the_storage_is_not_handed_out():
    document = issue(cases.deposited())["letter"]
    with document.file.storage.open(document.file.name, "wb") as file:
        file.write(b"%PDF-1.7 something else")

    with pytest.raises(DocumentAlteredError, match=re.escape(document.number)):
        read_document(document)


def test_documents_come_from_the_snapshot_whatever_changes_afterwards():
    letter = cases.deposited()
    Commune.objects.filter(code="81140").update(name="Lavaur-la-Neuve")

    text = flat_text(read_document(issue(letter)["letter"]))

    assert ("Lavaur-la-Neuve" in text, "81140" in text) == (False, True)


# --- The letter ------------------------------------------------------------------------


def test_letter_is_tagged_french_titled_bookmarked_and_conforms():
    letter = cases.deposited()
    pdf = read_document(issue(letter)["letter"])
    reader = PdfReader(io.BytesIO(pdf))
    report = validate_pdf_bytes(pdf, profile=ValidationProfile.PDF_UA_1)
    catalog = reader.trailer["/Root"]
    bookmarks = flatten(reader.outline)

    assert {
        "faults": [failure.message for failure in report.failures],
        "language": catalog["/Lang"],
        "title": reader.metadata.title,
        "parts": [title for title in bookmarks if title.startswith(("I - ", "II - "))],
    } == {
        "faults": [],
        "language": "fr",
        "title": f"Lettre d’intention – {letter.title} ({letter.reference})",
        "parts": ["I - Le contexte territorial", "II - Le projet de CPTS"],
    }


def test_letter_holds_the_map_of_what_was_frozen_and_still_conforms(tmp_path):
    letter = cases.deposited("76", communes=("81140",))
    load_contours(write(tmp_path / "81.json", grid(["81140", "81271", "81004"], columns=2)))
    add_communes(letter.community.territory, ["81004"])

    pdf = read_document(issue(letter)["letter"])

    report = validate_pdf_bytes(pdf, profile=ValidationProfile.PDF_UA_1)
    assert [failure.message for failure in report.failures] == []
    text = flat_text(pdf)
    assert text.count("Le territoire est hachuré, en trait épais") == 1
    assert figure_texts(pdf) == ["Carte : 1 commune, Tarn (81). Commune : Lavaur."]


def figure_texts(pdf: bytes) -> list[str]:
    """What is read aloud for each figure of the document."""
    tags = structure(PdfReader(io.BytesIO(pdf)))
    return [words.replace("\u00a0", " ") for tag, words in tags if tag == "/Figure"]


def flatten(outline: list) -> list[str]:
    return [
        title
        for item in outline
        for title in (flatten(item) if isinstance(item, list) else [item.title])
    ]


def test_every_page_bears_the_reference_and_its_number():
    letter = cases.complete()
    answer(letter, "prediagnosis", "Un paragraphe assez long pour tenir la page. " * 110)
    cases.file(letter)
    pages = page_texts(read_document(issue(letter)["letter"]))

    assert [
        (str(letter.reference) in text, f"page {number} sur {len(pages)}" in text)
        for number, text in enumerate(pages, start=1)
    ] == [(True, True)] * len(pages)


def test_boxes_say_in_words_what_is_ticked():
    text = flat_text(read_document(issue(cases.deposited())["letter"]))

    assert "case cochée : Taille 1 (moins de 40 000 habitants)" in text
    assert "case non cochée : Taille 4 (plus de 175 000 habitants)" in text


def test_nothing_is_cut_from_very_long_answers_tables_and_lists():
    communes = list(
        Commune.objects.filter(department__in=["31", "81"], kind="commune")
        .order_by("-population")
        .values_list("code", flat=True)[:200]
    )
    assert len(communes) == 200, "this test needs the communes of France"
    letter = cases.complete("76", communes=tuple(communes))
    answer(letter, "difficult_pathways", "m" * 5000)
    answer(letter, "existing_tools", "Des mots, toujours des mots. " * 170)
    answer(
        letter,
        "team",
        [
            {"name": f"Personne{number:02}", "profession": "Infirmière", "structure": "y" * 150}
            for number in range(60)
        ],
    )
    cases.file(letter)
    pdf = read_document(issue(letter)["letter"])
    text = squeezed("".join(page_texts(pdf)))

    assert {
        "long word": text.count("m") >= 5000,
        "words": text.count("toujours"),
        "people": sum(f"Personne{number:02}" in text for number in range(60)),
        "communes": sum(code in text for code in communes),
        "outside the page": text_outside_the_page(pdf),
    } == {"long word": True, "words": 170, "people": 60, "communes": 200, "outside the page": []}


def test_each_commune_is_a_line_with_its_population_and_its_codes():
    letter = cases.deposited(communes=("81140", "81011"))

    text = flat_text(read_document(issue(letter)["letter"]))

    assert [
        "Ambres 1 033 hab. 81500 81011" in text,
        "Lavaur 10 965 hab. 81500 81140" in text,
    ] == [True, True]


def test_a_part_of_a_commune_and_a_declared_population_are_printed():
    letter = cases.complete("76", communes=("81271",))
    territory = letter.community.territory
    add_part(territory, "81140", "Quartier du Pigné", 1200)
    territory.declared_population = 12_345
    territory.declared_population_reason = "Comptage de l’équipe."
    territory.save()
    cases.file(letter)

    text = flat_text(read_document(issue(letter)["letter"]))

    assert [
        "Lavaur – Quartier du Pigné (partie)" in text,
        "12 345 habitants" in text,
        "Comptage de l’équipe." in text,
    ] == [True, True, True]


# --- The receipt -----------------------------------------------------------------------


def test_receipt_holds_the_mentions_of_the_law_on_one_page():
    letter = cases.deposited("76")
    content = Snapshot.objects.get(case_id=letter.pk).content
    pages = page_texts(read_document(issue(letter)["receipt"]))
    text = " ".join(" ".join(pages).split())
    silence = long_date(date.fromisoformat(content["silence_date"])).replace("\u00a0", " ")

    assert len(pages) == 1
    assert {
        mention: mention in text
        for mention in (
            str(letter.reference),
            letter.title,
            str(letter.office),
            str(letter.office.email),
            "Le silence vaut rejet",
            silence,
            "sous réserve qu’elle soit complète",
            "recours gracieux",
            "recours contentieux",
            "deux mois",
        )
    } == dict.fromkeys(
        (
            str(letter.reference),
            letter.title,
            str(letter.office),
            str(letter.office.email),
            "Le silence vaut rejet",
            silence,
            "sous réserve qu’elle soit complète",
            "recours gracieux",
            "recours contentieux",
            "deux mois",
        ),
        True,
    )


def test_receipt_of_an_office_without_address_says_where_to_write():
    cases.reference_rows()
    office = cases.body("ars_branch", "84", "01")
    agency = cases.body("ars", "84")
    type(office).objects.filter(pk__in=[office.pk, agency.pk]).update(
        email="", address="", phone="", parent=None
    )
    letter = cases.deposited("84", communes=("01053",))

    text = squeezed(flat_text(read_document(issue(letter)["receipt"])))

    address = f"http://testserver{reverse('letters:detail', args=[letter.public_id])}"
    assert squeezed(address) in text


# --- The version to post -----------------------------------------------------------------


def test_address_of_the_version_to_post_falls_in_the_window():
    cases.reference_rows()
    office = cases.body("ars_branch", "32", "62")
    type(office).objects.filter(pk=office.pk).update(
        address="14 Voie Bossuet\n62016 Arras Cedex",
        service="Direction de l’Offre de Soins",
        name="Pôle de proximité Pas-de-Calais",
        parent=cases.body("ars", "32"),
    )
    letter = cases.deposited("32", communes=("62041",))
    first = PdfReader(io.BytesIO(read_document(issue(letter)["paper"]))).pages[0]
    found: dict[str, tuple[float, float]] = {}
    height = float(first.mediabox.height)

    def visit(text, matrix, text_matrix, _font, _size):
        x = matrix[0] * text_matrix[4] + matrix[4]
        y = matrix[3] * text_matrix[5] + matrix[5]
        for line in ("14 Voie Bossuet", "62016 Arras Cedex"):
            if line in text.replace("\u00a0", " "):
                found[line] = (x / 72 * 25.4, (height - y) / 72 * 25.4)

    first.extract_text(visitor_text=visit)

    # Millimetres from the left and from the top that both windows show whatever the sheet does.
    assert {line: 105 <= x <= 185 and 55 <= y <= 79 for line, (x, y) in found.items()} == {
        "14 Voie Bossuet": True,
        "62016 Arras Cedex": True,
    }


# --- Reading them ------------------------------------------------------------------------


def test_second_download_is_the_same_bytes(client):
    letter = cases.deposited()
    document = issue(letter)["letter"]
    client.force_login(letter.created_by)
    address = reverse("letters:document", args=[letter.public_id, document.pk])

    first, second = client.get(address), client.get(address)

    assert (
        first.content == second.content,
        hashlib.sha256(second.content).hexdigest(),
        second["Content-Type"],
        second["Content-Disposition"],
        second["ETag"],
        client.get(address, headers={"if-none-match": second["ETag"]}).status_code,
        client.get(address, {"telecharger": "1"})["Content-Disposition"],
    ) == (
        True,
        document.sha256,
        "application/pdf",
        f'inline; filename="{letter.reference}.pdf"',
        f'"{document.sha256}"',
        304,
        f'attachment; filename="{letter.reference}.pdf"',
    )


def test_office_in_charge_reads_the_letter_and_others_learn_nothing(client):
    letter = cases.deposited()
    address = reverse("letters:document", args=[letter.public_id, issue(letter)["letter"].pk])
    agent = factories.membership(organisation_=letter.office).user
    stranger = factories.user()

    statuses = []
    for person in (agent, stranger):
        client.force_login(person)
        statuses.append(client.get(address).status_code)
    client.logout()

    assert (statuses, client.get(address).status_code) == ([200, 404], 302)


def test_document_of_another_letter_is_not_found_through_mine(client):
    mine, other = cases.deposited(), cases.deposited()
    document = issue(other)["letter"]
    client.force_login(mine.created_by)

    response = client.get(reverse("letters:document", args=[mine.public_id, document.pk]))

    assert response.status_code == 404


def test_preview_is_a_draft_and_keeps_nothing(client):
    letter = cases.complete()
    client.force_login(letter.created_by)

    response = client.get(reverse("letters:preview", args=[letter.public_id]))

    assert (
        response.status_code,
        response["Content-Type"],
        "BROUILLON" in flat_text(response.content),
        OfficialDocument.objects.count(),
    ) == (200, "application/pdf", True, 0)


def test_preview_of_an_empty_draft_is_drawn(client):
    letter = cases.draft("32")
    client.force_login(letter.created_by)

    response = client.get(reverse("letters:preview", args=[letter.public_id]))

    assert "Non renseigné" in flat_text(response.content)


def test_preview_of_somebody_else_s_draft_is_not_found(client):
    letter = cases.complete()
    client.force_login(factories.user())

    assert client.get(reverse("letters:preview", args=[letter.public_id])).status_code == 404


def test_previews_are_limited_for_one_person(client, monkeypatch):
    monkeypatch.setattr("workflow.views.documents.PREVIEWS", 1)
    letter = cases.complete()
    client.force_login(letter.created_by)
    address = reverse("letters:preview", args=[letter.public_id])

    assert [client.get(address).status_code for _ in range(2)] == [200, 429]


def test_documents_in_preparation_are_not_listed_yet():
    letter = cases.deposited("32", communes=("62041",))
    before = documents_of(letter)
    issue(letter)

    assert (before, [link.kind for link in documents_of(letter)]) == (
        [],
        ["letter", "receipt", "paper"],
    )
    assert CaseDocument.objects.count() == 3


# --- French on paper -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("Oui ; non : quoi ?", "Oui\u00a0; non\u00a0: quoi\u00a0?"),
        ("« mot »", "«\u00a0mot\u00a0»"),
        ("article L. 231-4", "article L.\u00a0231-4"),
        ("12:30", "12:30"),
        ("http://exemple.test/?a", "http://exemple.test/?a"),
    ],
)
def test_spaces_beside_french_punctuation_do_not_break(written, printed):
    assert french_spaces(written) == printed


def test_blank_lines_part_paragraphs():
    assert to_paragraphs(["un", "deux", "", "", "trois"]) == [["un", "deux"], ["trois"]]


@pytest.mark.parametrize(
    ("day", "printed"),
    [(date(2027, 3, 1), "1er mars 2027"), (date(2026, 11, 22), "22 novembre 2026")],
)
def test_dates_are_written_in_full(day, printed):
    assert long_date(day).replace("\u00a0", " ") == printed


@pytest.mark.parametrize(
    ("size", "printed"), [(0, "1 Ko"), (812_400, "812 Ko"), (2_449_000, "2,4 Mo")]
)
def test_sizes_are_written_in_french(size, printed):
    assert file_size(size).replace("\u00a0", " ") == printed


def test_widths_give_short_columns_what_they_need():
    cell = {"lines": [], "boxes": [], "number": False}
    rows = [
        [
            cell | {"lines": ["Accès"]},
            cell | {"boxes": [{"label": "Oui", "ticked": True}]},
            cell | {"lines": ["mot " * 200]},
        ]
    ]

    widths = [float(width) for width in column_widths(["Mission", "Oui / Non", "Texte"], rows)]

    assert (round(sum(widths)), widths[0] < 15, widths[1] < 15) == (100, True, True)
