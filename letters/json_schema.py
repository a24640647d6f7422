"""The JSON of a whole letter, for `import_letter` and for whoever writes such a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from procedures import registry
from procedures.json_schema import DIALECT, answers_schema
from procedures.schema import Procedure, ProcedureKind

SCHEMA_FILE: Final = (
    Path(__file__).resolve().parent.parent / "docs" / "import" / "lettre.schema.json"
)
NBSP: Final = "\u00a0"
# Beyond, a list of faults helps nobody.
MAX_FAULTS: Final = 50

Schema = dict[str, Any]
_TYPES: Final = {
    "string": "un texte",
    "integer": "un nombre entier",
    "boolean": "true ou false",
    "array": "une liste",
    "object": "un objet",
}


def letter_schema(procedures: Sequence[Procedure]) -> Schema:
    """The JSON Schema (draft 2020-12) of a letter to import into one of these procedures.

    With several versions of a procedure, a letter follows one of them as a whole.
    """
    versions: dict[str, list[Procedure]] = {}
    for procedure in procedures:
        versions.setdefault(procedure.region_code, []).append(procedure)
    national = versions.pop("")
    return {
        "$schema": DIALECT,
        "title": "Lettre d’intention à importer",
        "description": "Une CPTS, son équipe, son territoire, ses réponses et ses pièces. "
        "Ce que le dépôt exige n’est contrôlé qu’au dépôt.",
        "type": "object",
        "additionalProperties": False,
        "required": ["region", "answers"],
        "properties": {
            "$schema": {"type": "string"},
            "region": {
                "type": "string",
                "pattern": r"^[0-9]{2}$",
                "title": "Code INSEE de la région",
                "description": "Il choisit le formulaire, donc la forme de « answers ».",
            },
            "owner": _person() | {"title": "Responsable de la CPTS, qui dépose la lettre"},
            "team": {
                "title": "Autres membres de l’équipe",
                "type": "array",
                "maxItems": 99,
                "items": _person({"role": {"enum": ["owner", "editor", "reader"]}}, ["role"]),
            },
            "territory": _territory(),
            "answers": {
                "type": "object",
                "title": "Réponses, par clé de champ",
                "required": ["title"],
                "properties": {"title": {"type": "string", "minLength": 1}},
            },
            "attachments": {
                "title": "Pièces jointes",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["slot", "file"],
                    "properties": {
                        "slot": {"type": "string", "title": "Clé de la pièce demandée"},
                        "file": {
                            "type": "string",
                            "minLength": 1,
                            "title": "Chemin du fichier, depuis le dossier de ce JSON",
                        },
                        "name": {"type": "string", "title": "Nom à montrer"},
                    },
                },
            },
            "signature": {
                "title": "Ce que le signataire donne au dépôt",
                "type": "object",
                "additionalProperties": False,
                "required": ["commits_to_missions", "name", "place"],
                "properties": {
                    "commits_to_missions": {"type": "boolean", "title": "Engagement"},
                    "name": {"type": "string", "maxLength": 150, "title": "Nom"},
                    "place": {"type": "string", "maxLength": 100, "title": "Fait à"},
                },
            },
        },
        "allOf": [_when_region({"const": code}, own) for code, own in versions.items()]
        + [_when_region({"not": {"enum": list(versions)}}, national)],
        "$defs": {_name(procedure): _answers(procedure) for procedure in procedures},
    }


def _name(procedure: Procedure) -> str:
    return f"{procedure.key}-{procedure.version}"


def _answers(procedure: Procedure) -> Schema:
    return {key: value for key, value in answers_schema(procedure).items() if key != "$schema"}


def _when_region(region: Schema, versions: Sequence[Procedure]) -> Schema:
    followed = [_following(procedure) for procedure in versions]
    return {
        "if": {"properties": {"region": region}, "required": ["region"]},
        "then": followed[0] if len(followed) == 1 else {"anyOf": followed},
    }


def _following(procedure: Procedure) -> Schema:
    slots = {"enum": [slot.key for slot in procedure.attachments]}
    return {
        "properties": {
            "answers": {"$ref": f"#/$defs/{_name(procedure)}"},
            "attachments": {"items": {"properties": {"slot": slots}}},
        }
    }


def _person(more: Schema | None = None, required: list[str] | None = None) -> Schema:
    name = {"type": "string", "maxLength": 100}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["email", *(required or [])],
        "properties": {
            "email": {"type": "string", "maxLength": 254},
            "first_name": name,
            "last_name": name,
            "profession": name,
            **(more or {}),
        },
    }


def _territory() -> Schema:
    code = {"type": "string", "pattern": "^([0-9]{2}|2[AB])[0-9]{3}$"}
    return {
        "type": "object",
        "title": "Territoire",
        "additionalProperties": False,
        "properties": {
            "communes": {
                "title": "Codes INSEE de communes entières ou d’arrondissements",
                "type": "array",
                "items": code,
                "uniqueItems": True,
            },
            "intercommunalities": {
                "title": "SIREN d’EPCI à prendre en entier",
                "type": "array",
                "items": {"type": "string", "pattern": "^[0-9]{9}$"},
                "uniqueItems": True,
            },
            "departments": {
                "title": "Départements à prendre en entier",
                "type": "array",
                "items": {"type": "string", "pattern": "^([0-9]{2,3}|2[AB])$"},
                "uniqueItems": True,
            },
            "parts": {
                "title": "Parties de communes",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["commune", "name"],
                    "properties": {
                        "commune": code,
                        "name": {"type": "string", "minLength": 1, "maxLength": 120},
                        "population": {"type": "integer", "minimum": 0},
                    },
                },
            },
            "declared_population": {"type": "integer", "minimum": 1},
            "declared_population_reason": {"type": "string", "maxLength": 500},
        },
    }


def schema_text() -> str:
    """The published file, to the letter: every version of every procedure, whatever the day."""
    known = list(registry.all_procedures(ProcedureKind.LETTER_OF_INTENT))
    return json.dumps(letter_schema(known), ensure_ascii=False, indent=2) + "\n"


# --- Faults, in French ------------------------------------------------------------------------


def faults(data: Any) -> list[str]:
    """What in a JSON value is not a letter of today: one French line each, with where it is."""
    found = [
        line
        for error in sorted(
            Draft202012Validator(letter_schema(registry.in_force())).iter_errors(data),
            key=lambda error: [str(part) for part in error.absolute_path],
        )
        for line in _lines(error)
    ]
    unique = list(dict.fromkeys(found))
    if len(unique) > MAX_FAULTS:
        rest = len(unique) - MAX_FAULTS
        return [*unique[:MAX_FAULTS], f"… et {rest} autre(s) erreur(s)."]
    return unique


def _lines(error: ValidationError) -> list[str]:
    where = json_path(error.absolute_path)
    value: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "oneOf":
            # The rows a form gives: the row's own key says which of them it should have been.
            return _row_lines(error)
        case "additionalProperties":
            unknown = [key for key in value if key not in schema.get("properties", {})]
            return [f"{_join(where, key)}{NBSP}: cette clé n’existe pas ici." for key in unknown]
        case "required":
            missing = [key for key in schema["required"] if key not in value]
            return [f"{where}{NBSP}: il manque «{NBSP}{key}{NBSP}»." for key in missing]
    return [f"{where}{NBSP}: {_sentence(error)}"]


def _row_lines(error: ValidationError) -> list[str]:
    schema: Any = error.schema
    rows = [branch["properties"]["row"]["const"] for branch in schema["oneOf"]]
    row = error.instance.get("row") if isinstance(error.instance, Mapping) else None
    if row not in rows:
        where = json_path(error.absolute_path)
        return [f"{where}{NBSP}: «{NBSP}row{NBSP}» doit être l’une de{NBSP}: {', '.join(rows)}."]
    rank = rows.index(row)
    own = [sub for sub in error.context or [] if sub.schema_path[0] == rank]
    return [line for sub in own for line in _lines(sub)]


def _sentence(error: ValidationError) -> str:
    value: Any = error.instance
    limit: Any = error.validator_value
    match error.validator:
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            text = f"il faut {' ou '.join(_TYPES.get(kind, kind) for kind in kinds)}"
        case "enum" | "const":
            options = limit if isinstance(limit, list) else [limit]
            listed = ", ".join(
                f"«{NBSP}{option}{NBSP}»" if option else "vide" for option in options
            )
            text = f"{_typed(value)} n’est pas possible ici. Valeurs acceptées{NBSP}: {listed}"
        case "pattern":
            text = f"{_typed(value)} n’a pas la forme attendue ({limit})"
        case "maxLength":
            text = f"{len(value)} caractères{NBSP}; la limite est de {limit}"
        case "minLength":
            text = "ce texte ne peut pas être vide"
        case "maxItems":
            text = f"{len(value)} éléments{NBSP}; la limite est de {limit}"
        case "minimum":
            text = f"{value} n’est pas possible{NBSP}: il faut au moins {limit}"
        case "maximum":
            text = f"{value} n’est pas possible{NBSP}: il faut au plus {limit}"
        case "uniqueItems":
            twice = ", ".join(json.dumps(item, ensure_ascii=False) for item in _repeated(value))
            text = f"le même élément y est deux fois{NBSP}: {twice}"
        case _:
            text = "cette valeur n’est pas acceptée"
    return f"{text}."


def _repeated(items: list[Any]) -> list[Any]:
    return [item for rank, item in enumerate(items) if item in items[:rank]]


def _typed(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"«{NBSP}{text[:60]}{NBSP}»"


def json_path(parts: Any) -> str:
    """« answers.team[3].name »; « le fichier » for the whole."""
    path = ""
    for part in parts:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, str(part))
    return path or "le fichier"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path and path != "le fichier" else key
