"""Tables of a case in and out of spreadsheets: XLSX and CSV, with French headings.

What is exported can be imported back unchanged. A cell a spreadsheet would compute is
exported behind an apostrophe; the apostrophe is taken away when the file comes back.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cpts_portal import spreadsheets
from cpts_portal.spreadsheets import (
    UNPRINTABLE,
    NumberedLine,
    TableFileError,
    csv_bytes,
    plain,
    restore,
    xlsx_bytes,
)
from procedures import answers as answer_rules
from procedures.schema import ColumnKind, Field, FixedRow
from writing.cells import FREE_LABEL, TableRow, as_typed, max_rows, rows_as_value, rows_of

# Stands for the column of the row labels among the keys of columns.
ROW_LABEL: Final = "__label__"
# Between a row's own label and the words somebody added to it.
_LABEL_MARK: Final = "\u00a0: "


@dataclass(frozen=True)
class Imported:
    """What an import would write, and what it could not read."""

    # The whole value of the field after the import.
    value: Any
    taken: int
    # « Ligne 7 : … », in the order of the file.
    wrong: list[str] = field(default_factory=list)
    # Columns of the file that the table does not have.
    ignored: list[str] = field(default_factory=list)
    # Cells of the rows taken that are empty, and asked before the deposit: « ligne 7, colonne … ».
    empty: list[str] = field(default_factory=list)


# --- Out ----------------------------------------------------------------------------


def headings(table: Field) -> list[str]:
    """The heading line of an exported table."""
    first = [table.rows_label or "Ligne"] if table.fixed_rows else []
    return [*first, *(column.label for column in table.columns)]


def lines(table: Field, value: Any) -> Iterator[list[str]]:
    """The lines of an exported table, as texts a reader understands."""
    for row in rows_of(table, value):
        yield [
            *([_label(row.fixed, row.cells)] if row.fixed else []),
            *(as_typed(column, row.cells.get(column.key, "")) for column in table.columns),
        ]


def _label(fixed: FixedRow, cells: Mapping[str, str]) -> str:
    typed = cells.get(FREE_LABEL, "")
    return f"{fixed.label}{_LABEL_MARK}{typed}" if typed else fixed.label


def to_csv(table: Field, value: Any) -> bytes:
    """A CSV that opens in a French spreadsheet: semicolons, UTF-8 with its mark."""
    return csv_bytes(headings(table), lines(table, value))


def to_xlsx(table: Field, value: Any) -> bytes:
    """A workbook of one sheet, every cell a text."""
    return xlsx_bytes("Tableau", headings(table), lines(table, value))


# --- In -----------------------------------------------------------------------------


def read_file(table: Field, *, name: str, content: bytes, current: Any, replace: bool) -> Imported:
    """What importing this file would give, without writing anything.

    `current` is the value of the field now; its rows stay before the new ones unless `replace`.
    The rows of a table whose rows are fixed are found by their label.

    Raises TableFileError when nothing of the file can be used.
    """
    return read_lines(table, _lines_of(table, name, content), current=current, replace=replace)


def read_lines(
    table: Field, found: Sequence[tuple[int, list[str]]], *, current: Any, replace: bool
) -> Imported:
    """As `read_file`, from numbered lines of texts, headings first."""
    if not found:
        raise TableFileError("Le fichier est vide : il n’y a aucune ligne à importer.")
    columns, label_at, ignored = _match_headings(table, found[0][1])
    numbered = [
        (number, cells, label)
        for number, line in found[1:]
        if any(cell.strip() for cell in line)
        for cells, label in [_cells_of(table, line, columns, label_at)]
    ]
    if not numbered:
        raise TableFileError(
            "Le fichier n’a que sa ligne de titres : il n’y a aucune ligne à importer."
        )
    if table.fixed_rows:
        return _into_fixed_rows(table, numbered, current=current, ignored=ignored)
    return _after_rows(table, numbered, current=current, replace=replace, ignored=ignored)


def _lines_of(table: Field, name: str, content: bytes) -> list[NumberedLine]:
    return spreadsheets.read_lines(
        name, content, score=lambda line: len(_known_headings(table, line))
    )


# --- Headings -----------------------------------------------------------------------


def _names(table: Field) -> dict[str, str]:
    """Every name a column may bear in a file → its key."""
    names: dict[str, str] = {}
    for column in table.columns:
        for name in (column.label, column.printed_label, column.key):
            names.setdefault(plain(restore(name)), column.key)
    if table.fixed_rows:
        names.setdefault(plain(table.rows_label or "Ligne"), ROW_LABEL)
        names.setdefault("ligne", ROW_LABEL)
    return names


def _known_headings(table: Field, line: Iterable[str]) -> set[str]:
    names = _names(table)
    return {names[plain(restore(cell))] for cell in line if plain(restore(cell)) in names}


def _match_headings(
    table: Field, line: Sequence[str]
) -> tuple[dict[int, str], int | None, list[str]]:
    """Position → column key, position of the row labels, and headings nobody knows."""
    names = _names(table)
    columns: dict[int, str] = {}
    label_at: int | None = None
    ignored: list[str] = []
    for position, cell in enumerate(line):
        key = names.get(plain(restore(cell)))
        if key == ROW_LABEL:
            label_at = position
        elif key and key not in columns.values():
            columns[position] = key
        elif cell.strip():
            ignored.append(cell.strip())
    if not columns or (table.fixed_rows and label_at is None):
        expected = "\u00a0; ".join(f"« {name} »" for name in headings(table))
        raise TableFileError(
            "La première ligne du fichier doit porter les titres des colonnes. "
            f"Titres attendus : {expected}. Partez du fichier exporté si vous en doutez."
        )
    return columns, label_at, ignored


def _cells_of(
    table: Field, line: Sequence[str], columns: Mapping[int, str], label_at: int | None
) -> tuple[dict[str, str], str]:
    cells = {
        key: restore(UNPRINTABLE.sub("", line[position])) if position < len(line) else ""
        for position, key in columns.items()
    }
    for column in table.columns:
        # A spreadsheet turns « 03/2027 » into the first day of that month.
        if column.kind == ColumnKind.MONTH and column.key in cells:
            cells[column.key] = re.sub(r"^\d\d/(\d\d/\d{4})$", r"\1", cells[column.key])
    label = restore(line[label_at]) if label_at is not None and label_at < len(line) else ""
    return cells, label


# --- Rows ---------------------------------------------------------------------------

NumberedRow = tuple[int, dict[str, str], str]


def _after_rows(
    table: Field,
    numbered: Sequence[NumberedRow],
    *,
    current: Any,
    replace: bool,
    ignored: list[str],
) -> Imported:
    kept = [] if replace else rows_of(table, current)
    limit = max_rows(table)
    if len(kept) + len(numbered) > limit:
        raise TableFileError(_too_many(len(kept), len(numbered), limit))
    wrong: list[str] = []
    empty: list[str] = []
    right: list[TableRow] = []
    for number, cells, _label_typed in numbered:
        row = TableRow(None, cells)
        faults = _faults(table, number, row)
        wrong += faults
        if not faults:
            right.append(row)
            empty += _empty_cells(table, number, row)
    return Imported(rows_as_value([*kept, *right]), len(right), wrong, ignored, empty)


def _too_many(kept: int, added: int, limit: int) -> str:
    have = f", et le tableau en a déjà {kept}" if kept else ""
    return (
        f"Le fichier compte {added} lignes{have}\u00a0; la limite est de {limit}. "
        "Rien n’a été importé\u00a0: retirez des lignes du fichier, puis recommencez."
    )


def _into_fixed_rows(
    table: Field, numbered: Sequence[NumberedRow], *, current: Any, ignored: list[str]
) -> Imported:
    rows = {row.fixed.key: row for row in rows_of(table, current) if row.fixed}
    wrong: list[str] = []
    empty: list[str] = []
    seen: dict[str, int] = {}
    taken = 0
    for number, cells, typed in numbered:
        fixed, free = _fixed_row(table, typed)
        if fixed is None:
            name = typed.strip()
            wrong.append(
                f"Ligne {number}\u00a0: «\u00a0{name}\u00a0» n’est pas une ligne de ce tableau."
            )
            continue
        if fixed.key in seen:
            first = seen[fixed.key]
            wrong.append(
                f"Ligne {number}\u00a0: «\u00a0{fixed.label}\u00a0» est déjà à la ligne {first}."
            )
            continue
        seen[fixed.key] = number
        label = {FREE_LABEL: free} if free else {}
        row = TableRow(fixed, {**rows[fixed.key].cells, **cells, **label})
        faults = _faults(table, number, row)
        wrong += faults
        if not faults:
            rows[fixed.key] = row
            taken += 1
            empty += [] if row.is_blank else _empty_cells(table, number, row)
    return Imported(rows_as_value(rows.values()), taken, wrong, ignored, empty)


def _fixed_row(table: Field, typed: str) -> tuple[FixedRow | None, str]:
    """The form's row that bears this label, and what somebody added to it."""
    for row in table.fixed_rows:
        if row.free_label and typed.startswith(row.label + _LABEL_MARK):
            return row, typed[len(row.label + _LABEL_MARK) :]
    wanted = plain(typed)
    return next((row for row in table.fixed_rows if plain(row.label) == wanted), None), ""


def _faults(table: Field, number: int, row: TableRow) -> list[str]:
    """Sentences on what one line of the file holds; empty cells are no fault in a draft."""
    value = answer_rules.normalise(table, rows_as_value([row]))
    return [
        f"Ligne {number}\u00a0: {fault}"
        for problem in answer_rules.problems(table, value, required=False)
        for fault in [_about_the_cell(problem.sentence)]
    ]


def _empty_cells(table: Field, number: int, row: TableRow) -> list[str]:
    """Where one line of the file leaves empty what the deposit will ask for."""
    return [
        f"ligne {number}, colonne «\u00a0{column.label}\u00a0»"
        for column in table.columns
        if column.required and not row.cells.get(column.key, "").strip()
    ]


def _about_the_cell(sentence: str) -> str:
    """The sentence without the table's name and its own row number, which is not the file's."""
    before, mark, after = sentence.partition(", colonne ")
    return f"colonne {after}" if mark else before
