"""A session from its planning to its minutes. Every function locks the session first.

What the members receive and the minutes are made by the worker (`committees.papers`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from committees import rules
from committees.agenda import write_agenda
from committees.models import Attendee, Dissent, Item, Seat, Session
from committees.quorum import TAKING_PART, Quorum, quorum_of
from committees.wording import minutes_content
from outbox.services import publish
from workflow.models import Consultation, Opinion
from workflow.opinion_states import Position
from workflow.opinions import (
    LONGEST_RESERVE,
    LONGEST_TEXT,
    MOST_RESERVES,
    draft_opinion,
    grid_of,
    lacks_before_validation,
)
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, IncompleteError, already_done_by
from workflow.typed import bare, check_times

# The members receive the agenda five days before at least, but in an emergency (CRPA, R. 133-5).
CALLED_BEFORE: Final = timedelta(days=5)
LONGEST_PLACE: Final = 500
LONGEST_REASON: Final = 2_000

Presence = Attendee.Presence


# --- Planning -------------------------------------------------------------------------------


@transaction.atomic
def plan_session(
    body: Organisation,
    *,
    actor: User,
    starts_at: datetime,
    ends_at: datetime,
    place: str,
    consultations: Sequence[Consultation] = (),
    questions: Sequence[str] = (),
) -> Session:
    """Put a session on the committee's calendar, with its agenda. Nobody is told yet.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    if not rules.may_run(body.pk, actor):
        raise PermissionDenied(_WHO)
    still_holds_their_role(actor)
    check_times(starts_at, ends_at, what="La séance")
    session = Session.objects.create(
        body=body, starts_at=starts_at, ends_at=ends_at, place=_place(place), created_by=actor
    )
    write_agenda(session, consultations=consultations, questions=questions)
    return session


@transaction.atomic
def change_session(
    session: Session,
    *,
    actor: User,
    starts_at: datetime,
    ends_at: datetime,
    place: str,
    consultations: Sequence[Consultation],
    questions: Sequence[str],
) -> Session:
    """Change when, where and on what a session is held, until its attendance is taken.

    Members who were called must be called again: the page says so. A second call keeps the
    agenda of the first (CRPA, R. 133-10).

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    session = _open(session, actor)
    if session.attendees.exclude(presence=Presence.EXPECTED).exists():
        raise ActionRefusedError(
            "Les présences sont notées : la séance a commencé. Vous pouvez reporter un point."
        )
    check_times(starts_at, ends_at, what="La séance")
    session.starts_at, session.ends_at, session.place = starts_at, ends_at, _place(place)
    session.save()
    if not session.is_second_call:
        write_agenda(session, consultations=consultations, questions=questions)
    return session


def _place(text: str) -> str:
    text = bare(text)
    if not text:
        raise ActionRefusedError("Écrivez le lieu : une adresse, une salle, ou le lien de visio.")
    if len(text) > LONGEST_PLACE:
        raise ActionRefusedError(f"Le lieu accepte {LONGEST_PLACE} caractères au plus.")
    return text


# --- Calling the members ---------------------------------------------------------------------


def seats_on(body: Organisation, session: Session) -> list[Seat]:
    """Those who sit on the day of a session."""
    day = timezone.localdate(session.starts_at)
    seats = body.seats.filter(since__lte=day)
    return [seat for seat in seats if seat.until is None or seat.until >= day]


def is_short_notice(session: Session) -> bool:
    """Whether members called today would have less than five days."""
    return timezone.localdate(session.starts_at) - timezone.localdate() < CALLED_BEFORE


def missing_before_call(session: Session, *, urgency: str = "") -> list[str]:
    """What a session lacks before its members are called, as sentences. Empty: go."""
    missing = []
    if session.starts_at <= timezone.now():
        missing.append("La séance est passée : changez sa date.")
    elif is_short_notice(session) and not urgency:
        missing.append(
            "Les membres sont convoqués cinq jours au moins avant la séance (CRPA, R. 133-5) : "
            "changez la date, ou dites quelle est l’urgence."
        )
    if not session.items.exists():
        missing.append("L’ordre du jour est vide : ajoutez un dossier ou un autre point.")
    if not seats_on(session.body, session):
        missing.append("Personne ne siège ce jour-là : ajoutez les membres du comité.")
    return missing


@transaction.atomic
def call_members(session: Session, *, actor: User, urgency: str = "") -> Session:
    """Call those who sit that day, with the agenda; or call them again after a change.

    Raises PermissionDenied, IncompleteError, or ActionRefusedError with the sentence to show.
    """
    session = _open(session, actor)
    urgency = bare(urgency)
    if len(urgency) > LONGEST_REASON:
        raise ActionRefusedError(f"Ce motif accepte {LONGEST_REASON} caractères au plus.")
    if missing := missing_before_call(session, urgency=urgency):
        raise IncompleteError(missing)
    if session.attendees.exclude(presence=Presence.EXPECTED).exists():
        raise ActionRefusedError("Les présences sont notées : la séance a commencé.")
    session.urgency = urgency if is_short_notice(session) else ""
    session.called_at = timezone.now()
    session.calls += 1
    session.save()
    session.attendees.all().delete()
    Attendee.objects.bulk_create(
        Attendee(
            session=session, seat=seat, name=seat.name, capacity=seat.capacity, email=seat.email
        )
        for seat in seats_on(session.body, session)
    )
    _publish_call(session)
    return session


@transaction.atomic
def cancel_session(session: Session, *, actor: User, reason: str) -> Session:
    """Give a session up; the members who were called are told. Its cases are free again.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    session = _open(session, actor)
    reason = bare(reason)
    if not reason:
        raise ActionRefusedError("Dites pourquoi la séance n’a pas lieu : les membres le lisent.")
    if len(reason) > LONGEST_REASON:
        raise ActionRefusedError(f"Ce motif accepte {LONGEST_REASON} caractères au plus.")
    session.cancelled_at = timezone.now()
    session.cancel_reason = reason
    if session.called_at:
        session.calls += 1
    session.save()
    if session.called_at:
        _publish_call(session)
    return session


def _publish_call(session: Session) -> None:
    publish(
        "committees.call",
        key=f"{session.pk}:{session.calls}",
        session_id=session.pk,
        sequence=session.calls,
    )


# --- Holding the session ------------------------------------------------------------------------


def quorum(session: Session) -> Quorum:
    return quorum_of(session.attendees.all(), second_call=session.is_second_call)


@transaction.atomic
def record_attendance(
    session: Session, *, actor: User, presences: Mapping[int, tuple[str, int | None]]
) -> Quorum:
    """Note who takes part: for each attendee, a presence and, for a mandate, who holds it.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    session = _called(session, actor)
    if session.items.filter(deliberated_at__isnull=False).exists():
        raise ActionRefusedError(
            "Un point est délibéré : les présences ne changent plus. Effacez d’abord la "
            "délibération si elles étaient fausses."
        )
    attendees = {one.pk: one for one in session.attendees.all()}
    holders: set[int] = set()
    for pk, attendee in attendees.items():
        presence, holder = presences.get(pk, (attendee.presence, attendee.holder_id))
        if presence not in Presence.values:
            raise ActionRefusedError(f"Dites si {attendee.name} prend part à la séance.")
        attendee.presence = presence
        attendee.holder_id = holder if presence == Presence.MANDATE else None
        if presence == Presence.MANDATE:
            _check_mandate(attendee, attendees, presences, holders)
    # One after the other: a mandate that moves from one holder to another is freed first.
    session.attendees.update(presence=Presence.EXPECTED, holder=None)
    for attendee in attendees.values():
        attendee.save()
    return quorum(session)


def _check_mandate(
    attendee: Attendee,
    attendees: Mapping[int, Attendee],
    presences: Mapping[int, tuple[str, int | None]],
    holders: set[int],
) -> None:
    """A mandate goes to a member who is there, and who holds no other (CRPA, R. 133-9)."""
    holder = attendees.get(attendee.holder_id or 0)
    if holder is None:
        raise ActionRefusedError(f"Dites à qui {attendee.name} a donné mandat.")
    there, _ = presences.get(holder.pk, (holder.presence, None))
    if there not in {Presence.PRESENT, Presence.REMOTE} or holder.pk == attendee.pk:
        raise ActionRefusedError(
            f"{attendee.name} a donné mandat à {holder.name}, qui ne prend pas part à la séance. "
            "Corrigez l’un des deux."
        )
    if holder.pk in holders:
        raise ActionRefusedError(
            f"{holder.name} détient déjà un mandat : un membre n’en a qu’un (CRPA, R. 133-9)."
        )
    holders.add(holder.pk)


@dataclass(frozen=True, kw_only=True)
class Deliberation:
    """What the committee says of a point. Votes are counted only where one was held."""

    position: str = ""
    text: str = ""
    reserves: tuple[str, ...] = ()
    votes: tuple[int, int, int] | None = None
    # Attendees who asked to have their disagreement noted, and what they say.
    dissents: Mapping[int, str] | None = None


@transaction.atomic
def deliberate(item: Item, *, actor: User, said: Deliberation) -> Item:
    """Note the sense of the deliberation on a point, or change what was noted.

    Raises PermissionDenied, IncompleteError, or ActionRefusedError with the sentence to show.
    """
    session = _called(item.session, actor)
    item = session.items.select_related("consultation__case").get(pk=item.pk)
    _refuse_without_quorum(session)
    text = bare(said.text)
    reserves = [clean for one in said.reserves if (clean := bare(one))]
    if missing := _lacks(item, said.position, text, reserves):
        raise IncompleteError(missing)
    if refused := _too_much(text, reserves):
        raise ActionRefusedError(" ".join(refused))
    item.votes_for, item.votes_against, item.abstentions = _votes(session, said.votes)
    item.position = said.position if item.consultation else ""
    item.text = text
    item.reserves = reserves if item.consultation else []
    item.postponed = ""
    item.deliberated_at = timezone.now()
    item.save()
    _note_dissents(item, said.dissents or {})
    return item


def _refuse_without_quorum(session: Session) -> None:
    if session.attendees.filter(presence=Presence.EXPECTED).exists():
        raise ActionRefusedError("Notez d’abord qui prend part à la séance.")
    found = quorum(session)
    if not found.is_reached:
        raise ActionRefusedError(
            f"{found.sentence} Le comité ne délibère pas : reportez les points, ou convoquez-le "
            "de nouveau sur le même ordre du jour."
        )


def _lacks(item: Item, position: str, text: str, reserves: list[str]) -> list[str]:
    """What the deliberation would lack as an opinion, as sentences."""
    if item.consultation is None:
        return [] if text else ["Écrivez ce que le comité a dit de ce point."]
    if position and position not in Position.values:
        return ["Cette position n’existe pas : choisissez-en une de la liste."]
    said = Opinion(position=position, text=text, reserves=reserves)
    return [sentence for _, sentence in lacks_before_validation(said, None)]


def _too_much(text: str, reserves: list[str]) -> list[str]:
    refused = []
    if len(text) > LONGEST_TEXT:
        refused.append(
            f"Le texte compte {len(text)} caractères ; il en accepte {LONGEST_TEXT} au plus. "
            "Raccourcissez-le."
        )
    if len(reserves) > MOST_RESERVES:
        refused.append(f"{MOST_RESERVES} réserves au plus : regroupez-en quelques-unes.")
    if any(len(one) > LONGEST_RESERVE for one in reserves):
        refused.append(f"Une réserve compte {LONGEST_RESERVE} caractères au plus.")
    return refused


def _votes(
    session: Session, votes: tuple[int, int, int] | None
) -> tuple[int | None, int | None, int | None]:
    if votes is None:
        return None, None, None
    voices = session.attendees.filter(presence__in=TAKING_PART).count()
    if sum(votes) > voices:
        raise ActionRefusedError(
            f"{sum(votes)} voix sont comptées, mais {voices} membres prennent part à la séance, "
            "mandats compris. Recomptez."
        )
    return votes


def _note_dissents(item: Item, said: Mapping[int, str]) -> None:
    item.dissents.all().delete()
    there = set(
        item.session.attendees.filter(presence__in=TAKING_PART).values_list("pk", flat=True)
    )
    texts = {pk: bare(text)[:LONGEST_REASON] for pk, text in said.items()}
    Dissent.objects.bulk_create(
        Dissent(item=item, attendee_id=pk, text=text)
        for pk, text in texts.items()
        if text and pk in there
    )


@transaction.atomic
def postpone(item: Item, *, actor: User, reason: str) -> Item:
    """Put a point off to another session.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    session = _called(item.session, actor)
    reason = bare(reason)
    if not reason:
        raise ActionRefusedError("Dites pourquoi ce point est reporté : le procès-verbal le dira.")
    if len(reason) > LONGEST_REASON:
        raise ActionRefusedError(f"Ce motif accepte {LONGEST_REASON} caractères au plus.")
    item = session.items.get(pk=item.pk)
    item.dissents.all().delete()
    item.position, item.text, item.reserves = "", "", []
    item.votes_for = item.votes_against = item.abstentions = None
    item.deliberated_at = None
    item.postponed = reason
    item.save()
    return item


# --- Closing -----------------------------------------------------------------------------------


def missing_before_closing(session: Session) -> list[str]:
    """What a session lacks before its minutes are drawn up, as sentences. Empty: go."""
    if session.attendees.filter(presence=Presence.EXPECTED).exists():
        return ["Notez qui prend part à la séance : le procès-verbal nomme les présents."]
    if not quorum(session).is_reached:
        return []
    return [
        f"Point {item.rank}, « {item.title} » : notez l’avis du comité, ou reportez le point."
        for item in session.items.all()
        if not item.is_settled
    ]


@transaction.atomic
def close_session(session: Session, *, actor: User, remarks: str = "") -> Session:
    """Draw up the minutes, and prepare each deliberation as the committee's draft opinion.

    The president reads each draft again and gives it, as any opinion. A draft that cannot be
    written (the case was withdrawn meanwhile) is said in the minutes' page, and stops nothing.

    Raises PermissionDenied, IncompleteError, or ActionRefusedError with the sentence to show.
    """
    session = _called(session, actor)
    remarks = bare(remarks)
    if len(remarks) > LONGEST_TEXT:
        raise ActionRefusedError(f"Le relevé accepte {LONGEST_TEXT} caractères au plus.")
    if missing := missing_before_closing(session):
        raise IncompleteError(missing)
    session.remarks = remarks
    session.closed_at = timezone.now()
    session.closed_by = actor
    session.minutes = minutes_content(session, quorum(session))
    session.save()
    for item in session.items.select_related("consultation__case"):
        if item.consultation and item.position:
            _prepare_opinion(item, item.consultation, actor)
    publish("committees.minutes", key=str(session.pk), session_id=session.pk)
    return session


def _prepare_opinion(item: Item, consultation: Consultation, actor: User) -> None:
    """Write the deliberation as the body's draft; submit it when a grid asks for nothing more."""
    standing = consultation.opinions.current().first()
    try:
        with transaction.atomic():
            item.opinion = draft_opinion(
                consultation,
                user=actor,
                base_revision=standing.revision if standing else 0,
                position=item.position,
                text=item.text,
                reserves=item.reserves,
                submit=grid_of(consultation, consultation.case) is None,
            )
    except (ActionRefusedError, PermissionDenied) as refused:
        item.not_prepared = getattr(refused, "message", "") or str(refused)
    item.save()


@transaction.atomic
def call_again(
    session: Session, *, actor: User, starts_at: datetime, ends_at: datetime, place: str
) -> Session:
    """Plan the second sitting of a session closed for want of quorum, on the same agenda.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    first = (
        Session.objects.select_for_update(of=("self",)).select_related("body").get(pk=session.pk)
    )
    if not rules.may_run(first.body_id, actor):
        raise PermissionDenied(_WHO)
    still_holds_their_role(actor)
    if not may_be_called_again(first):
        raise ActionRefusedError(
            "Seule une séance close faute de quorum est convoquée de nouveau, et une seule fois."
        )
    check_times(starts_at, ends_at, what="La séance")
    again = Session.objects.create(
        body=first.body,
        first_call=first,
        starts_at=starts_at,
        ends_at=ends_at,
        place=_place(place),
        created_by=actor,
    )
    Item.objects.bulk_create(
        Item(session=again, rank=item.rank, consultation=item.consultation, title=item.title)
        for item in first.items.select_related("consultation")
    )
    return again


def may_be_called_again(session: Session) -> bool:
    """Whether a session was closed for want of quorum, and not called a second time yet."""
    return (
        session.closed_at is not None
        and not session.is_second_call
        and not quorum(session).is_reached
        and not Session.objects.filter(first_call=session).exists()
    )


# --- Under the lock ----------------------------------------------------------------------------

_WHO: Final = "Le secrétaire ou le président du comité tient ses séances."


def _open(session: Session, actor: User) -> Session:
    """The session under a lock, still to be held.

    Raises PermissionDenied, AlreadyDoneError when it is closed, ActionRefusedError when it was
    cancelled.
    """
    found = Session.objects.select_for_update(of=("self",)).select_related("body", "closed_by")
    session = found.get(pk=session.pk)
    if not rules.may_run(session.body_id, actor):
        raise PermissionDenied(_WHO)
    still_holds_their_role(actor)
    if session.closed_at:
        raise already_done_by(session.closed_by, session.closed_at)
    if session.cancelled_at:
        raise ActionRefusedError(f"Cette séance est annulée : {session.cancel_reason}")
    return session


def _called(session: Session, actor: User) -> Session:
    """The same, whose members were called and whose day has come."""
    session = _open(session, actor)
    if session.called_at is None:
        raise ActionRefusedError("Les membres ne sont pas encore convoqués.")
    if timezone.localdate(session.starts_at) > timezone.localdate():
        raise ActionRefusedError("La séance n’a pas encore eu lieu : attendez son jour.")
    return session
