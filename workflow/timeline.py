"""What happened to a case, in order: each line says who reads it, and is filtered in one place.

A matter (the clock, the opinions, the messages…) registers a source, which gives all its lines
whoever reads; `visible_lines` alone decides what each reader gets. A new source therefore cannot
leak by forgetting a condition, only by naming too wide an audience.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from django.db.models import F
from django.utils import timezone

from accounts.models import User
from cpts_portal import words
from workflow.clock import EventKind
from workflow.kinds import CaseKind, kind_of
from workflow.message_rules import WRITERS
from workflow.models import (
    Case,
    ClockEvent,
    CompletionLog,
    ConsultationLog,
    Message,
    Opinion,
    TransitionLog,
)
from workflow.models.complements import CompletionAction
from workflow.models.messages import Side
from workflow.opinion_states import INSIDE_ACTIONS, ConsultationAction
from workflow.querysets import ARS_KINDS, COMMUNICATED
from workflow.readers import Audience, Reader, reader_of


@dataclass(frozen=True)
class Line:
    """One line of a timeline. `at` is a day when the hour is unknown.

    `organisations` read it as well, or alone when it is inside a body. `detail` (a reason, a
    comment) has its own audience, often narrower.
    """

    at: datetime | date
    label: str
    audience: Audience = Audience.EVERYONE
    organisations: frozenset[int] = frozenset()
    detail: str = ""
    detail_audience: Audience = Audience.OFFICE

    @property
    def iso(self) -> str:
        """For machines, in the portal's time zone."""
        at = timezone.localtime(self.at) if isinstance(self.at, datetime) else self.at
        return at.isoformat()

    @property
    def said(self) -> str:
        """« 22 novembre 2026 à 7 h 46 », or the day alone."""
        if isinstance(self.at, datetime):
            return words.day_and_hour(self.at)
        return words.day(self.at)

    @property
    def seen_by(self) -> str:
        """Who reads this line, in the words the office in charge reads."""
        return AUDIENCE_WORDS[self.audience]


AUDIENCE_WORDS: Final[dict[Audience, str]] = {
    Audience.EVERYONE: "vu par l’équipe et par tous ceux qui ont le dossier",
    Audience.TEAM: "vu par l’équipe seulement",
    Audience.DESKS: "vu par l’équipe et par les bureaux qui ont le dossier",
    Audience.PARTIES: "vu par l’équipe et par le bureau en charge",
    Audience.AGENCIES: "vu par le bureau en charge, l’ARS et l’organisme consulté",
    Audience.OFFICE: "interne au bureau en charge",
    Audience.BODY: "interne à l’organisme consulté",
}


@dataclass(frozen=True)
class Viewer:
    """Who reads a timeline, reduced to what decides which lines they get."""

    reader: Reader
    organisation_id: int | None = None
    # Those this viewer belongs to, whatever the line.
    audiences: frozenset[Audience] = field(default_factory=frozenset)


_TEAM: Final = frozenset({Audience.EVERYONE, Audience.TEAM, Audience.DESKS, Audience.PARTIES})
LEAD: Final = Viewer(Reader.LEAD, audiences=_TEAM)


def viewer_of(case: Case, user: User) -> Viewer:
    """Reduce a person who sees a case to what decides which lines they read.

    Whoever writes the case with its team reads, in any role, what the team may: one query.
    """
    if user.acting is None or str(case.community.team_role(user)) in WRITERS:
        return LEAD
    reader = reader_of(case, user)
    audiences = {Audience.EVERYONE} | ({Audience.DESKS} if reader != Reader.REVIEWER else set())
    if reader == Reader.OFFICE:
        audiences |= {Audience.PARTIES, Audience.AGENCIES, Audience.OFFICE}
    elif user.acting.organisation.kind in ARS_KINDS:
        audiences |= {Audience.AGENCIES}
    return Viewer(reader, user.acting.organisation_id, audiences=frozenset(audiences))


def brief_viewer(reader: Reader) -> Viewer:
    """A viewer of the short story a page shows beside something else: nothing internal in it."""
    if reader == Reader.LEAD:
        return LEAD
    shared = {Audience.EVERYONE} | ({Audience.PARTIES} if reader == Reader.OFFICE else set())
    return Viewer(reader, audiences=frozenset(shared))


def visible_lines(lines: Iterable[Line], viewer: Viewer) -> list[Line]:
    """What of these lines a viewer reads: the only filter, for every page."""
    shown = []
    for line in lines:
        # A line inside a body is for that body, and for no audience.
        named = viewer.organisation_id is not None and viewer.organisation_id in line.organisations
        if named or (line.audience != Audience.BODY and line.audience in viewer.audiences):
            is_bare = line.detail and line.detail_audience not in viewer.audiences
            shown.append(replace(line, detail="") if is_bare else line)
    return shown


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Oldest first; a day without hour comes after the hours of that day."""
    return sorted(lines, key=_moment)


def _moment(line: Line) -> tuple[date, bool, float]:
    if isinstance(line.at, datetime):
        return timezone.localdate(line.at), False, line.at.timestamp()
    return line.at, True, 0.0


# --- Sources -----------------------------------------------------------------------------

Source = Callable[[Case, Reader], Iterable[Line]]
_sources: list[tuple[str, Source]] = []


def tells(kind: str = "") -> Callable[[Source], Source]:
    """Register a source of lines, for one kind of case or for all.

    Called as `source(case, reader)`; the reader is for the words, never to leave lines out. It
    makes a constant number of queries.
    """

    def register(source: Source) -> Source:
        _sources.append((kind, source))
        return source

    return register


def read_timeline(case: Case, user: User) -> list[Line]:
    """The whole story of a case for a person who may see it, newest first."""
    viewer = viewer_of(case, user)
    lines = [
        line
        for kind, source in _sources
        if kind in {"", case.kind}
        for line in source(case, viewer.reader)
    ]
    return in_order(visible_lines(lines, viewer))[::-1]


def transition_lines(kind: CaseKind, logs: Iterable[TransitionLog], reader: Reader) -> list[Line]:
    """One line per transition; `logs` come with their actor. Nothing for one without words."""
    return [
        Line(
            log.at,
            kind.transition_label(log, reader),
            kind.transition_audience(log.transition),
            detail=log.comment,
            detail_audience=kind.comment_audience(log.transition),
        )
        for log in logs
    ]


@tells()
def transitions(case: Case, reader: Reader) -> list[Line]:
    logs = TransitionLog.objects.filter(case_id=case.pk).select_related("actor")
    return transition_lines(kind_of(case), logs, reader)


_CLOCK: Final[dict[str, str]] = {
    EventKind.START: "Le délai de réponse a commencé",
    EventKind.SUSPEND: "Le délai de réponse est suspendu",
    EventKind.RESUME: "Le délai de réponse a repris",
    EventKind.RESTART: "Le délai de réponse est reparti en entier",
    EventKind.END: "Le délai de réponse a pris fin",
    EventKind.REOPEN: "Un nouveau délai de réponse a commencé",
}


@tells()
def clock(case: Case, _reader: Reader) -> list[Line]:
    """The ledger of the clock, read by the team and the offices as its own page is."""
    events = ClockEvent.objects.filter(case_id=case.pk)
    lines = []
    for event in events:
        label = _CLOCK[event.kind]
        if event.until:
            label += f", jusqu’au {words.day(event.until)} au plus tard"
        at: datetime | date = event.effective_on
        if timezone.localdate(event.entered_at) == event.effective_on:
            at = event.entered_at
        if event.cancels_id is not None:
            at = event.entered_at
            day = words.day(event.effective_on)
            label = f"Correction\u00a0: «\u00a0{label}\u00a0» ({day}) ne compte plus"
        # The portal's own reasons say again what the label says.
        reason = event.reason if event.entered_by_id else ""
        lines.append(Line(at, label, Audience.DESKS, detail=reason, detail_audience=Audience.DESKS))
    return lines


@tells()
def consultations(case: Case, _reader: Reader) -> list[Line]:
    """What bodies were asked and answered; what goes on inside one never leaves it."""
    logs = ConsultationLog.objects.filter(consultation__case_id=case.pk).annotate(
        body_id=F("consultation__body_id"),
        body=F("consultation__body__name"),
        synthesis_office=F("consultation__case__synthesis__office_id"),
    )
    lines = []
    for log in logs:
        label = f"{ConsultationAction(log.action).label} – {log.body}"
        if log.due_on and log.action in _WITH_A_TERM:
            label += f", pour le {words.day(log.due_on)}"
        inside = log.action in INSIDE_ACTIONS
        readers = {log.body_id} if inside else {log.body_id, log.synthesis_office} - {None}
        audience = Audience.AGENCIES if log.action in _TOLD_TO_AGENCIES else Audience.OFFICE
        lines.append(
            Line(
                log.at,
                label,
                Audience.BODY if inside else audience,
                frozenset(readers),
                detail=log.comment,
                detail_audience=Audience.BODY if inside else Audience.OFFICE,
            )
        )
    return lines


# Where each request stands, as the agencies see it beside the case. How the office and the body
# came to it is between them.
_TOLD_TO_AGENCIES: Final = frozenset(
    {
        ConsultationAction.REQUESTED,
        ConsultationAction.INFORMED,
        ConsultationAction.VALIDATED,
        ConsultationAction.VALIDATED_LATE,
        ConsultationAction.FELL_SILENT,
        ConsultationAction.EXTENDED,
        ConsultationAction.ASKED_AGAIN,
        ConsultationAction.REVOKED,
    }
)
_WITH_A_TERM: Final = frozenset(
    {
        ConsultationAction.REQUESTED,
        ConsultationAction.EXTENDED,
        ConsultationAction.ASKED_AGAIN,
    }
)


@tells()
def communicated(case: Case, _reader: Reader) -> list[Line]:
    """The opinions the office chose to communicate, from the day the synthesis left."""
    opinions = (
        Opinion.objects.current()
        .filter(COMMUNICATED, consultation__case_id=case.pk)
        .values_list("consultation__case__synthesis__transmitted_at", "consultation__body__name")
    )
    return [
        Line(at, f"Avis communiqué à l’équipe – {body}", Audience.PARTIES) for at, body in opinions
    ]


@tells()
def complements(case: Case, _reader: Reader) -> list[Line]:
    """What happened to the requests between their sending and their answer."""
    logs = CompletionLog.objects.filter(request__case_id=case.pk, action__in=_BETWEEN)
    lines = []
    for log in logs:
        label = f"Compléments demandés\u00a0: {CompletionAction(log.action).label.lower()}"
        if log.due_on and log.action == CompletionAction.EXTENDED:
            label += f" au {words.day(log.due_on)}"
        lines.append(Line(log.at, label, Audience.PARTIES, detail=log.comment))
    return lines


_BETWEEN: Final = (
    CompletionAction.EXTENDED,
    CompletionAction.LIFTED,
    CompletionAction.REMINDED,
    CompletionAction.OVERDUE,
    CompletionAction.CANCELLED,
)


@tells()
def messages(case: Case, _reader: Reader) -> list[Line]:
    """That somebody wrote, never what: the thread has its own page."""
    sent = Message.objects.filter(case_id=case.pk).select_related("author", "office")
    lines = []
    for message in sent:
        if message.side == Side.TEAM:
            label = f"Message de {message.author}, pour l’équipe"
        else:
            label = f"Message de {message.author}, {message.office.name}"
        if message.answer_expected:
            label += ", une réponse est attendue"
        # The office of that time keeps reading it after a hand-over.
        lines.append(Line(message.sent_at, label, Audience.PARTIES, frozenset({message.office_id})))
    return lines
