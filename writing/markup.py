"""The controls of a step as HTML, and the lists that lead from one step to another.

Written in Python rather than in templates: a step holds up to a thousand cells, and a page
must stay within twice the cost of an empty one. Whatever a person wrote goes through `_e`.
"""

from collections.abc import Iterable, Sequence
from html import escape as _e
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from cpts_portal.words import figure

if TYPE_CHECKING:
    from procedures.schema import Column
    from writing.forms import Cell, Control, Row
    from writing.steps import Step

_STAR = ' <span class="written-required" title="à remplir avant le dépôt">*</span>'
_SHORT = frozenset({"date", "month", "number"})


def steps(steps: Iterable["Step"], current: str = "", *, writes: bool = False) -> SafeString:
    """The steps of a case and how far each one is, as lines of a list.

    `current` is the one of the page. Where the person `writes`, leaving it saves it.
    """
    return SafeString("".join(_step(step, current, writes=writes) for step in steps))


def _step(step: "Step", current: str, *, writes: bool) -> str:
    said = (
        f"<span>{_e(step.title)}</span>"
        f' <span class="written-steps__state written-steps__state--{step.tone}">{step.state}</span>'
    )
    if step.key == current:
        return f'<li><span class="portal-steps__text" aria-current="step">{said}</span></li>'
    if writes:
        return (
            '<li><button class="written-steps__go" type="submit" form="etape" name="go"'
            f' value="step:{step.key}">{said}</button></li>'
        )
    return f'<li><a href="{step.url}">{said}</a></li>'


def field(control: "Control", address: str) -> SafeString:
    """One field: its label, its help, its control, what is wrong with it, its state.

    `address` is where the case's fields are saved, with its last slash.
    """
    key = control.key
    draw = _DRAWN.get(control.kind, _line)
    table = ""
    if control.kind == "table":
        rows = "fixed" if control.fixed else "free"
        table = f' data-rows="{rows}" data-max-rows="{control.max_rows}"'
    errors = "".join(f'<p class="fr-error-text">{_e(error)}</p>' for error in control.errors)
    return SafeString(
        f'<div class="written-field{" written-field--error" if errors else ""}" data-field="{key}"'
        f' data-kind="{control.kind}" data-anchor="{control.id}"'
        f' data-label="{_e(control.label)}" data-url="{address}{key}/"{table}>'
        f'<input type="hidden" name="rev-{key}" value="{_e(control.revision)}">'
        f"{_clash(control)}{draw(control, address)}"
        f'<div id="erreur-{key}" data-problems>{errors}</div>'
        '<p class="written-state" data-state></p></div>\n'
    )


def _clash(control: "Control") -> str:
    return render_to_string("writing/_clash.html", {"f": control}) if control.clash else ""


def _help(control: "Control") -> str:
    if not control.help and not control.example:
        return ""
    example = (
        f' <span class="written-example">Exemple\u00a0: {_e(control.example)}</span>'
        if control.example
        else ""
    )
    return f'<p class="fr-hint-text" id="aide-{control.key}">{_e(control.help)}{example}</p>\n'


def _name(control: "Control") -> str:
    return _e(control.label) + (_STAR if control.required else "")


def _label(control: "Control") -> str:
    return f'<label class="written-label" for="{control.id}">{_name(control)}</label>'


def _described(control: "Control") -> str:
    invalid = ' aria-invalid="true"' if control.errors else ""
    return f' aria-describedby="{control.described_by}"{invalid}'


def _line(control: "Control", _address: str) -> str:
    short = " written-input--short" if control.kind in _SHORT else ""
    mode = f' inputmode="{control.inputmode}"' if control.inputmode else ""
    return (
        f"{_label(control)}{_help(control)}"
        f'<input class="fr-input{short}" type="{control.input_type}"{mode} id="{control.id}"'
        f' name="f-{control.key}" value="{_e(control.value)}" data-main{_described(control)}>'
    )


def _paragraph(control: "Control", _address: str) -> str:
    counter = ""
    if control.max_length:
        limit = control.max_length
        noun = "caractère" if control.length < 2 else "caractères"
        counter = (
            f'<p class="fr-hint-text written-counter" data-counter data-limit="{limit}">'
            f"{figure(control.length)} {noun} sur {figure(limit)}.</p>"
        )
    return (
        f"{_label(control)}{_help(control)}"
        f'<textarea class="fr-input" id="{control.id}" name="f-{control.key}"'
        f' rows="{control.lines}" data-main{_described(control)}>\n'
        f"{_e(control.value)}</textarea>{counter}"
    )


def _choice(control: "Control", _address: str) -> str:
    return _fieldset(control, _radios(control, f"f-{control.key}"))


def _structure(control: "Control", _address: str) -> str:
    radios = _radios(control, f"f-{control.key}-status", ' data-part="status"')
    parts = "".join(
        f'<div class="fr-input-group"><label class="fr-label" for="{id_}">{_e(label)}'
        f"{_DAY_HINT if part == 'created_on' else ''}</label>"
        f'<input class="fr-input" type="text" id="{id_}" name="f-{control.key}-{part}"'
        f' value="{_e(value)}" data-part="{part}"></div>'
        for part, label, id_, value in control.parts
    )
    return _fieldset(control, f'{radios}<div class="written-parts">{parts}</div>')


def _radios(control: "Control", name: str, more: str = "") -> str:
    return "".join(
        f'<div class="fr-radio-group"><input type="radio" id="{control.id}-{key}" name="{name}"'
        f' value="{key}"{more}{"" if rank else " data-main"}{" checked" if ticked else ""}>'
        f'<label class="fr-label" for="{control.id}-{key}">{_e(label)}</label></div>'
        for rank, (key, label, ticked) in enumerate(control.options)
    )


def _fieldset(control: "Control", inside: str) -> str:
    return (
        f'<fieldset class="written-fieldset" id="{control.id}" tabindex="-1"'
        f' aria-describedby="{control.described_by}">'
        f'<legend class="written-label">{_name(control)}</legend>{_help(control)}'
        f"{inside}</fieldset>"
    )


def _population(control: "Control", _address: str) -> str:
    return render_to_string("writing/_population.html", {"f": control})


# --- Tables -------------------------------------------------------------------------


def _table(control: "Control", address: str) -> str:
    """Rows and their buttons: each does through the portal what the script does at once."""
    key, label = control.key, _e(control.label)
    head = (
        f'<th scope="col">{_e(control.rows_label)}</th>'
        if control.fixed
        else '<th scope="col"><span class="fr-sr-only">Ligne</span></th>'
    )
    for column in control.columns:
        star = _STAR if column.required else ""
        example = (
            f' <span class="fr-hint-text">{_e(column.example)}</span>' if column.example else ""
        )
        name = f"{_e(column.label)}{star}{example}"
        head += f'<th scope="col" data-column-head="{column.key}">{name}</th>'
    add = count = ""
    if not control.fixed:
        head += '<th scope="col"><span class="fr-sr-only">Actions</span></th>'
        count = (
            f'<input type="hidden" name="f-{key}-rows" value="{len(control.rows)}" data-row-count>'
        )
        add = (
            '<button class="fr-btn fr-btn--secondary fr-btn--sm" type="submit" name="table"'
            f' value="add:{key}" data-action="add">Ajouter une ligne</button>'
        )
    overs = [_over(column) for column in control.columns]
    rows = "\n".join(_row(control, row, overs) for row in control.rows)
    export = " ".join(
        f'<a class="fr-link" href="{address}{key}/export.{extension}">{name}'
        f'<span class="fr-sr-only">, {label}</span></a>'
        for extension, name in (("xlsx", "Excel"), ("csv", "CSV"))
    )
    return (
        f'<div id="{control.id}" tabindex="-1" role="group" aria-labelledby="titre-{key}"'
        f' aria-describedby="{control.described_by}">'
        f'<p class="written-label" id="titre-{key}">{_name(control)}</p>{_help(control)}'
        '<div class="portal-table portal-table--stack written-table">'
        f'<table aria-labelledby="titre-{key}"><thead><tr>{head}</tr></thead><tbody>\n'
        f"{rows}\n</tbody></table></div>{count}<div data-paste-report></div>"
        f'<p class="written-table__tools">{add}<button class="portal-link-button" type="submit"'
        f' name="then" value="import:{key}">Remplir depuis un tableur'
        f'<span class="fr-sr-only">, {label}</span></button>'
        f"<span>Exporter\u00a0: {export}</span></p></div>"
    )


def _row(control: "Control", row: "Row", overs: Sequence[str]) -> str:
    if control.fixed:
        aid = f' <span class="fr-hint-text">{_e(row.help)}</span>' if row.help else ""
        free = _cell(row.free) if row.free else ""
        head = f"{_e(row.label)}{aid}{free}"
        actions = ""
    else:
        head = f'<span class="written-row-word">Ligne </span><span data-number>{row.number}</span>'
        actions = _row_buttons(control.key, row)
    cells = "".join(
        f'<td data-label="{over}">{_cell(cell)}</td>' if cell else "<td></td>"
        for over, cell in zip(overs, row.cells, strict=True)
    )
    return (
        f'<tr data-row="{row.key}" id="{row.id}"><th scope="row">{head}</th>{cells}{actions}</tr>'
    )


def _over(column: "Column") -> str:
    """What stands over a cell on a phone, where the head of its column is not seen."""
    star = " *" if column.required else ""
    example = f" (exemple : {_e(column.example)})" if column.example else ""
    return f"{_e(column.label)}{star}{example}"


def _row_buttons(key: str, row: "Row") -> str:
    buttons = " ".join(
        f'<button class="written-row-button" type="submit" name="table"'
        f' value="{action}:{key}:{row.position}" data-action="{action}"'
        f' aria-label="{word} la ligne {row.number}">{shown}</button>'
        for action, word, shown in _ROW_ACTIONS
    )
    return f'<td class="written-table__actions">{buttons}</td>'


def _cell(cell: "Cell") -> str:
    label = _e(cell.label)
    common = (
        f' id="{cell.id}" name="{cell.name}" data-column="{cell.column}" data-label="{label}"'
        f' aria-label="{label}, {_e(cell.where)}"{_INVALID if cell.wrong else ""}'
    )
    if cell.kind == "choice":
        options = "".join(
            f'<option value="{key}"{" selected" if chosen else ""}>{_e(name)}</option>'
            for key, name, chosen in cell.options
        )
        # An answer that is none of the options stays, to be seen and mended.
        if cell.value and not any(chosen for _key, _name, chosen in cell.options):
            options += f'<option value="{_e(cell.value)}" selected>{_e(cell.value)}</option>'
        return f'<select class="fr-select"{common}><option value=""></option>{options}</select>'
    if cell.kind == "paragraph":
        return f'<textarea class="fr-input" rows="3"{common}>\n{_e(cell.value)}</textarea>'
    mode = ' inputmode="numeric"' if cell.kind == "number" else ""
    return f'<input class="fr-input" type="text"{mode}{common} value="{_e(cell.value)}">'


_INVALID = ' aria-invalid="true"'
_DAY_HINT = ' <span class="fr-hint-text">JJ/MM/AAAA</span>'
_WORD = '<span class="written-row-button__word">{}</span>'
# What a button does, how it is said, what it shows (a wide screen shows an arrow).
_ROW_ACTIONS = (
    ("up", "Monter", _WORD.format("Monter")),
    ("down", "Descendre", _WORD.format("Descendre")),
    ("remove", "Retirer", "Retirer"),
)
_DRAWN = {
    "paragraph": _paragraph,
    "choice": _choice,
    "structure": _structure,
    "population": _population,
    "table": _table,
}
