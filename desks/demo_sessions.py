"""The sessions of a demonstration's committee: one held, with its minutes, and the next called."""

from datetime import datetime, time, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from committees.agenda import ready_cases
from committees.models import Attendee, Session
from committees.seats import add_seat
from committees.sessions import (
    Deliberation,
    call_members,
    close_session,
    deliberate,
    plan_session,
    postpone,
    record_attendance,
)
from workflow.models import Case
from workflow.states import CaseState
from writing.consulting import consult

BODY: Final = "comite-regional-de-suivi-pays-de-la-loire"
_SEATS: Final = (
    ("Anne-Laure Bodin", "ARS Pays de la Loire"),
    ("Denis Chauvet", "CPAM de la Loire-Atlantique"),
    ("Florence Guérin", "URPS Médecins libéraux"),
    ("Ludovic Ménard", "URPS Infirmiers"),
    ("Nadège Oger", "URPS Pharmaciens"),
    ("Régis Poirier", "Fédération des maisons et pôles de santé"),
    ("Véronique Tessier", "Représentante des usagers"),
)
_PLACE: Final = "ARS Pays de la Loire, Nantes, salle Erdre"
_CALENDAR: Final = "Calendrier des séances de l’année"
_GRID: Final = "Grille de lecture des projets de santé"
_VISITS: Final = "Rencontre des équipes sur le terrain"
Presence = Attendee.Presence
_PRESENCES: Final = (
    *(Presence.PRESENT, Presence.PRESENT, Presence.PRESENT, Presence.REMOTE),
    *(Presence.MANDATE, Presence.PRESENT, Presence.ABSENT),
)


@transaction.atomic
def make_sessions() -> int:
    """Have a session held a week ago, with its minutes, and the next one called; how many are new.

    The cases asked of the committee are on the agenda of the next one. Raises
    Organisation.DoesNotExist before `load_organisations`.
    """
    body = Organisation.objects.get(code=BODY)
    if body.sessions.exists():
        return 0
    secretary = User.objects.get(
        memberships__organisation=body, memberships__role=Membership.Role.SECRETARY
    )
    secretary.acting = secretary.memberships.get(organisation=body)
    year_ago = timezone.localdate() - timedelta(days=365)
    for number, (name, capacity) in enumerate(_SEATS, start=1):
        email = f"comite.membre{number}@exemple.test"
        add_seat(body, actor=secretary, name=name, capacity=capacity, email=email, since=year_ago)
    # The bodies are asked by the worker, which may not have started yet.
    letters = Case.objects.filter(kind=Case.Kind.LETTER_OF_INTENT, state=CaseState.DEPOSITED)
    for case in letters.filter(region__code="52"):
        consult(case_id=case.pk)
    _hold(_planned(body, secretary, [_CALENDAR, _GRID, _VISITS]), secretary)
    call_members(_planned(body, secretary, ["Questions diverses"]), actor=secretary)
    return 2


def _planned(body: Organisation, secretary: User, questions: list[str]) -> Session:
    """A session twelve days from now; the second one takes what the committee is asked about."""
    day = timezone.localdate() + timedelta(days=12)
    zone = timezone.get_current_timezone()
    is_next = body.sessions.exists()
    return plan_session(
        body,
        actor=secretary,
        starts_at=datetime.combine(day, time(14), zone),
        ends_at=datetime.combine(day, time(17), zone),
        place=_PLACE,
        consultations=[one.consultation for one in ready_cases(body)] if is_next else [],
        questions=questions,
    )


def _hold(session: Session, secretary: User) -> None:
    """Call the members, move the session a week into the past, note who came and what was said."""
    call_members(session, actor=secretary)
    back = timedelta(days=19)
    called = timezone.now() - back
    Session.objects.filter(pk=session.pk).update(
        starts_at=session.starts_at - back,
        ends_at=session.ends_at - back,
        called_at=called,
        created_at=called,
    )
    there = {one.name: one for one in session.attendees.all()}
    held_by = there["Florence Guérin"].pk
    record_attendance(
        session,
        actor=secretary,
        presences={
            one.pk: (presence, held_by if presence == Presence.MANDATE else None)
            for one, presence in zip(there.values(), _PRESENCES, strict=True)
        },
    )
    calendar, grid, visits = session.items.all()
    dates = "Le comité se réunit le deuxième jeudi des mois pairs."
    deliberate(calendar, actor=secretary, said=Deliberation(text=dates, votes=(6, 0, 0)))
    adopted = Deliberation(
        text="La grille est adoptée : elle sera jointe aux prochaines convocations.",
        votes=(5, 1, 0),
        dissents={there["Régis Poirier"].pk: "La grille ne dit rien de la place des usagers."},
    )
    deliberate(grid, actor=secretary, said=adopted)
    postpone(visits, actor=secretary, reason="Les équipes proposent des dates d’ici un mois.")
    close_session(
        session,
        actor=secretary,
        remarks="La secrétaire présente le portail : les avis se préparent en séance, puis la "
        "présidence du comité les donne.",
    )
