"""What people type about a case: texts, days and times, all refused with the same sentences."""

from datetime import date, datetime, timedelta
from typing import Final

from django.utils import timezone

from workflow.services import ActionRefusedError

# An answer is asked for within a year: a later day is a slip of the year.
LONGEST_DELAY: Final = timedelta(days=366)
FURTHEST_MEETING: Final = timedelta(days=366)
LONGEST_MEETING: Final = timedelta(hours=12)


def bare(text: str) -> str:
    """The text without the null characters that PostgreSQL refuses, nor the blanks around it."""
    return text.replace("\0", "").strip()


def typed_text(text: str, *, longest: int, needed: str = "") -> str:
    """The text, bare, of `longest` characters at most.

    Raises ActionRefusedError when it is longer, or when it is empty and `needed` says why it
    may not be.
    """
    text = bare(text)
    if needed and not text:
        raise ActionRefusedError(needed)
    if len(text) > longest:
        raise ActionRefusedError(
            f"Ce texte compte {len(text)} caractères ; il en accepte {longest} au plus. "
            "Raccourcissez-le."
        )
    return text


class DayRefusedError(ActionRefusedError):
    """The last day to answer does not do: said beside its field."""


def check_due(due_on: date, *, who: str) -> None:
    """Raises DayRefusedError unless `who` (« l’équipe ») has a day at least, a year at most."""
    today = timezone.localdate()
    if due_on <= today:
        raise DayRefusedError(
            f"La date limite doit être dans l’avenir : {who} a besoin d’un jour au moins."
        )
    if due_on > today + LONGEST_DELAY:
        raise DayRefusedError(
            "La date limite est à plus d’un an : vérifiez l’année que vous avez saisie."
        )


def check_times(starts_at: datetime, ends_at: datetime, *, what: str) -> None:
    """Raises ActionRefusedError unless `what` (« La réunion ») is to come, and ends once begun."""
    now = timezone.now()
    if not now < starts_at < now + FURTHEST_MEETING:
        raise ActionRefusedError(f"{what} est à venir, dans l’année. Vérifiez la date et l’heure.")
    if not starts_at < ends_at <= starts_at + LONGEST_MEETING:
        raise ActionRefusedError(
            f"{what} finit après avoir commencé, et dure douze heures au plus. Vérifiez les heures."
        )
