"""The lists of the desk of contracts, drawn without a template."""

from collections.abc import Iterable
from html import escape as _e

from django.utils.safestring import SafeString

from contracts.desk.waiting import Waiting
from workflow.readers import StateLabel


def rows_markup(rows: Iterable[Waiting]) -> SafeString:
    """The contracts of a list as rows of a table."""
    return SafeString(
        "\n".join(
            f'<tr><th scope="row">{_e(one.title)}{_size(one)}</th>'
            f'<td data-label="Contrat">{_e(one.reference) or "pas encore numéroté"}</td>'
            f'<td data-label="État">{_badge(one.state)}</td>'
            f'<td data-label="Ce qui attend"><a href="{one.url}">{_e(one.what) or "Ouvrir"}'
            f'<span class="fr-sr-only"> – {_e(one.title)}</span></a></td></tr>'
            for one in rows
        )
    )


def _size(one: Waiting) -> str:
    return f'<br><span class="portal-muted">Taille {one.size[1:]}</span>' if one.size else ""


def _badge(state: StateLabel) -> str:
    """As `components/badge.html` draws it."""
    tone = f" fr-badge--{state.tone}" if state.tone else ""
    return f'<span class="fr-badge fr-badge--no-icon fr-badge--sm{tone}">{_e(state.label)}</span>'
