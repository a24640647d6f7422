"""The lists of the desk of contracts, drawn without a template."""

from collections.abc import Iterable
from html import escape as _e

from django.utils.safestring import SafeString

from contracts.desk.standing import Due
from contracts.desk.waiting import Waiting
from cpts_portal.badges import badge
from cpts_portal.words import day


def rows_markup(rows: Iterable[Waiting]) -> SafeString:
    """The contracts of a list as rows of a table."""
    return SafeString(
        "\n".join(
            f'<tr><th scope="row">{_e(one.title)}{_size(one)}</th>'
            f'<td data-label="Contrat">{_e(one.reference) or "pas encore numéroté"}</td>'
            f'<td data-label="État">{badge(one.state.label, one.state.tone)}</td>'
            f'<td data-label="Ce qui attend"><a href="{one.url}">{_e(one.what) or "Ouvrir"}'
            f'<span class="fr-sr-only"> – {_e(one.title)}</span></a></td></tr>'
            for one in rows
        )
    )


def dues_rows(dues: Iterable[Due]) -> SafeString:
    """What is awaited in a contract as rows of a table."""
    return SafeString(
        "\n".join(
            f'<tr><td data-label="De qui">{_e(one.who)}</td>'
            f'<th scope="row"><a href="{one.url}">{_e(one.what)}</a></th>'
            f'<td data-label="Pour le">{_when(one)}</td></tr>'
            for one in dues
        )
    )


def _when(one: Due) -> str:
    said = "" if one.is_late else "sans date limite"
    if one.on:
        said = f'<span class="portal-nowrap">{day(one.on)}</span>'
    return f"{said} {badge('En retard', 'warning')}" if one.is_late else said


def _size(one: Waiting) -> str:
    return f'<br><span class="portal-muted">Taille {one.size[1:]}</span>' if one.size else ""
