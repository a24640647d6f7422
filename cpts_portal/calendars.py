"""Meetings and days as files for a calendar (RFC 5545)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from icalendar import Calendar, Event, vCalAddress, vText


def calendar_file(
    *,
    uid: str,
    sequence: int,
    stamped_at: datetime,
    starts_at: datetime,
    ends_at: datetime,
    summary: str,
    place: str,
    is_cancelled: bool = False,
    organizer: tuple[str, str] | None = None,
) -> bytes:
    """One UID for the life of a meeting, a SEQUENCE for each change.

    It names no guest: they do not learn each other's addresses from a file. `organizer` is an
    (address, name) that everybody may know.
    """
    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.PORTAL_NAME}//FR")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if is_cancelled else "REQUEST")
    event = Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", stamped_at.astimezone(UTC))
    event.add("dtstart", starts_at.astimezone(UTC))
    event.add("dtend", ends_at.astimezone(UTC))
    event.add("summary", summary)
    event.add("location", " ".join(place.split()))
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    if organizer is not None:
        address, name = organizer
        event["organizer"] = vCalAddress(f"MAILTO:{address}")
        event["organizer"].params["cn"] = vText(name)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


@dataclass(frozen=True)
class Day:
    """A whole day to remember. `uid` is the same for its life; `path` is its page here."""

    uid: str
    on: date
    summary: str
    path: str


def days_file(days: Iterable[Day], *, stamped_at: datetime) -> bytes:
    """Days as a file to bring into a calendar: brought in again, each takes its own place."""
    calendar = Calendar()
    calendar.add("prodid", f"-//{settings.PORTAL_NAME}//FR")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for one in days:
        event = Event()
        event.add("uid", one.uid)
        event.add("dtstamp", stamped_at.astimezone(UTC))
        event.add("dtstart", one.on)
        event.add("dtend", one.on + timedelta(days=1))
        event.add("summary", one.summary)
        event.add("url", settings.PORTAL_URL + one.path)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
