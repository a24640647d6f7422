"""From a template to an accessible PDF, without ever touching the network.

WeasyPrint is imported when the first document is rendered: a web process that renders none
does not carry it. Fonts and style sheets are read once per process.
"""

import atexit
import gc
import hashlib
import logging
import mimetypes
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.contrib.staticfiles import finders
from django.core.exceptions import SuspiciousFileOperation
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration
    from weasyprint.urls import URLFetcherResponse

logger = logging.getLogger(__name__)

PRINT_SHEET: Final = "static:pdf/print.css"
DRAFT_SHEET: Final = "static:pdf/draft.css"
# Characters the printed font lacks, and what stands for them at the same width or nearly.
_REPLACED: Final = {0x202F: "\u00a0", 0x2007: "\u00a0", 0x2011: "-"}
# Control characters mean nothing on paper, and a PDF/UA may not hold them.
_DROPPED: Final = (*range(9), 11, 12, *range(14, 32), *range(127, 160), 0xFEFF, 0xFFFE, 0xFFFF)
_PRINTABLE: Final = {**_REPLACED, **dict.fromkeys(_DROPPED)}
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
    """Lay out a whole HTML page. Its `<html lang>` and `<title>` become the document's."""
    from weasyprint import HTML  # noqa: PLC0415

    html = html.translate(_PRINTABLE)
    with _lock, _no_collection():
        fonts, sheets = _sheets(draft=draft)
        page = HTML(string=html, base_url="memory:", url_fetcher=LocalFetcher(files or {}))
        return page.write_pdf(
            stylesheets=sheets,
            font_config=fonts,
            pdf_variant="pdf/ua-1",
            pdf_identifier=hashlib.sha256(html.encode()).digest()[:16],
        )


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
def _sheets(*, draft: bool) -> "tuple[FontConfiguration, list[CSS]]":
    from weasyprint import CSS  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    # Its warnings name every CSS property of the skin it does not know: noise in a log.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    fonts = FontConfiguration()
    names = [PRINT_SHEET, DRAFT_SHEET] if draft else [PRINT_SHEET]
    fetcher = LocalFetcher()
    return fonts, [CSS(url=name, url_fetcher=fetcher, font_config=fonts) for name in names]


# Font maps are given back while Python can still do it.
atexit.register(_sheets.cache_clear)


def warm_up() -> None:
    """Make a worker ready: fonts and sheets read, and what stays out of the collector's way."""
    html_to_pdf("<html lang=fr><title>Essai</title><body><p>Essai</p></body></html>")
    gc.collect()
    gc.freeze()
