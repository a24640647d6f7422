"""The documents the procedures come from, field by field (`sources.toml`).

A field of a procedure names the source fields it carries; a test fails when one of a
region's document is carried by none, or out of order.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SOURCES_FILE: Final = Path(__file__).resolve().parent / "sources.toml"


@dataclass(frozen=True, kw_only=True)
class SourceField:
    """One thing the document asks: its headings, its label, and the cells of a table."""

    document: str
    id: str
    headings: tuple[str, ...]
    label: str
    columns: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    @property
    def full_id(self) -> str:
        """How a procedure names it: « hdf.title »."""
        return f"{self.document}.{self.id}"


@dataclass(frozen=True, kw_only=True)
class SourceDocument:
    """A document a procedure is made from. `procedure` is the key of that procedure."""

    key: str
    number: str
    procedure: str
    title: str
    publisher: str
    date: str
    notes: tuple[str, ...]
    fields: tuple[SourceField, ...]


def read_sources(path: Path = SOURCES_FILE) -> dict[str, SourceDocument]:
    """The source documents by key. Raises KeyError or ValueError on a malformed file."""
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    documents = {entry["key"]: _document(entry) for entry in data["documents"]}
    if len(documents) != len(data["documents"]):
        raise ValueError(f"{path.name} : deux documents ont la même clé.")
    return documents


def _document(entry: Mapping[str, Any]) -> SourceDocument:
    fields = tuple(
        SourceField(
            document=entry["key"],
            id=field["id"],
            headings=tuple(field.get("headings", ())),
            label=field["label"],
            columns=tuple(field.get("columns", ())),
            rows=tuple(field.get("rows", ())),
        )
        for field in entry["fields"]
    )
    ids = [field.id for field in fields]
    if len(set(ids)) != len(ids):
        raise ValueError(f"Document {entry['key']} : un champ de source est en double.")
    return SourceDocument(
        key=entry["key"],
        number=entry["number"],
        procedure=entry["procedure"],
        title=entry["title"],
        publisher=entry["publisher"],
        date=entry["date"],
        notes=tuple(entry.get("notes", ())),
        fields=fields,
    )
