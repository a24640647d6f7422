"""The rows and the choices of the list as markup: a template takes three times as long over them.

Every word that comes from somebody is escaped here.
"""

from collections.abc import Callable, Collection, Iterable
from html import escape as _e
from typing import Final

from django.utils.safestring import SafeString

from desks.deadlines import Deadline
from desks.inbox import LabelTag, Option, Row


def rows_markup(rows: Iterable[Row], columns: Collection[str]) -> SafeString:
    """The rows of the table, with the optional columns that are shown."""
    shown = [cell for key, cell in _CELLS.items() if key in columns]
    return SafeString("".join(_row(row, shown) for row in rows))


def options_markup(options: Iterable[Option | LabelTag], chosen: str = "") -> SafeString:
    """The options of a list of choices."""
    pairs = (
        (str(one.pk), one.name) if isinstance(one, LabelTag) else (one.value, one.label)
        for one in options
    )
    return SafeString(
        "".join(
            f'<option value="{_e(value)}"{" selected" if value == chosen else ""}>'
            f"{_e(label)}</option>"
            for value, label in pairs
        )
    )


def _row(row: Row, cells: Iterable[Callable[[Row], str]]) -> str:
    reference = _e(row.reference)
    return (
        f'<tr><td class="inbox-table__tick"><input type="checkbox" name="dossier" '
        f'value="{_e(row.public_id)}" aria-label="Choisir {reference}"></td>'
        f'<th scope="row"><a class="portal-nowrap" href="{_e(row.url)}">{reference}</a></th>'
        f"{_name(row)}{''.join(cell(row) for cell in cells)}</tr>"
    )


def _name(row: Row) -> str:
    labels = "".join(
        f' <span class="desk-label desk-label--{_e(one.colour)}">{_e(one.name)}</span>'
        for one in row.labels
    )
    excerpt = row.excerpt if isinstance(row.excerpt, SafeString) else _e(row.excerpt)
    found = f'<span class="inbox-table__excerpt">… {excerpt} …</span>' if excerpt else ""
    return (
        f'<td data-label="CPTS"><span class="inbox-table__title">{_e(row.title)}</span>'
        f"{labels}{found}</td>"
    )


def _department(row: Row) -> str:
    return f'<td data-label="Département">{_e(row.departments)}</td>'


def _population(row: Row) -> str:
    return (
        f'<td data-label="Population"><span class="portal-nowrap">{_e(row.population)} hab.</span>'
        f' · <span class="portal-nowrap">{_e(row.size)}</span></td>'
    )


def _deposit(row: Row) -> str:
    return (
        f'<td data-label="Déposée le"><time class="portal-nowrap" '
        f'datetime="{_e(row.deposited_at)}">{_e(row.deposited_on)}</time></td>'
    )


def _deadline(row: Row) -> str:
    return f'<td data-label="Échéance">{_due(row.deadline)}</td>'


def _due(deadline: Deadline) -> str:
    if not deadline.on:
        return f'<span class="portal-muted">{_e(deadline.words)}</span>'
    tone = f" desk-deadline--{_e(deadline.tone)}" if deadline.tone else ""
    return (
        f'<time class="portal-nowrap" datetime="{_e(deadline.iso)}">{_e(deadline.on)}</time> '
        f'<span class="desk-deadline{tone}">{_e(deadline.words)}</span>'
    )


def _state(row: Row) -> str:
    tone = f" fr-badge--{_e(row.state.tone)}" if row.state.tone else ""
    return (
        f'<td data-label="État"><span class="fr-badge fr-badge--no-icon fr-badge--sm{tone}">'
        f"{_e(row.state.label)}</span></td>"
    )


def _instructor(row: Row) -> str:
    return f'<td data-label="Suivie par">{_e(row.instructor) or "–"}</td>'


def _desk(row: Row) -> str:
    if row.other_office:
        said = f'{_e(row.purpose)} <span class="portal-muted">({_e(row.other_office)})</span>'
    else:
        said = f"<strong>{_e(row.purpose)}</strong>"
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
