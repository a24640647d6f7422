"""The FINESS number of a structure: 9 characters, the last one checking the others."""

import re
from typing import Final

LENGTH: Final = 9
_SHAPE: Final = re.compile(r"(?:\d{9}|2[AB]\d{7})")


def problem(number: str) -> str:
    """What is wrong with a bare number, as a sentence. Empty: nothing is.

    It begins with the code of the département; its last digit is the Luhn key of the others.
    The key of a Corsican number, whose second sign is a letter, is not checked: no text that
    we have read says how the letter counts.
    """
    if not _SHAPE.fullmatch(number):
        return (
            f"Un numéro FINESS compte {LENGTH} chiffres (2A ou 2B au début pour la Corse). "
            "Vérifiez-le, ou laissez la case vide."
        )
    if number.isdigit() and not _passes_luhn(number):
        return (
            "Ce numéro FINESS n’existe pas : son dernier chiffre ne correspond pas aux autres. "
            "Un chiffre a sans doute été mal recopié : vérifiez-le, ou laissez la case vide."
        )
    return ""


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + rank % 2) for rank, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0
