"""Reading a TOML file key by key, noting every fault in French with its place."""

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

KEY = re.compile(r"[a-z][a-z0-9_]*")

EnumType = TypeVar("EnumType", bound=StrEnum)
Item = TypeVar("Item")


class ProcedureFilesError(ValueError):
    """The files of the procedures cannot be used. `faults`: one French line per fault."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Table:
    """One table of a TOML file being read; collects what is wrong with it.

    Each reader takes a key, returns its value or a harmless default, and notes a fault
    when the value is missing or of the wrong type. `close()` reports the keys nobody read.
    """

    def __init__(self, data: Mapping[str, Any], *, file: str, path: str, faults: list[str]) -> None:
        self.data = data
        self.file = file
        self.path = path
        self.faults = faults
        self.read: set[str] = set()

    def fault(self, reason: str, key: str = "") -> None:
        where = " › ".join(part for part in (self.path, f"clé « {key} »" if key else "") if part)
        self.faults.append(
            f"{self.file} : {where} : {reason}" if where else f"{self.file} : {reason}"
        )

    def take(self, key: str, expected: type | tuple[type, ...], word: str, *, needed: bool) -> Any:
        self.read.add(key)
        if key not in self.data:
            if needed:
                self.fault(f"il manque cette clé ({word} attendu).", key)
            return None
        value = self.data[key]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            self.fault(f"{word} attendu, pas {_toml_word(value)}.", key)
            return None
        return value

    def text(self, key: str, *, needed: bool = False) -> str:
        value = self.take(key, str, "texte", needed=needed)
        if value is None:
            return ""
        if needed and not value.strip():
            self.fault("le texte est vide.", key)
        return str(value).strip()

    def boolean(self, key: str, *, default: bool = False) -> bool:
        value = self.take(key, bool, "true ou false", needed=False)
        return default if value is None else bool(value)

    def integer(self, key: str, *, low: int, high: int, needed: bool = False) -> int | None:
        value = self.take(key, int, "nombre entier", needed=needed)
        if value is not None and not low <= value <= high:
            self.fault(f"{value} est hors limites : de {low} à {high}.", key)
            return None
        return None if value is None else int(value)

    def date(self, key: str) -> date:
        value = self.take(key, date, "date (AAAA-MM-JJ)", needed=True)
        if isinstance(value, datetime):
            self.fault("date sans heure attendue (AAAA-MM-JJ).", key)
            return value.date()
        return value or date.min

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.take(key, list, "liste de textes", needed=False) or []
        if any(not isinstance(item, str) for item in value):
            self.fault("liste de textes attendue.", key)
            return ()
        if repeated := repeated_in(value):
            self.fault(f"« {repeated} » y est deux fois.", key)
        return tuple(value)

    def enum(self, key: str, kinds: type[EnumType], word: str, default: EnumType) -> EnumType:
        value = self.text(key, needed=True)
        if not value:
            return default
        try:
            return kinds(value)
        except ValueError:
            known = ", ".join(kinds)
            self.fault(f"{word} inconnu « {value} » (connus : {known}).", key)
            # Which other keys make sense depends on this one: say nothing of them.
            self.read |= self.data.keys()
            return default

    def key(self, pattern: re.Pattern[str] = KEY) -> str:
        value = self.text("key", needed=True)
        if value and not pattern.fullmatch(value):
            self.fault(f"« {value} » n’est pas une clé : minuscules sans accent.", "key")
        return value

    def table(self, key: str, *, needed: bool = True) -> "Table | None":
        value = self.take(key, dict, "table", needed=needed)
        return None if value is None else self.child(value, f"[{key}]")

    def tables(
        self, key: str, build: Callable[["Table"], Item], *, needed: bool = False
    ) -> tuple[Item, ...]:
        """Build one item per table of an array; `build` gets each table, closed afterwards."""
        value = self.take(key, list, "liste de tables", needed=needed)
        if value is None:
            return ()
        if any(not isinstance(item, dict) for item in value):
            self.fault("liste de tables attendue.", key)
            return ()
        if needed and not value:
            self.fault("la liste est vide.", key)
        built = []
        for rank, item in enumerate(value, start=1):
            name = item.get("key") or item.get("department") or item.get("kind") or ""
            child = self.child(item, f"{key}[{rank}]" + (f" « {name} »" if name else ""))
            built.append(build(child))
            child.close()
        return tuple(built)

    def child(self, data: Mapping[str, Any], path: str) -> "Table":
        full = f"{self.path} › {path}" if self.path else path
        return Table(data, file=self.file, path=full, faults=self.faults)

    def close(self) -> None:
        for key in sorted(self.data.keys() - self.read):
            close = difflib.get_close_matches(key, sorted(self.read), n=1)
            hint = f" Vouliez-vous « {close[0]} » ?" if close else ""
            self.fault(f"clé inconnue ici.{hint}", key)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file. Raises ProcedureFilesError with the line of a syntax error."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ProcedureFilesError(
            [f"{path.name}, ligne {line} : le fichier n’est pas en UTF-8."]
        ) from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        if place:
            where = f"ligne {place[1]}, colonne {place[2]}"
        else:
            where = f"ligne {path.read_text(encoding='utf-8').count(chr(10)) + 1}"
        reason = re.sub(r" \(at .*\)$", "", str(error))
        raise ProcedureFilesError(
            [f"{path.name}, {where} : ce n’est pas du TOML valide ({reason})."]
        ) from error


def repeated_in(values: Iterable[str]) -> str:
    """The first value met twice, or an empty text."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return ""


def _toml_word(value: object) -> str:
    words: dict[type, str] = {
        str: "un texte",
        bool: "true ou false",
        int: "un nombre entier",
        float: "un nombre à virgule",
        list: "une liste",
        dict: "une table",
    }
    return words.get(type(value), "une date")
