"""Reads what people type: dates, months, numbers, phones, then whole answers."""

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

import phonenumbers

from cpts_portal.words import MONTH_NAMES
from procedures.schema import STRUCTURE_PARTS, Column, Field, FieldKind

MAX_DIGITS: Final = 9
YEARS: Final = range(1900, 2101)
# France first, then the overseas départements and collectivities with a plan of their own.
PHONE_REGIONS: Final = ("FR", "GP", "MQ", "GF", "RE", "YT", "PM")
_YES: Final = frozenset({"yes", "oui", "o", "x", "vrai", "true", "1", "on"})
_NO: Final = frozenset({"no", "non", "n", "faux", "false", "0"})
# Controls but tab, line feed and U+0085, lone surrogates, non-characters: PostgreSQL, a
# spreadsheet or a PDF refuses them.
_UNPRINTABLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)

Json = Any


def normalise(field: Field, raw: Json) -> Json:
    """The value to store for what a form, a spreadsheet or a JSON file gives.

    Loses nothing: what cannot be read is kept as typed. Reading a stored value again gives
    the same value. Raises ValueError for a computed field, which has no answer.
    """
    if not field.is_answer:
        raise ValueError(f"« {field.key} » is computed: it has no answer.")
    raw = _clean(raw)
    if field.kind == FieldKind.TABLE:
        return _table(field, raw)
    if field.kind == FieldKind.STRUCTURE:
        return _structure(field, raw)
    if field.kind == FieldKind.ATTACHMENT:
        return _deferral(raw)
    return _scalar(field, raw)


def is_blank(field: Field, value: Json) -> bool:
    """Whether nothing was written in the field. `value` is a stored value, or None."""
    if field.kind == FieldKind.TABLE and isinstance(value, list):
        return all(row_is_blank(row) for row in value)
    if isinstance(value, Mapping):
        return all(is_nothing(part) for part in value.values())
    return is_nothing(value)


def row_is_blank(row: Json) -> bool:
    """Whether a row of a table says nothing; the key of a fixed row is not an answer."""
    if isinstance(row, Mapping):
        return all(is_nothing(value) for key, value in row.items() if key != "row")
    return is_nothing(row)


def is_nothing(value: Json) -> bool:
    return value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip())


def read_date(text: str) -> str:
    """ISO date of « 31/12/2026 », « 2026-12-31 » or « 31 décembre 2026 »; else ""."""
    text = re.sub(r"[ T]00:00(:00(\.0+)?)?$", "", " ".join(text.split()))
    if found := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})", text):
        year, month, day = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"([0-9]{1,2})[/.\- ]([0-9]{1,2})[/.\- ]([0-9]{4})", text):
        day, month, year = (int(part) for part in found.groups())
    elif found := re.fullmatch(r"([0-9]{1,2})(?:er)? (\w+)\.? ([0-9]{4})", text):
        day, month, year = int(found[1]), _month_number(found[2]), int(found[3])
    else:
        return ""
    try:
        return date(year, month, day).isoformat() if year in YEARS else ""
    except ValueError:
        return ""


def read_month(text: str) -> str:
    """ISO month of « 03/2027 », « 2027-03 » or « mars 2027 »; else ""."""
    text = " ".join(text.split())
    if found := re.fullmatch(r"([0-9]{1,2}) ?[/.\-] ?([0-9]{4})", text):
        month, year = int(found[1]), int(found[2])
    elif found := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})(?:-01(?:[ T]00:00(?::00)?)?)?", text):
        year, month = int(found[1]), int(found[2])
    elif found := re.fullmatch(r"(\w+)\.? ([0-9]{4})", text):
        month, year = _month_number(found[1]), int(found[2])
    else:
        return ""
    return f"{year:04}-{month:02}" if 1 <= month <= 12 and year in YEARS else ""


def read_number(text: str) -> str:
    """The digits of « 12 000 »; else ""."""
    digits = re.sub(r"\s", "", text)
    return str(int(digits)) if re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", digits) else ""


def read_phone(text: str) -> str:
    """A French number as « 06 12 34 56 78 », another as « +32 2 123 45 67 »; else ""."""
    for region in PHONE_REGIONS:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            home = phonenumbers.region_code_for_number(number) in PHONE_REGIONS
            form = phonenumbers.PhoneNumberFormat
            return phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL)
    return ""


def as_text(raw: Json) -> str:
    """Any JSON value as a text a reader can recognise."""
    if raw is None:
        return ""
    if isinstance(raw, datetime | date):
        return _day(raw).isoformat()
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)


def one_line(raw: Json) -> str:
    """The same on one line. Non-breaking spaces are the author's and stay."""
    return re.sub(r"[ \t\n\v\f\x85]+", " ", as_text(raw)).strip()


def _trim(text: str) -> str:
    """Blank lines around and spaces at line ends go; the rest is the author's layout."""
    return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")


def _clean(raw: Json) -> Json:
    """The same JSON, its texts in one Unicode form and without what no store accepts."""
    if isinstance(raw, str):
        text = raw.replace("\r\n", "\n").replace("\r", "\n")
        return unicodedata.normalize("NFC", _UNPRINTABLE.sub("", text))
    if isinstance(raw, Mapping):
        return {_clean(str(key)): _clean(value) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_clean(item) for item in raw]
    if isinstance(raw, float) and not math.isfinite(raw):
        return str(raw)
    return raw


def fold(text: str) -> str:
    """The text without case, accents, nor difference between spaces: to compare words."""
    decomposed = unicodedata.normalize("NFD", " ".join(text.split()).casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def _month_number(word: str) -> int:
    """1 to 12 for a French month, accents and case aside, or its first letters; else 0."""
    folded = fold(word)
    matches = [
        rank for rank, name in enumerate(MONTH_NAMES, start=1) if fold(name).startswith(folded)
    ]
    return matches[0] if len(matches) == 1 and len(folded) >= 3 else 0


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


# Each gives "" for what it cannot read.
_READERS: Final[Mapping[str, Callable[[str], str]]] = {
    "date": read_date,
    "month": read_month,
    "number": read_number,
    "phone": read_phone,
}


def _scalar(asked: Field | Column, raw: Json) -> Json:
    """Read one value of any kind but table, structure and attachment."""
    kind = asked.kind.value
    raw = _python_as_text(raw, kind)
    if not isinstance(raw, str):
        return raw
    text = _trim(raw) if kind == "paragraph" else one_line(raw)
    if kind == "yes_no":
        return _yes_no(text)
    if kind == "choice":
        return _option(asked, text)
    reader = _READERS.get(kind)
    return (reader(text) if reader else "") or text


def _python_as_text(raw: Json, kind: str) -> Json:
    """What a JSON file or a spreadsheet holds instead of a text: numbers, dates, nothing."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, datetime | date):
        day = _day(raw)
        return f"{day:%Y-%m}" if kind == "month" and day.day == 1 else day.isoformat()
    if isinstance(raw, int | float):
        whole = isinstance(raw, int) or raw.is_integer()
        return str(int(raw) if whole else raw)
    return raw


def _yes_no(text: str) -> str:
    folded = fold(text)
    if folded in _YES:
        return "yes"
    return "no" if folded in _NO else text


def _option(asked: Field | Column, text: str) -> str:
    for option in asked.options:
        if text == option.key or fold(text) == fold(option.label):
            return option.key
    return text


def _structure(field: Field, raw: Json) -> Json:
    if is_nothing(raw):
        raw = {}
    if isinstance(raw, str):
        raw = {"status": raw}
    if not isinstance(raw, Mapping):
        return raw
    value = {"status": _option(field, one_line(raw.get("status")))}
    for part in STRUCTURE_PARTS:
        text = one_line(raw.get(part))
        value[part] = (read_date(text) or text) if part == "created_on" else text
    return value | _unknown(raw, value)


def _deferral(raw: Json) -> Json:
    if is_nothing(raw):
        raw = {}
    if not isinstance(raw, Mapping):
        return raw
    deferred = raw.get("deferred")
    value = {
        "deferred": "yes" if deferred is True or _yes_no(one_line(deferred)) == "yes" else "",
        "reason": _trim(as_text(raw.get("reason"))),
    }
    return value | _unknown(raw, value)


def _unknown(raw: Mapping[str, Json], read: Mapping[str, Json]) -> dict[str, Json]:
    """What the form does not know but someone wrote: kept, so that it can be told."""
    return {k: value for k, value in raw.items() if k not in read and not is_nothing(value)}


def _table(field: Field, raw: Json) -> Json:
    if is_nothing(raw):
        return []
    if isinstance(raw, Mapping) and field.fixed_rows:
        raw = [
            {**cells, "row": key} if isinstance(cells, Mapping) else cells
            for key, cells in raw.items()
        ]
    if not isinstance(raw, list):
        return raw
    rows = [_row(field, row) for row in raw]
    if field.fixed_rows:
        return _in_fixed_order(field, rows)
    return [row for row in rows if not row_is_blank(row)]


def _row(field: Field, raw: Json) -> Json:
    if isinstance(raw, list) and not field.fixed_rows and len(raw) <= len(field.columns):
        raw = dict(zip((column.key for column in field.columns), raw, strict=False))
    if not isinstance(raw, Mapping):
        return raw
    row: dict[str, Json] = {}
    if field.fixed_rows:
        row["row"] = one_line(raw.get("row"))
        if any(fixed.key == row["row"] and fixed.free_label for fixed in field.fixed_rows):
            row["label"] = one_line(raw.get("label"))
    for column in field.columns:
        row[column.key] = _scalar(column, raw.get(column.key))
    return row | _unknown(raw, row)


def _in_fixed_order(field: Field, rows: list[Json]) -> list[Json]:
    """Every fixed row in the form's order, then what matches none of them; [] when blank."""
    given: dict[str, Json] = {}
    strays: list[Json] = []
    known = {row.key for row in field.fixed_rows}
    for row in rows:
        key = row["row"] if isinstance(row, Mapping) else None
        if key in known and key not in given:
            given[key] = row
        elif not row_is_blank(row):
            strays.append(row)
    if not strays and all(row_is_blank(row) for row in given.values()):
        return []
    return [
        given.get(row.key) or _row(field, {"row": row.key}) for row in field.fixed_rows
    ] + strays
