"""What happened to a letter, in order, in the words of the person who reads it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from letters.labels import transition_label
from letters.models import LetterOfIntent
from workflow.models import CaseDocument, TransitionLog
from workflow.readers import Reader


@dataclass(frozen=True)
class Event:
    """One line of a timeline. `at` is a day when the hour is unknown."""

    at: datetime | date
    label: str

    @property
    def has_hour(self) -> bool:
        return isinstance(self.at, datetime)


def timeline(
    letter: LetterOfIntent,
    *,
    reader: Reader,
    logs: Iterable[TransitionLog],
    documents: Iterable[CaseDocument],
) -> list[Event]:
    """The life of a letter, oldest first.

    The team reads it from the first draft; an office from the deposit, since what came
    before is none of its business. `logs` come with their actor, `documents` with their file.
    """
    events = []
    if reader == Reader.LEAD:
        events.append(Event(letter.created_at, "Lettre commencée"))
    events += [Event(log.at, transition_label(log, reader)) for log in logs]
    available = [link.document.created_at for link in documents]
    if available:
        events.append(Event(max(available), "Documents officiels disponibles"))
    if letter.posted_on:
        events.append(Event(letter.posted_on, "Version papier postée"))
    return sorted(events, key=_moment)


def _moment(event: Event) -> tuple[date, bool, float]:
    """By day, then by hour; a day without hour comes after the hours of that day."""
    if isinstance(event.at, datetime):
        return timezone.localdate(event.at), False, event.at.timestamp()
    return event.at, True, 0.0
