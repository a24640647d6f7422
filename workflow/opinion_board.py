"""The board of an office: each body, where it is, what it answered, what was written to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils import timezone

from accounts.models import User
from cpts_portal.words import day
from procedures.circuit import Circuit, Grid
from workflow import opinion_rules as rules
from workflow.board import ConsultationRow
from workflow.models import Case, ConsultationNotice
from workflow.opinion_states import ConsultationAction, ConsultationState, NoticeKind
from workflow.opinion_words import POSITION_TONES, days_left, due_tone
from workflow.states import CONSULTING_STATES

State = ConsultationState
_STAGE_TONES: Final = {
    State.WAITING: "",
    State.GIVEN: "success",
    State.SILENT: "error",
    State.REVOKED: "",
    State.INFORMED: "",
}


@dataclass(frozen=True)
class BoardLine:
    """A body on the board, each cell as it is read."""

    pk: int
    body: str
    stage: str
    tone: str
    # Until when, and how long that leaves; or when it answered.
    when: str
    position: str
    position_tone: str
    # The words of its marks, in the order of the grid.
    marks: list[str]
    communicable: str
    last_message: str


@dataclass(frozen=True)
class Summary:
    """How far the consultations are, in figures that match the lines."""

    expected: int
    given: int
    late: int
    overdue: int
    awaited: int

    @property
    def sentence(self) -> str:
        parts = [f"{_count(self.given, 'avis rendu')} sur {self.expected}"]
        if self.late:
            parts.append(f"{_count(self.late, 'avis tardif')}, non compté")
        if self.awaited:
            parts.append(f"{_count(self.awaited, 'avis attendu')}")
        if self.overdue:
            parts.append(f"{_count(self.overdue, 'organisme')} sans réponse dans le délai")
        return " ; ".join(parts) + "."


def _count(number: int, words: str) -> str:
    plural = {"avis rendu": "avis rendus", "avis attendu": "avis attendus"}
    plural |= {"avis tardif": "avis tardifs", "organisme": "organismes"}
    return f"{number} {plural[words] if number > 1 else words}"


def summary(rows: Sequence[ConsultationRow]) -> Summary:
    """Count the bodies whose opinion is or was expected."""
    expected = [
        row
        for row in rows
        if row.consultation.is_expected and row.consultation.state != State.REVOKED
    ]
    late = sum(1 for row in expected if row.opinion is not None and row.opinion.is_late)
    return Summary(
        expected=len(expected),
        given=sum(1 for row in expected if row.consultation.state == State.GIVEN),
        late=late,
        overdue=sum(1 for row in expected if row.consultation.state == State.SILENT) - late,
        awaited=sum(
            1 for row in expected if row.consultation.state in {State.WAITING, State.REQUESTED}
        ),
    )


def board_lines(rows: Sequence[ConsultationRow], circuit: Circuit) -> list[BoardLine]:
    """The bodies in the order of the plan. What a reader may not see is simply not in `rows`."""
    today = timezone.localdate()
    return [_line(row, circuit, today) for row in rows]


def _line(row: ConsultationRow, circuit: Circuit, today: date) -> BoardLine:
    asked, opinion = row.consultation, row.opinion
    given = opinion if opinion is not None and opinion.is_given else None
    tone = _STAGE_TONES.get(State(asked.state), due_tone(asked, today))
    grid = circuit.grid(asked.grid) if asked.grid else None
    return BoardLine(
        pk=asked.pk,
        body=asked.body.name,
        stage=row.stage,
        tone="warning" if given and given.is_late else tone,
        when=_when(row, today),
        position=given.get_position_display() if given else "",
        position_tone=POSITION_TONES.get(given.position, "") if given else "",
        marks=_marks(given.marks, grid) if given and grid else [],
        communicable=("Communicable" if given.communicable else "Confidentiel") if given else "",
        last_message=last_message(row.notices) or _nobody(row),
    )


def _nobody(row: ConsultationRow) -> str:
    """Why nothing was written to a body that nobody can answer for."""
    last = [log.comment for log in row.logs if log.action == ConsultationAction.NO_MEMBER]
    return last[-1][:1].upper() + last[-1][1:] if last else ""


def _when(row: ConsultationRow, today: date) -> str:
    asked, opinion = row.consultation, row.opinion
    if opinion is not None and opinion.validated_at:
        return f"le {day(timezone.localdate(opinion.validated_at))}"
    if asked.state == State.REVOKED and asked.revoked_at:
        return f"le {day(timezone.localdate(asked.revoked_at))}"
    if asked.state in {State.REQUESTED, State.SILENT} and asked.due_on:
        return f"{day(asked.due_on)}, {days_left(asked.due_on, today)}"
    return ""


def _marks(marks: Mapping[str, dict[str, int | None]], grid: Grid) -> list[str]:
    shown = []
    for criterion in grid.criteria:
        value = (marks.get(criterion.key) or {}).get("mark")
        mark = grid.mark(value) if value is not None else None
        shown.append(f"{mark.value} · {mark.label}" if mark else "–")
    return shown


def last_message(notices: Sequence[ConsultationNotice]) -> str:
    """The last message written to a body, to how many people, and what became of it."""
    if not notices:
        return ""
    last = notices[-1]
    same = [one for one in notices if (one.kind, one.cause) == (last.kind, last.cause)]
    sent = sum(1 for one in same if one.result == "envoyé")
    people = f"{len(same)} personne{'s' if len(same) > 1 else ''}"
    result = "envoyé" if sent == len(same) else f"{sent} envoyé{'s' if sent > 1 else ''}"
    sent_on = day(timezone.localdate(last.at))
    return f"{NoticeKind(last.kind).label}, le {sent_on} : {result} ({people})"


@dataclass(frozen=True)
class FollowAction:
    """Something the office may ask of a body now. `name` is that of its address."""

    name: str
    label: str


def follow_actions(row: ConsultationRow, case: Case, user: User) -> list[FollowAction]:
    """What this person may do with a consultation as it stands; the service checks again."""
    if not rules.may_follow_consultations(case, user) or case.state not in CONSULTING_STATES:
        return []
    state, current = row.consultation.state, row.opinion
    has_given = current is not None and current.is_given
    actions = []
    if state in {State.REQUESTED, State.SILENT} and not has_given:
        actions.append(FollowAction("consultation-extend", "Prolonger le délai"))
    if state in {State.GIVEN, State.SILENT}:
        actions.append(FollowAction("consultation-again", "Demander un nouvel avis"))
    if (
        state in {State.WAITING, State.REQUESTED, State.SILENT, State.INFORMED}
        and not has_given
        and not row.replaced
    ):
        actions.append(FollowAction("consultation-revoke", "Retirer la demande"))
    return actions


def marks_table(
    lines: Sequence[BoardLine], rows: Sequence[ConsultationRow], circuit: Circuit
) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The criteria, then each body that marked them. Empty where no grid is used."""
    grid_key = next((row.consultation.grid for row in rows if row.consultation.grid), "")
    if not grid_key:
        return [], []
    criteria = [criterion.label for criterion in circuit.grid(grid_key).criteria]
    marked = [(line.body, line.marks) for line in lines if any(m != "–" for m in line.marks)]
    return (criteria, marked) if marked else ([], [])
