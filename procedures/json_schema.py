"""The answers of a procedure as a JSON Schema (draft 2020-12), for machines that write them.

It describes the stored form of `procedures.answers`. It says nothing of what is compulsory
at the deposit but in words: a draft may be imported with holes in it.
"""

from typing import Any

from procedures.checking import DEFERRAL_REASON_MAX_LENGTH
from procedures.reading import MAX_DIGITS
from procedures.schema import (
    DEFAULT_MAX_LENGTH,
    STRUCTURE_PARTS,
    Column,
    Field,
    FieldKind,
    FixedRow,
    Procedure,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DATE = r"^$|^\d{4}-\d{2}-\d{2}$"
_MONTH = r"^$|^\d{4}-\d{2}$"

Schema = dict[str, Any]


def answers_schema(procedure: Procedure) -> Schema:
    """The JSON Schema of the object that holds every answer, by field key."""
    return {
        "$schema": DIALECT,
        "title": f"Réponses de la lettre d’intention, {procedure.label}, "
        f"version {procedure.version}",
        "type": "object",
        "additionalProperties": False,
        "properties": {field.key: _field(field) for field in procedure.answer_fields},
    }


def _field(field: Field) -> Schema:
    description = field.help
    if field.required and field.kind != FieldKind.ATTACHMENT:
        description = f"{description} Obligatoire au dépôt.".strip()
    about = {"title": field.label, "description": description}
    if field.kind == FieldKind.TABLE:
        return about | _table(field)
    if field.kind == FieldKind.STRUCTURE:
        text = {"type": "string", "maxLength": DEFAULT_MAX_LENGTH["text"]}
        parts = {part: text | {"title": label} for part, label in STRUCTURE_PARTS.items()}
        parts["created_on"] = {"title": STRUCTURE_PARTS["created_on"], **_of_kind("date")}
        return about | _object({"status": _choice(field), **parts})
    if field.kind == FieldKind.ATTACHMENT:
        reason = {"type": "string", "maxLength": DEFERRAL_REASON_MAX_LENGTH}
        return about | _object({"deferred": {"enum": ["yes", ""]}, "reason": reason})
    return about | _scalar(field)


def _object(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _table(field: Field) -> Schema:
    if not field.fixed_rows:
        row = _object({column.key: _column(column) for column in field.columns})
        return {"type": "array", "maxItems": field.max_rows, "items": row}
    return {
        "type": "array",
        "maxItems": len(field.fixed_rows),
        "items": {"oneOf": [_fixed_row(field, row) for row in field.fixed_rows]},
    }


def _fixed_row(field: Field, row: FixedRow) -> Schema:
    properties: Schema = {"row": {"const": row.key, "title": row.label}}
    if row.free_label:
        properties["label"] = {"type": "string", "maxLength": DEFAULT_MAX_LENGTH["text"]}
    for column in field.columns:
        properties[column.key] = _column(column) if row.has(column) else {"const": ""}
    return _object(properties) | {"required": ["row"]}


def _column(column: Column) -> Schema:
    return {"title": column.label, **_scalar(column)}


def _scalar(asked: Field | Column) -> Schema:
    if asked.kind.value == "choice":
        return _choice(asked)
    schema = _of_kind(asked.kind.value)
    return schema | ({"maxLength": asked.max_length} if asked.max_length else {})


def _choice(asked: Field | Column) -> Schema:
    return {"enum": [*(option.key for option in asked.options), ""]}


def _of_kind(kind: str) -> Schema:
    match kind:
        case "date":
            return {"type": "string", "pattern": _DATE}
        case "month":
            return {"type": "string", "pattern": _MONTH}
        case "yes_no":
            return {"enum": ["yes", "no", ""]}
        case "number":
            return {
                "type": ["integer", "string"],
                "minimum": 0,
                "maximum": 10**MAX_DIGITS - 1,
                "pattern": rf"^\d{{0,{MAX_DIGITS}}}$",
            }
    return {"type": "string"}
