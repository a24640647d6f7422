"""The rows of a table field, the same way whether the form fixes them or the person adds them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from procedures import answers as answer_rules
from procedures.schema import DEFAULT_MAX_ROWS, Column, Field, FixedRow, Option

Cells = Mapping[str, str]
# Keys of a stored row that are not columns: which fixed row it is, and the words a person adds
# to a row such as « Autres (préciser) ».
ROW_KEY: Final = "row"
FREE_LABEL: Final = "label"
YES_NO: Final = (Option(key="yes", label="Oui"), Option(key="no", label="Non"))


@dataclass(frozen=True)
class TableRow:
    """One row of a table: the form's own row when it gives one, and the cells as texts."""

    fixed: FixedRow | None
    cells: Cells

    @property
    def is_blank(self) -> bool:
        return not any(text.strip() for text in self.cells.values())


def rows_of(table: Field, value: Any) -> list[TableRow]:
    """The rows of a table: every fixed row in its order, or the rows somebody added."""
    stored = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []
    if table.fixed_rows:
        by_key = {row.get(ROW_KEY): row for row in stored}
        return [TableRow(row, _cells(by_key.get(row.key, {}))) for row in table.fixed_rows]
    return [TableRow(None, _cells(row)) for row in stored]


def rows_as_value(rows: Iterable[TableRow]) -> list[dict[str, str]]:
    """What to hand to `save_answer` for these rows."""
    return [{ROW_KEY: row.fixed.key, **row.cells} if row.fixed else {**row.cells} for row in rows]


def max_rows(table: Field) -> int:
    """How many rows somebody may add."""
    return table.max_rows or DEFAULT_MAX_ROWS


def as_typed(asked: Field | Column, value: Any) -> str:
    """A stored text as a person types it: « 03/2027 », « Oui », the label of a choice."""
    text = "" if value is None else str(value)
    match asked.kind.value:
        case "date" if answer_rules.read_date(text) == text and text:
            return f"{text[8:]}/{text[5:7]}/{text[:4]}"
        case "month" if answer_rules.read_month(text) == text and text:
            return f"{text[5:]}/{text[:4]}"
        case "yes_no" | "choice":
            return next((o.label for o in options_of(asked) if o.key == text), text)
    return text


def options_of(asked: Field | Column) -> tuple[Option, ...]:
    """The answers a choice offers; yes and no for a yes/no column."""
    return YES_NO if asked.kind.value == "yes_no" else asked.options


def _cells(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(key): "" if cell is None else str(cell) for key, cell in row.items() if key != ROW_KEY
    }
