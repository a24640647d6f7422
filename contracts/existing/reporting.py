"""The rows of an import as its page and its files show them."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.paginator import Page
from django.urls import reverse

from contracts.existing.columns import columns
from contracts.models import ExistingImport, ExistingRow
from cpts_portal.paging import read_page

PAGE_SIZE: Final = 50
Status = ExistingRow.Status
# The address word of each status, in the order of the page.
VIEWS: Final = {
    "a-corriger": Status.WRONG,
    "a-decider": Status.DOUBTFUL,
    "pretes": Status.READY,
    "deja-la": Status.KNOWN,
    "reprises": Status.DONE,
    "refusees": Status.REFUSED,
}
TONES: Final = {
    Status.WRONG: "error",
    Status.REFUSED: "error",
    Status.DOUBTFUL: "warning",
    Status.DONE: "success",
    Status.READY: "info",
    Status.KNOWN: "",
}
_PLURALS: Final = {
    Status.READY: "Prêtes",
    Status.DONE: "Reprises",
    Status.REFUSED: "Refusées",
}
REPORT_HEADINGS: Final = ("Ligne", "État", "À corriger", "Remarques", "Contrat")


def asked_view(text: str) -> str:
    """The view the address asks for; all the rows otherwise."""
    return text if text in VIEWS else ""


def views(counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """The views that have rows: the word of the address, the label, how many."""
    return [
        (key, _PLURALS.get(status, status.label), counts[status])
        for key, status in VIEWS.items()
        if counts[status]
    ]


def read_rows(
    source: ExistingImport, view: str, page: str | None, *, opens: bool
) -> tuple[list[dict[str, Any]], Page[Any]]:
    """One page of rows, in one query; `opens`: whether the person may open their contracts."""
    rows = source.rows.select_related("contract", "community").order_by("number")
    if view:
        rows = rows.filter(status=VIEWS[view])
    found, shown = read_page(rows.defer("cells", "contract__state"), page, PAGE_SIZE)
    return [_shown(row, opens=opens) for row in found], shown


def _shown(row: ExistingRow, *, opens: bool) -> dict[str, Any]:
    values = row.values
    return {
        "number": row.number,
        "name": row.name or "Sans nom",
        "label": row.get_status_display(),
        "tone": TONES[Status(row.status)],
        "faults": row.faults,
        "notices": row.notices,
        "communes": len(values.get("codes", [])),
        "signed_on": values.get("signed_on") or "",
        "is_doubtful": row.status == Status.DOUBTFUL,
        "choice": row.choice,
        "reference": row.contract.reference if row.contract else "",
        "url": reverse("contract-desk:contract", args=[row.contract.public_id])
        if row.contract and opens
        else "",
    }


def report(source: ExistingImport, view: str) -> tuple[list[str], list[list[str]]]:
    """Headings and lines of the report: the file as it was read, and what was said of each row.

    It can be corrected and imported again: the columns of the report are left aside then.
    """
    labels = columns()
    rows = source.rows.select_related("contract").order_by("number")
    if view:
        rows = rows.filter(status=VIEWS[view])
    lines = [
        [
            str(row.number),
            row.get_status_display(),
            "\n".join(row.faults),
            "\n".join(row.notices),
            (row.contract.reference or "") if row.contract else "",
            *(row.cells.get(key, "") for key in labels),
        ]
        for row in rows.iterator(200)
    ]
    return [*REPORT_HEADINGS, *labels.values()], lines
