"""Says what is wrong with an answer: French sentences that name the field, the row, the cell."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from cpts_portal.words import figure
from procedures.reading import (
    MAX_DIGITS,
    Json,
    is_blank,
    is_nothing,
    one_line,
    read_date,
    read_month,
    read_phone,
    row_is_blank,
)
from procedures.schema import (
    DEFAULT_MAX_LENGTH,
    HARD_MAX_LENGTH,
    HARD_MAX_ROWS,
    STRUCTURE_PARTS,
    AttachmentSlot,
    Column,
    Field,
    FieldKind,
    FixedRow,
)

NBSP: Final = "\u00a0"
DEFERRAL_REASON_MAX_LENGTH: Final = 500
# A table may hold many cells under the limit of each: this bounds their sum.
HARD_MAX_TOTAL: Final = 1_000_000
HARD_MAX_DEPTH: Final = 6


@dataclass(frozen=True)
class Problem:
    """Something to mend before the deposit, as a French sentence that names the field.

    `row` counts from 1, as the sentence does; `column` is a column's key (or the key of a
    part of the structure).
    """

    field_key: str
    sentence: str
    row: int | None = None
    column: str | None = None


def hard_limits(field: Field, raw: Json) -> list[Problem]:
    """What not even a draft may store: texts, tables or nestings beyond any sensible use."""
    label = _quoted(field)
    if _depth(raw) > HARD_MAX_DEPTH:
        sentence = f"{label} n’a pas la forme attendue : rien n’a été enregistré."
        return [Problem(field.key, sentence)]
    if isinstance(raw, list | Mapping) and len(raw) > HARD_MAX_ROWS:
        return [
            Problem(
                field.key,
                f"{label} compte {figure(len(raw))} lignes ; le portail n’en garde pas plus de "
                f"{figure(HARD_MAX_ROWS)}. Rien n’a été enregistré : retirez des lignes, ou "
                "joignez le tableau en pièce jointe.",
            )
        ]
    longest, total = _lengths(raw)
    if longest > HARD_MAX_LENGTH or total > HARD_MAX_TOTAL:
        count, limit = (
            (longest, HARD_MAX_LENGTH) if longest > HARD_MAX_LENGTH else (total, HARD_MAX_TOTAL)
        )
        return [
            Problem(
                field.key,
                f"{label} compte {figure(count)} caractères ; le portail n’en garde pas plus de "
                f"{figure(limit)}. Rien n’a été enregistré : raccourcissez le texte, ou "
                "joignez-le en pièce jointe.",
            )
        ]
    return []


def _depth(raw: Json, limit: int = HARD_MAX_DEPTH + 1) -> int:
    if limit == 0 or not isinstance(raw, list | Mapping):
        return 0
    items = raw.values() if isinstance(raw, Mapping) else raw
    return 1 + max((_depth(item, limit - 1) for item in items), default=0)


def _lengths(raw: Json) -> tuple[int, int]:
    """Length of the longest text in a JSON value, and of all of them together."""
    if isinstance(raw, str):
        return len(raw), len(raw)
    if isinstance(raw, Mapping):
        items: Sequence[Json] = [*raw.keys(), *raw.values()]
    elif isinstance(raw, list | tuple):
        items = raw
    else:
        return 0, 0
    pairs = [_lengths(item) for item in items]
    return max((pair[0] for pair in pairs), default=0), sum(pair[1] for pair in pairs)


def problems(field: Field, value: Json, *, required: bool = True) -> list[Problem]:
    """What keeps a stored value from being deposited; [] when it is ready.

    With `required=False` a blank field is no problem: what is wrong while writing. Of an
    attachment only the deferral is an answer: `attachment_problems` counts its files.
    """
    if is_blank(field, value):
        wanted = required and field.required and field.kind != FieldKind.ATTACHMENT
        return [_missing(field)] if wanted else []
    if field.kind == FieldKind.TABLE:
        return _table_problems(field, value, required=required)
    if field.kind == FieldKind.STRUCTURE:
        return _structure_problems(field, value, required=required)
    if field.kind == FieldKind.ATTACHMENT:
        return _deferral_problems(field, value, required=required)
    return [Problem(field.key, s) for s in _scalar_faults(field, value, _quoted(field))]


def attachment_problems(slot: AttachmentSlot, *, files: int, deferral: Json) -> list[Problem]:
    """What is wrong with a slot that holds `files` files and this deferral answer (or None)."""
    if files > slot.max_files:
        return [
            Problem(
                slot.key,
                f"« {slot.label} » compte {files} fichiers ; la limite est de {slot.max_files}. "
                "Retirez-en.",
            )
        ]
    if files or not slot.required:
        return []
    field = Field(key=slot.key, kind=FieldKind.ATTACHMENT, label=slot.label)
    if slot.deferrable and isinstance(deferral, Mapping) and deferral.get("deferred") == "yes":
        return _deferral_problems(field, deferral, required=True)
    sentence = f"Joignez {_quoted(field)} : cette pièce est obligatoire."
    if slot.deferrable:
        sentence = (
            f"Joignez {_quoted(field)}, ou indiquez que la pièce est à venir et dites pourquoi."
        )
    return [Problem(slot.key, sentence)]


def _quoted(asked: Field | Column) -> str:
    return f"« {asked.label.rstrip(' ?:' + NBSP)} »"


def _typed(value: Json) -> str:
    """What the person typed, quoted and cut to a readable length."""
    text = one_line(value)
    return f"« {text if len(text) <= 60 else text[:59] + '…'} »"


def _missing(field: Field) -> Problem:
    label = _quoted(field)
    if field.kind == FieldKind.TABLE and not field.fixed_rows:
        sentence = f"Ajoutez au moins une ligne à {label}."
    elif field.kind == FieldKind.TABLE:
        sentence = f"Remplissez le tableau {label}."
    elif field.kind in {FieldKind.STRUCTURE, FieldKind.CHOICE}:
        sentence = f"Répondez à la question {label}."
    else:
        sentence = f"Remplissez {label}."
    return Problem(field.key, sentence)


def _scalar_faults(asked: Field | Column, value: Json, label: str) -> list[str]:
    """Sentences on one value that is not blank. `label` opens each of them."""
    kind = asked.kind.value
    if not isinstance(value, str):
        return [f"{label} n’a pas la forme attendue (un texte). Écrivez de nouveau la réponse."]
    if asked.max_length and len(value) > asked.max_length:
        return [_too_long(label, len(value), asked.max_length)]
    fault = ""
    match kind:
        case "date" if not is_iso_date(value):
            fault = "n’est pas une date. Écrivez-la sous la forme JJ/MM/AAAA, comme 31/12/2026."
        case "month" if read_month(value) != value:
            fault = "n’est pas un mois. Écrivez-le sous la forme MM/AAAA, comme 03/2027."
        case "number" if not re.fullmatch(f"[0-9]{{1,{MAX_DIGITS}}}", value):
            fault = _number_fault(value)
        case "email" if not _is_email(value):
            fault = "n’est pas une adresse électronique. Écrivez-la comme prenom.nom@exemple.fr."
        case "phone" if not read_phone(value):
            fault = (
                "n’est pas un numéro de téléphone. Écrivez ses dix chiffres, comme "
                "06 12 34 56 78, ou un numéro étranger avec son indicatif (+32…)."
            )
        case "yes_no" if value not in {"yes", "no"}:
            fault = "n’est ni oui ni non. Choisissez l’un des deux."
        case "choice" if all(value != option.key for option in asked.options):
            options = ", ".join(option.label for option in asked.options)
            fault = f"ne fait pas partie des choix. Choisissez parmi : {options}."
    return [f"{label} : {_typed(value)} {fault}"] if fault else []


def _too_long(label: str, count: int, limit: int) -> str:
    return (
        f"{label} compte {figure(count)} caractères ; la limite est de {figure(limit)}. "
        "Raccourcissez le texte."
    )


def is_iso_date(value: str) -> bool:
    """Whether a stored date was read."""
    return read_date(value) == value


def _number_fault(value: str) -> str:
    digits = re.sub(r"\s", "", value)
    if re.fullmatch(r"[-\u2212]\s*[0-9]+([.,][0-9]+)?", digits):
        return "est négatif. Écrivez un nombre entier, zéro ou plus."
    if re.fullmatch(r"[0-9]+[.,][0-9]+", digits):
        return "n’est pas un nombre entier. Écrivez-le sans virgule ni point."
    if re.fullmatch(r"[0-9]+", digits):
        return f"est trop grand. Écrivez un nombre de {MAX_DIGITS} chiffres au plus."
    return "n’est pas un nombre. Écrivez-le en chiffres, comme 12."


def _is_email(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def _structure_problems(field: Field, value: Json, *, required: bool) -> list[Problem]:
    label = _quoted(field)
    if not isinstance(value, Mapping):
        return [Problem(field.key, f"{label} n’a pas la forme attendue. Répondez de nouveau.")]
    found: list[Problem] = []
    status = value.get("status", "")
    if not status:
        if required:
            sentence = f"{label} : choisissez une réponse, les détails ne suffisent pas."
            found.append(Problem(field.key, sentence, column="status"))
    elif all(status != option.key for option in field.options):
        options = ", ".join(option.label for option in field.options)
        sentence = (
            f"{label} : {_typed(status)} ne fait pas partie des choix. "
            f"Choisissez parmi : {options}."
        )
        found.append(Problem(field.key, sentence, column="status"))
    for part, part_label in STRUCTURE_PARTS.items():
        found += _structure_part_problems(field, value, part, part_label, required=required)
    return found + _unknown_keys(field, value, {"status", *STRUCTURE_PARTS})


def _structure_part_problems(
    field: Field, value: Mapping[str, Json], part: str, part_label: str, *, required: bool
) -> list[Problem]:
    text = value.get(part, "")
    opening = f"{_quoted(field)}, « {part_label} »"
    if not text:
        if not required or value.get("status") != "yes":
            return []
        sentence = f"{opening} : à remplir, puisque vous avez répondu « Oui »."
        return [Problem(field.key, sentence, column=part)]
    asked = Field(
        key=part,
        kind=FieldKind.DATE if part == "created_on" else FieldKind.TEXT,
        label=part_label,
        max_length=DEFAULT_MAX_LENGTH["text"],
    )
    return [Problem(field.key, s, column=part) for s in _scalar_faults(asked, text, opening)]


def _deferral_problems(field: Field, value: Json, *, required: bool) -> list[Problem]:
    label = _quoted(field)
    if not isinstance(value, Mapping):
        return [Problem(field.key, f"{label} n’a pas la forme attendue. Répondez de nouveau.")]
    reason = value.get("reason", "")
    if value.get("deferred") == "yes" and not reason and required:
        sentence = f"{label} : dites pourquoi la pièce est à venir."
        return [Problem(field.key, sentence, column="reason")]
    if len(reason) > DEFERRAL_REASON_MAX_LENGTH:
        sentence = _too_long(label, len(reason), DEFERRAL_REASON_MAX_LENGTH)
        return [Problem(field.key, sentence, column="reason")]
    return _unknown_keys(field, value, {"deferred", "reason"})


def _unknown_keys(field: Field, value: Mapping[str, Json], known: set[str]) -> list[Problem]:
    return [
        Problem(
            field.key,
            f"{_quoted(field)} : {_typed(key)} n’existe pas dans ce formulaire. Retirez-le.",
        )
        for key in value
        if key not in known
    ]


def _table_problems(field: Field, value: Json, *, required: bool) -> list[Problem]:
    label = _quoted(field)
    if not isinstance(value, list):
        return [
            Problem(
                field.key, f"{label} n’a pas la forme d’un tableau. Remplissez-le ligne par ligne."
            )
        ]
    found: list[Problem] = []
    if field.max_rows and len(value) > field.max_rows:
        found.append(
            Problem(
                field.key,
                f"{label} compte {figure(len(value))} lignes ; la limite est de "
                f"{figure(field.max_rows)}. Retirez des lignes, ou joignez la suite en pièce "
                "jointe.",
            )
        )
    for number, row in enumerate(value, start=1):
        found += _row_problems(field, number, row, required=required)
    return found


def _row_problems(field: Field, number: int, row: Json, *, required: bool) -> list[Problem]:
    if not isinstance(row, Mapping):
        sentence = (
            f"{_quoted(field)}, ligne {number} : {_typed(row)} n’est pas une ligne lisible. "
            "Écrivez-la de nouveau."
        )
        return [Problem(field.key, sentence, row=number)]
    fixed: FixedRow | None = None
    where = f"{_quoted(field)}, ligne {number}"
    if field.fixed_rows:
        fixed = next((fixed for fixed in field.fixed_rows if fixed.key == row.get("row")), None)
        if fixed is None or number > len(field.fixed_rows):
            sentence = (
                f"{where} : {_typed(row.get('row', ''))} n’est pas une ligne de ce tableau, "
                "ou y est deux fois. Retirez-la."
            )
            return [Problem(field.key, sentence, row=number)]
        where = f"{_quoted(field)}, ligne « {fixed.label} »"
    known = {column.key for column in field.columns} | {"row", "label"}
    found = [
        Problem(
            field.key,
            f"{where} : la colonne {_typed(key)} n’existe pas. Retirez-la.",
            row=number,
            column=key,
        )
        for key in row
        if key not in known
    ]
    for column in field.columns:
        if fixed is None or fixed.has(column):
            found += [
                Problem(field.key, sentence, row=number, column=column.key)
                for sentence in _cell_faults(field, column, row, fixed, where, required=required)
            ]
        elif not is_nothing(row.get(column.key)):
            sentence = (
                f"{where}, colonne {_quoted(column)} : rien n’est attendu ici. Videz la case."
            )
            found.append(Problem(field.key, sentence, row=number, column=column.key))
    if fixed and fixed.free_label:
        found += _free_label_problems(field, number, row, where, required=required)
    return found


def _cell_faults(
    field: Field,
    column: Column,
    row: Mapping[str, Json],
    fixed: FixedRow | None,
    where: str,
    *,
    required: bool,
) -> list[str]:
    value = row.get(column.key, "")
    opening = f"{where}, colonne {_quoted(column)}"
    if is_nothing(value):
        if not required:
            return []
        if column.required_if and row.get(column.required_if) == "yes":
            return [f"{opening} : à remplir, puisque vous avez répondu « Oui »."]
        # A row whose label is free is optional until something is written on it.
        if column.required and not (fixed and fixed.free_label and row_is_blank(row)):
            return [f"{opening} : cette case est à remplir."]
        return []
    faults = _scalar_faults(column, value, opening)
    if not faults and column.not_before:
        start = row.get(column.not_before, "")
        if isinstance(start, str) and read_month(start) == start and start > value:
            first = _quoted(field.column(column.not_before))
            faults.append(f"{opening} : ce mois précède celui de {first}. Corrigez l’un des deux.")
    return faults


def _free_label_problems(
    field: Field, number: int, row: Mapping[str, Json], where: str, *, required: bool
) -> list[Problem]:
    cells = {key: value for key, value in row.items() if key != "label"}
    label = row.get("label", "")
    if required and not row_is_blank(cells) and not label:
        sentence = f"{where} : précisez de qui ou de quoi il s’agit."
        return [Problem(field.key, sentence, row=number, column="label")]
    if isinstance(label, str) and len(label) > DEFAULT_MAX_LENGTH["text"]:
        sentence = _too_long(where, len(label), DEFAULT_MAX_LENGTH["text"])
        return [Problem(field.key, sentence, row=number, column="label")]
    return []
