"""What a body is asked and what it answered, in words: deadlines, positions, notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.utils import timezone

from cpts_portal.words import day
from procedures.circuit import Circuit, Criterion
from workflow.models import Case, Consultation, Opinion
from workflow.opinion_states import ConsultationState, Position

# Tones of `components/badge.html`; the words never depend on them.
POSITION_TONES: Final[dict[str, str]] = {
    Position.FAVOURABLE: "success",
    Position.FAVOURABLE_WITH_RESERVES: "warning",
    Position.UNFAVOURABLE: "error",
    Position.NO_OPINION: "",
    Position.CONFLICT_OF_INTEREST: "",
}
# From so many days on, a deadline is said to be near.
NEAR_DAYS: Final = 7


def days_left(due_on: date, today: date) -> str:
    """« il reste 12 jours », « dernier jour aujourd’hui », « délai passé depuis 3 jours »."""
    left = (due_on - today).days
    if left == 0:
        return "dernier jour aujourd’hui"
    days = f"{abs(left)} jour{'s' if abs(left) > 1 else ''}"
    return f"il reste {days}" if left > 0 else f"délai passé depuis {days}"


def due_tone(consultation: Consultation, today: date) -> str:
    """The tone that repeats how near the deadline is, while an opinion is still awaited."""
    if consultation.due_on is None:
        return ""
    left = (consultation.due_on - today).days
    if left < 0:
        return "error"
    return "warning" if left <= NEAR_DAYS else "info"


def due_in_words(consultation: Consultation, today: date) -> str:
    """Until when an opinion is awaited, and how long that leaves, as a sentence."""
    if consultation.due_on is None:
        return "Une étape précédente doit se terminer avant que cet avis soit demandé."
    until, left = day(consultation.due_on), days_left(consultation.due_on, today)
    if consultation.state == ConsultationState.SILENT or consultation.due_on < today:
        return f"L’avis était attendu jusqu’au {until} : {left}."
    return f"L’avis est attendu jusqu’au {until}, ce jour compris : {left}."


@dataclass(frozen=True)
class MarkShown:
    """A criterion as a body judged it: « Satisfaisant (2 sur 3) », and why."""

    criterion: Criterion
    mark: str
    comment: str


@dataclass(frozen=True)
class OpinionShown:
    """An opinion as a page lays it out."""

    opinion: Opinion
    body: str
    position: str
    tone: str
    marks: list[MarkShown]
    # What qualifies it: late, on an older version, replaced.
    caveats: list[str]
    # « le 3 mars 2027, par … », for those who may know who signed.
    given: str
    # Its official document, when it is issued and readable.
    document: UUID | None = None


def show_opinion(
    opinion: Opinion,
    case: Case,
    circuit: Circuit,
    *,
    documents: Mapping[int, UUID] | None = None,
    signed: bool = True,
) -> OpinionShown:
    """Prepare an opinion for a page. `documents`: its document by the opinion's primary key.

    `signed`: whether the reader is told who gave it; the team learns the body's name only.
    """
    return OpinionShown(
        opinion=opinion,
        body=opinion.consultation.body.name,
        position=opinion.get_position_display() or "Position à choisir",
        tone=POSITION_TONES.get(opinion.position, ""),
        marks=show_marks(opinion, circuit),
        caveats=caveats(opinion, case),
        given=_given(opinion, signed=signed),
        document=(documents or {}).get(opinion.pk),
    )


def _given(opinion: Opinion, *, signed: bool) -> str:
    if opinion.validated_at is None:
        return ""
    given = f"Rendu le {day(timezone.localdate(opinion.validated_at))}"
    if not signed:
        return f"{given}."
    by = f" par {opinion.validated_by}"
    if opinion.mandate:
        by += f", par mandat valable jusqu’au {day(opinion.mandate.valid_to)}"
    return f"{given}{by}."


def show_marks(opinion: Opinion, circuit: Circuit) -> list[MarkShown]:
    """The marks and comments, criterion by criterion, on the grid the body was given."""
    if not opinion.consultation.grid:
        return []
    grid = circuit.grid(opinion.consultation.grid)
    best = max(mark.value for mark in grid.scale)
    shown = []
    for criterion in grid.criteria:
        entry = opinion.marks.get(criterion.key)
        if not entry:
            continue
        mark = grid.mark(entry["mark"]) if entry["mark"] is not None else None
        said = f"{mark.label} ({mark.value} sur {best})" if mark else "Non noté"
        shown.append(MarkShown(criterion, said, entry["comment"]))
    return shown


def caveats(opinion: Opinion, case: Case) -> list[str]:
    """What a reader must know before relying on an opinion, as sentences."""
    said = []
    if opinion.is_late:
        said.append("Avis rendu hors délai : il est gardé au dossier, et n’est pas compté.")
    if opinion.is_given and not opinion.is_current:
        said.append("Avis remplacé : un nouvel avis a été demandé. Il n’est plus compté.")
    if opinion.is_on_older_version(case):
        said.append(
            f"{'Rendu' if opinion.is_given else 'Rédigé'} sur une version antérieure : la version "
            f"{opinion.version_read}, alors que le dossier en est à la version {case.version}."
        )
    return said
