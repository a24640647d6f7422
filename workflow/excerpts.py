"""Where the words searched stand in a case: a line of it, with each word found in a `<mark>`.

PostgreSQL would read every word of an answer again, in all its forms, to show a line of it: twenty
times what it takes to find the cases. Here a word is one of those searched when it begins as the
root that the search looked for.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import islice, takewhile
from typing import Final, NamedTuple

from django.db import connection
from django.utils.safestring import SafeString

from cpts_portal.memo import Memo
from territories.normalise import normalise
from workflow.search import Asked, read_words

# How much of the communes, the team and the answers an excerpt is looked for in.
_READ: Final = 8_000
# In characters: what is shown before the first word found, and from it to the end.
_BEFORE: Final = 40
_AFTER: Final = 120
# A word found more often has been seen enough to choose the line where most words are.
_SEEN: Final = 30

_EXCERPTS: Final[Memo[SafeString]] = Memo(limit=4_000_000, weigh=len)


def excerpts(cases: Sequence[tuple[int, int]], asked: Asked) -> dict[int, SafeString]:
    """Where the words stand in the communes, the team or the answers of some cases.

    `cases` are their numbers and versions. One query for those that were not cut lately: what
    a version says of some words never changes.
    """
    if asked.is_empty:
        return {}
    bodies: dict[int, str] = {}

    def cut(case_id: int) -> SafeString:
        if not bodies:
            bodies.update(_bodies([pk for pk, _version in cases]))
        return excerpt(bodies.get(case_id, ""), asked)

    found = {
        pk: _EXCERPTS.get((pk, version, asked), lambda pk=pk: cut(pk))  # type: ignore[misc]
        for pk, version in cases
    }
    return {pk: line for pk, line in found.items() if line}


def _bodies(case_ids: list[int]) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT case_id, substr(body, 1, %s) FROM workflow_searchdocument"
            " WHERE case_id = ANY(%s)",
            [_READ, case_ids],
        )
        return cursor.fetchall()


class _Hit(NamedTuple):
    """A word of a text that is one of those asked: from where to where, and which."""

    start: int
    end: int
    word: int


def excerpt(body: str, asked: Asked) -> SafeString:
    """The first line of `body` that holds most of the words, escaped; empty if it holds none."""
    hits = sorted(
        _Hit(*found.span(), word)
        for word, pattern in enumerate(_patterns(asked))
        for found in islice(pattern.finditer(body, 0, _READ), _SEEN)
    )
    if not hits:
        return SafeString()
    first = max(range(len(hits)), key=lambda rank: (len(_words_from(hits, rank)), -rank))
    begin, end = _cut(body, hits[first])
    pieces, reached = [], begin
    for hit in hits:
        # A word asked twice, once by its beginning, is marked once.
        if hit.start >= reached and hit.end <= end:
            pieces += [escape(body[reached : hit.start]), _marked(body[hit.start : hit.end])]
            reached = hit.end
    return SafeString("".join([*pieces, escape(body[reached:end])]))


def _marked(word: str) -> str:
    return f"<mark>{escape(word)}</mark>"


def _words_from(hits: Sequence[_Hit], rank: int) -> set[int]:
    """The words of the line that begins with this one."""
    last = hits[rank].start + _AFTER
    return {hit.word for hit in takewhile(lambda hit: hit.end <= last, hits[rank:])}


def _cut(body: str, hit: _Hit) -> tuple[int, int]:
    """From where to where the line of a word goes, no word being cut but an endless one."""
    begin = max(hit.start - _BEFORE, 0)
    if begin:
        space = _SPACE.search(body, begin, hit.start)
        begin = space.end() if space else begin
    end = max(hit.start + _AFTER, hit.end)
    if end < len(body):
        end = max((space.start() for space in _SPACE.finditer(body, hit.end, end)), default=end)
    return begin, end


_SPACE: Final = re.compile(r"\s")


# --- Words, whatever their case and their accents ---------------------------------------------


@lru_cache(1_024)
def _patterns(asked: Asked) -> tuple[re.Pattern[str], ...]:
    """What finds each of the words asked, in one of its forms."""
    names, texts = read_words(asked)
    begun = {
        _common(word, root)
        for word, read in zip(asked.names, names, strict=True)
        for root in read.roots
    } - {""}
    # « St » is « saint » among the names, and as it is written among the answers.
    whole = {_plain(word) for word, read in zip(asked.texts, texts, strict=True) if read.roots}
    begun = {root for root in begun if not root.startswith(tuple(begun - {root}))}
    whole = {word for word in whole if not word.startswith(tuple(begun))}
    return (*map(_beginning, sorted(begun)), *map(_whole, sorted(whole)))


# To compile a pattern is dearer than to use it, and the same words are asked with others.
@lru_cache(4_096)
def _beginning(root: str) -> re.Pattern[str]:
    return re.compile(_at_a_start(_spelt(root)) + r"\w*")


@lru_cache(4_096)
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(_at_a_start(_spelt(word)) + r"(?!\w)")


def _common(word: str, root: str) -> str:
    """As much of the root as the word begins with: that of « fréquence » is « fréquent »."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(word, root, strict=False))
    return "".join(sign for sign, _ in same)


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def _variants() -> dict[str, str]:
    """Each letter of European languages with all it is written as."""
    written = defaultdict(set)
    for sign in map(chr, range(0x21, 0x180)):
        if len(plain := normalise(sign)) == 1:
            written[plain].add(sign)
    return {plain: "".join(sorted(signs)) for plain, signs in written.items()}


_VARIANTS: Final = _variants()
_LIGATURES: Final = {"oe": "œŒ", "ae": "æÆ"}


def _spelt(word: str) -> list[str]:
    """What finds each letter of a word."""
    signs = [f"[{_VARIANTS[sign]}]" if sign in _VARIANTS else re.escape(sign) for sign in word]
    for pair, joined in _LIGATURES.items():
        if (at := word.find(pair)) >= 0:
            signs[at : at + 2] = [f"(?:{signs[at]}{signs[at + 1]}|[{joined}])"]
    return signs


def _at_a_start(signs: Sequence[str]) -> str:
    """The letters, at the start of a word; looked back for, as a search for a letter is quicker."""
    return (
        f"{signs[0]}(?<!\\w.){''.join(signs[1:])}"
        if "|" not in signs[0]
        else (f"(?<!\\w){''.join(signs)}")
    )
