"""The shape of a regional procedure: frozen dataclasses, read once from a TOML file.

A procedure says, for one kind of case, who receives it, which questions the form asks, which
documents go with it, what the receipt says and through which hands it then goes. It holds no
code: what differs between two regions is what their two files say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Final, NoReturn

from procedures.circuit import Circuit
from procedures.project import ProjectRules


class ProcedureKind(StrEnum):
    """What a procedure receives: the same words as `workflow.Case.Kind`."""

    LETTER_OF_INTENT = "letter_of_intent"
    HEALTH_PROJECT = "health_project"


class FieldKind(StrEnum):
    """What a field holds, hence how it is typed, checked, stored and printed."""

    TEXT = "text"  # one line
    PARAGRAPH = "paragraph"  # several lines
    DATE = "date"
    MONTH = "month"
    NUMBER = "number"  # a whole number, zero or more
    EMAIL = "email"
    PHONE = "phone"
    CHOICE = "choice"  # one option of a list
    STRUCTURE = "structure"  # the legal structure: is there one, and which
    TABLE = "table"
    TERRITORY = "territory"  # the communes; kept by `territories`, not an answer
    POPULATION = "population"  # computed and declared; kept by `territories`
    SIZE_CLASS = "size_class"  # computed from the population
    ATTACHMENT = "attachment"  # the place of an attachment slot in the form
    SIGNATURE = "signature"  # name, place and date, gathered at the deposit
    # Of a health project only; each is kept as rows of its own.
    LEGAL_ENTITY = "legal_entity"  # the association that carries the CPTS
    ACTION_SHEETS = "action_sheets"
    MEMBERS = "members"


class ColumnKind(StrEnum):
    """What a column of a table holds."""

    TEXT = "text"
    PARAGRAPH = "paragraph"
    NUMBER = "number"
    YES_NO = "yes_no"
    MONTH = "month"
    EMAIL = "email"
    PHONE = "phone"
    CHOICE = "choice"


class BodyKind(StrEnum):
    """A body a case can be sent to: the same words as `accounts.Organisation.Kind`."""

    ARS = "ars"
    ARS_BRANCH = "ars_branch"
    ONE_STOP_DESK = "one_stop_desk"


# Kinds whose content lives elsewhere than in the answers of the case.
COMPUTED_KINDS: Final = frozenset(
    {
        FieldKind.TERRITORY,
        FieldKind.POPULATION,
        FieldKind.SIZE_CLASS,
        FieldKind.SIGNATURE,
        FieldKind.LEGAL_ENTITY,
        FieldKind.ACTION_SHEETS,
        FieldKind.MEMBERS,
    }
)
STRUCTURE_STATUSES: Final = ("no", "yes", "ongoing")
# What is known of a legal structure beside its status, with the label of each part.
STRUCTURE_PARTS: Final[Mapping[str, str]] = {
    "name": "Nom",
    "legal_form": "Forme juridique",
    "seat": "Siège social",
    "created_on": "Date de création",
}
SIZE_CLASSES: Final = ("T1", "T2", "T3", "T4")
NATIONAL: Final = "national"

DEFAULT_MAX_LENGTH: Final[Mapping[str, int]] = {
    "text": 250,
    "paragraph": 5000,
    "email": 254,
    "phone": 40,
}
DEFAULT_CELL_MAX_LENGTH: Final[Mapping[str, int]] = {**DEFAULT_MAX_LENGTH, "paragraph": 2000}
DEFAULT_MAX_ROWS: Final = 200
# What no draft may store, whatever the procedure says.
HARD_MAX_LENGTH: Final = 100_000
HARD_MAX_ROWS: Final = 1_000


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of file an attachment slot may accept."""

    label: str
    content_types: tuple[str, ...]
    extensions: tuple[str, ...]


FILE_KINDS: Final[Mapping[str, FileKind]] = {
    "pdf": FileKind(label="PDF", content_types=("application/pdf",), extensions=(".pdf",)),
    "jpeg": FileKind(label="JPEG", content_types=("image/jpeg",), extensions=(".jpg", ".jpeg")),
    "png": FileKind(label="PNG", content_types=("image/png",), extensions=(".png",)),
    "docx": FileKind(
        label="Word",
        content_types=("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
        extensions=(".docx",),
    ),
    "xlsx": FileKind(
        label="Excel",
        content_types=("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
        extensions=(".xlsx",),
    ),
    "odt": FileKind(
        label="OpenDocument texte",
        content_types=("application/vnd.oasis.opendocument.text",),
        extensions=(".odt",),
    ),
    "ods": FileKind(
        label="OpenDocument tableur",
        content_types=("application/vnd.oasis.opendocument.spreadsheet",),
        extensions=(".ods",),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer of a choice: the key that is stored, the label that is read."""

    key: str
    label: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table."""

    key: str
    kind: ColumnKind
    label: str
    pdf_label: str = ""
    example: str = ""
    required: bool = False
    # Key of a yes/no column of the same row: « Oui » there makes this cell required.
    required_if: str = ""
    # Key of a month column of the same row that this month may not precede.
    not_before: str = ""
    max_length: int | None = None
    options: tuple[Option, ...] = ()

    @property
    def printed_label(self) -> str:
        """The label on the PDF."""
        return self.pdf_label or self.label


@dataclass(frozen=True, kw_only=True)
class FixedRow:
    """A row the form itself gives."""

    key: str
    label: str
    help: str = ""
    # The person completes the label: « Autres (préciser) ».
    free_label: bool = False
    # Keys of the columns that make sense on this row; empty means all.
    columns: tuple[str, ...] = ()

    def has(self, column: Column) -> bool:
        return not self.columns or column.key in self.columns


@dataclass(frozen=True, kw_only=True)
class Field:
    """A question of the form. Its key has one meaning, the same in every procedure."""

    key: str
    kind: FieldKind
    label: str
    pdf_label: str = ""
    help: str = ""
    example: str = ""
    # Sub-heading that opens just before this field, on the page and on the PDF.
    group: str = ""
    required: bool = False
    max_length: int | None = None
    max_rows: int | None = None
    columns: tuple[Column, ...] = ()
    # Heading of the column that holds the labels of the fixed rows.
    rows_label: str = ""
    fixed_rows: tuple[FixedRow, ...] = ()
    options: tuple[Option, ...] = ()
    # Of a health project: paragraphs of the region's letter that it opens with, where the letter
    # has no field of the same key.
    starts_from: tuple[str, ...] = ()
    # Fields of the source documents it carries (`sources.toml`); empty: the portal's own.
    source: tuple[str, ...] = ()

    @property
    def printed_label(self) -> str:
        """The label on the PDF."""
        return self.pdf_label or self.label

    @property
    def is_answer(self) -> bool:
        """Whether the case stores an answer under this key."""
        return self.kind not in COMPUTED_KINDS

    def column(self, key: str) -> Column:
        """Raises KeyError when the table has no such column."""
        return next((c for c in self.columns if c.key == key), None) or _missing(key)

    def fixed_row(self, key: str) -> FixedRow:
        """Raises KeyError when the table has no such row."""
        return next((r for r in self.fixed_rows if r.key == key), None) or _missing(key)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A step of the form, and the part of the PDF under one heading."""

    key: str
    title: str
    # The heading of the source document, and the part of the document it sits in.
    heading: str = ""
    part: str = ""
    help: str = ""
    fields: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class AttachmentSlot:
    """A document asked with the case."""

    key: str
    label: str
    help: str = ""
    required: bool = False
    # The lead may deposit without it by saying why it is to come.
    deferrable: bool = False
    accept: tuple[str, ...]
    max_files: int = 1

    @property
    def content_types(self) -> frozenset[str]:
        return frozenset(t for kind in self.accept for t in FILE_KINDS[kind].content_types)

    @property
    def extensions(self) -> tuple[str, ...]:
        return tuple(e for kind in self.accept for e in FILE_KINDS[kind].extensions)

    @property
    def accept_label(self) -> str:
        """The accepted files as a reader says it: « PDF, JPEG ou PNG »."""
        *first, last = [FILE_KINDS[kind].label for kind in self.accept]
        return f"{', '.join(first)} ou {last}" if first else last


@dataclass(frozen=True, kw_only=True)
class Office:
    """An address the source document publishes. `department` is empty for the whole region."""

    department: str = ""
    name: str
    service: str = ""
    address: tuple[str, ...] = ()
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class Addressee:
    """Who receives the case. Routing finds the organisation; `offices` is what is published."""

    kind: BodyKind
    label: str
    help: str = ""
    offices: tuple[Office, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InformedDesk:
    """Bodies of a kind, for each département of the territory, that see the case as well."""

    kind: BodyKind
    label: str


@dataclass(frozen=True, kw_only=True)
class SizeRule:
    """The bounds of the four sizes, in inhabitants; `territories` computes the class."""

    thresholds: tuple[int, int, int]
    note: str
    source: str

    @property
    def options(self) -> tuple[Option, ...]:
        """The four boxes as the forms word them, in increasing order."""
        low, middle, high = (f"{bound:,}".replace(",", "\u00a0") for bound in self.thresholds)
        labels = (
            f"moins de {low} habitants",
            f"entre {low} et {middle} habitants",
            f"entre {middle} et {high} habitants",
            f"plus de {high} habitants",
        )
        return tuple(
            Option(key=size, label=f"Taille {rank} ({label})")
            for rank, (size, label) in enumerate(zip(SIZE_CLASSES, labels, strict=True), start=1)
        )


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The population under which the reader is warned, or the deposit refused."""

    inhabitants: int
    is_warning: bool
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class DocumentTitles:
    """What heads the official PDF."""

    title: str
    subtitle: str
    issuer: str


@dataclass(frozen=True, kw_only=True)
class ReceiptTexts:
    """The electronic receipt (CRPA, R. 112-11-1 and R. 112-5), with `{placeholders}`."""

    title: str
    reception: str
    service: str
    silence: str
    completeness: str
    remedies: str
    legal_basis: str

    def filled(self, values: Mapping[str, str]) -> "ReceiptTexts":
        """The same texts with every placeholder of `RECEIPT_PLACEHOLDERS` replaced.

        Raises KeyError when `values` lacks one that a text uses.
        """
        return ReceiptTexts(**{name: text.format_map(values) for name, text in vars(self).items()})


# A receipt without these would not set the appeal periods running (CRPA, L. 112-12).
RECEIPT_MANDATORY: Final = frozenset(
    {"reference", "deposited_on", "silence_date", "office", "office_contact"}
)
RECEIPT_PLACEHOLDERS: Final = RECEIPT_MANDATORY | {"title", "deposited_time", "community"}
PAPER_PLACEHOLDERS: Final = frozenset({"reference", "deposited_on", "title", "office"})


@dataclass(frozen=True, kw_only=True)
class Paper:
    """The version to post, where the region also asks for paper."""

    label: str
    help: str
    # Text of the cover page, under the address in the window.
    cover: str


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """How one region receives one kind of case, in one version that never changes."""

    key: str
    version: int
    kind: ProcedureKind = ProcedureKind.LETTER_OF_INTENT
    label: str
    # INSEE code of the region; empty for the national procedure.
    region_code: str
    valid_from: date
    reference_prefix: str
    document: DocumentTitles
    addressee: Addressee
    informed: tuple[InformedDesk, ...]
    size_rule: SizeRule
    floor: Floor
    # What who signs the deposit commits to in so many words (for a letter, instruction
    # DGOS/DIR/CNAM/2019/218).
    commitment: str
    receipt: ReceiptTexts
    paper: Paper | None
    circuit: Circuit
    attachments: tuple[AttachmentSlot, ...]
    sections: tuple[Section, ...]
    # What is asked of a health project beside its form; None for another kind of case.
    project: ProjectRules | None = None

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field, in the order of the form."""
        return tuple(field for section in self.sections for field in section.fields)

    @cached_property
    def answer_fields(self) -> tuple[Field, ...]:
        """The fields whose content is stored as an answer of the case.

        Of the attachments, only those that can be announced as « à venir ».
        """
        return tuple(
            field
            for field in self.fields
            if field.is_answer
            and (field.kind != FieldKind.ATTACHMENT or self.slot(field.key).deferrable)
        )

    @cached_property
    def _fields_by_key(self) -> dict[str, Field]:
        return {field.key: field for field in self.fields}

    @cached_property
    def _sections_by_field(self) -> dict[str, Section]:
        return {field.key: section for section in self.sections for field in section.fields}

    def field(self, key: str) -> Field:
        """Raises KeyError when the form has no such field."""
        return self._fields_by_key[key]

    def section_of(self, key: str) -> Section:
        """The section of a field. Raises KeyError when the form has no such field."""
        return self._sections_by_field[key]

    def section(self, key: str) -> Section:
        """Raises KeyError when the form has no such section."""
        return next((s for s in self.sections if s.key == key), None) or _missing(key)

    def slot(self, key: str) -> AttachmentSlot:
        """Raises KeyError when the procedure asks no such document."""
        return next((s for s in self.attachments if s.key == key), None) or _missing(key)

    def headings(self) -> Iterator[tuple[Field, tuple[str, str, str]]]:
        """Each field with the part, the heading and the group it is printed under."""
        for section in self.sections:
            group = ""
            for field in section.fields:
                group = field.group or group
                yield field, (section.part, section.heading, group)


def _missing(key: str) -> NoReturn:
    raise KeyError(key)
