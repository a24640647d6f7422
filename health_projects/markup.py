"""Rows and cells by the hundred, drawn in Python: a template takes ten times as long."""

import uuid
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from django.utils.safestring import SafeString

from cpts_portal.addresses import address
from cpts_portal.badges import badge
from health_projects.matrix import Matrix, MatrixRow
from health_projects.sheets import Data

_NOBODY = uuid.UUID(int=0)


def _addresses(view: str, project: uuid.UUID) -> tuple[str, str]:
    """What is before and after the number of a sheet in the addresses of a view."""
    before, after = address(f"projects:{view}", project, _NOBODY).split(str(_NOBODY))
    return before, after


def _cell(label: str, inside: str) -> str:
    return f'<td data-label="{label}">{inside}</td>'


def _note(text: str) -> str:
    return f'<br><span class="portal-muted fr-text--sm">{text}</span>'


def sheet_rows(
    project: uuid.UUID,
    rows: Sequence[tuple[Data, list[str], bool]],
    *,
    minimum: int,
    writes: bool,
) -> SafeString:
    """The rows of the list: each sheet, what it lacks, whether it is one of the minimum."""
    read, edit, remove = (
        _addresses(view, project) for view in ("sheet", "sheet-edit", "sheet-remove")
    )
    last = len(rows)
    drawn = []
    for sheet, lacks, counts in rows:
        uid, number = sheet["uid"], sheet["number"]
        linked = "".join(
            f"<li>{escape(one['label'])}</li>" for one in (*sheet["missions"], *sheet["themes"])
        )
        plural = "s" if len(lacks) > 1 else ""
        state = (
            badge("À compléter", "warning") + _note(f"{len(lacks)} élément{plural}")
            if lacks
            else badge("Complète", "success")
        )
        if minimum and counts:
            state += _note(f"compte parmi les {minimum}")
        coordinator = sheet["coordinator"]
        cells = (
            _cell("Missions et thèmes", f'<ul class="sheets-tags">{linked}</ul>' if linked else "–")
            + _cell("Coordinateur", escape(coordinator["name"]) if coordinator else "–")
            + _cell("État", state)
        )
        if writes:
            hidden = f'<span class="fr-sr-only"> la fiche {number}</span>'
            cells += _cell(
                "Actions",
                '<div class="sheets-do">'
                + _button("monter", "Monter", uid, hidden, off=number == 1)
                + _button("descendre", "Descendre", uid, hidden, off=number == last)
                + _link(edit, "Modifier", uid, hidden)
                + _button("dupliquer", "Dupliquer", uid, hidden)
                + _link(remove, "Retirer", uid, hidden)
                + "</div>",
            )
        drawn.append(
            f'<tr id="fiche-{uid}"><th scope="row">{number}. '
            f'<a href="{read[0]}{uid}{read[1]}">{escape(sheet["label"])}</a></th>{cells}</tr>'
        )
    return SafeString("\n".join(drawn))


def _button(name: str, label: str, uid: str, hidden: str, *, off: bool = False) -> str:
    disabled = " disabled" if off else ""
    return (
        f'<button class="fr-btn fr-btn--tertiary fr-btn--sm" type="submit" name="{name}" '
        f'value="{uid}"{disabled}>{label}{hidden}</button>'
    )


def _link(around: tuple[str, str], label: str, uid: str, hidden: str) -> str:
    return (
        f'<a class="fr-btn fr-btn--tertiary fr-btn--sm" href="{around[0]}{uid}{around[1]}">'
        f"{label}{hidden}</a>"
    )


_YES = '<td><span aria-hidden="true">●</span><span class="fr-sr-only">oui</span></td>'
_NO = '<td><span class="fr-sr-only">non</span></td>'


def matrix_parts(project: uuid.UUID, matrix: Matrix, *, blocking: bool) -> dict[str, Any]:
    """The heads, the rows and the key of missions against sheets."""
    before, after = _addresses("sheet", project)
    heads, key = [], []
    for sheet in matrix.sheets:
        label, url = escape(sheet["label"]), f"{before}{sheet['uid']}{after}"
        heads.append(
            f'<th scope="col"><a href="{url}" title="{label}">'
            '<span class="fr-sr-only">Fiche </span>'
            f'{sheet["number"]}<span class="fr-sr-only">, {label}</span></a></th>'
        )
        key.append(f'<li><a href="{url}">{label}</a></li>')
    wanted = badge("à couvrir", "error") if blocking else badge("pas encore", "warning")
    rows = [
        *(_matrix_row(row, row.note, wanted) for row in matrix.missions),
        *(_matrix_row(row, "thème de la région", wanted) for row in matrix.themes),
    ]
    return {
        "heads": SafeString("".join(heads)),
        "rows": SafeString("\n".join(rows)),
        "key": SafeString("".join(key)),
    }


def _matrix_row(row: MatrixRow, note: str, wanted: str) -> str:
    cells = "".join(_YES if linked else _NO for linked in row.cells)
    covered = "oui" if any(row.cells) else wanted if row.is_wanted else "non"
    return (
        f'<tr><th scope="row">{escape(row.label)} <span class="portal-muted fr-text--sm">'
        f"({escape(note)})</span></th>{cells}<td>{covered}</td></tr>"
    )


def name_options(names: Iterable[str]) -> SafeString:
    """What the browser proposes for a name."""
    return SafeString("".join(f'<option value="{escape(name)}"></option>' for name in names))
