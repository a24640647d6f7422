"""Reading PDFs back, as a test needs them."""

import re
from typing import Any

import pypdfium2
from pypdf import PdfReader


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page, as a reader's program extracts it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        texts = []
        for page in document:
            text_page = page.get_textpage()
            texts.append(text_page.get_text_range())
            text_page.close()
            page.close()
    finally:
        document.close()
    return texts


def flat_text(pdf: bytes) -> str:
    """All the text, every run of spaces made one: what is cut by a line reads whole."""
    return flat(" ".join(page_texts(pdf)))


def flat(text: str) -> str:
    # U+FFFE marks a hyphen at a line's end, which is part of the word here.
    return re.sub(r"\s+", " ", text.replace("\ufffe", "-")).strip()


def squeezed(text: str) -> str:
    """Text without any space or hyphen: two are compared whatever the lines they were set in."""
    return re.sub(r"[\s\ufffe\u2011\u00ad-]+", "", text)


def pixels_unlike_white(pdf: bytes, *, page: int) -> int:
    document = pypdfium2.PdfDocument(pdf)
    try:
        sheet = document[page]
        image = sheet.render(scale=0.5).to_pil().convert("L")
        sheet.close()
    finally:
        document.close()
    return sum(image.histogram()[:250])


def text_outside_the_page(pdf: bytes, *, margin: float = 40) -> list[str]:
    """Runs of text set nearer than `margin` points to the side of their page, or beyond it."""
    document = pypdfium2.PdfDocument(pdf)
    outside: list[str] = []
    try:
        for page in document:
            width, height = page.get_size()
            text_page = page.get_textpage()
            for rank in range(text_page.count_rects()):
                left, bottom, right, top = text_page.get_rect(rank)
                if left < margin or right > width - margin or bottom < 20 or top > height - 20:
                    outside.append(text_page.get_text_bounded(left, bottom, right, top))
            text_page.close()
            page.close()
    finally:
        document.close()
    return outside


def structure(reader: PdfReader) -> list[tuple[str, str]]:
    """The tags of a document in their order, each with its text alternative."""
    found: list[tuple[str, str]] = []

    def visit(node: Any) -> None:
        node = node.get_object()
        if isinstance(node, list):
            for child in node:
                visit(child)
        elif isinstance(node, dict):
            if "/S" in node:
                found.append((str(node["/S"]), str(node.get("/Alt", ""))))
            if "/K" in node:
                visit(node["/K"])

    visit(reader.trailer["/Root"]["/StructTreeRoot"])
    return found


def pdf_saying(lines: list[str]) -> bytes:
    """A page of these lines, made by hand: what another program than ours may have written."""
    said = " ".join(f"({line}) Tj 0 -20 Td" for line in lines)
    stream = f"BT /F1 12 Tf 50 700 Td {said} ET".encode("cp1252")
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R"
        b"/Resources<</Font<</F1 " + font + b">>>>>>"
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        page,
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    out = bytearray(b"%PDF-1.4\n")
    starts = []
    for number, one in enumerate(objects, start=1):
        starts.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, one)
    table = len(out)
    rows = b"".join(b"%010d 00000 n \n" % start for start in starts)
    out += b"xref\n0 5\n0000000000 65535 f \n" + rows
    out += b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % table
    return bytes(out)
