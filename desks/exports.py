"""The inbox as a spreadsheet file."""

import csv
from collections.abc import Iterable
from io import StringIO

from django.utils import timezone

from cpts_portal.addresses import address
from desks.deadlines import deadline_in_words
from desks.inbox import labels_of, reader_of_line
from desks.lines import Cells
from desks.options import DeskOptions
from workflow.kinds import kind_named

HEADERS = [
    "Référence",
    "Nature",
    "CPTS",
    "Région",
    "Départements",
    "Communes",
    "Population",
    "Taille",
    "Déposé le",
    "Échéance",
    "Délai",
    "État",
    "Bureau en charge",
    "Suivi par",
    "Étiquettes",
    "Adresse du dossier",
]
# A cell that begins so would be computed by the spreadsheet that opens the file.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def neutral(cell: object) -> str:
    """The cell as text that no spreadsheet computes: an apostrophe goes before a formula."""
    text = str(cell)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def inbox_csv(lines: Iterable[Cells], options: DeskOptions, *, portal_url: str) -> str:
    """The cases, one a row, for a French spreadsheet: semicolons, and a mark of UTF-8."""
    written = StringIO()
    writer = csv.writer(written, delimiter=";")
    writer.writerow(HEADERS)
    today = timezone.localdate()
    for line in lines:
        kind = kind_named(line.case_kind)
        state = kind.state_label(line.state, reader_of_line(line))
        deadline = deadline_in_words(
            line.deadline_on, line.clock_state, line.suspended_until, today=today
        )
        writer.writerow(
            neutral(cell)
            for cell in (
                line.reference,
                kind.label,
                line.title,
                line.region_name,
                ", ".join(line.departments),
                line.commune_count,
                line.population,
                line.size_class,
                line.deposited_on,
                line.deadline_on or "",
                deadline.words,
                state.label,
                line.office_name,
                line.instructor_name,
                ", ".join(label.name for label in labels_of(line, options)),
                f"{portal_url}{address(kind.page, line.public_id)}",
            )
        )
    return "\ufeff" + written.getvalue()
