"""From a template to an accessible PDF (PDF/UA-1) made to be kept (PDF/A-3a), without network.

A template gives a page of HTML; `documents.tree` reads it; `typst/document.typ` lays it out.
What people wrote goes from one to the other as data and is never read as a program.
"""

import json
import os
import re
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import typst
from django.template.loader import render_to_string

from documents.fonts import write_fonts
from documents.tree import PageError, Tree, as_code, page_tree

PROGRAM: Final = Path(__file__).resolve().parent / "typst" / "document.typ"
# After each turn, the characters found to be drawn by no font are written as their codes.
TURNS: Final = 4
_EVERY_FACE: Final = (
    "<html lang='fr'><head><title>Essai</title><meta name='dcterms.created' "
    "content='2026-01-01T00:00:00Z'/></head><body><h1>Essai</h1><p>Essai <b>gras</b> "
    "<span class='hash'>0</span> <span class='box'>case cochée : </span></p></body></html>"
)
_UNDRAWN: Final = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")
_UNKNOWN: Final = re.compile(r"unknown element: ([\w. -]+)")
_PLACE: Final = re.compile(r"document\.typ:\d+:\d+")
# Beyond the letters of Europe and their punctuation.
_DOUBTFUL: Final = re.compile("[^\x00-\u024f\u2000-\u2044\u20ac]")

# The compiler answers one caller at a time.
_lock = threading.Lock()


class RenderingError(RuntimeError):
    """A document could not be laid out. The message names its template and the cause, and holds
    nothing of what it says: it is made for a log."""


def render_pdf(
    template: str, context: Mapping[str, Any], *, title: str, draft: bool = False
) -> bytes:
    """Render a template as a tagged PDF in French, with bookmarks.

    `title` is what a reader's window shows. `draft` draws « BROUILLON » behind each page.
    `context` may give `author` and `created_at`, the moment of the act in ISO form: with it, the
    same template, context and title give the same bytes. Raises RenderingError.
    """
    html = render_to_string(template, {**context, "document_title": title})
    return html_to_pdf(html, draft=draft, name=template)


def html_to_pdf(html: str, *, draft: bool = False, name: str = "page") -> bytes:
    """Lay out a whole page, well formed as XML. Its `<html lang>`, `<title>` and `<meta>` become
    the document's; `name` is what an error calls it. Raises RenderingError."""
    try:
        return _laid_out(page_tree(html), draft=draft)
    except (PageError, _LayoutError) as error:
        raise RenderingError(f"{name}: {error}") from None


class _LayoutError(Exception):
    """The layout failed; the message holds nothing of what the document says."""


def _laid_out(tree: Tree, *, draft: bool) -> bytes:
    source = json.dumps(tree.source | {"draft": draft}, ensure_ascii=False)
    with _lock:
        compiler = _compiler(os.getpid())
        for _ in range(TURNS):
            try:
                return _compiled(compiler, source, tree.moment)
            except typst.TypstError as error:
                # What the compiler says may quote the document: it stays here.
                failure = _LayoutError(_cause(error))
                undrawn = _undrawn(error)
            if not undrawn:
                break
            source = _written_out(source, undrawn)
        raise failure


def _compiled(compiler: typst.Compiler, source: str, moment: int) -> bytes:
    made = compiler.compile(
        str(PROGRAM),
        format="pdf",
        pdf_standards=["a-3a", "ua-1"],
        sys_inputs={"document": source},
        timestamp=moment,
    )
    if not isinstance(made, bytes):
        raise _LayoutError("the compiler gave no file")
    return made


def _undrawn(error: typst.TypstError) -> set[str]:
    """The characters that no font draws, among what the compiler lists."""
    clusters = [
        _ESCAPED.sub(lambda code: chr(int(code[1], 16)), found)
        for found in _UNDRAWN.findall(error.diagnostic)
    ]
    found = {one for cluster in clusters for one in cluster if one > "\x7f"}
    # A letter beside a sign that is not drawn is not at fault.
    return {one for one in found if _DOUBTFUL.match(one)} or found


def _written_out(source: str, undrawn: Iterable[str]) -> str:
    return source.translate({ord(one): as_code(one) for one in undrawn})


def _cause(error: typst.TypstError) -> str:
    if found := _UNKNOWN.search(error.diagnostic):
        return f"the layout has no style for {found[1]}; add it to {PROGRAM.name}"
    if _UNDRAWN.search(error.diagnostic):
        return "it holds characters that no font draws"
    places = " ".join(dict.fromkeys(_PLACE.findall(error.diagnostic)))
    return f"the layout failed ({places or 'no place given'})"


_owner: list[int] = []


@cache
def _compiler(process: int) -> typst.Compiler:
    """The compiler of this process, with its fonts in memory."""
    if _owner:
        # Its threads did not follow the fork: it would wait for them for ever.
        raise _LayoutError("a document was rendered before this process was forked")
    with TemporaryDirectory() as folder:
        write_fonts(Path(folder))
        compiler = typst.Compiler(
            str(PROGRAM),
            root=str(PROGRAM.parent),
            font_paths=[folder],
            ignore_system_fonts=True,
            package_path=folder,
            package_cache_path=folder,
        )
        # Fonts are read when they first serve; then their files may go.
        tree = page_tree(_EVERY_FACE)
        _compiled(compiler, json.dumps(tree.source | {"draft": True}), tree.moment)
    _owner.append(process)
    return compiler


def warm_up() -> None:
    """Make a worker ready: the compiler made, the fonts read."""
    with _lock:
        _compiler(os.getpid())
