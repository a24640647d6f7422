"""The inbox as a spreadsheet file."""

import csv
from collections.abc import Iterable, Mapping
from io import StringIO
from typing import Any

from django.utils import timezone

from desks.deadlines import deadline_in_words
from desks.inbox import DeskOptions, reader_of_line
from letters.labels import state_label

HEADERS = [
    "Référence",
    "CPTS",
    "Région",
    "Départements",
    "Communes",
    "Population",
    "Taille",
    "Déposée le",
    "Échéance",
    "Délai",
    "État",
    "Bureau en charge",
    "Suivie par",
    "Étiquettes",
    "Adresse du dossier",
]
# A cell that begins so would be computed by the spreadsheet that opens the file.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet computes: an apostrophe goes before a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def inbox_csv(lines: Iterable[Mapping[str, Any]], options: DeskOptions, *, portal_url: str) -> str:
    """The letters, one a row, for a French spreadsheet: semicolons, and a mark of UTF-8."""
    written = StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(HEADERS)
    today = timezone.localdate()
    for line in lines:
        state = state_label(line["state"], reader_of_line(line))
        deadline = deadline_in_words(
            line["deadline_on"],
            line["case__clock_state"],
            line["case__suspended_until"],
            today=today,
        )
        writer.writerow(
            neutral(cell)
            for cell in (
                line["case__reference"],
                line["case__title"],
                line["case__region__name"],
                ", ".join(line["case__department_codes"]),
                line["case__commune_count"],
                line["case__population"],
                line["size_class"],
                timezone.localdate(line["deposited_at"]),
                line["deadline_on"] or "",
                deadline.words,
                state.label,
                line["case__office__name"],
                line["instructor_name"] or "",
                ", ".join(options.labels[pk].name for pk in line["label_ids"]),
                f"{portal_url}/lettres/{line['case__public_id']}/",
            )
        )
    return "\ufeff" + written.getvalue()
