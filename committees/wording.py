"""What the convocation and the minutes of a session say, in words, frozen with the act."""

from typing import Any

from django.utils import timezone

from committees.models import Attendee, Item, Session
from committees.quorum import TAKING_PART, Quorum
from cpts_portal.words import day, day_and_hour, hour
from workflow.opinion_states import Position

Presence = Attendee.Presence


def when(session: Session) -> str:
    """« le 12 mars 2027 de 14 h à 17 h »."""
    starts, ends = timezone.localtime(session.starts_at), timezone.localtime(session.ends_at)
    if starts.date() != ends.date():
        return f"du {day_and_hour(starts)} au {day_and_hour(ends)}"
    return f"le {day(starts)} de {hour(starts)} à {hour(ends)}"


def held(session: Session) -> str:
    """« du 12 mars 2027, de 14 h à 17 h », after « séance »."""
    starts, ends = timezone.localtime(session.starts_at), timezone.localtime(session.ends_at)
    if starts.date() != ends.date():
        return when(session)
    return f"du {day(starts)}, de {hour(starts)} à {hour(ends)}"


def number_of(session: Session, suffix: str) -> str:
    """« SE-cats-44-12-PV » : the number of a document of a session."""
    return f"SE-{session.body.code}-{session.pk}-{suffix}"[:60]


def convocation_content(session: Session) -> dict[str, Any]:
    """The convocation, as it leaves."""
    return {
        "body": session.body.name,
        "when": held(session),
        "place": session.place.splitlines(),
        "items": [{"rank": item.rank, "title": item.title} for item in session.items.all()],
        "urgency": session.urgency,
        "second_call": session.is_second_call,
        "number": number_of(session, f"C{session.calls}"),
        "called_on": day(timezone.localdate(session.called_at)),
    }


def minutes_content(session: Session, quorum: Quorum) -> dict[str, Any]:
    """The minutes: the members present, the points, the sense of each deliberation, and the
    disagreements that were to be noted (CRPA, R. 133-13)."""
    attendees = list(session.attendees.select_related("holder"))
    items = session.items.prefetch_related("dissents__attendee")
    return {
        "body": session.body.name,
        "when": held(session),
        "place": session.place.splitlines(),
        "second_call": session.is_second_call,
        "urgency": session.urgency,
        "quorum": quorum.sentence,
        "quorum_reached": quorum.is_reached,
        "attendees": [
            {"name": one.name, "capacity": one.capacity, "presence": presence_words(one)}
            for one in attendees
            if one.presence in TAKING_PART
        ],
        "absent": [one.name for one in attendees if one.presence == Presence.ABSENT],
        "items": [item_content(item) for item in items],
        "remarks": session.remarks.splitlines(),
        "closed_by": str(session.closed_by or ""),
        "closed_on": day(timezone.localdate(session.closed_at)),
        "number": number_of(session, "PV"),
    }


def presence_words(attendee: Attendee) -> str:
    """« À distance », « A donné mandat à Claire Fabre »."""
    label = Presence(attendee.presence).label
    return f"{label} à {attendee.holder.name}" if attendee.holder else str(label)


def item_content(item: Item) -> dict[str, Any]:
    return {
        "rank": item.rank,
        "title": item.title,
        "position": str(Position(item.position).label) if item.position else "",
        "text": item.text.splitlines(),
        "reserves": [reserve.splitlines() for reserve in item.reserves],
        "votes": votes_words(item),
        "postponed": item.postponed,
        "dissents": [
            {"name": dissent.attendee.name, "text": dissent.text.splitlines()}
            for dissent in item.dissents.all()
        ],
    }


def votes_words(item: Item) -> str:
    """« 5 voix pour, 1 voix contre, 2 abstentions »; empty when nobody voted."""
    if item.votes_for is None:
        return ""
    plural = "s" if (item.abstentions or 0) > 1 else ""
    return (
        f"{item.votes_for} voix pour, {item.votes_against} voix contre, "
        f"{item.abstentions} abstention{plural}"
    )
