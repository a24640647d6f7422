"""Tables of a letter in and out of spreadsheets: XLSX and CSV, with French headings.

What is exported can be imported back unchanged. A cell a spreadsheet would compute is
exported behind an apostrophe; the apostrophe is taken away when the file comes back.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

import openpyxl
from openpyxl.utils import get_column_letter

from letters.cells import FREE_LABEL, TableRow, as_typed, max_rows, rows_as_value, rows_of
from procedures import answers as answer_rules
from procedures.schema import ColumnKind, Field, FixedRow

MAX_UPLOAD_BYTES: Final = 5 * 1024 * 1024
TOO_HEAVY: Final = "Le fichier dépasse 5 Mo. Gardez seulement la feuille et les lignes à importer."
# What a workbook may weigh once unzipped, and how many parts it may have.
MAX_UNZIPPED_BYTES: Final = 60 * 1024 * 1024
MAX_ZIP_ENTRIES: Final = 500
# Read no further: a table never has as many rows, and a sheet may pretend to have a million.
MAX_SHEET_ROWS: Final = 1_500
MAX_SHEET_COLUMNS: Final = 60

# Stands for the column of the row labels among the keys of columns.
ROW_LABEL: Final = "__label__"
# Between a row's own label and the words somebody added to it.
_LABEL_MARK: Final = "\u00a0: "
_DANGEROUS: Final = frozenset("=+-@\t\r\n")
_XLSX_START: Final = b"PK\x03\x04"
_OLD_XLS_START: Final = b"\xd0\xcf\x11\xe0"
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


class TableFileError(ValueError):
    """The file cannot be imported; `sentences` say why and what to do, one per fault."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


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


# --- Out ----------------------------------------------------------------------------


def neutralise(text: str) -> str:
    """The text as a spreadsheet will show it without computing it."""
    return f"'{text}" if text[:1] == "'" or text[:1] in _DANGEROUS else text


def restore(text: str) -> str:
    """Undo `neutralise`; a text that came from elsewhere is left as it is."""
    if text[:1] == "'" and (text[1:2] == "'" or text[1:2] in _DANGEROUS):
        return text[1:]
    return text


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
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(headings(table))
    writer.writerows([neutralise(cell) for cell in line] for line in lines(table, value))
    return text.getvalue().encode("utf-8-sig")


def to_xlsx(table: Field, value: Any) -> bytes:
    """A workbook of one sheet, every cell a text."""
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("Lettre d’intention")
    sheet.append(headings(table))
    for line in lines(table, value):
        sheet.append([_UNPRINTABLE.sub("", neutralise(cell)) for cell in line])
    for index, _heading in enumerate(headings(table)):
        sheet.column_dimensions[get_column_letter(index + 1)].width = 28
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


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


def _lines_of(table: Field, name: str, content: bytes) -> list[tuple[int, list[str]]]:
    if len(content) > MAX_UPLOAD_BYTES:
        raise TableFileError(TOO_HEAVY)
    if content.startswith(_OLD_XLS_START):
        raise TableFileError(
            "Ce fichier est dans l’ancien format d’Excel (.xls). "
            "Enregistrez-le au format .xlsx ou .csv, puis importez-le."
        )
    if content.startswith(_XLSX_START):
        return _xlsx_lines(content)
    return _csv_lines(table, name, content)


def _xlsx_lines(content: bytes) -> list[tuple[int, list[str]]]:
    _refuse_zip_bomb(content)
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
        # The size a sheet announces may be false: the real cells are read, within limits.
        sheet.reset_dimensions()
        found = [
            (number, [_as_text(cell) for cell in row])
            for number, row in enumerate(
                sheet.iter_rows(
                    max_row=MAX_SHEET_ROWS + 1, max_col=MAX_SHEET_COLUMNS, values_only=True
                ),
                start=1,
            )
            if any(cell not in (None, "") for cell in row)
        ]
        workbook.close()
    except TableFileError:
        raise
    except Exception as error:  # a workbook is made of many formats, each with its own errors
        raise TableFileError(
            "Ce classeur ne peut pas être lu : il est abîmé, protégé par un mot de passe, "
            "ou d’un autre format. Enregistrez-le au format .xlsx ou .csv, puis recommencez."
        ) from error
    if found and found[-1][0] > MAX_SHEET_ROWS:
        raise TableFileError(_too_tall())
    return found


def _refuse_zip_bomb(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except zipfile.BadZipFile as error:
        raise TableFileError(
            "Ce fichier est abîmé. Enregistrez-le de nouveau au format .xlsx ou .csv."
        ) from error
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise TableFileError(
            "Ce fichier n’est pas un classeur Excel (.xlsx) ni un CSV. "
            "Enregistrez votre tableau dans l’un de ces deux formats."
        )
    if len(parts) > MAX_ZIP_ENTRIES or sum(p.file_size for p in parts) > MAX_UNZIPPED_BYTES:
        raise TableFileError(
            "Ce classeur est trop gros une fois ouvert. "
            "Copiez les seules lignes utiles dans un classeur neuf, puis importez-le."
        )


def _as_text(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "Oui" if cell else "Non"
        case datetime() | date():
            return f"{cell:%d/%m/%Y}"
        case float() if cell.is_integer():
            return str(int(cell))
        case _:
            return str(cell)


def _csv_lines(table: Field, name: str, content: bytes) -> list[tuple[int, list[str]]]:
    text = _decode(name, content)
    best: list[tuple[int, list[str]]] = []
    best_score = -1
    for delimiter in ";,\t|":
        try:
            found = _split(text, delimiter)
        except csv.Error as error:
            raise TableFileError(
                "Ce CSV ne peut pas être lu : un guillemet ouvert n’est pas refermé, ou une "
                "cellule est trop longue. Corrigez-le dans le tableur, puis enregistrez-le."
            ) from error
        score = len(_known_headings(table, found[0][1])) if found else 0
        if score > best_score:
            best, best_score = found, score
    if best and best[-1][0] > MAX_SHEET_ROWS * 20:
        raise TableFileError(_too_tall())
    return best


def _decode(name: str, content: bytes) -> str:
    encodings = ["utf-16"] if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise TableFileError(
        f"« {name} » n’est pas un tableau : le portail lit les classeurs Excel (.xlsx) "
        "et les CSV. Enregistrez votre tableau dans l’un de ces deux formats."
    )


def _split(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Non-empty lines with the number of the line they begin on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    begins = 1
    for line in reader:
        if any(cell.strip() for cell in line):
            found.append((begins, line[:MAX_SHEET_COLUMNS]))
        begins = reader.line_num + 1
    return found


def _too_tall() -> str:
    return (
        f"La feuille dépasse {MAX_SHEET_ROWS} lignes. "
        "Gardez seulement celles qui vont dans ce tableau : rien n’a été importé."
    )


# --- Headings -----------------------------------------------------------------------


def plain(text: str) -> str:
    """A heading without accents, case, punctuation or double spaces, to compare it."""
    bare = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe"))
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.casefold()).split())


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
        key: restore(_UNPRINTABLE.sub("", line[position])) if position < len(line) else ""
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
    right: list[TableRow] = []
    for number, cells, _label_typed in numbered:
        row = TableRow(None, cells)
        faults = _faults(table, number, row)
        wrong += faults
        if not faults:
            right.append(row)
    return Imported(rows_as_value([*kept, *right]), len(right), wrong, ignored)


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
    return Imported(rows_as_value(rows.values()), taken, wrong, ignored)


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


def _about_the_cell(sentence: str) -> str:
    """The sentence without the table's name and its own row number, which is not the file's."""
    before, mark, after = sentence.partition(", colonne ")
    return f"colonne {after}" if mark else before
