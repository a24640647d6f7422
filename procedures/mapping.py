"""Which field of the portal carries which field of a source document, and what is amiss."""

from collections.abc import Mapping
from dataclasses import dataclass

from procedures.reading import fold
from procedures.schema import Field, FieldKind, Procedure
from procedures.sources import SourceDocument, SourceField


@dataclass(frozen=True)
class MappedField:
    """A source field and the portal fields that carry it, in the order of the form."""

    source: SourceField
    fields: tuple[Field, ...]


def document_of(
    procedure: Procedure, documents: Mapping[str, SourceDocument]
) -> SourceDocument | None:
    """The document a procedure is made from."""
    return next((d for d in documents.values() if d.procedure == procedure.key), None)


def mapped(procedure: Procedure, document: SourceDocument) -> tuple[MappedField, ...]:
    """Every field of the document, in its order, with what carries it (maybe nothing)."""
    return tuple(
        MappedField(
            source, tuple(field for field in procedure.fields if source.full_id in field.source)
        )
        for source in document.fields
    )


def gaps(procedure: Procedure, document: SourceDocument) -> list[str]:
    """What of the document the form does not carry faithfully, in French; [] when all is there.

    Every field is carried, in the order of the document, under its headings, with the
    columns and the rows of its tables.
    """
    found: list[str] = []
    printed = {field.key: headings for field, headings in procedure.headings()}
    position = -1
    for entry in mapped(procedure, document):
        name = entry.source.full_id
        if not entry.fields:
            found.append(f"{name} : aucun champ ne le porte.")
            continue
        first = procedure.fields.index(entry.fields[0])
        if first < position:
            found.append(f"{name} : « {entry.fields[0].key} » n’est pas dans l’ordre du document.")
        position = max(position, first)
        for field in entry.fields:
            headings = {_word(heading) for heading in printed[field.key]}
            found += [
                f"{name} : « {field.key} » n’est pas sous « {heading} »."
                for heading in entry.source.headings
                if _word(heading) not in headings
            ]
            found += _table_gaps(entry.source, field, procedure)
    return found


def _table_gaps(source: SourceField, field: Field, procedure: Procedure) -> list[str]:
    found = []
    columns = [column.printed_label for column in field.columns]
    if source.columns and not _same(source.columns, columns):
        found.append(f"{source.full_id} : les colonnes de « {field.key} » diffèrent : {columns}.")
    if field.kind == FieldKind.SIZE_CLASS:
        rows = [option.label for option in procedure.size_rule.options]
    else:
        rows = [row.label for row in field.fixed_rows] or [o.label for o in field.options]
    if source.rows and not _same(source.rows, rows):
        found.append(f"{source.full_id} : les lignes de « {field.key} » diffèrent : {rows}.")
    return found


def _same(expected: tuple[str, ...], found: list[str]) -> bool:
    return [_word(label) for label in expected] == [_word(label) for label in found]


def _word(label: str) -> str:
    """The label without what only typography changes."""
    return fold(label).strip("«»: ")
