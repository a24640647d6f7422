"""A template becomes an accessible PDF, from the project's own files only."""

import io
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from page import ValidationProfile, validate_pdf_bytes
from pypdf import PdfReader

from documents.box_font import TARGET, WORDS, box_font
from documents.rendering import ForbiddenResourceError, LocalFetcher, html_to_pdf, warm_up
from tests.documents.pdf import flat_text, pixels_unlike_white

PAGE = (
    '<html lang="fr"><head><title>Lettre d’essai</title></head>'
    "<body><h1>Lettre d’essai</h1>{body}</body></html>"
)


def test_document_is_tagged_french_and_titled():
    reader = PdfReader(io.BytesIO(html_to_pdf(PAGE.format(body="<h2>Un</h2><p>Texte</p>"))))

    catalog = reader.trailer["/Root"]
    assert {
        "language": catalog["/Lang"],
        "marked": bool(catalog["/MarkInfo"]["/Marked"]),
        "structure": catalog["/StructTreeRoot"]["/Type"],
        "title": reader.metadata.title,
        "bookmarks": [item.title for item in reader.outline if not isinstance(item, list)],
    } == {
        "language": "fr",
        "marked": True,
        "structure": "/StructTreeRoot",
        "title": "Lettre d’essai",
        "bookmarks": ["Lettre d’essai"],
    }


@pytest.mark.parametrize("draft", [False, True])
def test_document_conforms_to_pdf_ua(draft):
    pdf = html_to_pdf(
        PAGE.format(
            body="<table><thead><tr><th scope=col>A</th></tr></thead><tbody><tr><td>1</td></tr>"
            "</tbody></table><p><span class='box ticked'>case cochée : </span>Oui</p>"
        ),
        draft=draft,
    )

    report = validate_pdf_bytes(pdf, profile=ValidationProfile.PDF_UA_1)

    assert [failure.message for failure in report.failures] == []


def test_same_page_gives_same_bytes():
    page = PAGE.format(body="<p>Toujours la même chose</p>")

    assert html_to_pdf(page) == html_to_pdf(page)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:9/pixel.png",
        "https://exemple.test/pixel.png",
        "file:///etc/hostname",
        "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
        "static:../cpts_portal/settings/base.py",
        "static:pdf/absent.svg",
        "memory:absent.png",
    ],
)
def test_fetcher_serves_nothing_from_elsewhere(address):
    with pytest.raises(ForbiddenResourceError):
        LocalFetcher({"map.svg": b"<svg/>"})(address)


def test_outside_image_leaves_a_blank_and_is_never_asked_for(unused_tcp_port_listener):
    port, connections = unused_tcp_port_listener
    page = PAGE.format(body=f'<p>Avant <img src="http://127.0.0.1:{port}/p.png" alt="p"> après</p>')

    pdf = html_to_pdf(page)

    assert (connections(), "après" in flat_text(pdf)) == (0, True)


def test_static_file_and_given_file_are_served():
    fetcher = LocalFetcher({"map.svg": b"<svg/>"})

    assert fetcher("memory:map.svg").read() == b"<svg/>"
    assert fetcher("static:pdf/draft.svg").read().startswith(b"<svg")


def test_draft_is_marked_on_every_page_and_an_official_document_on_none():
    body = '<p>Un</p><p style="break-before: page">Deux</p>'
    draft, official = (html_to_pdf(PAGE.format(body=body), draft=mark) for mark in (True, False))

    assert ["BROUILLON" in page.extract_text() for page in PdfReader(io.BytesIO(draft)).pages] == [
        True,
        True,
    ]
    assert "BROUILLON" not in flat_text(official)
    # The drawn mark covers far more of the page than the two words of text.
    assert pixels_unlike_white(draft, page=1) > 10 * pixels_unlike_white(official, page=1)


def test_characters_without_meaning_on_paper_are_left_out():
    pdf = html_to_pdf(PAGE.format(body="<p>Début\x07\x0b fin 54\u202f800</p>"))

    assert "Début fin 54 800" in flat_text(pdf)


@pytest.mark.parametrize("words", WORDS.values())
def test_box_is_one_drawn_letter_read_as_words(words):
    pages = {
        font: html_to_pdf(
            PAGE.format(
                body=f"<p><span class='box' style='font-family: {font}'>{words} </span>A</p>"
            )
        )
        for font in ("Cases", "Marianne")
    }
    drawn = {font: PdfReader(io.BytesIO(pdf)).pages[0] for font, pdf in pages.items()}

    assert {font: f"{words} A" in flat_text(pdf) for font, pdf in pages.items()} == {
        "Cases": True,
        "Marianne": True,
    }
    assert glyphs(drawn["Marianne"]) - glyphs(drawn["Cases"]) == len(words) - 1


def glyphs(page) -> int:
    """How many glyphs a page draws: four hexadecimal digits each, between angle brackets."""
    content = page.get_contents().get_data().decode("latin-1")
    return sum(len(run) // 4 for run in re.findall("<([0-9a-f]+)>", content))


def test_font_of_boxes_is_what_its_program_makes():
    assert tables(TARGET.read_bytes()) == tables(box_font())


def tables(font: bytes) -> bytes:
    """The font without its compression, whose bytes depend on the machine's library."""
    read, written = TTFont(io.BytesIO(font), recalcTimestamp=False), io.BytesIO()
    read.flavor = None
    read.save(written)
    return written.getvalue()


def test_page_is_read_alike_as_xml_and_as_html():
    body = "<p>Un &amp; deux « trois »{line}suite</p><ul><li>Quatre</li></ul>"
    closed, unclosed = (
        flat_text(html_to_pdf(PAGE.format(body=body.format(line=line))))
        for line in ("<br/>", "<br>")
    )

    assert (closed, "Un & deux « trois » suite" in closed) == (unclosed, True)


def test_templates_of_documents_are_well_formed_xml():
    unclosed = re.compile(r"<(?:br|col|hr|img|input|link|meta)\b[^>]*(?<!/)>")
    templates = Path(__file__).parents[2] / "templates" / "pdf"

    assert {
        path.name: found
        for path in sorted(templates.rglob("*.html"))
        if (found := unclosed.findall(re.sub(r"{[{%].*?[%}]}", "", path.read_text())))
    } == {}


def test_worker_is_made_ready_without_error():
    warm_up()
