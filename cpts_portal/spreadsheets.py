"""Reading and writing the spreadsheets people bring: XLSX and CSV, in French.

What is exported can be imported back unchanged. A cell a spreadsheet would compute is
exported behind an apostrophe; the apostrophe is taken away when the file comes back.
"""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import openpyxl
from openpyxl.utils import get_column_letter

MAX_UPLOAD_BYTES: Final = 5 * 1024 * 1024
TOO_HEAVY: Final = "Le fichier dépasse 5 Mo. Gardez seulement la feuille et les lignes à importer."
# What a workbook may weigh once unzipped, and how many parts it may have.
MAX_UNZIPPED_BYTES: Final = 60 * 1024 * 1024
MAX_ZIP_ENTRIES: Final = 500
# Read no further: a table never has as many rows, and a sheet may pretend to have a million.
MAX_SHEET_ROWS: Final = 1_500
MAX_SHEET_COLUMNS: Final = 60

_DANGEROUS: Final = frozenset("=+-@\t\r\n")
_XLSX_START: Final = b"PK\x03\x04"
_OLD_XLS_START: Final = b"\xd0\xcf\x11\xe0"
UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

# A line of a sheet with the number it bears there, counted from 1.
NumberedLine = tuple[int, list[str]]


class TableFileError(ValueError):
    """The file cannot be imported; `sentences` say why and what to do, one per fault."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = list(sentences)


# --- Out ----------------------------------------------------------------------------


def neutralise(text: str) -> str:
    """The text as a spreadsheet will show it without computing it."""
    return f"'{text}" if text[:1] == "'" or text[:1] in _DANGEROUS else text


def restore(text: str) -> str:
    """Undo `neutralise`; a text that came from elsewhere is left as it is."""
    if text[:1] == "'" and (text[1:2] == "'" or text[1:2] in _DANGEROUS):
        return text[1:]
    return text


def csv_bytes(headings: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """A CSV that opens in a French spreadsheet: semicolons, UTF-8 with its mark."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(headings)
    writer.writerows([neutralise(cell) for cell in line] for line in lines)
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(title: str, headings: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet, every cell a text."""
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet(title)
    sheet.append(list(headings))
    for line in lines:
        sheet.append([UNPRINTABLE.sub("", neutralise(cell)) for cell in line])
    for index, _heading in enumerate(headings):
        sheet.column_dimensions[get_column_letter(index + 1)].width = 28
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


# --- In -----------------------------------------------------------------------------


def read_lines(
    name: str,
    content: bytes,
    *,
    score: Callable[[Sequence[str]], int],
    max_rows: int = MAX_SHEET_ROWS,
) -> list[NumberedLine]:
    """The non-empty lines of the first sheet of a workbook, or of a CSV, headings first.

    `score` counts how many headings of a line are known: it settles the separator of a CSV.
    Raises TableFileError when nothing of the file can be read.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise TableFileError(TOO_HEAVY)
    if content.startswith(_OLD_XLS_START):
        raise TableFileError(
            "Ce fichier est dans l’ancien format d’Excel (.xls). "
            "Enregistrez-le au format .xlsx ou .csv, puis importez-le."
        )
    if content.startswith(_XLSX_START):
        return _xlsx_lines(content, max_rows)
    return _csv_lines(name, content, score, max_rows)


def read_list(
    name: str,
    content: bytes,
    *,
    headings: Mapping[str, str],
    labels: Mapping[str, str],
    needed: Sequence[str],
    max_rows: int,
    mend: Callable[[str], str] = str,
) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """The rows under a line of headings: each with its number and its cells by column, cleaned;
    and the headings that were not known.

    `headings` gives the column of each known heading (as `plain` writes it), `labels` the
    heading each column has in the model of the file, `needed` the columns it cannot do without;
    `mend` puts right what each cell says before it is read.
    Raises TableFileError when nothing of the file can be used.
    """
    lines = read_lines(
        name,
        content,
        score=lambda line: sum(plain(restore(mend(cell))) in headings for cell in line),
        max_rows=max_rows,
    )
    if not lines:
        raise TableFileError("Le fichier est vide : il n’y a aucune ligne à importer.")
    lines = [(number, [mend(cell) for cell in line]) for number, line in lines]
    columns, ignored = _columns(lines[0][1], headings)
    if lacking := [labels[key] for key in needed if key not in columns.values()]:
        said = ", ".join(f"« {one} »" for one in lacking)
        expected = " ; ".join(f"« {label} »" for label in labels.values())
        raise TableFileError(
            f"Il manque au fichier {'les colonnes' if len(lacking) > 1 else 'la colonne'} {said}. "
            f"Sa première ligne doit porter les titres. Titres attendus : {expected}. Partez du "
            "modèle si vous en doutez."
        )
    read = [(number, _cells(line, columns)) for number, line in lines[1:]]
    rows = [(number, cells) for number, cells in read if any(cells.values())]
    if not rows:
        raise TableFileError(
            "Le fichier n’a que sa ligne de titres : il n’y a aucune ligne à importer."
        )
    return rows, ignored


def _columns(line: Sequence[str], headings: Mapping[str, str]) -> tuple[dict[int, str], list[str]]:
    columns: dict[int, str] = {}
    ignored: list[str] = []
    for position, cell in enumerate(line):
        key = headings.get(plain(restore(cell)))
        if key and key not in columns.values():
            columns[position] = key
        elif cell.strip():
            ignored.append(cell.strip()[:100])
    return columns, ignored


def _cells(line: Sequence[str], columns: Mapping[int, str]) -> dict[str, str]:
    return {
        key: " ".join(restore(UNPRINTABLE.sub("", line[position])).split())
        for position, key in columns.items()
        if position < len(line)
    }


def _xlsx_lines(content: bytes, max_rows: int) -> list[NumberedLine]:
    _refuse_zip_bomb(content)
    try:
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
        # The size a sheet announces may be false: the real cells are read, within limits.
        sheet.reset_dimensions()
        found = [
            (number, [_as_text(cell) for cell in row])
            for number, row in enumerate(
                sheet.iter_rows(max_row=max_rows + 1, max_col=MAX_SHEET_COLUMNS, values_only=True),
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
    if found and found[-1][0] > max_rows:
        raise TableFileError(_too_tall(max_rows))
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


def _csv_lines(
    name: str, content: bytes, score: Callable[[Sequence[str]], int], max_rows: int
) -> list[NumberedLine]:
    text = _decode(name, content)
    best: list[NumberedLine] = []
    best_score = -1
    for delimiter in ";,\t|":
        try:
            found = _split(text, delimiter)
        except csv.Error as error:
            raise TableFileError(
                "Ce CSV ne peut pas être lu : un guillemet ouvert n’est pas refermé, ou une "
                "cellule est trop longue. Corrigez-le dans le tableur, puis enregistrez-le."
            ) from error
        points = score(found[0][1]) if found else 0
        if points > best_score:
            best, best_score = found, points
    if best and best[-1][0] > max_rows * 20:
        raise TableFileError(_too_tall(max_rows))
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


def _split(text: str, delimiter: str) -> list[NumberedLine]:
    """Non-empty lines with the number of the line they begin on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[NumberedLine] = []
    begins = 1
    for line in reader:
        if any(cell.strip() for cell in line):
            found.append((begins, line[:MAX_SHEET_COLUMNS]))
        begins = reader.line_num + 1
    return found


def _too_tall(max_rows: int) -> str:
    return (
        f"La feuille dépasse {max_rows} lignes. "
        "Gardez seulement celles qui vont dans ce tableau : rien n’a été importé."
    )


def plain(text: str) -> str:
    """A heading without accents, case, punctuation or double spaces, to compare it."""
    bare = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe"))
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.casefold()).split())
