"""Reads the TOML files of the procedures and refuses what is wrong, saying where and why.

Every fault of a file is reported at once: `ProcedureFilesError.faults` holds one French
line per fault, each with the file and the line or the key.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields as dataclass_fields
from pathlib import Path
from string import Formatter
from typing import Any, TypeVar

from procedures.circuit_loader import read_circuit
from procedures.project_loader import read_project
from procedures.schema import (
    COMPUTED_KINDS,
    DEFAULT_CELL_MAX_LENGTH,
    DEFAULT_MAX_LENGTH,
    DEFAULT_MAX_ROWS,
    FILE_KINDS,
    HARD_MAX_LENGTH,
    HARD_MAX_ROWS,
    PAPER_PLACEHOLDERS,
    RECEIPT_MANDATORY,
    RECEIPT_PLACEHOLDERS,
    STRUCTURE_STATUSES,
    Addressee,
    AttachmentSlot,
    BodyKind,
    Column,
    ColumnKind,
    DocumentTitles,
    Field,
    FieldKind,
    FixedRow,
    Floor,
    InformedDesk,
    Office,
    Option,
    Paper,
    Procedure,
    ProcedureKind,
    ReceiptTexts,
    Section,
    SizeRule,
)
from procedures.sources import SourceDocument
from procedures.toml import ProcedureFilesError, Table, read_toml, repeated_in

PROCEDURE_KEY = re.compile(r"[a-z][a-z0-9-]*")
# Keys a row of a table uses for itself.
RESERVED_COLUMN_KEYS = frozenset({"row", "label"})
# Fields every case needs: the portal writes to the contact, routes by the territory, numbers
# and lists by the title.
_NEEDED_ANYWHERE: Mapping[str, FieldKind] = {
    "title": FieldKind.TEXT,
    "contact_name": FieldKind.TEXT,
    "contact_profession": FieldKind.TEXT,
    "contact_address": FieldKind.PARAGRAPH,
    "contact_email": FieldKind.EMAIL,
    "contact_phone": FieldKind.PHONE,
    "territory": FieldKind.TERRITORY,
    "population": FieldKind.POPULATION,
    "size_class": FieldKind.SIZE_CLASS,
    "signature": FieldKind.SIGNATURE,
}
_PROJECT_ONLY: Mapping[str, FieldKind] = {
    "legal_entity": FieldKind.LEGAL_ENTITY,
    "action_sheets": FieldKind.ACTION_SHEETS,
    "members": FieldKind.MEMBERS,
}
NEEDED_FIELDS: Mapping[ProcedureKind, Mapping[str, FieldKind]] = {
    ProcedureKind.LETTER_OF_INTENT: _NEEDED_ANYWHERE,
    ProcedureKind.HEALTH_PROJECT: {**_NEEDED_ANYWHERE, **_PROJECT_ONLY},
}
SINGLE_KINDS = COMPUTED_KINDS
# « La procédure … », as the faults say it.
PROCEDURE_WORDS: Mapping[ProcedureKind, str] = {
    ProcedureKind.LETTER_OF_INTENT: "des lettres d’intention",
    ProcedureKind.HEALTH_PROJECT: "des projets de santé",
}
LENGTH_KINDS = frozenset(DEFAULT_MAX_LENGTH)

Item = TypeVar("Item")


def read_procedure(path: Path, sources: Mapping[str, SourceDocument]) -> Procedure:
    """Read and check one file. Raises ProcedureFilesError with every fault found."""
    faults: list[str] = []
    known_sources = frozenset(
        field.full_id for document in sources.values() for field in document.fields
    )
    root = Table(read_toml(path), file=path.name, path="", faults=faults)
    procedure = _procedure(root, known_sources)
    root.close()
    _check_whole(root, procedure)
    expected = f"{procedure.key}-{procedure.version}.toml"
    if procedure.key and path.name != expected:
        root.fault(f"d’après ses clés « key » et « version », le fichier s’appelle {expected}.")
    if faults:
        raise ProcedureFilesError(faults)
    return procedure


def _procedure(root: Table, known_sources: frozenset[str]) -> Procedure:
    key = root.key(PROCEDURE_KEY)
    region_code = root.text("region_code")
    if region_code and not re.fullmatch(r"\d{2}", region_code):
        root.fault(f"« {region_code} » n’est pas un code INSEE de région.", "region_code")
    prefix = root.text("reference_prefix", needed=True)
    if prefix and not re.fullmatch(r"[A-Z]{2,5}", prefix):
        root.fault("deux à cinq majuscules attendues.", "reference_prefix")
    kind = _kind(root)
    addressee = _addressee(root)
    return Procedure(
        key=key,
        kind=kind,
        version=root.integer("version", low=1, high=999, needed=True) or 0,
        label=root.text("label", needed=True),
        region_code=region_code,
        valid_from=root.date("valid_from"),
        reference_prefix=prefix,
        document=_group(root, "document", DocumentTitles),
        addressee=addressee,
        informed=root.tables("informed", _informed),
        size_rule=_size_rule(root),
        floor=_floor(root),
        commitment=root.text("commitment", needed=True),
        receipt=_receipt(root),
        paper=_paper(root),
        circuit=read_circuit(root, addressee=addressee.kind),
        attachments=(slots := root.tables("attachments", _slot)),
        sections=root.tables(
            "sections",
            lambda table: _section(table, known_sources, {slot.key: slot for slot in slots}),
            needed=True,
        ),
        project=read_project(root) if kind == ProcedureKind.HEALTH_PROJECT else None,
    )


def _kind(root: Table) -> ProcedureKind:
    """What the procedure receives; a file that does not say is that of a letter of intent."""
    if "kind" not in root.data:
        return ProcedureKind.LETTER_OF_INTENT
    # Unlike `Table.enum`, the rest of the file is read even when the kind is not known.
    value = root.text("kind", needed=True)
    if value not in set(ProcedureKind):
        known = ", ".join(ProcedureKind)
        root.fault(f"nature de dossier inconnue « {value} » (connues : {known}).", "kind")
        return ProcedureKind.LETTER_OF_INTENT
    return ProcedureKind(value)


def _group(root: Table, key: str, built: type[Item]) -> Item:
    """A table of nothing but needed texts, one per attribute of the dataclass."""
    table = root.table(key)
    names = [field.name for field in dataclass_fields(built)]  # type: ignore[arg-type]
    if table is None:
        return built(**dict.fromkeys(names, ""))
    item = built(**{name: table.text(name, needed=True) for name in names})
    table.close()
    return item


def _addressee(root: Table) -> Addressee:
    table = root.table("addressee")
    if table is None:
        return Addressee(kind=BodyKind.ARS, label="")
    addressee = Addressee(
        kind=table.enum("kind", BodyKind, "organisme", BodyKind.ARS),
        label=table.text("label", needed=True),
        help=table.text("help"),
        offices=table.tables("offices", _office),
    )
    table.close()
    if repeated := repeated_in(office.department for office in addressee.offices):
        table.fault(f"le département {repeated} a deux bureaux.", "offices")
    return addressee


def _office(table: Table) -> Office:
    department = table.text("department")
    if department and not re.fullmatch(r"\d{2,3}|2[AB]", department):
        table.fault(f"« {department} » n’est pas un code de département.", "department")
    return Office(
        department=department,
        name=table.text("name", needed=True),
        service=table.text("service"),
        address=table.texts("address"),
        email=table.text("email"),
        phone=table.text("phone"),
    )


def _informed(table: Table) -> InformedDesk:
    return InformedDesk(
        kind=table.enum("kind", BodyKind, "organisme", BodyKind.ARS_BRANCH),
        label=table.text("label", needed=True),
    )


def _size_rule(root: Table) -> SizeRule:
    table = root.table("size_rule")
    if table is None:
        return SizeRule(thresholds=(0, 0, 0), note="", source="")
    value = table.take("thresholds", list, "liste de trois nombres", needed=True)
    thresholds = (0, 0, 0)
    if value is not None:
        if (
            len(value) == 3
            and all(type(bound) is int and bound > 0 for bound in value)
            and value == sorted(set(value))
        ):
            thresholds = (value[0], value[1], value[2])
        else:
            table.fault("trois nombres entiers croissants attendus.", "thresholds")
    rule = SizeRule(
        thresholds=thresholds,
        note=table.text("note", needed=True),
        source=table.text("source", needed=True),
    )
    table.close()
    return rule


def _floor(root: Table) -> Floor:
    table = root.table("floor")
    if table is None:
        return Floor(inhabitants=0, is_warning=True, text="", source="")
    floor = Floor(
        inhabitants=table.integer("inhabitants", low=1, high=10_000_000, needed=True) or 0,
        is_warning=table.boolean("is_warning", default=True),
        text=table.text("text", needed=True),
        source=table.text("source", needed=True),
    )
    table.close()
    return floor


def _receipt(root: Table) -> ReceiptTexts:
    receipt = _group(root, "receipt", ReceiptTexts)
    table = root.child({}, "[receipt]")
    used: set[str] = set()
    for name, text in vars(receipt).items():
        used |= _check_placeholders(table, name, text, RECEIPT_PLACEHOLDERS)
    if (missing := RECEIPT_MANDATORY - used) and receipt.reception:
        names = ", ".join(f"{{{name}}}" for name in sorted(missing))
        table.fault(f"aucun texte ne contient {names}, que la loi demande.")
    return receipt


def _paper(root: Table) -> Paper | None:
    if "paper" not in root.data:
        root.read.add("paper")
        return None
    paper = _group(root, "paper", Paper)
    _check_placeholders(root.child({}, "[paper]"), "cover", paper.cover, PAPER_PLACEHOLDERS)
    return paper


def _check_placeholders(table: Table, key: str, text: str, known: frozenset[str]) -> set[str]:
    try:
        used = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
    except ValueError:
        table.fault("accolade ouverte et jamais fermée, ou l’inverse.", key)
        return set()
    for name in sorted(used - known):
        names = ", ".join(f"{{{name}}}" for name in sorted(known))
        table.fault(f"{{{name}}} est inconnu (connus : {names}).", key)
    return used


def _slot(table: Table) -> AttachmentSlot:
    accept = table.texts("accept")
    if not accept:
        table.fault("dites au moins un format de fichier accepté.", "accept")
    for kind in accept:
        if kind not in FILE_KINDS:
            known = ", ".join(FILE_KINDS)
            table.fault(f"format de fichier inconnu « {kind} » (connus : {known}).", "accept")
    slot = AttachmentSlot(
        key=table.key(),
        label=table.text("label", needed=True),
        help=table.text("help"),
        required=table.boolean("required"),
        deferrable=table.boolean("deferrable"),
        accept=tuple(kind for kind in accept if kind in FILE_KINDS),
        max_files=table.integer("max_files", low=1, high=20) or 1,
    )
    if slot.deferrable and not slot.required:
        table.fault("seule une pièce obligatoire peut être « à venir ».", "deferrable")
    return slot


def _section(
    table: Table, known_sources: frozenset[str], slots: Mapping[str, AttachmentSlot]
) -> Section:
    return Section(
        key=table.key(),
        title=table.text("title", needed=True),
        heading=table.text("heading"),
        part=table.text("part"),
        help=table.text("help"),
        fields=table.tables("fields", lambda item: _field(item, known_sources, slots), needed=True),
    )


def _field(
    table: Table, known_sources: frozenset[str], slots: Mapping[str, AttachmentSlot]
) -> Field:
    kind = table.enum("kind", FieldKind, "genre de champ", FieldKind.TEXT)
    key = table.key()
    source = table.texts("source")
    for name in source:
        if name not in known_sources:
            table.fault(f"champ de source inconnu « {name} ».", "source")
    if kind == FieldKind.ATTACHMENT:
        return _attachment_field(table, key, slots, source)
    field = Field(
        key=key,
        kind=kind,
        label=table.text("label", needed=True),
        pdf_label=table.text("pdf_label"),
        help=table.text("help"),
        example=table.text("example"),
        group=table.text("group"),
        required=table.boolean("required") if kind not in _COMPUTED_ONLY else False,
        max_length=_max_length(table, kind, DEFAULT_MAX_LENGTH),
        starts_from=table.texts("starts_from") if kind == FieldKind.PARAGRAPH else (),
        source=source,
        options=_options(table, kind),
        **(_table_parts(table) if kind == FieldKind.TABLE else {}),
    )
    if kind == FieldKind.STRUCTURE:
        for option in field.options:
            if option.key not in STRUCTURE_STATUSES:
                known = ", ".join(STRUCTURE_STATUSES)
                table.fault(f"statut inconnu « {option.key} » (connus : {known}).", "options")
    return field


# Kinds that nobody can leave out.
_COMPUTED_ONLY = COMPUTED_KINDS - {FieldKind.TERRITORY}


def _attachment_field(
    table: Table, key: str, slots: Mapping[str, AttachmentSlot], source: tuple[str, ...]
) -> Field:
    """The place of a slot in the form: what it says and asks comes from the slot."""
    slot = slots.get(key)
    if slot is None:
        table.fault(f"aucune pièce « {key} » dans [[attachments]].", "key")
    return Field(
        key=key,
        kind=FieldKind.ATTACHMENT,
        label=slot.label if slot else "",
        pdf_label=table.text("pdf_label"),
        help=slot.help if slot else "",
        group=table.text("group"),
        required=slot.required if slot else False,
        source=source,
    )


def _max_length(table: Table, kind: str, defaults: Mapping[str, int]) -> int | None:
    if kind not in LENGTH_KINDS:
        return None
    return table.integer("max_length", low=1, high=HARD_MAX_LENGTH) or defaults[kind]


def _options(table: Table, kind: str) -> tuple[Option, ...]:
    if kind not in {"choice", "structure"}:
        return ()
    options = table.tables("options", _option)
    if len(options) < 2:
        table.fault("un choix demande au moins deux options.", "options")
    if repeated := repeated_in(option.key for option in options):
        table.fault(f"l’option « {repeated} » y est deux fois.", "options")
    return options


def _option(table: Table) -> Option:
    return Option(key=table.key(), label=table.text("label", needed=True))


def _table_parts(table: Table) -> dict[str, Any]:
    columns = table.tables("columns", _column, needed=True)
    rows = table.tables("fixed_rows", _fixed_row)
    keys = {column.key: column for column in columns}
    _refuserepeated_in(table, "columns", "colonne", (column.key for column in columns))
    _refuserepeated_in(table, "fixed_rows", "ligne", (row.key for row in rows))
    for row in rows:
        for name in row.columns:
            if name not in keys:
                table.fault(f"la ligne « {row.key} » cite une colonne inconnue « {name} ».")
    if sum(row.free_label for row in rows) > 1:
        table.fault("une seule ligne peut avoir « free_label ».", "fixed_rows")
    for column in columns:
        _check_link(table, column, "required_if", keys, ColumnKind.YES_NO)
        _check_link(table, column, "not_before", keys, ColumnKind.MONTH)
    rows_label = table.text("rows_label")
    if bool(rows_label) != bool(rows):
        table.fault("« rows_label » va avec « fixed_rows » : l’un sans l’autre.", "rows_label")
    max_rows = None
    if not rows:
        max_rows = table.integer("max_rows", low=1, high=HARD_MAX_ROWS) or DEFAULT_MAX_ROWS
    return {
        "columns": columns,
        "fixed_rows": rows,
        "rows_label": rows_label,
        "max_rows": max_rows,
    }


def _check_link(
    table: Table, column: Column, attribute: str, keys: Mapping[str, Column], kind: ColumnKind
) -> None:
    name = getattr(column, attribute)
    if name and (name not in keys or keys[name].kind != kind or name == column.key):
        table.fault(
            f"la colonne « {column.key} » demande une autre colonne de genre « {kind} », "
            f"« {name} » n’en est pas une.",
            attribute,
        )


def _column(table: Table) -> Column:
    kind = table.enum("kind", ColumnKind, "genre de colonne", ColumnKind.TEXT)
    column = Column(
        key=table.key(),
        kind=kind,
        label=table.text("label", needed=True),
        pdf_label=table.text("pdf_label"),
        example=table.text("example"),
        required=table.boolean("required"),
        required_if=table.text("required_if"),
        not_before=table.text("not_before") if kind == ColumnKind.MONTH else "",
        max_length=_max_length(table, kind, DEFAULT_CELL_MAX_LENGTH),
        options=_options(table, kind),
    )
    if column.key in RESERVED_COLUMN_KEYS:
        table.fault(f"« {column.key} » est réservé : choisissez une autre clé.", "key")
    return column


def _fixed_row(table: Table) -> FixedRow:
    return FixedRow(
        key=table.key(),
        label=table.text("label", needed=True),
        help=table.text("help"),
        free_label=table.boolean("free_label"),
        columns=table.texts("columns"),
    )


def _check_whole(root: Table, procedure: Procedure) -> None:
    """What no single table shows: keys used twice, slots without a place, missing fields."""
    sections = [section.key for section in procedure.sections]
    _refuserepeated_in(root, "sections", "section", sections)
    _refuserepeated_in(root, "attachments", "pièce", (slot.key for slot in procedure.attachments))
    keys = [field.key for field in procedure.fields]
    _refuserepeated_in(root, "sections", "champ", keys)
    for slot in procedure.attachments:
        if not any(f.key == slot.key and f.kind == FieldKind.ATTACHMENT for f in procedure.fields):
            root.fault(f"la pièce « {slot.key} » n’a pas de place dans le formulaire.")
    for kind in SINGLE_KINDS:
        if sum(field.kind == kind for field in procedure.fields) > 1:
            root.fault(f"un seul champ de genre « {kind} » par formulaire.")
    needed = NEEDED_FIELDS[procedure.kind]
    for field in procedure.fields:
        if field.kind in _PROJECT_ONLY.values() and field.kind not in needed.values():
            root.fault(f"« {field.key} » n’a de sens que dans un projet de santé.")
    for key, kind in needed.items():
        if not any(field.key == key and field.kind == kind for field in procedure.fields):
            root.fault(
                f"il manque le champ « {key} », de genre « {kind} » : le portail en a besoin."
            )


def check_together(procedures: Iterable[Procedure]) -> list[str]:
    """Faults of the files taken together.

    A key keeps one meaning; a region has one procedure for each kind of case; each kind that
    any region receives has a national procedure; what a project takes up is in the letter.
    """
    procedures = list(procedures)
    faults: list[str] = []
    region_keys: dict[tuple[ProcedureKind, str], str] = {}
    meanings: dict[tuple[str, ...], tuple[str, str]] = {}
    for procedure in procedures:
        file = f"{procedure.key}-{procedure.version}.toml"
        owner = region_keys.setdefault((procedure.kind, procedure.region_code), procedure.key)
        if owner != procedure.key:
            whose = f"la région {procedure.region_code}" if procedure.region_code else "sans région"
            faults.append(f"{file} : clé « region_code » : {whose}, déjà prise par « {owner} ».")
        for field in procedure.fields:
            for meaning, kind in _meanings(field):
                first_file, first_kind = meanings.setdefault(meaning, (file, kind))
                if first_kind != kind:
                    faults.append(
                        f"{file} : champ « {' › '.join(meaning)} » : de genre « {kind} », mais "
                        f"« {first_kind} » dans {first_file} ; une clé garde le même sens partout."
                    )
    received = {kind for kind, _region in region_keys} | {ProcedureKind.LETTER_OF_INTENT}
    faults += [
        f"Il manque la procédure nationale {PROCEDURE_WORDS[kind]} : un fichier sans "
        "« region_code »."
        for kind in ProcedureKind
        if kind in received and (kind, "") not in region_keys
    ]
    return faults + _lost_starts(procedures)


def _lost_starts(procedures: Iterable[Procedure]) -> list[str]:
    """Fields that would open with what no letter of their region ever holds."""
    written: dict[str, set[str]] = {}
    for procedure in procedures:
        if procedure.kind == ProcedureKind.LETTER_OF_INTENT:
            written.setdefault(procedure.region_code, set()).update(
                field.key for field in procedure.fields if field.kind == FieldKind.PARAGRAPH
            )
    return [
        f"{procedure.key}-{procedure.version}.toml : champ « {field.key} » : la lettre de la "
        f"région n’a pas de texte « {key} » à reprendre."
        for procedure in procedures
        for field in procedure.fields
        for key in field.starts_from
        if key not in written.get(procedure.region_code, set())
    ]


def _meanings(field: Field) -> Iterable[tuple[tuple[str, ...], str]]:
    yield (field.key,), field.kind
    for column in field.columns:
        yield (field.key, column.key), column.kind


def _refuserepeated_in(table: Table, key: str, word: str, values: Iterable[str]) -> None:
    if repeated := repeated_in(values):
        table.fault(f"{word} « {repeated} » en double.", key)
