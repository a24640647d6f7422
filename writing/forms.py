"""A step of a case as a web form: what each control shows, and what a POST holds.

No Django form: the fields are data, an unreadable answer is kept as typed, and a page holds
hundreds of cells. The names of controls are `f-<field>`, `f-<field>-<part>` and
`f-<field>-<row>-<column>`; `rev-<field>` says which version of the answer the page showed.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.http import QueryDict
from django.utils.safestring import SafeString

from procedures import answers as answer_rules
from procedures.schema import (
    HARD_MAX_ROWS,
    STRUCTURE_PARTS,
    Column,
    Field,
    FieldKind,
    Option,
)
from writing import population
from writing.cells import (
    FREE_LABEL,
    ROW_KEY,
    TableRow,
    as_typed,
    max_rows,
    options_of,
    rows_as_value,
    rows_of,
)
from writing.content import WrittenContent
from writing.links import anchor

MAX_POSTED_ROWS: Final = HARD_MAX_ROWS + 1
# Kinds drawn and saved by the page's own form, one control or group of controls each.
WRITTEN_KINDS: Final = frozenset(
    {
        FieldKind.TEXT,
        FieldKind.PARAGRAPH,
        FieldKind.DATE,
        FieldKind.MONTH,
        FieldKind.NUMBER,
        FieldKind.EMAIL,
        FieldKind.PHONE,
        FieldKind.CHOICE,
        FieldKind.STRUCTURE,
        FieldKind.TABLE,
        FieldKind.POPULATION,
    }
)


# --- What a page shows --------------------------------------------------------------


class Cell(NamedTuple):
    """One control of a table."""

    column: str
    kind: str
    label: str
    # The row, as a screen reader should say it after the column.
    where: str
    name: str
    id: str
    value: str
    wrong: bool
    # Options of a list of choices, each (key, label, is it the answer).
    options: Sequence[tuple[str, str, bool]]


class Row(NamedTuple):
    """One row of a table on the page. `cells` has None where the form asks nothing."""

    # From 0, and from 1; texts, so that a page never writes « 1 000 » in a name.
    position: str
    number: str
    key: str
    label: str
    help: str
    id: str
    free: Cell | None
    cells: Sequence[Cell | None]


@dataclass
class Clash:
    """Somebody else changed the field while this person was writing."""

    by: str
    at: datetime
    # Their version as lines of text.
    text: str
    revision: int


@dataclass
class Control:
    """A field as the page draws it."""

    key: str
    kind: str
    label: str
    help: str
    example: str
    group: str
    required: bool
    id: str
    revision: str
    # What the control holds, as typed: a text, or parts by name.
    value: Any = ""
    max_length: int = 0
    length: int = 0
    # Height of a paragraph's box, in lines.
    lines: int = 0
    errors: list[str] = field(default_factory=list)
    clash: Clash | None = None
    options: Sequence[tuple[str, str, bool]] = ()
    parts: Sequence[tuple[str, str, str, str]] = ()
    rows_label: str = ""
    columns: Sequence[Column] = ()
    rows: Sequence[Row] = ()
    max_rows: int = 0
    fixed: bool = False
    described_by: str = ""
    input_type: str = "text"
    inputmode: str = ""
    # What another room of the case shows here, or what a reader sees instead of a control.
    context: Any = None
    display: Any = None
    html: SafeString | str = ""
    may_edit: bool = True


def digest(value: Any) -> str:
    """A short mark of a value, to know whether the person changed what the page showed."""
    return f"{zlib.crc32(json.dumps(value, sort_keys=True).encode()):x}"


def base_mark(revision: int, value: Any) -> str:
    """What `rev-<field>` holds: the revision the page showed, and the mark of its value."""
    return f"{revision}.{digest(value)}"


def read_mark(text: str) -> tuple[int, str]:
    """Revision and mark; (0, "") when the page sent something else."""
    number, _, mark = text.partition(".")
    return (int(number), mark) if number.isdecimal() and len(number) < 10 else (0, "")


_INPUTS: Final[Mapping[str, tuple[str, str]]] = {
    # kind: (type, inputmode). Dates stay texts: a date picker drops what it cannot read.
    "text": ("text", ""),
    "date": ("text", "numeric"),
    "month": ("text", "numeric"),
    "number": ("text", "numeric"),
    "email": ("email", "email"),
    "phone": ("tel", "tel"),
}


def controls(
    fields: Iterable[Field], content: WrittenContent, typed: Mapping[str, Any] | None = None
) -> list[Control]:
    """The controls of a step, holding what is stored, or what was just typed where refused."""
    typed = typed or {}
    return [control(item, content, typed=typed.get(item.key)) for item in fields]


def control(item: Field, content: WrittenContent, typed: Any = None) -> Control:
    """One field as the page draws it; `typed` is what to show instead of what is stored."""
    stored = stored_value(item, content)
    value = stored if typed is None else normalised(item, typed)
    drawn = Control(
        key=item.key,
        kind=item.kind.value,
        label=item.label,
        help=item.help,
        example=item.example,
        group=item.group,
        required=item.required,
        id=anchor(item.key),
        revision=base_mark(stored_revision(item, content), stored),
        max_length=item.max_length or 0,
    )
    hints = [f"aide-{item.key}"] if item.help or item.example else []
    drawn.described_by = " ".join([*hints, f"erreur-{item.key}"])
    problems = _problems(item, value)
    drawn.errors = [problem.sentence for problem in problems]
    match item.kind:
        case FieldKind.TABLE:
            _draw_table(drawn, item, value, problems)
        case FieldKind.CHOICE:
            drawn.options = _options(item.options, value)
        case FieldKind.STRUCTURE:
            _draw_structure(drawn, item, value)
        case FieldKind.POPULATION:
            drawn.value = value
        case FieldKind.SIZE_CLASS:
            rule = content.procedure.size_rule
            drawn.display = answer_rules.display_size(rule, content.territory.size_class or "")
        case _ if item.kind in WRITTEN_KINDS:
            drawn.value = as_typed(item, value)
            drawn.length = len(drawn.value)
            drawn.lines = 3 if 0 < drawn.max_length <= 500 else 7
            drawn.input_type, drawn.inputmode = _INPUTS.get(item.kind.value, ("text", ""))
    return drawn


def _problems(item: Field, value: Any) -> Sequence[Any]:
    if item.kind == FieldKind.POPULATION:
        return population.problems(item, value)
    if item.kind in WRITTEN_KINDS:
        return answer_rules.problems(item, value, required=False)
    return ()


def problem_sentences(item: Field, value: Any) -> list[str]:
    """What is wrong with a stored value; an empty field is not wrong while drafting."""
    return [problem.sentence for problem in _problems(item, value)]


def stored_revision(item: Field, content: WrittenContent) -> int:
    """Which version of the field is stored: 0 before the first one."""
    if item.kind == FieldKind.POPULATION:
        return population.mark(population.stored(content.territory))
    return content.revisions.get(item.key, 0)


def stored_value(item: Field, content: WrittenContent) -> Any:
    """What is stored for a field; "" or an empty list when nothing is."""
    if item.kind == FieldKind.POPULATION:
        return population.stored(content.territory)
    if not item.is_answer:
        return ""
    return answer_rules.normalise(item, content.answers.get(item.key))


def normalised(item: Field, raw: Any) -> Any:
    """What would be stored for what a page or a script sent."""
    if item.kind == FieldKind.POPULATION:
        return population.read(raw)
    return answer_rules.normalise(item, raw)


def control_value(item: Field, value: Any) -> Any:
    """A stored value as the controls hold it: what a script puts into them."""
    match item.kind:
        case FieldKind.TABLE:
            return [
                {
                    key: _cell_value(item, key, text)
                    for key, text in {**_row_key(row), **row.cells}.items()
                }
                for row in rows_of(item, value)
            ]
        case FieldKind.STRUCTURE:
            parts = value if isinstance(value, Mapping) else {}
            return {part: _structure_part(part, text) for part, text in parts.items()}
        case FieldKind.CHOICE | FieldKind.POPULATION:
            return value
    return as_typed(item, value)


def _row_key(row: TableRow) -> dict[str, str]:
    return {ROW_KEY: row.fixed.key} if row.fixed else {}


def _cell_value(item: Field, key: str, text: str) -> str:
    column = next((column for column in item.columns if column.key == key), None)
    return text if column is None or options_of(column) else as_typed(column, text)


def _options(options: Sequence[Option], value: Any) -> list[tuple[str, str, bool]]:
    return [(option.key, option.label, option.key == value) for option in options]


def _draw_structure(drawn: Control, item: Field, value: Any) -> None:
    parts = value if isinstance(value, Mapping) else {}
    drawn.options = _options(item.options, parts.get("status", ""))
    drawn.parts = [
        (part, label, anchor(item.key, part), _structure_part(part, parts.get(part, "")))
        for part, label in STRUCTURE_PARTS.items()
    ]


def _structure_part(part: str, text: Any) -> str:
    day = answer_rules.read_date(str(text)) if part == "created_on" else ""
    return f"{day[8:]}/{day[5:7]}/{day[:4]}" if day else str(text)


def _draw_table(
    drawn: Control, item: Field, value: Any, problems: Iterable[answer_rules.Problem]
) -> None:
    wrong = {(problem.row, problem.column) for problem in problems}
    rows = rows_of(item, value)
    drawn.columns = item.columns
    drawn.rows_label = item.rows_label
    drawn.fixed = bool(item.fixed_rows)
    drawn.max_rows = max_rows(item)
    if not drawn.fixed and len(rows) < drawn.max_rows:
        rows = [*rows, TableRow(None, {})]
    drawn.rows = [_draw_row(item, row, index, wrong) for index, row in enumerate(rows)]


def _draw_row(
    item: Field, row: TableRow, index: int, wrong: set[tuple[int | None, str | None]]
) -> Row:
    cells: list[Cell | None] = []
    for column in item.columns:
        text = row.cells.get(column.key, "")
        # What sits where the form asks nothing is shown, so that it can be taken away.
        if row.fixed and not row.fixed.has(column) and not text:
            cells.append(None)
            continue
        where = row.fixed.label if row.fixed else f"ligne {index + 1}"
        options = options_of(column)
        cells.append(
            Cell(
                column=column.key,
                kind="choice" if options else column.kind.value,
                label=column.label,
                where=where,
                name=f"f-{item.key}-{index}-{column.key}",
                id=anchor(item.key, index, column.key),
                value=text if options else as_typed(column, text),
                wrong=(index + 1, column.key) in wrong,
                options=_options(options, text),
            )
        )
    free = None
    if row.fixed and row.fixed.free_label:
        free = Cell(
            column=FREE_LABEL,
            kind="text",
            label="Précisez",
            where=row.fixed.label,
            name=f"f-{item.key}-{index}-{FREE_LABEL}",
            id=anchor(item.key, index, FREE_LABEL),
            value=row.cells.get(FREE_LABEL, ""),
            wrong=(index + 1, FREE_LABEL) in wrong,
            options=(),
        )
    return Row(
        position=str(index),
        number=str(index + 1),
        key=row.fixed.key if row.fixed else "",
        label=row.fixed.label if row.fixed else "",
        help=row.fixed.help if row.fixed else "",
        id=anchor(item.key, index),
        free=free,
        cells=cells,
    )


# --- What a POST holds --------------------------------------------------------------


def posted_value(item: Field, data: QueryDict) -> Any:
    """What the page sent for a field, unread; None when it was not on the page."""
    if f"rev-{item.key}" not in data:
        return None
    name = f"f-{item.key}"
    match item.kind:
        case FieldKind.TABLE:
            return rows_as_value(posted_rows(item, data))
        case FieldKind.STRUCTURE:
            parts = ("status", *STRUCTURE_PARTS)
            return {part: data.get(f"{name}-{part}", "") for part in parts}
        case FieldKind.POPULATION:
            return {part: data.get(f"{name}-{part}", "") for part in population.PARTS}
        case _:
            return data.get(name, "")


def posted_rows(item: Field, data: QueryDict) -> list[TableRow]:
    """The rows of a table as the page sent them, blank ones included."""
    columns = [column.key for column in item.columns]
    if item.fixed_rows:
        return [
            TableRow(
                row,
                _posted_cells(
                    data, item, index, [*columns, *([FREE_LABEL] if row.free_label else [])]
                ),
            )
            for index, row in enumerate(item.fixed_rows)
        ]
    count = data.get(f"f-{item.key}-rows", "")
    # One more than may be stored, so that the refusal counts what was really sent.
    rows = min(int(count), MAX_POSTED_ROWS) if count.isdecimal() and len(count) < 7 else 0
    return [TableRow(None, _posted_cells(data, item, index, columns)) for index in range(rows)]


def _posted_cells(
    data: QueryDict, item: Field, index: int, columns: Iterable[str]
) -> dict[str, str]:
    return {column: data.get(f"f-{item.key}-{index}-{column}", "") for column in columns}
