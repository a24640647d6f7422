"""A template becomes an accessible PDF made to be kept, from the project's own files only."""

import io
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils.html import escape
from page import ValidationProfile, validate_pdf_bytes
from pypdf import PdfReader

from documents.box_font import TARGET, WORDS, box_font
from documents.rendering import RenderingError, html_to_pdf, warm_up
from tests.documents.pdf import (
    flat_text,
    page_texts,
    pixels_unlike_white,
    squeezed,
    structure,
    text_outside_the_page,
)

PAGE = (
    '<html lang="fr"><head><title>Lettre d’essai</title><meta name="author" content="Portail"/>'
    '<meta name="dcterms.created" content="2026-11-22T13:01:00+01:00"/></head>'
    '<body><h1>Lettre d’essai</h1>{body}<p class="running">LI-76-2026-0001 · Essai</p></body>'
    "</html>"
)
TABLE = (
    '<table class="rows"><colgroup><col style="width: 30%"/><col style="width: 70%"/></colgroup>'
    '<thead><tr><th scope="col">Profession</th><th scope="col">Nombre</th></tr></thead>'
    "<tbody>{rows}</tbody></table>"
)
ROW = '<tr class="short"><th scope="row">Profession {n}</th><td class="number">{n}</td></tr>'
DRAWING = (
    '<svg viewBox="0 0 40 20" role="img" aria-label="Carte de deux communes">'
    '<rect width="40" height="20" fill="{fill}"/>{more}</svg>'
)


def page(body: str) -> str:
    return PAGE.format(body=body)


def read(body: str, **options: object) -> PdfReader:
    return PdfReader(io.BytesIO(html_to_pdf(page(body), **options)))


# --- What the file says of itself ---------------------------------------------------------


def test_document_is_tagged_french_titled_dated_and_bookmarked():
    reader = read("<h2>Un</h2><p>Texte</p>")

    catalog = reader.trailer["/Root"]
    assert {
        "language": catalog["/Lang"],
        "marked": bool(catalog["/MarkInfo"]["/Marked"]),
        "title": reader.metadata.title,
        "author": reader.metadata.author,
        "made": reader.metadata.creation_date.astimezone(UTC),
        "shows its title": bool(catalog["/ViewerPreferences"]["/DisplayDocTitle"]),
        "bookmarks": [reader.outline[0].title, reader.outline[1][0].title],
    } == {
        "language": "fr",
        "marked": True,
        "title": "Lettre d’essai",
        "author": "Portail",
        "made": datetime(2026, 11, 22, 12, 1, tzinfo=UTC),
        "shows its title": True,
        "bookmarks": ["Lettre d’essai", "Un"],
    }


@pytest.mark.parametrize("draft", [False, True])
def test_document_conforms_to_pdf_ua_and_says_it_is_a_pdf_a(draft):
    pdf = html_to_pdf(
        page(
            TABLE.format(rows=ROW.format(n=1))
            + "<p><span class='box ticked'>case cochée : </span>Oui</p>"
            + f"<figure>{DRAWING.format(fill='#e8e9f7', more='')}<figcaption>Le territoire"
            "</figcaption></figure>"
            + "<ul><li>Un</li></ul><dl class='sheet'><div><dt>Nom</dt><dd>Ici</dd></div></dl>"
        ),
        draft=draft,
    )

    report = validate_pdf_bytes(pdf, profile=ValidationProfile.PDF_UA_1)
    metadata = PdfReader(io.BytesIO(pdf)).xmp_metadata.rdf_root.toxml()

    assert (
        [failure.message for failure in report.failures],
        re.findall(r"<(pdf\w+id:\w+)>(\w+)<", metadata),
    ) == (
        [],
        [("pdfaid:part", "3"), ("pdfaid:conformance", "A"), ("pdfuaid:part", "1")],
    )


def test_structure_names_headings_lists_tables_and_drawings():
    reader = read(
        "<h2>Un</h2><ol><li>Premier</li></ol>"
        + TABLE.format(rows=ROW.format(n=1))
        + f"<figure>{DRAWING.format(fill='#000091', more='')}</figure>"
    )
    tags = structure(reader)

    assert {
        tag: sum(found == tag for found, _ in tags)
        for tag in ("/H1", "/H2", "/L", "/LI", "/Table", "/TH", "/TD", "/Figure")
    } | {"alternative": [words for tag, words in tags if tag == "/Figure" and words]} == {
        "/H1": 1,
        "/H2": 1,
        "/L": 1,
        "/LI": 1,
        "/Table": 1,
        "/TH": 2,
        "/TD": 2,
        "/Figure": 1,
        "alternative": ["Carte de deux communes"],
    }


def test_same_page_gives_same_bytes():
    body = page("<p>Toujours la même chose</p>" + TABLE.format(rows=ROW.format(n=1)))

    first = html_to_pdf(body)
    html_to_pdf(page("<p>Autre chose</p>"))

    assert html_to_pdf(body) == first


def test_page_without_a_date_is_dated_when_it_is_drawn():
    undated = re.sub(r'<meta name="dcterms.created"[^>]*/>', "", page(""))
    before = datetime.now(UTC).replace(microsecond=0)

    made = PdfReader(io.BytesIO(html_to_pdf(undated))).metadata.creation_date

    assert before <= made <= datetime.now(UTC)


# --- Words stay words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        '#import "@preview/x:1.0.0": *',
        "#panic() $x^2$ *gras* _penché_ `code` @ref <label> = Titre - point + 1. / terme",
        '\\u{41} \\ ~ -- --- ... // commentaire /* autre */ [crochets] {accolades} "guillemets"',
        "<b>non</b> &amp; % ^ | l'apostrophe",
    ],
)
@pytest.mark.parametrize("around", ["<p>{}</p>", "<h2>{}</h2>", "<ul><li>{}</li></ul>"])
def test_what_somebody_wrote_is_never_read_as_a_program(words, around):
    assert words in flat_text(html_to_pdf(page(around.format(escape(words)))))


def test_characters_without_meaning_on_paper_are_left_out():
    pdf = html_to_pdf(page("<p>Début\x07\x0b\u200b fin 54\u202f800</p>"))

    assert "Début fin 54 800" in flat_text(pdf)


def test_accents_written_apart_are_the_same_letters():
    assert "Élève noël" in flat_text(html_to_pdf(page("<p>E\u0301le\u0300ve noe\u0308l</p>")))


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (
            "Bravo \U0001f600 et 中, mais → ≥ Ωμέγα Да ☑",
            "Bravo [U+1F600] et [U+4E2D], mais → ≥ Ωμέγα Да ☑",
        ),
        # Signs that stand on their neighbour, between quotes and bars that data escape.
        ('"\u0489 \\\u0489 fin', '"[U+0489] \\[U+0489] fin'),
        # What a word processor puts for a bullet, and a sign of a font of its own.
        ("\uf0b7 un \ue000", "• un [U+E000]"),
        ("e\u0301t\u00e9", "été"),
        # Nobody reverses what an act says.
        ("\u202e00001\u202c euros", "00001 euros"),
    ],
)
def test_character_that_is_not_drawn_is_written_as_its_code(written, printed):
    text = flat_text(html_to_pdf(page(f"<p>{escape(written)}</p>")))

    assert printed in text


def test_any_text_of_any_alphabet_is_issued():
    pages = [
        " ".join(
            f"a{chr(code)}" for code in range(start, start + 0x400) if not 0xD800 <= code < 0xE000
        )
        for start in (
            0x20,
            0x400,
            0x800,
            0x2000,
            0x2400,
            0x3000,
            0xFC00,
            0x1F400,
            0xE0000,
            0x10FC00,
        )
    ]

    assert [len(html_to_pdf(page(f"<p>{escape(printed)}</p>"))) > 0 for printed in pages] == [
        True
    ] * 10


def test_spaces_are_those_a_browser_would_show():
    body = (
        "<p>\n  Un   <b>deux</b>\n trois<br/>\n quatre </p><div class='field'>cinq <p>six</p></div>"
    )

    assert "Un deux trois quatre cinq six" in flat_text(html_to_pdf(page(body)))


def test_line_s_end_at_the_end_of_a_block_adds_no_line():
    with_end, without = (
        html_to_pdf(page(f"<ol class='reserves'><li>Un{end}</li><li>Deux</li></ol>"))
        for end in ("<br/>", "")
    )

    assert with_end == without


@pytest.mark.parametrize("words", WORDS.values())
def test_box_is_one_drawn_letter_read_as_words(words):
    pdf = html_to_pdf(page(f"<p><span class='box'>{words} </span>A</p>"))
    fonts = {
        str(font.get_object()["/BaseFont"]).rpartition("+")[2]
        for font in PdfReader(io.BytesIO(pdf)).pages[0]["/Resources"]["/Font"].values()
    }

    assert (f"{words} A" in flat_text(pdf), "Cases-Regular" in " ".join(fonts)) == (True, True)


def test_font_of_boxes_is_what_its_program_makes():
    assert TARGET.read_bytes() == box_font()


# --- The page -----------------------------------------------------------------------------


def test_draft_is_marked_on_every_page_and_an_official_document_on_none():
    body = "<p>Un</p>" * 80
    draft, official = (html_to_pdf(page(body), draft=mark) for mark in (True, False))

    assert ["BROUILLON" in text for text in page_texts(draft)] == [True, True]
    assert "BROUILLON" not in flat_text(official)
    # The drawn mark covers far more of the page than the two words of text.
    assert pixels_unlike_white(draft, page=1) > 2 * pixels_unlike_white(official, page=1)


def test_each_page_bears_its_reference_and_its_number():
    texts = page_texts(html_to_pdf(page("<p>Un</p>" * 80)))

    assert [
        ("LI-76-2026-0001 · Essai" in text, f"page {rank} sur 2" in text)
        for rank, text in enumerate(texts, start=1)
    ] == [(True, True)] * 2


def test_long_table_repeats_its_header_and_keeps_every_row():
    pdf = html_to_pdf(page(TABLE.format(rows="".join(ROW.format(n=n) for n in range(500)))))
    texts = page_texts(pdf)
    said = flat_text(pdf)

    assert {
        "headers": [text.count("Nombre") for text in texts],
        "missing": [n for n in range(500) if f"Profession {n} {n}" not in said],
    } == {"headers": [1] * len(texts), "missing": []}


@pytest.mark.parametrize(
    "around",
    ["<p>{}</p>", "<div class='answer'><p>{}</p></div>", "<ul><li>{}</li></ul>"],
)
@pytest.mark.parametrize(
    "long", ["m" * 20_000, "https://exemple.test/" + "chemin/" * 200, "0123456789" * 300]
)
def test_word_wider_than_the_page_is_cut_and_kept_whole(around, long):
    pdf = html_to_pdf(page(around.format(long)))

    said = re.sub(r"LI7620260001·Essaipage\dsur\d", "", squeezed("".join(page_texts(pdf))))

    assert (long in said, text_outside_the_page(pdf)) == (True, [])


def test_word_wider_than_its_column_is_parted_between_syllables():
    cells = "<td class='long'>Masseur-kinésithérapeute 1234567890123</td><td>Suite</td>"
    table = TABLE.replace("30%", "12%").replace("70%", "88%").format(rows=f"<tr>{cells}</tr>")

    pdf = html_to_pdf(page(table))

    text = flat_text(pdf)
    assert "kinésithé-rapeute" in text
    assert "Masseurkinésithérapeute1234567890123Suite" in squeezed(page_texts(pdf)[0])


def test_heading_is_never_alone_at_the_foot_of_a_page():
    for lines in range(44, 62):
        body = (
            "<p>Ligne</p>" * lines + "<h2 class='heading'>Titre</h2><p class='label'>Question</p>"
        )
        texts = page_texts(html_to_pdf(page(body + "<div class='answer'><p>Réponse</p></div>")))
        assert [text for text in texts if ("Titre" in text) != ("Réponse" in text)] == []


# --- What is refused ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("<blockquote>Secret</blockquote>", "blockquote"),
        ("<p class='inconnu'>Secret</p>", "p.inconnu"),
        ("<p>Un <em>Secret</em></p>", "em"),
        ("<div>Secret</div>", "div"),
        (
            "<table class='rows'><tbody><tr class='large'><td>Secret</td></tr></tbody></table>",
            "tr.large",
        ),
    ],
)
def test_element_the_layout_does_not_know_stops_the_document_and_says_which(body, named):
    with pytest.raises(RenderingError) as refused:
        html_to_pdf(page(body), name="pdf/essai.html")

    assert str(refused.value) == (
        f"pdf/essai.html: the layout has no style for {named}; add it to document.typ"
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<p>Secret", "not well-formed XML, line 1"),
        (
            "<figure><svg viewBox='0 0 1 1'><text>Secret</text></svg></figure>",
            "a drawing has no text alternative: aria-label or <title>",
        ),
        ("<figure><svg aria-label='Secret'/></figure>", "a drawing has no viewBox"),
    ],
)
def test_page_that_cannot_be_read_says_why_without_quoting_it(body, why):
    with pytest.raises(RenderingError) as refused:
        html_to_pdf(page(body), name="pdf/essai.html")

    assert str(refused.value) == f"pdf/essai.html: {why}"


def test_drawing_reaches_no_other_machine_and_no_other_file(unused_tcp_port_listener):
    port, connections = unused_tcp_port_listener
    inside = [
        f'<image href="{address}" width="40" height="20"/>'
        for address in (f"http://127.0.0.1:{port}/p.png", "/etc/hostname", "draft.svg")
    ]
    for more in inside:
        with pytest.raises(RenderingError):
            html_to_pdf(page(f"<figure>{DRAWING.format(fill='#fff', more=more)}</figure>"))

    assert connections() == 0


def test_every_class_of_the_templates_is_one_the_layout_knows():
    templates = Path(__file__).parents[2] / "templates" / "pdf"
    program = (Path(__file__).parents[2] / "documents" / "typst" / "document.typ").read_text()
    used = {
        name
        for path in templates.rglob("*.html")
        for value in re.findall(r'class="([^"]*)"', path.read_text())
        for name in re.sub(r"{[{%].*?[%}]}", " ", value).split()
    }

    assert {name for name in used if not re.search(rf"\b{name}\b", program)} == set()


def test_templates_of_documents_are_well_formed_xml():
    unclosed = re.compile(r"<(?:br|col|hr|img|input|link|meta)\b[^>]*(?<!/)>")
    templates = Path(__file__).parents[2] / "templates" / "pdf"

    assert {
        path.name: found
        for path in sorted(templates.rglob("*.html"))
        if (found := unclosed.findall(re.sub(r"{[{%].*?[%}]}", "", path.read_text())))
    } == {}


# --- Processes ----------------------------------------------------------------------------


def test_worker_is_made_ready_without_error():
    warm_up()


def test_process_forked_after_a_document_says_so_rather_than_wait_for_ever():
    warm_up()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            html_to_pdf(page(""))
        except RenderingError as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)

    with os.fdopen(reading, "rb") as said:
        assert said.read() == b"page: a document was rendered before this process was forked"
