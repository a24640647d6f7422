"""What a cell of the file says, as spreadsheets and people write it. Pure: no database.

Each reader gives the value and a notice: what was understood that is not what was written.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from contracts.funding.fields import read_amount
from cpts_portal.spreadsheets import plain
from cpts_portal.words import NBSP, day

# The law that created the CPTS: no date of theirs comes before.
FIRST_DAY: Final = date(2016, 1, 27)
LAST_YEAR: Final = 2060
_EXCEL_ZERO: Final = date(1899, 12, 30)
_SERIAL: Final = re.compile(r"(4[2-9]|5[0-8])[0-9]{3}(\.0)?")
_MONTHS: Final[Mapping[str, int]] = {
    name: rank
    for rank, names in enumerate(
        (
            ("janvier", "janv"),
            ("fevrier", "fevr", "fev"),
            ("mars",),
            ("avril", "avr"),
            ("mai",),
            ("juin",),
            ("juillet", "juil"),
            ("aout",),
            ("septembre", "sept"),
            ("octobre", "oct"),
            ("novembre", "nov"),
            ("decembre", "dec"),
        ),
        start=1,
    )
    for name in names
}
_WRITTEN_OUT: Final = re.compile(r"(\d{1,2})(?: ?er)? ([a-z]+) (\d{4})")
_SHAPES: Final = ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S")
_ROUNDED: Final = re.compile(r"[0-9][.,][0-9]+E\+?[0-9]+", re.IGNORECASE)
_CODE: Final = re.compile(r"[0-9]{5}|2[AB][0-9]{3}")
_TWO_CODES: Final = re.compile(r"[0-9]{4,5}[.][0-9]{1,5}")


class CellError(ValueError):
    """The cell cannot be read; the message says why and what to do, in French."""


def read_day(text: str) -> tuple[date | None, str]:
    """A day, however it was typed; None for an empty cell."""
    text = text.strip()
    if not text:
        return None, ""
    if _SERIAL.fullmatch(text):
        found = _EXCEL_ZERO + timedelta(days=int(float(text)))
        return found, f"«{NBSP}{text}{NBSP}» est un numéro de jour d’Excel, lu le {day(found)}."
    for shape in _SHAPES:
        try:
            return _possible(datetime.strptime(text, shape).date(), text), ""  # noqa: DTZ007 - a day has no zone
        except ValueError as wrong:
            if isinstance(wrong, CellError):
                raise
    if found_words := _WRITTEN_OUT.fullmatch(plain(text)):
        number, name, year = found_words.groups()
        if month := _MONTHS.get(name):
            try:
                return _possible(date(int(year), month, int(number)), text), ""
            except ValueError as wrong:
                if isinstance(wrong, CellError):
                    raise
    raise CellError(f"«{NBSP}{text[:30]}{NBSP}» n’est pas une date{NBSP}: écrivez 15/03/2022.")


def _possible(found: date, text: str) -> date:
    if not found >= FIRST_DAY or found.year > LAST_YEAR:
        raise CellError(
            f"«{NBSP}{text}{NBSP}» ne peut pas être une date de CPTS{NBSP}: elles existent depuis "
            "2016. Vérifiez l’année."
        )
    return found


def read_number(text: str, what: str, least: int, most: int) -> int | None:
    """A whole number of things, written with or without spaces; None for an empty cell."""
    bare = re.sub(r"[\s\u202f.]|habitants?", "", text.strip().lower())
    if not bare:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", bare) or not least <= int(bare) <= most:
        raise CellError(
            f"«{NBSP}{text[:30]}{NBSP}» n’est pas {what}{NBSP}: écrivez un nombre entier, ou "
            "laissez la case vide."
        )
    return int(bare)


def read_paid(text: str) -> Decimal | None:
    """An amount paid before, in euros; None for an empty cell or nothing paid.

    Raises CellError for what is no amount, a negative one, or more than a contract ever pays.
    """
    bare = re.sub(r"[\s\u202f€]", "", text).replace("−", "-")
    if not bare or re.fullmatch(r"[-–—]|0+([.,]0+)?", bare):
        return None
    if bare.startswith("-"):
        raise CellError(
            f"«{NBSP}{text[:30]}{NBSP}» est négatif{NBSP}: écrivez ce qui a été payé en tout, "
            "reprises déduites, ou laissez la case vide."
        )
    if _ROUNDED.fullmatch(bare):
        raise CellError(
            f"«{NBSP}{text}{NBSP}» a été arrondi par le tableur{NBSP}: mettez la colonne au format "
            "Nombre, puis enregistrez de nouveau."
        )
    try:
        return read_amount(text)
    except ValueError as wrong:
        raise CellError(str(wrong)) from wrong


def read_bare(text: str, length: int) -> tuple[str, str]:
    """A number of an association or a structure, with the zeros a spreadsheet takes away.

    Raises CellError when a spreadsheet has rounded it.
    """
    text = text.strip()
    if _ROUNDED.fullmatch(text):
        raise CellError(
            f"«{NBSP}{text}{NBSP}» a été arrondi par le tableur{NBSP}: mettez la colonne au format "
            "Texte, puis écrivez de nouveau le numéro."
        )
    bare = re.sub(r"[\s.\-]+", "", text).upper()
    if bare.isdigit() and length - 2 <= len(bare) < length:
        whole = bare.zfill(length)
        return whole, f"«{NBSP}{text}{NBSP}» a été lu {whole}{NBSP}: un zéro manquait au début."
    return bare, ""


def read_codes(text: str) -> tuple[list[str], list[str]]:
    """The INSEE codes of a cell, each once, in their order; and what was put right.

    Raises CellError for what holds no code, or for two codes that a spreadsheet took for one
    number with a comma.
    """
    if _TWO_CODES.fullmatch(text.strip()):
        raise CellError(
            f"«{NBSP}{text}{NBSP}» a été pris par le tableur pour un nombre à virgule{NBSP}: "
            "séparez les deux codes par un point-virgule, ou mettez la colonne au format Texte."
        )
    codes: list[str] = []
    notices: list[str] = []
    padded: list[str] = []
    wrong: list[str] = []
    repeated: list[str] = []
    for piece in re.split(r"[^0-9A-Za-z]+", text.upper()):
        if not piece:
            continue
        code = piece
        if re.fullmatch(r"[0-9]{4}", piece):
            code = f"0{piece}"
            padded.append(code)
        if not _CODE.fullmatch(code):
            wrong.append(piece)
        elif code in codes:
            repeated.append(code)
        else:
            codes.append(code)
    if wrong:
        said = ", ".join(f"«{NBSP}{one[:20]}{NBSP}»" for one in wrong[:5])
        more = f" et {len(wrong) - 5} autres" if len(wrong) > 5 else ""
        raise CellError(
            f"{said}{more} {'n’est pas un code' if len(wrong) == 1 else 'ne sont pas des codes'} "
            "INSEE de commune : un code compte cinq signes, 81140 par exemple."
        )
    if padded:
        notices.append(f"Le zéro du début manquait à {_some(padded)}{NBSP}: il a été remis.")
    if repeated:
        notices.append(f"Écrit deux fois, compté une{NBSP}: {_some(repeated)}.")
    return codes, notices


def _some(codes: list[str]) -> str:
    shown = ", ".join(codes[:5])
    return f"{shown} et {len(codes) - 5} autres" if len(codes) > 5 else shown


def read_size(text: str) -> str:
    """« Taille 3 », « T3 » or « 3 » as T3; nothing for an empty cell."""
    bare = plain(text)
    if not bare:
        return ""
    found = re.fullmatch(r"(?:taille |t ?)?([1-4])", bare)
    if found is None:
        raise CellError(
            f"«{NBSP}{text[:30]}{NBSP}» n’est pas une taille de CPTS{NBSP}: écrivez Taille 1, "
            "2, 3 ou 4."
        )
    return f"T{found[1]}"


def read_form(text: str) -> str:
    """« aci », the tripartite contract, by default; « cpom »."""
    bare = plain(text)
    if "cpom" in bare or "pluriannuel" in bare:
        return "cpom"
    if not bare or "aci" in bare.split() or "tripartite" in bare or "conventionnel" in bare:
        return "aci"
    raise CellError(f"«{NBSP}{text[:30]}{NBSP}» n’est pas une forme connue{NBSP}: ACI ou CPOM.")
