"""The numbers of an association: RNA, SIREN and SIRET, as people write them and as they check."""

import re
from typing import Final

# SIREN of La Poste: its establishments, too many for the key, are checked otherwise.
LA_POSTE: Final = "356000000"
# The second sign after W is a letter in Corsica (W2A…) and overseas (W9R…).
RNA_SHAPE: Final = r"^W[0-9][0-9A-Z][0-9]{7}$"
SIRET_SHAPE: Final = r"^[0-9]{14}$"
_SEPARATORS: Final = re.compile(r"[\s.\-]+")


def bare(text: str) -> str:
    """The number without what people put between its signs, in capitals."""
    return _SEPARATORS.sub("", text).upper()


def rna_problem(number: str) -> str:
    """What is wrong with a bare RNA number, as a sentence. Empty: nothing is.

    Nothing in an RNA number checks the rest: only its shape is known.
    """
    if re.fullmatch(RNA_SHAPE, number):
        return ""
    return (
        "Un numéro RNA commence par W, suivi de neuf chiffres (W2A ou W2B au début en Corse, "
        "W9 et une lettre outre-mer). Recopiez-le depuis le récépissé de la préfecture."
    )


def siret_problem(number: str) -> str:
    """What is wrong with a bare SIRET number, as a sentence. Empty: nothing is.

    Nine digits name the association (SIREN), five its establishment; each of the nine and of
    the fourteen passes the key of Luhn (ISO/IEC 7812). The establishments of La Poste have a
    sum of digits that five divides.
    """
    if not re.fullmatch(SIRET_SHAPE, number):
        return (
            "Un numéro SIRET compte 14 chiffres : les neuf du SIREN, puis les cinq de "
            "l’établissement. Recopiez-le depuis l’avis de situation de l’INSEE."
        )
    if not passes_luhn(number[:9]):
        return (
            "Ce numéro SIRET n’existe pas : ses neuf premiers chiffres ne forment pas un SIREN. "
            "L’un d’eux a sans doute été mal recopié."
        )
    if passes_luhn(number):
        return ""
    if number.startswith(LA_POSTE) and sum(map(int, number)) % 5 == 0:
        return ""
    return (
        "Ce numéro SIRET n’existe pas : son dernier chiffre ne correspond pas aux autres. L’un des "
        "cinq derniers a sans doute été mal recopié."
    )


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the key of the others."""
    total = 0
    for rank, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if rank % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def written_siret(number: str) -> str:
    """« 123 456 782 00018 », with unbreakable spaces; empty for none."""
    parts = (number[:3], number[3:6], number[6:9], number[9:])
    return "\N{NO-BREAK SPACE}".join(part for part in parts if part)
