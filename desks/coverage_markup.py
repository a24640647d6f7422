"""The rows of the coverage as markup: a template takes three times as long over them.

Every word that comes from somebody is escaped here.
"""

from collections.abc import Iterable
from html import escape as _e
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.safestring import SafeString

from desks.coverage import CommuneRow
from workflow.coverage import Holder

_ANY_CASE: Final = UUID(int=0)


def commune_rows_markup(rows: Iterable[CommuneRow]) -> SafeString:
    """The rows of the table of communes."""
    page = reverse("cases:territory", args=[_ANY_CASE])
    return SafeString("".join(_row(row, page) for row in rows))


def _row(row: CommuneRow, page: str) -> str:
    holders = " · ".join(_holder(one, page) for one in row.holders)
    more = f" {_e(row.more)}" if row.more else ""
    return (
        f'<tr><th scope="row">{_e(row.name)} <span class="portal-muted">{row.code}</span>'
        f'<span class="coverage-place">{_e(row.place)}</span></th><td data-label="Statut">'
        f'<span class="coverage-sample coverage-sample--{row.status}" aria-hidden="true">'
        f'{row.letter}</span> {_e(row.label)}</td><td data-label="CPTS">{holders or "–"}{more}'
        f'</td><td class="portal-number" data-label="Habitants">{_e(row.population)}</td></tr>'
    )


def _holder(one: Holder, page: str) -> str:
    label = _e(one.label)
    if one.public_id:
        label = f'<a href="{page.replace(str(_ANY_CASE), one.public_id)}">{label}</a>'
    return f'{label} <span class="portal-muted">(une partie)</span>' if one.is_partial else label
