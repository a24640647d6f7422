"""From a template to an accessible PDF, without ever touching the network.

WeasyPrint is imported when the first document is rendered: a web process that renders none
does not carry it. Fonts and style sheets are read once per process.
"""

import atexit
import gc
import hashlib
import logging
import mimetypes
import re
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from xml.etree import ElementTree

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.template.loader import render_to_string

from documents.quick import make_quick

if TYPE_CHECKING:
    from pydyf import PDF
    from weasyprint import CSS, HTML
    from weasyprint.document import Document
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcherResponse

T = TypeVar("T")

logger = logging.getLogger(__name__)

BASE_URL: Final = "memory:"
ELEMENT_SHEET: Final = "static:pdf/elements.css"
PRINT_SHEET: Final = "static:pdf/print.css"
DRAFT_SHEET: Final = "static:pdf/draft.css"
# Characters the printed font lacks, and what stands for them at the same width or nearly.
_REPLACED: Final = {"\u202f": "\u00a0", "\u2011": "-"}
# Control characters mean nothing on paper, and a PDF/UA may not hold them.
_NOT_PRINTED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u202f\u2011]"
)
# Pango and its font maps are not meant to be used from two threads at once.
_lock = threading.Lock()


class ForbiddenResourceError(ValueError):
    """A document asked for something that is neither a static file nor given in memory."""


@dataclass(frozen=True)
class LocalFetcher:
    """Serves `static:…` (the project's own static files) and `memory:…` (bytes given by the
    caller), and nothing else: no network, no other file of the machine."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    # WeasyPrint reads it: a refused image leaves a blank, it does not stop the document.
    _fail_on_errors: bool = False

    def __call__(self, url: str) -> "URLFetcherResponse":
        from weasyprint.urls import URLFetcherResponse  # noqa: PLC0415

        scheme, _, name = url.partition(":")
        if scheme == "memory" and name in self.files:
            body = self.files[name]
        elif scheme == "static" and (path := _static_file(name)):
            body = path.read_bytes()
        else:
            raise ForbiddenResourceError(f"A document may not fetch {url!r}")
        content_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return URLFetcherResponse(url, body, {"Content-Type": content_type})


def _static_file(name: str) -> Path | None:
    try:
        path = finders.find(name)
    except SuspiciousFileOperation:
        return None
    return Path(str(path)) if path else None


def render_pdf(
    template: str,
    context: Mapping[str, Any],
    *,
    title: str,
    draft: bool = False,
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    """Render a template as a tagged PDF (PDF/UA-1) in French, with bookmarks.

    `title` is what a reader's window shows. `draft` draws « BROUILLON » behind each page.
    `files` are images given in memory, which the template names `memory:<key>`.
    The same template, context and title give the same bytes on the same machine.
    """
    html = render_to_string(template, {**context, "document_title": title})
    return html_to_pdf(html, draft=draft, files=files)


def html_to_pdf(
    html: str, *, draft: bool = False, files: Mapping[str, bytes] | None = None
) -> bytes:
    """Lay out a whole HTML page. Its `<html lang>` and `<title>` become the document's.

    A page that is well-formed XML too (`<br/>`, every element closed) is read much faster.
    """
    html = _NOT_PRINTED.sub(_printed, html)
    with _lock, _no_collection():
        fonts, elements, sheets = _sheets(draft=draft)
        page = _page(html, LocalFetcher(files or {}), elements)
        return in_one_chunk(
            partial(
                page.write_pdf,
                stylesheets=sheets,
                font_config=fonts,
                finisher=_compress,
                pdf_variant="pdf/ua-1",
                pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
            )
        )


def in_one_chunk(function: Callable[[], T]) -> T:
    """Call a function that calls deep, without asking the system for memory at every turn."""
    return function()


# Python keeps the frames of nested calls in chunks of 16 kB, each asked from the system when a
# call crosses the end of one and given back as it returns: a loop that happens to sit there pays
# for it at every turn, four thousand times in a letter, a fifth of its time. A frame that claims
# 264 kB opens a chunk of 512 kB, wide enough for all the calls below.
in_one_chunk.__code__ = in_one_chunk.__code__.replace(co_stacksize=33_000)


def _printed(found: re.Match[str]) -> str:
    return _REPLACED.get(found[0], "")


def _page(html: str, fetcher: LocalFetcher, elements: "CSS") -> "HTML":
    """The page read, with our sheet of elements for a browser's.

    The library's own sheet serves every document there is: it gives each element six styles for
    notes and markers that ours never have, a tenth of the time of a letter.
    """
    from cssselect2 import ElementWrapper  # noqa: PLC0415
    from weasyprint import HTML  # noqa: PLC0415

    class Page(HTML):
        def __init__(self, tree: ElementTree.Element | None) -> None:
            if tree is None:
                super().__init__(string=html, base_url=BASE_URL, url_fetcher=fetcher)
                return
            self.base_url, self.url_fetcher, self.media_type = BASE_URL, fetcher, "print"
            self.wrapper_element = ElementWrapper.from_html_root(tree, content_language=None)
            self.etree_element = tree

        def _ua_stylesheets(self, *_forms: bool) -> "list[CSS]":
            return [elements]

    return Page(_as_xml(html))


def _as_xml(html: str) -> ElementTree.Element | None:
    """The page as a tree, or None where only a parser of HTML reads it as it is meant."""
    # Without its namespace, a drawing inside the page would be read as unknown elements.
    if "<svg" in html:
        return None
    try:
        return ElementTree.fromstring(html)  # noqa: S314 - our own templates, escaped
    except ElementTree.ParseError:
        return None


def _compress(_document: "Document", pdf: "PDF") -> None:
    """Compress the pages at zlib's usual level: the library asks for the highest, which takes
    three times longer and saves two bytes in a hundred."""
    from pydyf import Stream  # noqa: PLC0415

    for item in pdf.objects:
        if isinstance(item, Stream) and item.compress:
            item.compress = False
            _, _, body = item.data.partition(b"\nstream\n")
            item.stream = [zlib.compress(body.removesuffix(b"\nendstream"))]
            item.extra["Filter"] = "/FlateDecode"


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector off a layout tree that is all alive: a tenth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@cache
def _sheets(*, draft: bool) -> "tuple[FontConfiguration, CSS, list[CSS]]":
    from weasyprint import CSS  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    make_quick()
    # Its warnings name every CSS property of the skin it does not know: noise in a log.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fonts = FontConfiguration()
    names = [ELEMENT_SHEET, PRINT_SHEET, *([DRAFT_SHEET] if draft else [])]
    fetcher = LocalFetcher()
    elements, *sheets = [CSS(url=name, url_fetcher=fetcher, font_config=fonts) for name in names]
    return fonts, elements, sheets


# Font maps are given back while Python can still do it.
atexit.register(_sheets.cache_clear)


def warm_up() -> None:
    """Make a worker ready: fonts and sheets read, and what stays out of the collector's way."""
    html_to_pdf("<html lang=fr><title>Essai</title><body><p>Essai</p></body></html>")
    gc.collect()
    gc.freeze()
