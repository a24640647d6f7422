"""The list as markup, wherever there are many of a thing: a template takes three times as long.

Every word that comes from somebody is escaped here; dates, numbers and our own words need not be.
"""

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from html import escape as _e
from typing import Final

from django.utils.safestring import SafeString

from cpts_portal.badges import badge
from desks.deadlines import Deadline, written
from desks.inbox import Row
from desks.options import LabelTag, Option
from desks.toolbar import ColumnOption, Heading, TabLink


def rows_markup(rows: Iterable[Row], columns: Collection[str]) -> SafeString:
    """The rows of the table, with the optional columns that are shown."""
    shown = [cell for key, cell in _CELLS.items() if key in columns]
    return SafeString("".join(_row(row, shown) for row in rows))


def options_markup(options: Iterable[Option | LabelTag], chosen: str = "") -> SafeString:
    """The options of a list of choices."""
    return _options(
        tuple(
            (str(one.pk), one.name) if isinstance(one, LabelTag) else (one.value, one.label)
            for one in options
        ),
        chosen,
    )


@lru_cache(256)
def _options(pairs: tuple[tuple[str, str], ...], chosen: str) -> SafeString:
    return SafeString(
        "".join(
            f'<option value="{_e(value)}"{" selected" if value == chosen else ""}>'
            f"{_e(label)}</option>"
            for value, label in pairs
        )
    )


def tabs_markup(tabs: Iterable[TabLink]) -> SafeString:
    """The tabs, each with how many cases it holds."""
    return SafeString(
        "".join(
            f'<li><a href="?{_e(tab.query)}"{_CURRENT if tab.is_current else ""}>{tab.label} '
            f'<span class="inbox-tabs__count"><span class="fr-sr-only"> : </span>'
            f"{tab.count}</span></a></li>"
            for tab in tabs
        )
    )


_CURRENT: Final = ' aria-current="page"'


def columns_markup(columns: Iterable[ColumnOption]) -> SafeString:
    """The columns to show, as boxes to tick."""
    return SafeString(
        "".join(
            '<div class="fr-checkbox-group fr-checkbox-group--sm">'
            f'<input type="checkbox" id="colonne-{one.key}" name="colonnes" value="{one.key}"'
            f"{' checked' if one.is_shown else ''}>"
            f'<label class="fr-label" for="colonne-{one.key}">{one.label}</label></div>'
            for one in columns
        )
    )


def labels_markup(labels: Iterable[tuple[LabelTag, bool]]) -> SafeString:
    """The labels of the office as boxes, ticked when they are put on the case."""
    return SafeString(
        "".join(
            '<div class="fr-checkbox-group fr-checkbox-group--sm">'
            f'<input type="checkbox" id="etiquette-{one.pk}" name="etiquettes" value="{one.pk}"'
            f"{' checked' if is_put else ''}>"
            f'<label class="fr-label" for="etiquette-{one.pk}">{_e(one.name)}</label></div>'
            for one, is_put in labels
        )
    )


def sorts_markup(headings: Iterable[Heading]) -> SafeString:
    """The orders of the list as links, where the table has no headings: on a phone."""
    return SafeString(
        "".join(
            f'<li><a href="?{_e(one.query)}">{one.label}{_SORTED[one.sorted]}</a></li>'
            for one in headings
            if one.query
        )
    )


_SORTED: Final = {
    "": "",
    "ascending": ' ↑<span class="fr-sr-only"> tri croissant</span>',
    "descending": ' ↓<span class="fr-sr-only"> tri décroissant</span>',
}


def headings_markup(headings: Iterable[Heading]) -> SafeString:
    """The headings of the table, after the column of the boxes to tick."""
    return SafeString("".join(map(_heading, headings)))


def _heading(one: Heading) -> str:
    sort = f' aria-sort="{one.sorted}"' if one.sorted else ""
    if one.query:
        said = f'<a href="?{_e(one.query)}">{one.label}</a>'
    else:
        said = f'<span class="inbox-table__plain">{one.label}</span>'
    return f'<th scope="col"{sort}>{said}</th>'


def _row(row: Row, cells: Iterable[Callable[[Row], str]]) -> str:
    reference = _e(row.reference)
    return (
        f'<tr><td class="inbox-table__tick"><input type="checkbox" name="dossier" '
        f'value="{row.public_id}" aria-label="Choisir {reference}"></td>'
        f'<th scope="row"><a class="portal-nowrap" href="{_e(row.url)}">{reference}</a>'
        f'<span class="inbox-table__nature">{row.nature}</span></th>'
        f"{_name(row)}{''.join(cell(row) for cell in cells)}</tr>"
    )


def _name(row: Row) -> str:
    labels = "".join(
        f' <span class="desk-label desk-label--{one.colour}">{_e(one.name)}</span>'
        for one in row.labels
    )
    excerpt = row.excerpt if isinstance(row.excerpt, SafeString) else _e(row.excerpt)
    found = (
        f'<span class="inbox-table__excerpt">…\N{NO-BREAK SPACE}{excerpt}\N{NO-BREAK SPACE}…</span>'
        if excerpt
        else ""
    )
    question = f'<span class="inbox-table__question">{row.question}</span>' if row.question else ""
    return (
        f'<td data-label="CPTS"><span class="inbox-table__title">{_e(row.title)}</span>'
        f"{labels}{question}{found}</td>"
    )


def _department(row: Row) -> str:
    return f'<td data-label="Département">{_e(row.departments)}</td>'


def _population(row: Row) -> str:
    return (
        f'<td data-label="Population"><span class="portal-nowrap">{row.population} hab.</span>'
        f' · <span class="portal-nowrap">{row.size}</span></td>'
    )


def _deposit(row: Row) -> str:
    return (
        f'<td data-label="Déposé le"><time class="portal-nowrap" '
        f'datetime="{row.deposited_on}">{written(row.deposited_on)}</time></td>'
    )


def _deadline(row: Row) -> str:
    return f'<td data-label="Échéance">{_due(row.deadline)}</td>'


def _due(deadline: Deadline) -> str:
    if not deadline.on:
        return f'<span class="portal-muted">{deadline.words}</span>'
    tone = f" desk-deadline--{deadline.tone}" if deadline.tone else ""
    return (
        f'<time class="portal-nowrap" datetime="{deadline.iso}">{deadline.on}</time> '
        f'<span class="desk-deadline{tone}">{deadline.words}</span>'
    )


def _state(row: Row) -> str:
    return f'<td data-label="État">{badge(row.state.label, row.state.tone)}</td>'


def _instructor(row: Row) -> str:
    return f'<td data-label="Suivi par">{_e(row.instructor) or "–"}</td>'


def _desk(row: Row) -> str:
    if row.other_office:
        said = f'{row.purpose} <span class="portal-muted">({_e(row.other_office)})</span>'
    else:
        said = f"<strong>{row.purpose}</strong>"
    return f'<td data-label="Votre bureau">{said}</td>'


# In the order of the columns.
_CELLS: Final[dict[str, Callable[[Row], str]]] = {
    "departement": _department,
    "population": _population,
    "depot": _deposit,
    "echeance": _deadline,
    "etat": _state,
    "suivi": _instructor,
    "bureau": _desk,
}
