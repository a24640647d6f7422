"""The inbox as a spreadsheet file."""

import csv
from collections.abc import Iterable
from io import StringIO

from django.utils import timezone

from accounts.models import User
from letters.labels import state_label
from workflow.models import Case
from workflow.readers import reader_of

HEADERS = [
    "Référence",
    "CPTS",
    "Région",
    "Départements",
    "Communes",
    "Population",
    "Taille",
    "Déposée le",
    "État",
    "Bureau en charge",
    "Adresse du dossier",
]
# A cell that begins so would be computed by the spreadsheet that opens the file.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet computes: an apostrophe goes before a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def inbox_csv(letters: Iterable[Case], *, user: User, portal_url: str) -> str:
    """The letters, one a row, for a French spreadsheet: semicolons, and a mark of UTF-8."""
    lines = StringIO()
    writer = csv.writer(lines, delimiter=";")
    writer.writerow(HEADERS)
    for letter in letters:
        reader = reader_of(letter, user)
        deposited = timezone.localdate(letter.deposited_at) if letter.deposited_at else ""
        writer.writerow(
            neutral(cell)
            for cell in (
                letter.reference,
                letter.title,
                letter.region.name,
                ", ".join(letter.department_codes),
                letter.commune_count,
                letter.population,
                letter.size_class,
                deposited,
                state_label(letter.state, reader).label,
                letter.office,
                f"{portal_url}/lettres/{letter.public_id}/",
            )
        )
    return "\ufeff" + lines.getvalue()
