"""What the pages say of a legal clock: sentences for each reader, made from what it computed."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from cpts_portal.words import NBSP, long_date
from workflow.clock import Clock, ClockRule, ClockState, Line, Silence
from workflow.models import ClockEvent

_MEANING = {Silence.REFUSAL: "rejet", Silence.ACCEPTANCE: "acceptation"}


def counted(number: int, noun: str) -> str:
    """« 1 jour ouvré », « 9 jours ouvrés », with an unbreakable space."""
    if number > 1:
        noun = " ".join(f"{word}s" for word in noun.split())
    return f"{number}{NBSP}{noun}"


def time_left(clock: Clock) -> str:
    """How long is left, in one or two sentences."""
    match clock.state:
        case ClockState.NOT_STARTED:
            said = "Le délai n’a pas commencé."
        case ClockState.ENDED:
            said = f"Le délai a pris fin le {_day(clock.ended_on)}."
        case ClockState.SUSPENDED if clock.deadline is None:
            said = "Le délai est arrêté. Il repartira en entier le jour où le dossier sera complet."
        case ClockState.SUSPENDED:
            said = (
                f"Le délai est suspendu, jusqu’au {_day(clock.suspended_until)} au plus tard. "
                f"Il restera alors {counted(clock.days_left or 0, 'jour')}."
            )
        case ClockState.RUNNING:
            said = _running(clock.days_left or 0, clock.working_days_left or 0)
    return said


def _running(left: int, working: int) -> str:
    if left > 0:
        return f"Il reste {counted(left, 'jour')}, dont {counted(working, 'jour ouvré')}."
    if left == 0:
        return "C’est le dernier jour."
    return f"Le délai est dépassé depuis {counted(-left, 'jour')}."


def _day(day: date | None) -> str:
    return long_date(day) if day else ""


def how_computed(clock: Clock, rule: ClockRule) -> str:
    """From what the deadline is made; empty while there is none."""
    if clock.started_on is None or clock.deadline is None:
        return ""
    text = f"{rule.months}{NBSP}mois à partir du {long_date(clock.started_on)}"
    if clock.suspended_days:
        text += f", plus {counted(clock.suspended_days, 'jour')} de suspension"
    return f"{text}. Le jour de l’échéance est compris."


def meaning_of_silence(clock: Clock) -> str:
    """What happens if nobody decides before the end."""
    return f"Le silence vaut {_MEANING[clock.silence_means]}."


def short_state(clock: Clock) -> str:
    """The deadline and what stands in its place, for a line of facts."""
    if clock.deadline is not None:
        return long_date(clock.deadline)
    if clock.state == ClockState.SUSPENDED:
        return "Délai arrêté jusqu’aux compléments"
    return "–"


@dataclass(frozen=True)
class Overdue:
    """What the end of the period has brought about, while nobody has decided."""

    title: str
    text: str
    # Whether the lead is told of the remedies against a refusal.
    is_refusal: bool


def overdue(clock: Clock, *, is_lead: bool) -> Overdue | None:
    """What to say once silence has taken effect; None before, or once the case is settled."""
    if not clock.silence_took_effect or clock.state == ClockState.ENDED or clock.deadline is None:
        return None
    since = long_date(clock.deadline + timedelta(days=1))
    if clock.silence_means == Silence.ACCEPTANCE:
        return Overdue(
            "Le délai est passé : le silence vaut acceptation",
            f"L’acceptation tacite existe depuis le {since}. Le portail l’enregistre dans la "
            "journée ; une attestation peut être demandée (CRPA, article L. 232-3).",
            is_refusal=False,
        )
    if is_lead:
        return Overdue(
            "Le délai est passé : votre demande est implicitement refusée",
            f"Personne n’a décidé avant l’échéance : depuis le {since}, le silence vaut rejet. "
            "Le bureau peut encore décider autrement, et vous l’écrira.",
            is_refusal=True,
        )
    return Overdue(
        "Délai dépassé",
        f"La demande est implicitement refusée depuis le {since}. Vous pouvez encore décider : "
        "une décision écrite remplacera ce refus. L’équipe peut former un recours.",
        is_refusal=True,
    )


def remedies(deadline: date) -> list[str]:
    """What a lead may do against a refusal born of silence, each as a sentence."""
    refused_on = long_date(deadline + timedelta(days=1))
    reasons = (
        "Demander les motifs du refus au bureau en charge, dans le délai du recours devant le "
        "tribunal : il a un mois pour les donner (CRPA, article L. 232-4)."
    )
    appeals = (
        f"Dans les deux mois qui suivent le {refused_on}, former un recours gracieux devant la "
        "direction générale de l’ARS, ou hiérarchique devant le ministre chargé de la santé "
        "(CRPA, article L. 411-2)."
    )
    court = (
        "Dans le même délai, saisir le tribunal administratif. Un recours gracieux ou "
        "hiérarchique formé à temps interrompt ce délai."
    )
    return [reasons, appeals, court, "Déposer une nouvelle lettre."]


@dataclass(frozen=True)
class LedgerLine:
    """One line of the ledger as a page shows it."""

    event: ClockEvent
    label: str
    deadline: str
    # « Claire Martin, pour l’ARS » for an agent; the body alone for the lead.
    by: str
    # When the line no longer counts: who took it out, when and why.
    correction: str


def ledger_lines(clock: Clock, rows: list[ClockEvent], *, names: bool) -> list[LedgerLine]:
    """The ledger in the order it is read. `names`: whether the reader may know the agents'."""
    by_id = {row.pk: row for row in rows}
    return [_line(line, by_id, names=names) for line in clock.history]


def _line(line: Line, rows: dict[int, ClockEvent], *, names: bool) -> LedgerLine:
    row = rows[line.event.id or 0]
    correction = ""
    if line.cancelled_by is not None:
        counter = rows[line.cancelled_by.id or 0]
        on = long_date(timezone.localdate(counter.entered_at))
        by = _author(counter, names=names)
        correction = f"Corrigé le {on} par {by}{NBSP}: {counter.reason}"
    label = row.get_kind_display()
    if row.until:
        label += f", jusqu’au {long_date(row.until)} au plus tard"
    deadline = long_date(line.deadline) if line.deadline and not line.cancelled_by else ""
    return LedgerLine(row, label, deadline, _author(row, names=names), correction)


def _author(row: ClockEvent, *, names: bool) -> str:
    if row.entered_by is None:
        return "le portail"
    if row.body is None:
        return str(row.entered_by)
    return f"{row.entered_by}, {row.body.name}" if names else row.body.name
