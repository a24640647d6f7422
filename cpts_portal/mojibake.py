"""Texts read with the wrong alphabet: « CrÃ©pieux » is « Crépieux », written once too often.

A text in UTF-8 that some program has taken for another encoding and kept so is put right; where
letters are lost (« Cr?pieux », « Cr�pieux ») nothing can be, and only that is said.
"""

import re
from collections.abc import Iterable
from typing import Final

# Read so by mistake, in the order they are tried: Windows, the old consoles of DOS, old Macs.
_READ_AS: Final = ("cp1252", "cp437", "cp850", "mac_roman")
# The letters and punctuation of French, as UTF-8 writes them: nothing else is put right, lest a
# sentence that is well written be spoilt.
_FRENCH: Final = "àâäçèéêëîïôöùûüÿñÀÂÄÇÈÉÊËÎÏÔÖÙÛÜŸÑœŒæÆ’‘“”«»–—…€°²³·\u00a0\u202f"
_LOST: Final = re.compile(r"\ufffd|(?<=[^\W\d_])\?(?=[^\W\d_])")


def _seen_as(text: str, encoding: str) -> str:
    """How a text looks once its UTF-8 has been read in another encoding."""
    return "".join(
        # Windows leaves five places empty: programs keep those bytes as they are.
        bytes([byte]).decode(encoding, "ignore") or chr(byte)
        for byte in text.encode()
    )


def _table(encoding: str) -> dict[str, str]:
    once = {_seen_as(letter, encoding): letter for letter in _FRENCH}
    # The mark some files of UTF-8 begin with.
    once[_seen_as("\ufeff", encoding)] = ""
    return {_seen_as(seen, encoding): letter for seen, letter in once.items()} | once


_TABLES: Final = [_table(encoding) for encoding in _READ_AS]
_SEARCHES: Final = [
    re.compile("|".join(re.escape(seen) for seen in sorted(table, key=len, reverse=True)))
    for table in _TABLES
]


def mend(text: str) -> str:
    """The text as it was before it was read with the wrong alphabet; unchanged when it was not."""
    if text.isascii():
        return text
    for table, search in zip(_TABLES, _SEARCHES, strict=True):
        text = search.sub(lambda found, known=table: known[found[0]], text)  # type: ignore[misc]
    return text


def has_lost_letters(text: str) -> bool:
    """Whether some letters were replaced by a sign that says nothing: no program can guess them."""
    return bool(_LOST.search(text))


class Mender:
    """Mends texts and remembers those it changed: what it was, by what it became."""

    def __init__(self) -> None:
        self.mended: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        after = mend(text)
        if after != text:
            self.mended[" ".join(after.split())] = text
        return after

    def notices(self, texts: Iterable[str]) -> list[str]:
        """A sentence for each of these texts that was mended."""
        return [
            f"« {self.mended[text]} » a été lu « {text} » : les accents étaient abîmés."
            for text in texts
            if text in self.mended
        ]
