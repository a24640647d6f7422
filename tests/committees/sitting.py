"""A committee of Pays de la Loire with seats, cases and sessions, for tests."""

from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Organisation, User
from committees.models import Attendee, Item, Seat, Session
from committees.sessions import call_members, plan_session, record_attendance
from letters.models import LetterOfIntent
from tests.workflow import asking
from workflow.models import Consultation

NAMES = ("Alice Arnaud", "Benoît Briand", "Chloé Caron", "David Denis", "Élise Evrard")


def committee(*, seats: int = 5) -> Organisation:
    body = asking.regional_committee()
    day = timezone.localdate() - timedelta(days=400)
    for number, name in enumerate(NAMES[:seats], start=1):
        Seat.objects.create(
            body=body,
            name=name,
            capacity=f"URPS {number}",
            email=f"membre{number}@exemple.test",
            since=day,
        )
    return body


def secretary(body: Organisation) -> User:
    return asking.member(body, "secretary")


def asked(body: Organisation) -> tuple[LetterOfIntent, Consultation]:
    """A letter of the region, on which the committee's opinion is asked."""
    letter = asking.deposited_and_asked("52", communes=("44114",))
    return letter, asking.request_to(letter, body)


def at(days: int, hour: int = 14) -> datetime:
    day = timezone.localdate() + timedelta(days=days)
    return datetime.combine(day, time(hour), timezone.get_current_timezone())


def times(days: int = 10) -> dict[str, Any]:
    return {"starts_at": at(days), "ends_at": at(days, 17), "place": "Nantes, salle 3"}


def planned(body: Organisation, *consultations: Consultation, **changes: Any) -> Session:
    changes.setdefault("questions", ["Calendrier de l’année"])
    return plan_session(
        body, actor=secretary(body), consultations=consultations, **{**times(), **changes}
    )


def call(session: Session) -> Session:
    return call_members(session, actor=secretary(session.body))


def called(body: Organisation, *consultations: Consultation, **changes: Any) -> Session:
    return call(planned(body, *consultations, **changes))


def today(session: Session) -> Session:
    """The same session once its day has come."""
    Session.objects.filter(pk=session.pk).update(
        starts_at=timezone.now() - timedelta(seconds=2), ends_at=timezone.now()
    )
    return Session.objects.get(pk=session.pk)


def attended(session: Session, *presences: str) -> Session:
    """The session once attendance is noted, in the order of the members' names."""
    given = dict(zip(session.attendees.all(), presences, strict=True))
    record_attendance(
        session,
        actor=secretary(session.body),
        presences={one.pk: (presence, None) for one, presence in given.items()},
    )
    return Session.objects.get(pk=session.pk)


def held(body: Organisation, *consultations: Consultation) -> Session:
    """A session of today, four members of five taking part."""
    session = today(called(body, *consultations))
    return attended(session, "present", "present", "remote", "present", "absent")


def point(session: Session, rank: int = 1) -> Item:
    return session.items.get(rank=rank)


def named(session: Session, name: str) -> Attendee:
    return session.attendees.get(name=name)
