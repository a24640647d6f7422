"""Shows answers: structures ready to be laid out, so that templates hold no logic."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from cpts_portal.words import figure
from procedures.checking import is_iso_date
from procedures.reading import Json, as_text, is_blank, is_nothing, read_month
from procedures.schema import (
    STRUCTURE_PARTS,
    Column,
    Field,
    FieldKind,
    FixedRow,
    SizeRule,
)


@dataclass(frozen=True)
class Box:
    """A check box to draw."""

    label: str
    ticked: bool


@dataclass(frozen=True)
class Cell:
    """A cell of a shown table: lines of text, or boxes. `number`: set to the right."""

    lines: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    number: bool = False


@dataclass(frozen=True)
class Display:
    """An answer ready to be laid out: a template only goes through what is not empty.

    `lines` is running text, one item per line ("" is a blank line); `boxes` are drawn in a
    row; `pairs` are a label and its text; `header` and `rows` make a table, whose first
    column names the row when `row_headers` is true. `blank`: nothing was answered.
    """

    key: str
    label: str
    blank: bool
    lines: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    row_headers: bool = False


def as_data(shown: Display) -> dict[str, Any]:
    """The same as plain data. `dataclasses.asdict` copies each text of each cell on its way."""
    return {
        "key": shown.key,
        "label": shown.label,
        "blank": shown.blank,
        "lines": shown.lines,
        "boxes": _boxes_as_data(shown.boxes),
        "pairs": shown.pairs,
        "header": shown.header,
        "rows": tuple(
            tuple(
                {"lines": cell.lines, "boxes": _boxes_as_data(cell.boxes), "number": cell.number}
                for cell in row
            )
            for row in shown.rows
        ),
        "row_headers": shown.row_headers,
    }


def _boxes_as_data(boxes: tuple[Box, ...]) -> tuple[dict[str, Any], ...]:
    return tuple({"label": box.label, "ticked": box.ticked} for box in boxes)


def display(field: Field, value: Json) -> Display:
    """How a stored value reads, on the PDF and on the read-only page.

    A value that could not be read is shown as typed. Raises ValueError for a computed field.
    """
    if not field.is_answer:
        raise ValueError(f"« {field.key} » is computed: it has no answer.")
    blank = is_blank(field, value)
    if field.kind == FieldKind.TABLE and (value is None or isinstance(value, list)):
        return _display_table(field, value or [], blank=blank)
    if field.kind == FieldKind.STRUCTURE and (blank or isinstance(value, Mapping)):
        return _display_structure(field, value if isinstance(value, Mapping) else {}, blank=blank)
    if field.kind == FieldKind.ATTACHMENT and isinstance(value, Mapping):
        return _display_deferral(field, value)
    if field.kind == FieldKind.CHOICE and (
        blank or any(value == option.key for option in field.options)
    ):
        boxes = tuple(Box(option.label, option.key == value) for option in field.options)
        return Display(field.key, field.printed_label, blank, boxes=boxes)
    return Display(field.key, field.printed_label, blank, lines=_lines(field, value))


def display_size(rule: SizeRule, size_class: str) -> tuple[Box, ...]:
    """The four boxes, the one of `size_class` ("T1" to "T4", or "") ticked."""
    return tuple(Box(option.label, option.key == size_class) for option in rule.options)


def _lines(asked: Field | Column, value: Json) -> tuple[str, ...]:
    if is_nothing(value):
        return ()
    if not isinstance(value, str):
        return (as_text(value),)
    kind = asked.kind.value
    if kind == "date" and is_iso_date(value):
        value = _day(value)
    elif kind == "month" and read_month(value) == value:
        value = f"{value[5:]}/{value[:4]}"
    elif kind == "number" and value.isdecimal():
        value = figure(int(value))
    elif kind == "choice":
        value = {option.key: option.label for option in asked.options}.get(value, value)
    return tuple(value.split("\n"))


def _day(iso: str) -> str:
    return f"{date.fromisoformat(iso):%d/%m/%Y}"


def _display_structure(field: Field, value: Mapping[str, Json], *, blank: bool) -> Display:
    status = value.get("status", "")
    boxes = tuple(Box(option.label, option.key == status) for option in field.options)
    known = {option.key for option in field.options} | {""}
    pairs = [] if status in known else [("Réponse", as_text(status))]
    for part, label in STRUCTURE_PARTS.items():
        if text := value.get(part, ""):
            is_date = part == "created_on" and isinstance(text, str) and is_iso_date(text)
            pairs.append((label, _day(text) if is_date else as_text(text)))
    return Display(field.key, field.printed_label, blank, boxes=boxes, pairs=tuple(pairs))


def _display_deferral(field: Field, value: Mapping[str, Json]) -> Display:
    if value.get("deferred") != "yes":
        return Display(field.key, field.printed_label, blank=True)
    reason = as_text(value.get("reason")).split("\n")
    return Display(
        field.key,
        field.printed_label,
        blank=False,
        lines=(f"À venir : {reason[0]}", *reason[1:]),
    )


def _display_table(field: Field, value: list[Json], *, blank: bool) -> Display:
    labels = [column.printed_label for column in field.columns]
    if not field.fixed_rows:
        rows = [_display_row(field, row) for row in value]
        return Display(
            field.key, field.printed_label, blank, header=tuple(labels), rows=tuple(rows)
        )
    # The form's own rows are shown even when nothing was answered, as on the paper form.
    given = {row.get("row"): row for row in value if isinstance(row, Mapping)}
    rows = []
    for fixed in field.fixed_rows:
        row = given.get(fixed.key, {})
        rows.append((Cell(lines=_row_label(fixed, row)), *_display_row(field, row, fixed)))
    for stray in value[len(field.fixed_rows) :]:
        name = as_text(stray.get("row")) if isinstance(stray, Mapping) else ""
        rows.append((Cell(lines=(name,)), *_display_row(field, stray)))
    return Display(
        field.key,
        field.printed_label,
        blank,
        header=(field.rows_label, *labels),
        rows=tuple(rows),
        row_headers=True,
    )


def _row_label(fixed: FixedRow, row: Mapping[str, Json]) -> tuple[str, ...]:
    typed = as_text(row.get("label")) if fixed.free_label else ""
    return (f"{fixed.label} : {typed}",) if typed else (fixed.label,)


def _display_row(field: Field, row: Json, fixed: FixedRow | None = None) -> tuple[Cell, ...]:
    if not isinstance(row, Mapping):
        return (Cell(lines=(as_text(row),)), *(Cell() for _ in field.columns[1:]))
    return tuple(
        _display_cell(column, row.get(column.key, ""))
        if fixed is None or fixed.has(column) or row.get(column.key)
        else Cell()
        for column in field.columns
    )


def _display_cell(column: Column, value: Json) -> Cell:
    if column.kind.value == "yes_no" and value in ("", "yes", "no"):
        return Cell(boxes=(Box("Oui", value == "yes"), Box("Non", value == "no")))
    return Cell(lines=_lines(column, value), number=column.kind.value == "number")
