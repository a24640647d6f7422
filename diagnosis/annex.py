"""What the diagnosis gives to the letter: a paragraph, an annex, the documents of an answer."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from cpts_portal.words import NBSP, day, figure
from diagnosis.asking import DiagnosisError
from diagnosis.board import UNKNOWN, Board, Row, read_board
from diagnosis.figures import SIZES
from documents.models import Attachment
from documents.rendering import render_pdf
from letters.models import LetterOfIntent
from procedures.schema import AttachmentSlot, Field, FieldKind
from workflow.services import ActionRefusedError
from writing import services as writing
from writing.buffer import open_buffer
from writing.content import procedure_of
from writing.rules import may_write

# Where a region asks for what the figures say, the most fitting first.
FIELDS: Final = ("prediagnosis", "territory_specifics", "territory_rationale")
SLOTS: Final = ("diagnosis", "other")
_LONG: Final = frozenset(f"Communes {label}" for _, label in SIZES[1:])
ANNEX_NAME: Final = "diagnostic-du-territoire.pdf"


@dataclass(frozen=True)
class Offer:
    """What one click would write in the letter: the field, what it holds, what it would hold."""

    field: Field
    before: str
    added: str
    after: str
    # The revision the person has seen: 0 for an empty field.
    revision: int

    @property
    def is_there(self) -> bool:
        """Whether the field already holds this very paragraph."""
        return self.added in self.before


def letter_of(community: Community) -> LetterOfIntent | None:
    """The latest letter of a CPTS."""
    letters = LetterOfIntent.objects.filter(community=community).select_related("community")
    return letters.order_by("-pk").first()


@dataclass(frozen=True)
class Ways:
    """What a person may carry into the letter of the CPTS today."""

    writes: bool = False
    joins: bool = False


def ways_into_the_letter(community: Community, user: User) -> Ways:
    """Nothing without a letter, nor where it is deposited and asks for none of it again."""
    letter = letter_of(community)
    if letter is None:
        return Ways()
    open_buffer(letter, user)
    field, slot = field_of(letter), slot_of(letter)
    return Ways(
        writes=field is not None and may_write(letter, user, field.key),
        joins=slot is not None and may_write(letter, user, slot.key),
    )


def field_of(letter: LetterOfIntent) -> Field | None:
    """Where the region asks for a first diagnosis in the letter, if it does."""
    procedure = procedure_of(letter)
    known = {one.key: one for one in procedure.answer_fields if one.kind == FieldKind.PARAGRAPH}
    return next((known[key] for key in FIELDS if key in known), None)


def slot_of(letter: LetterOfIntent) -> AttachmentSlot | None:
    """The place of a diagnosis among the pieces of the letter, else that of other pieces."""
    found = (writing.slot_of(letter, key) for key in SLOTS)
    return next((slot for slot in found if slot is not None), None)


def offer(letter: LetterOfIntent, community: Community) -> Offer | None:
    """What one click would add to the letter; None where the region asks for nothing of it.

    What is written stays: the paragraph comes after it. Raises DiagnosisError for an empty
    territory.
    """
    field = field_of(letter)
    if field is None:
        return None
    added = paragraph(read_board(community))
    answer = letter.answers.filter(key=field.key).first()
    if letter.buffer is not None and field.key in letter.buffer.items:
        item = letter.buffer.items[field.key]
        value, revision = item.value, item.revision
    else:
        value, revision = (answer.value, answer.revision) if answer else ("", 0)
    before = value if isinstance(value, str) else ""
    after = f"{before.rstrip()}\n\n{added}" if before.strip() else added
    return Offer(field, before, added, after, revision)


def write_paragraph(
    letter: LetterOfIntent, community: Community, *, user: User, revision: int
) -> None:
    """Add the paragraph to the letter, after what it holds. The caller holds the lock.

    `revision` is the one the person has seen. Raises DiagnosisError when somebody has changed
    the field since, or when it may not hold as much.
    """
    offered = offer(letter, community)
    if offered is None:
        raise DiagnosisError("La lettre de votre région ne demande pas de diagnostic.")
    if offered.is_there:
        raise DiagnosisError("Ce paragraphe est déjà dans la lettre : rien n’a été ajouté.")
    if offered.revision != revision:
        raise DiagnosisError(
            "Quelqu’un vient de modifier ce champ de la lettre : relisez-le ci-dessous avant d’y "
            "ajouter le paragraphe. Rien n’a été écrit."
        )
    try:
        saved = writing.save_answer(
            letter, offered.field, offered.after, user=user, base_revision=revision
        )
    except ActionRefusedError as error:
        raise DiagnosisError(error.message) from error
    if isinstance(saved, writing.Conflict):
        raise DiagnosisError(
            f"{saved.changed_by} vient de modifier ce champ : rien n’a été écrit. Relisez-le."
        )


def paragraph(board: Board) -> str:
    """The figures as sentences, then their sources. Raises DiagnosisError when there are none."""
    if board.is_empty:
        raise DiagnosisError("Le territoire est encore vide : dessinez-le d’abord.")
    summary = board.summary
    inhabitants = f"{figure(summary.population)}{NBSP}habitants"
    source = f"INSEE, population municipale {summary.population_year}"
    communes = _count(summary.commune_count, "commune")
    said = [f"Le territoire réunit {communes} et {inhabitants}."]
    if board.epci:
        names = ", ".join(
            f"{one.name} ({one.held} commune{'s' if one.held > 1 else ''} sur {one.commune_count})"
            for one in board.epci[:4]
        )
        more = len(board.epci) - 4
        rest = f" et {more} autre{'s' if more > 1 else ''}" if more > 0 else ""
        said.append(
            f"Il s’étend sur {_count(len(board.epci), 'intercommunalité')} : {names}{rest}."
        )
    rows = [row for row in (*board.reference, *board.loaded) if _is_said(row)]
    said += [_compared(row, board.columns) for row in rows]
    given = [source, *(row.source for row in rows)]
    # A change from one year to another has two sources: each is named once.
    sources = dict.fromkeys(part for one in given for part in re.split(r"\s*;\s*", one))
    said.append(f"Sources : {' ; '.join(sources)}.")
    return "\n".join(said).replace(" : ", f"{NBSP}: ").replace(" ; ", f"{NBSP}; ")


def _is_said(row: Row) -> bool:
    """What a short paragraph keeps: what is compared, and of the sizes of communes the first."""
    return row.has_chart and row.cells[0] != UNKNOWN and row.label not in _LONG


def _count(count: int, word: str) -> str:
    return f"{figure(count)}{NBSP}{word}{'s' if count > 1 else ''}"


def _compared(row: Row, columns: list[str]) -> str:
    # A rate alone: its sum, in brackets on the page, would be lost among the others.
    own, *others = (cell.split(" (", 1)[0] for cell in row.cells)
    named = [
        f"{name} {cell}" for name, cell in zip(columns[1:], others, strict=True) if cell != UNKNOWN
    ]
    beside = f" ({', '.join(named)})" if named else ""
    notes = "".join(f" {note}" for note in row.notes)
    return f"{row.label} : {own}{beside}.{notes}"


# --- Files ----------------------------------------------------------------------------------------


def annex_pdf(community: Community, *, now: datetime | None = None) -> bytes:
    """The figures as a document to join. Raises DiagnosisError for an empty territory."""
    board = read_board(community)
    if board.is_empty:
        raise DiagnosisError("Le territoire est encore vide : dessinez-le d’abord.")
    now = now or timezone.now()
    title = f"Diagnostic du territoire – {community.name}"
    context: dict[str, Any] = {
        "author": settings.PORTAL_NAME,
        "created_at": now.isoformat(),
        "community": community,
        "board": board,
        "made_on": day(timezone.localdate(now)),
        "communes": community.territory.parts.select_related("commune"),
        "columns": board.columns,
        "label_width": 100 - 17 * len(board.columns),
    }
    return render_pdf("pdf/diagnosis.html", context, title=title)


def attach_annex(letter: LetterOfIntent, community: Community, *, user: User) -> AttachmentSlot:
    """Join the figures of the day to the letter. Raises DiagnosisError or FileRefusedError."""
    slot = _slot(letter)
    file = SimpleUploadedFile(ANNEX_NAME, annex_pdf(community), content_type="application/pdf")
    writing.attach(letter, slot, file, user=user)
    return slot


def attach_answer(letter: LetterOfIntent, file: Attachment, *, user: User) -> AttachmentSlot:
    """Join a document of an office's answer to the letter, as a copy of the team's own.

    Raises DiagnosisError or FileRefusedError.
    """
    slot = _slot(letter)
    with file.file.open("rb") as opened:
        copy = SimpleUploadedFile(file.name, opened.read(), content_type=file.content_type)
    writing.attach(letter, slot, copy, user=user)
    return slot


def _slot(letter: LetterOfIntent) -> AttachmentSlot:
    slot = slot_of(letter)
    if slot is None:
        raise DiagnosisError("La lettre de votre région n’a pas de place pour cette pièce.")
    return slot
