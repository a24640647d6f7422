"""One spelling for a name, whoever typed it: the loader and the search both use it."""

import re
import unicodedata

# Letters that Unicode does not decompose, though people type them in two.
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "đ": "d", "ł": "l"})
# The accented letters of European languages, at once: nearly every name needs no more.
_ACCENTS = str.maketrans(
    {
        chr(point): unicodedata.normalize("NFKD", chr(point)).encode("ascii", "ignore").decode()
        for point in (*range(0xC0, 0xD7), *range(0xD8, 0xF7), *range(0xF8, 0x180))
        if unicodedata.decomposition(chr(point))
    }
    | {0x2019: "'"}
)
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_SHORT_SAINT = re.compile(r"\b(st|ste|sts|stes)\b")
_ORDINAL = re.compile(r"\b([0-9]{1,2})(?:er|ere|e|eme|ieme|nd|nde)\b")
_SAINTS = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"}


def normalise(text: str) -> str:
    """Return `text` in lower-case ASCII words separated by one space.

    Accents, ligatures, hyphens, apostrophes and punctuation disappear; « St » and « Ste »
    become « saint » and « sainte »; « 5e » becomes « 5 ». Applying it twice changes nothing.
    An input without any letter or figure gives an empty text.
    """
    plain = text if text.isascii() else text.translate(_ACCENTS)
    if plain.isascii():
        plain = plain.lower()
    else:
        lowered = unicodedata.normalize("NFKC", plain).lower().translate(_LIGATURES)
        decomposed = unicodedata.normalize("NFKD", lowered)
        # Combining marks vanish; any other foreign sign separates words.
        plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign)).lower()
    words = _NOT_A_WORD.sub(" ", plain).strip()
    if "st" in words:
        words = _SHORT_SAINT.sub(lambda found: _SAINTS[found[1]], words)
    return _ORDINAL.sub(r"\1", words)
