"""The legal clock of a case, read from its ledger of events: pure functions, no database.

The deadline is never typed: it is what the ledger says, today as in ten years. The articles
are those of the code des relations entre le public et l’administration (CRPA):

- silence means refusal: the period runs from the first reception (L. 114-3) and is only
  suspended from the request for missing items to their reception, or to the time limit given
  when they do not come (L. 114-5);
- silence means acceptance: the period runs in full from the day the complete file is
  received, by the administration that decides (L. 114-3, L. 114-5). When nothing is asked any
  more, nothing is received: it goes on where it stood;
- a decision is withdrawn (L. 242-1): the request has no answer any more, and a whole period
  begins on that day.

`docs/decisions/0004-horloge.md` tells what these articles leave open and what was chosen.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from django.db import models

from cpts_portal.words import long_date
from cpts_portal.working_days import working_day_on_or_before, working_days_between
from workflow.legal_dates import add_months

# An office's mistake of a digit in a year, rather than a choice, beyond this.
LONGEST_SUSPENSION: Final = timedelta(days=366)


class EventKind(models.TextChoices):
    START = "start", "Départ du délai"
    SUSPEND = "suspend", "Suspension du délai"
    RESUME = "resume", "Reprise du délai"
    RESTART = "restart", "Nouveau départ du délai"
    END = "end", "Fin du délai"
    REOPEN = "reopen", "Nouveau délai après un retrait"


class ClockState(models.TextChoices):
    NOT_STARTED = "not_started", "Délai non commencé"
    RUNNING = "running", "Délai en cours"
    SUSPENDED = "suspended", "Délai suspendu"
    ENDED = "ended", "Délai terminé"


class Silence(StrEnum):
    """What the administration's silence means once the period is over."""

    ACCEPTANCE = "acceptance"
    REFUSAL = "refusal"


@dataclass(frozen=True, kw_only=True)
class ClockRule:
    """The period of a kind of case. `alerts` are days before the deadline, most distant first."""

    months: int
    silence: Silence
    alerts: tuple[int, ...] = (30, 15, 7, 2)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the ledger.

    `until` is the time limit given to the applicant; a suspension has one, nothing else does.
    `cancels` is the id of the event that this one takes out of the computation.
    """

    kind: EventKind
    effective_on: date
    until: date | None = None
    id: int | None = None
    cancels: int | None = None

    def __post_init__(self) -> None:
        if self.until is not None and self.kind != EventKind.SUSPEND:
            raise ValueError("Only a suspension gives a time limit.")


@dataclass(frozen=True, kw_only=True)
class Line:
    """An event and the deadline known once it had taken effect, for the reader of the ledger.

    `cancelled_by` is the counter-event of an event that no longer counts.
    """

    event: Event
    deadline: date | None = None
    cancelled_by: Event | None = None


@dataclass(frozen=True, kw_only=True)
class Clock:
    """Where the clock of a case stands on one day.

    `deadline` is the last day before silence takes effect; None while there is none to
    announce (not started, or a file to complete where silence means acceptance). While a
    suspension lasts it supposes that nothing comes before the time limit.
    `suspended_days` are the calendar days of suspension counted in the deadline.
    `days_left` are calendar days: 0 on the deadline, negative after it; while suspended,
    those that will be left when the period resumes. `working_days_left` is for people, and
    only known while the period runs.
    """

    state: ClockState
    today: date
    silence_means: Silence
    started_on: date | None = None
    suspended_on: date | None = None
    suspended_until: date | None = None
    suspended_days: int = 0
    ended_on: date | None = None
    deadline: date | None = None
    days_left: int | None = None
    working_days_left: int | None = None
    history: tuple[Line, ...] = ()

    @property
    def silence_took_effect(self) -> bool:
        """The deadline has gone by before the clock was stopped by a decision."""
        return self.deadline is not None and (self.ended_on or self.today) > self.deadline


class UnreadableLedgerError(ValueError):
    """The events make no sense together: never the case for a ledger checked at each entry."""


def read_clock(
    events: Iterable[Event], rule: ClockRule, *, today: date, department_code: str = ""
) -> Clock:
    """What the ledger says on the day `today`: events that take effect later are not read.

    The order of the events in `events` does not matter. `department_code` is where the
    people stand who count the working days.

    Raises UnreadableLedgerError for a sequence that `check_sequence` refuses.
    """
    ledger = _Ledger(event for event in events if event.effective_on <= today)
    reading = ledger.read(rule)
    if reading.objections:
        raise UnreadableLedgerError(" ".join(reading.objections))
    reading.settle(today)
    state, deadline = reading.state, reading.deadline
    days_left = working_days_left = None
    if deadline and state == ClockState.RUNNING:
        days_left = (deadline - today).days
        working_days_left = working_days_between(today, deadline, department_code)
    elif deadline and state == ClockState.SUSPENDED and reading.suspended_until:
        days_left = (deadline - reading.suspended_until).days
    return Clock(
        state=state,
        today=today,
        silence_means=rule.silence,
        started_on=reading.started_on,
        suspended_on=reading.suspended_on,
        suspended_until=reading.suspended_until,
        suspended_days=reading.suspended_days,
        ended_on=reading.ended_on,
        deadline=deadline,
        days_left=days_left,
        working_days_left=working_days_left,
        history=ledger.history(reading),
    )


def check_sequence(
    events: Iterable[Event], new: Event, *, rule: ClockRule, today: date
) -> list[str]:
    """Why `new` cannot join the ledger, as French sentences; an empty list means it can.

    An event may take effect before others already entered: the whole sequence is read again.
    """
    if new.effective_on > today:
        sentence = (
            f"{_named(new)} : cette date est à venir. Le registre ne garde que ce qui a eu lieu ; "
            "enregistrez l’évènement le jour venu."
        )
        return [sentence]
    return _Ledger([*events, new]).read(rule).objections


def check_correction(
    events: Iterable[Event],
    target: Event,
    *,
    rule: ClockRule,
    today: date,
    replacement: Event | None = None,
) -> list[str]:
    """Why `target` cannot be taken out of the ledger, and `replacement` put in its place."""
    events = list(events)
    if target.cancels is not None:
        sentence = (
            "Une correction ne se corrige pas. Pour revenir en arrière, enregistrez à nouveau "
            "l’évènement qu’elle a annulé."
        )
        return [sentence]
    if any(event.cancels == target.id for event in events):
        return ["Cet évènement a déjà été corrigé : il ne compte plus. Il n’y a rien à faire."]
    without = [*events, replace(target, id=None, cancels=target.id)]
    if replacement is not None:
        return check_sequence(without, replacement, rule=rule, today=today)
    objections = _Ledger(without).read(rule).objections
    if objections:
        objections.append(
            "Corrigez d’abord cet évènement, qui s’appuie sur celui que vous corrigez, ou donnez "
            "ce qui le remplace."
        )
    return objections


def alerts_due(
    clock: Clock, rule: ClockRule, *, today: date, department_code: str = ""
) -> list[int]:
    """The thresholds, in days before the deadline, that are reached; the most pressing is last.

    The law counts calendar days. An alert that would fall on a day when nobody is at work
    comes on the working day before it. Nothing is due while the clock is stopped or once the
    deadline has gone by, nor for a threshold longer than the period itself.
    """
    if clock.state != ClockState.RUNNING or not (clock.started_on and clock.deadline):
        return []
    if today > clock.deadline:
        return []
    return [
        days
        for days in rule.alerts
        if clock.started_on < alert_day(clock.deadline, days, department_code) <= today
    ]


def alert_day(deadline: date, days: int, department_code: str = "") -> date:
    """The day people are told that `days` calendar days are left."""
    return working_day_on_or_before(deadline - timedelta(days=days), department_code)


# --- Reading the ledger -----------------------------------------------------------------

# Which of the events of one day comes first, from each state: what the state allows. So the
# reading never depends on the order in which they were entered.
_ORDER: Final = {
    ClockState.NOT_STARTED: "start suspend resume restart end reopen",
    ClockState.RUNNING: "suspend restart resume start end reopen",
    ClockState.SUSPENDED: "resume restart suspend start end reopen",
    ClockState.ENDED: "reopen start suspend resume restart end",
}


class _Ledger:
    """The events, parted into those that count and those that a counter-event took out."""

    def __init__(self, events: Iterable[Event]) -> None:
        events = list(events)
        self.counters: dict[int | None, Event] = {
            event.cancels: event for event in events if event.cancels is not None
        }
        entered = [event for event in events if event.cancels is None]
        self.standing = [event for event in entered if event.id not in self.counters]
        self.cancelled = [event for event in entered if event.id in self.counters]

    def read(self, rule: ClockRule) -> "_Reading":
        """Apply the events that count, until one of them meets an objection."""
        reading = _Reading(rule=rule)
        waiting = sorted(self.standing, key=lambda event: event.effective_on)
        while waiting and not reading.objections:
            reading.settle(waiting[0].effective_on)
            event = reading.first_of_the_day(waiting)
            waiting.remove(event)
            reading.take(event)
        return reading

    def history(self, reading: "_Reading") -> tuple[Line, ...]:
        cancelled = [
            Line(event=event, cancelled_by=self.counters[event.id])
            for event in sorted(self.cancelled, key=lambda event: event.id or 0)
        ]
        lines = [*reading.lines, *cancelled]
        return tuple(sorted(lines, key=lambda line: line.event.effective_on))


@dataclass
class _Reading:
    """The clock as the events, taken one after the other, leave it."""

    rule: ClockRule
    started_on: date | None = None
    suspended_on: date | None = None
    suspended_until: date | None = None
    ended_on: date | None = None
    past_suspensions: int = 0
    lines: list[Line] = field(default_factory=list)
    objections: list[str] = field(default_factory=list)

    @property
    def state(self) -> ClockState:
        if self.ended_on:
            return ClockState.ENDED
        if self.suspended_on:
            return ClockState.SUSPENDED
        return ClockState.RUNNING if self.started_on else ClockState.NOT_STARTED

    @property
    def suspended_days(self) -> int:
        """Days added to the period: none where it will run again in full."""
        if self.suspended_on and self.suspended_until and self.only_suspends:
            return self.past_suspensions + (self.suspended_until - self.suspended_on).days
        return self.past_suspensions

    @property
    def only_suspends(self) -> bool:
        return self.rule.silence == Silence.REFUSAL

    @property
    def deadline(self) -> date | None:
        if not self.started_on or (self.suspended_on and not self.only_suspends):
            return None
        return add_months(self.started_on, self.rule.months) + timedelta(days=self.suspended_days)

    def settle(self, day: date) -> None:
        """Let a suspension end by itself when its time limit has gone by without an answer."""
        limit = self.suspended_until
        if self.only_suspends and not self.ended_on and limit and limit < day:
            self.run_from(limit)

    def run_from(self, day: date) -> None:
        """The suspension ends: the day it began counts in it, the day it ends does not."""
        if self.suspended_on:
            self.past_suspensions += (day - self.suspended_on).days
        self.suspended_on = self.suspended_until = None

    def begin_again(self, day: date) -> None:
        """The whole period runs from this day: no earlier suspension counts in it."""
        self.started_on, self.suspended_on, self.suspended_until = day, None, None
        self.past_suspensions = 0

    def first_of_the_day(self, waiting: Sequence[Event]) -> Event:
        order = _ORDER[self.state].split()
        same_day = [event for event in waiting if event.effective_on == waiting[0].effective_on]
        return min(same_day, key=lambda e: (order.index(e.kind), e.until or date.min))

    def take(self, event: Event) -> None:
        objection = self.objection(event)
        if objection:
            self.objections.append(f"{_named(event)} : {objection}")
            return
        day = event.effective_on
        match event.kind:
            case EventKind.START:
                self.started_on = day
            case EventKind.SUSPEND:
                self.suspended_on = self.suspended_on or day
                self.suspended_until = event.until
            case EventKind.RESUME:
                self.run_from(day)
            case EventKind.RESTART:
                self.begin_again(day)
            case EventKind.END:
                self.ended_on = day
            case EventKind.REOPEN:
                self.ended_on = None
                self.begin_again(day)
        self.lines.append(Line(event=event, deadline=self.deadline))

    def objection(self, event: Event) -> str:
        """Why the event makes no sense here and what to do; empty when it does."""
        if self.is_a_repetition(event):
            return "il est déjà enregistré à cette date. S’il est juste, il n’y a rien à faire."
        if event.kind == EventKind.START:
            return self.objection_to_a_start()
        if self.started_on is None:
            return (
                "le délai n’a pas encore commencé à cette date. Vérifiez la date, ou enregistrez "
                "d’abord le départ du délai, le jour où la demande est arrivée."
            )
        if event.kind == EventKind.REOPEN:
            return self.objection_to_a_reopening()
        if self.ended_on:
            return (
                f"le délai a pris fin le {long_date(self.ended_on)}, rien ne s’y ajoute. Si "
                "cette fin est une erreur, demandez à un coordinateur de la corriger."
            )
        objections = {
            EventKind.SUSPEND: self.objection_to_a_suspension,
            EventKind.RESUME: self.objection_to_a_resumption,
            EventKind.RESTART: self.objection_to_a_new_start,
        }
        return objections[event.kind](event) if event.kind in objections else ""

    def is_a_repetition(self, event: Event) -> bool:
        """Whether the same thing was entered for the same day: a second click.

        Missing items may be asked for, given and asked for again in one day: what a suspension,
        or its end, may follow is said by the state of the clock.
        """
        if event.kind == EventKind.SUSPEND or (self.suspended_on and event.kind != EventKind.END):
            return False
        twin = (event.kind, event.effective_on)
        for line in reversed(self.lines):
            if line.event.kind == EventKind.REOPEN:
                break
            if (line.event.kind, line.event.effective_on) == twin:
                return True
        return False

    def objection_to_a_start(self) -> str:
        if self.started_on is None:
            return ""
        return (
            f"le délai a déjà commencé le {long_date(self.started_on)}, et un dossier n’a qu’un "
            "départ. Si sa date est fausse, demandez à un coordinateur de la corriger."
        )

    def objection_to_a_suspension(self, event: Event) -> str:
        if event.until is None or event.until <= event.effective_on:
            return (
                "la demande de pièces fixe une date limite pour les recevoir (CRPA, "
                "art. L. 114-5). Donnez cette date, après celle de la suspension."
            )
        if event.until - event.effective_on > LONGEST_SUSPENSION:
            return (
                f"la date limite donnée, le {long_date(event.until)}, est à plus d’un an. "
                "Vérifiez l’année."
            )
        if self.suspended_until and event.until <= self.suspended_until:
            return (
                f"le délai est déjà suspendu, jusqu’au {long_date(self.suspended_until)}. Pour "
                "prolonger la suspension, donnez une date limite plus lointaine."
            )
        return self.objection_after_the_deadline(event)

    def objection_to_a_reopening(self) -> str:
        if self.ended_on is not None:
            return ""
        return (
            "le délai n’a pas pris fin à cette date. Un nouveau délai ne commence qu’après le "
            "retrait d’une décision : vérifiez la date."
        )

    def objection_to_a_resumption(self, _event: Event) -> str:
        if self.suspended_on is None and not self.only_suspends:
            return (
                "le délai n’est pas arrêté à cette date. Quand le silence vaut acceptation, il "
                "ne s’arrête que si des éléments indispensables sont demandés."
            )
        if self.suspended_on is None:
            return (
                "le délai n’est pas suspendu à cette date. S’il l’a été, il a repris de lui-même "
                "à la date limite donnée : il n’y a rien à enregistrer."
            )
        return ""

    def objection_to_a_new_start(self, event: Event) -> str:
        if self.only_suspends:
            return (
                "quand le silence vaut rejet, le délai est seulement suspendu, il ne repart pas "
                "en entier. Enregistrez une reprise, le jour où les pièces arrivent."
            )
        return self.objection_after_the_deadline(event)

    def objection_after_the_deadline(self, event: Event) -> str:
        if self.deadline is None or event.effective_on <= self.deadline:
            return ""
        meaning = "rejet" if self.only_suspends else "acceptation"
        return (
            f"le délai est arrivé à son terme le {long_date(self.deadline)} et le silence a "
            f"valu {meaning}. Vérifiez la date : après ce terme, le délai ne change plus."
        )


def _named(event: Event) -> str:
    return f"« {event.kind.label} », {long_date(event.effective_on)}"
