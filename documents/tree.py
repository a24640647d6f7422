"""The tree of a page: what a template wrote, without what only matters to its reader in HTML.

A node is a text, or `[tag, classes, attributes, nodes]`. A block holds either blocks or words:
words beside blocks become a paragraph of their own.
"""

import re
import time
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from xml.etree import ElementTree

INLINE: Final = frozenset({"br", "b", "strong", "span", "a"})
# Those that hold words, and no block.
TEXTS: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "caption", "figcaption"})
# Those that hold blocks, and no word.
STRUCTURES: Final = frozenset({"table", "thead", "tbody", "tr", "colgroup", "ul", "ol", "dl"})
KEPT_ATTRIBUTES: Final = frozenset({"style", "href"})
SVG: Final = "http://www.w3.org/2000/svg"
# A cut that leaves no trace in the text: see `words` in document.typ.
CUT: Final = "\u200b"
# A longer run without a space may be cut, after its punctuation first.
LONG_RUN: Final = 13
# A longer run of letters may be cut every third one: no French word is as long.
LONG_WORD: Final = 26
# The same in a cell whose column is known to be too narrow for its words.
LONG_WORD_IN_CELL: Final = 9

_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_RUN: Final = re.compile(rf"[^\s]{{{LONG_RUN},}}")
_PUNCTUATION: Final = re.compile(r"(?<=[@./_?&=#:,;+-])(?=[^\s@./_?&=#:,;+-])")
_PIECES: Final = re.compile(r".{1,3}")
# Characters without meaning on paper, which a PDF/UA may not hold, and those that would show
# letters in another order than the one they are kept in.
_NOT_PRINTED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069"
    "\ufe0e\ufe0f\ufeff\ufffe\uffff]"
)
# Characters of nobody's alphabet, which a PDF/A may not hold.
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
# Characters the printed font lacks, and what stands for them at the same width or nearly; the
# last is the bullet of word processors.
_REPLACED: Final = str.maketrans({"\u202f": "\u00a0", "\u2011": "-", "\uf0b7": "•"})

ElementTree.register_namespace("", SVG)

Node = Any


class PageError(ValueError):
    """A page is not one that can be laid out; the message holds nothing of what it says."""


@dataclass(frozen=True)
class Tree:
    """What is laid out, and when it was made, in seconds since 1970."""

    source: dict[str, Any]
    moment: int


def page_tree(html: str) -> Tree:
    """Read a page. Raises PageError when it is not well-formed XML, or holds a drawing without
    words for who does not see it."""
    try:
        root = ElementTree.fromstring(printable(html))  # noqa: S314 - our own templates, escaped
    except ElementTree.ParseError as error:
        line, _ = error.position
        raise PageError(f"not well-formed XML, line {line}") from None
    head, body = root.find("head"), root.find("body")
    if head is None or body is None:
        raise PageError("no head or no body")
    metas = {meta.get("name"): meta.get("content", "") for meta in head.iter("meta")}
    running = next((p for p in body.iter("p") if p.get("class") == "running"), None)
    reader = _Reader()
    return Tree(
        {
            "title": _SPACES.sub(" ", head.findtext("title", "")).strip(),
            "author": metas.get("author", ""),
            "language": root.get("lang", "fr"),
            "reference": "" if running is None else "".join(running.itertext()).strip(),
            "body": reader.blocks(body),
        },
        _moment(metas.get("dcterms.created", "")),
    )


def printable(text: str) -> str:
    """The same text as it is printed: composed letters, no control, no space of another font."""
    text = _NOT_PRINTED.sub("", text).translate(_REPLACED)
    return unicodedata.normalize("NFC", _PRIVATE.sub(lambda found: as_code(found[0]), text))


def as_code(character: str) -> str:
    """« [U+1F600] », which stands for a character that is not drawn: an act hides nothing."""
    return f"[U+{ord(character):04X}]"


def _moment(iso: str) -> int:
    return int(datetime.fromisoformat(iso).timestamp()) if iso else int(time.time())


def breakable(text: str, *, long_word: int = LONG_WORD) -> str:
    """The same text, with a cut wherever a line too narrow for a word may end."""
    if len(text) < min(LONG_RUN, long_word):
        return text

    def cut(found: re.Match[str]) -> str:
        parts = _PUNCTUATION.split(found[0])
        return CUT.join(
            CUT.join(_PIECES.findall(part)) if is_long(part) else part for part in parts
        )

    def is_long(part: str) -> bool:
        # Words are parted between syllables in a cell: only the longest need a cut.
        return len(part) >= (LONG_WORD if part.isalpha() else long_word)

    run = _RUN if long_word == LONG_WORD else re.compile(rf"[^\s]{{{long_word},}}")
    return run.sub(cut, text)


class _Reader:
    """Reads elements into nodes, spaces as a browser would."""

    def __init__(self) -> None:
        self._follows_space = True
        self._long_word = LONG_WORD

    def blocks(self, element: ElementTree.Element) -> list[Node]:
        """What a block holds: blocks, or words alone."""
        children = list(element)
        if element.tag in TEXTS or all(child.tag in INLINE for child in children):
            return [] if element.tag in STRUCTURES else self._words(element, children)
        nodes: list[Node] = []
        loose: list[Node] = []
        self._follows_space = True
        self._add_text(element.text, loose)
        for child in children:
            if child.tag in INLINE:
                loose.append(self._node(child))
            else:
                _close(loose, nodes)
                nodes.append(self._block(child))
                self._follows_space = True
            self._add_text(child.tail, loose)
        _close(loose, nodes)
        return nodes

    def _words(
        self, element: ElementTree.Element, children: list[ElementTree.Element]
    ) -> list[Node]:
        self._follows_space = True
        return _trimmed(self._inside(element, children))

    def _inside(
        self, element: ElementTree.Element, children: list[ElementTree.Element]
    ) -> list[Node]:
        nodes: list[Node] = []
        self._add_text(element.text, nodes)
        for child in children:
            nodes.append(self._node(child))
            self._add_text(child.tail, nodes)
        return nodes

    def _node(self, element: ElementTree.Element) -> Node:
        if element.tag == "br":
            self._follows_space = True
        return _made(element, self._inside(element, list(element)))

    def _block(self, element: ElementTree.Element) -> Node:
        if element.tag.endswith("svg"):
            return _drawing(element)
        before = self._long_word
        if "long" in element.get("class", "").split():
            self._long_word = LONG_WORD_IN_CELL
        made = _made(element, self.blocks(element))
        self._long_word = before
        return made

    def _add_text(self, text: str | None, nodes: list[Node]) -> None:
        if not text:
            return
        text = _SPACES.sub(" ", text)
        if self._follows_space:
            text = text.removeprefix(" ")
        if text:
            self._follows_space = text.endswith(" ")
            nodes.append(breakable(text, long_word=self._long_word))


def _made(element: ElementTree.Element, nodes: list[Node]) -> Node:
    kept = {name: value for name, value in element.items() if name in KEPT_ATTRIBUTES}
    return [element.tag, element.get("class", ""), kept, nodes]


def _close(loose: list[Node], nodes: list[Node]) -> None:
    """The words gathered so far become a paragraph."""
    if words := _trimmed(loose):
        nodes.append(["p", "", {}, words])
    loose.clear()


def _trimmed(nodes: list[Node]) -> list[Node]:
    """Without what a browser does not show at the end of a block: spaces, a last line's end."""
    while nodes and (
        nodes[-1][0] == "br" if isinstance(nodes[-1], list) else not nodes[-1].strip(" ")
    ):
        nodes = nodes[:-1]
    if nodes and isinstance(nodes[-1], str):
        nodes = [*nodes[:-1], nodes[-1].rstrip(" ")]
    return nodes


def _drawing(element: ElementTree.Element) -> Node:
    """A drawing, as its source, the words that stand for it, its height for a width of one."""
    for inner in element.iter():
        if not inner.tag.startswith("{"):
            inner.tag = f"{{{SVG}}}{inner.tag}"
    words = element.get("aria-label") or element.findtext(f"{{{SVG}}}title") or ""
    if not words.strip():
        raise PageError("a drawing has no text alternative: aria-label or <title>")
    try:
        _, _, width, height = map(float, element.get("viewBox", "").replace(",", " ").split())
    except ValueError:
        raise PageError("a drawing has no viewBox") from None
    source = ElementTree.tostring(element, encoding="unicode")
    return ["svg", "", {"source": source, "alt": words.strip(), "ratio": height / width}, []]
