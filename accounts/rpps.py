"""The RPPS number of a health professional: 11 digits, the last one checking the others."""

import re
from typing import Final

LENGTH: Final = 11
_SEPARATORS: Final = re.compile(r"[\s.\-]+")
# As people write it: in one piece, or with spaces, points or hyphens between some digits.
_WRITTEN: Final = re.compile(r"(?<!\d)\d(?:[ \u00a0\u202f.\-]?\d){10}(?!\d)")


def bare(text: str) -> str:
    """The number without what people put between its digits."""
    return _SEPARATORS.sub("", text)


def problem(number: str) -> str:
    """What is wrong with a bare number, as a sentence. Empty: nothing is.

    The last digit is the Luhn key of the ten others (ISO/IEC 7812).
    """
    if not (number.isascii() and number.isdigit()) or len(number) != LENGTH:
        return (
            f"Un numéro RPPS compte {LENGTH} chiffres. Recopiez-le depuis votre carte de "
            "professionnel, ou laissez la case vide."
        )
    if not _passes_luhn(number):
        return (
            "Ce numéro RPPS n’existe pas : son dernier chiffre ne correspond pas aux autres. "
            "Un chiffre a sans doute été mal recopié."
        )
    return ""


def _passes_luhn(digits: str) -> bool:
    total = 0
    for rank, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if rank % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_written_in(number: str, text: str) -> bool:
    """Whether a text holds this number, however its digits are spaced."""
    return any(bare(found) == number for found in _WRITTEN.findall(text))
