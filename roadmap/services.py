"""What a team does with its roadmap, and what goes on with who accompanies it.

A refusal is a RoadmapError whose message is the sentence to show.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from cpts_portal.calendars import calendar_file
from cpts_portal.composed import Composed, Given
from cpts_portal.words import day_and_hour
from diagnosis.people import desk_of, team_of
from notifications.services import About, Told, notify
from outbox.registry import handles
from outbox.services import publish
from roadmap import rules
from roadmap.deriving import DERIVATIONS, read_facts
from roadmap.models import Accompaniment, Appointment, HelpRequest, Note, StepTick
from roadmap.reading import roadmap_of
from workflow.people import still_holds_their_role

LONGEST_TEXT: Final = 5_000
MOST_COMPANIONS: Final = 10
MOST_NOTES: Final = 500
MOST_OPEN_REQUESTS: Final = 20
LONGEST_MEETING: Final = timedelta(hours=12)
FURTHEST: Final = timedelta(days=366)


class RoadmapError(ValueError):
    """What is asked cannot be done; `message` says why and what to do, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# --- Steps ----------------------------------------------------------------------------------------


@transaction.atomic
def tick(community: Community, step_key: str, *, by: User) -> None:
    """Say that a step is done. Said twice, the first stays. Raises PermissionDenied or
    RoadmapError."""
    community = _locked(community, writes=by)
    step = roadmap_of(community.region_id).step(step_key)
    if step is None:
        raise RoadmapError("Cette étape n’est pas dans la feuille de route de votre région.")
    derivation = DERIVATIONS.get(step.derived)
    if derivation is not None and derivation.strict:
        raise RoadmapError(
            f"« {step.title} » se coche d’elle-même, quand le portail le sait : rien n’est à faire "
            "ici."
        )
    if derivation is not None and derivation.said(read_facts(community.pk)):
        raise RoadmapError(f"« {step.title} » est déjà faite : le portail le sait.")
    StepTick.objects.get_or_create(
        community=community, step=step.key, unticked_at=None, defaults={"ticked_by": by}
    )


@transaction.atomic
def untick(community: Community, step_key: str, *, by: User) -> None:
    """Take back what was ticked; the line stays with who and when. Raises PermissionDenied."""
    community = _locked(community, writes=by)
    community.step_ticks.filter(step=step_key, unticked_at=None).update(
        unticked_at=timezone.now(), unticked_by=by
    )


# --- Who accompanies ------------------------------------------------------------------------------


_OFFERED: Final = Composed(
    lambda: Organisation.objects.filter(
        region=Given("region"), kind__in=list(rules.COMPANIONS)
    ).values_list("pk", "kind", "name", "department")
)


def companions_offered(community: Community) -> list[Organisation]:
    """Those of the region a team may invite, and has not, by kind, the near ones first.

    They have their names alone.
    """
    already = set(
        community.accompaniments.filter(ended_at=None).values_list("organisation", flat=True)
    )
    rows = _OFFERED.rows(region=community.region_id)
    order = list(rules.COMPANIONS)
    found = [
        Organisation(pk=pk, kind=kind, name=name, department_id=department)
        for pk, kind, name, department in rows
    ]
    near = read_facts(community.pk).department
    return sorted(
        (one for one in found if one.pk not in already),
        key=lambda one: (order.index(one.kind), one.department_id != near, one.name),
    )


@transaction.atomic
def invite(community: Community, organisation: Organisation, *, by: User) -> Accompaniment:
    """Let an organisation of the region see where the team stands, and tell it.

    Raises PermissionDenied or RoadmapError.
    """
    community = _locked(community, writes=by)
    if organisation not in companions_offered(community):
        raise RoadmapError(
            "Cet organisme vous accompagne déjà, ou n’est pas de votre région : choisissez-en un "
            "de la liste."
        )
    if community.accompaniments.filter(ended_at=None).count() >= MOST_COMPANIONS:
        raise RoadmapError(f"{MOST_COMPANIONS} organismes au plus vous accompagnent à la fois.")
    organisation = Organisation.objects.get(pk=organisation.pk)
    made = Accompaniment.objects.create(
        community=community, organisation=organisation, invited_by=by
    )
    _tell(community, organisation, "invited", made.pk, to_office=True, by=by)
    return made


@transaction.atomic
def end(accompaniment: Accompaniment, *, by: User) -> None:
    """The organisation no longer sees the roadmap. Ended twice, the first stays.

    Raises PermissionDenied.
    """
    community = _locked(accompaniment.community, writes=by)
    community.accompaniments.filter(pk=accompaniment.pk, ended_at=None).update(
        ended_at=timezone.now(), ended_by=by
    )


# --- Help -----------------------------------------------------------------------------------------


@transaction.atomic
def ask_help(
    community: Community, organisation: Organisation, *, kind: str, text: str, by: User
) -> HelpRequest:
    """Ask who accompanies the team for help of a kind. Raises PermissionDenied or RoadmapError."""
    community = _locked(community, writes=by)
    _going_with(community, organisation)
    text = _clean(text)
    if not text:
        raise RoadmapError("Écrivez ce dont vous avez besoin.")
    waiting = community.help_requests.filter(organisation=organisation, answered_at=None)
    if waiting.count() >= MOST_OPEN_REQUESTS:
        raise RoadmapError("Vingt demandes attendent déjà une réponse : relancez par un message.")
    made = HelpRequest.objects.create(
        community=community, organisation=organisation, kind=kind, text=text, asked_by=by
    )
    _tell(community, organisation, "help", made.pk, to_office=True, by=by, request=made)
    return made


@transaction.atomic
def answer_help(request: HelpRequest, *, text: str, by: User) -> None:
    """Answer a team. Raises PermissionDenied or RoadmapError."""
    community = _locked(request.community, accompanies=by)
    current = community.help_requests.select_for_update(of=("self",)).get(pk=request.pk)
    if by.acting is None or current.organisation_id != by.acting.organisation_id:
        raise PermissionDenied("L’organisme à qui l’aide est demandée y répond.")
    if current.answered_at:
        raise RoadmapError("Une réponse a déjà été donnée : rechargez la page.")
    text = _clean(text)
    if not text:
        raise RoadmapError("Écrivez votre réponse.")
    current.answer, current.answered_by, current.answered_at = text, by, timezone.now()
    current.save()
    _tell(community, current.organisation, "help_answered", current.pk, by=by, request=current)


# --- Meetings -------------------------------------------------------------------------------------


@transaction.atomic
def plan(
    community: Community,
    organisation: Organisation,
    *,
    by: User,
    subject: str,
    starts_at: datetime,
    ends_at: datetime,
    place: str,
) -> Appointment:
    """Plan a meeting of the team with who accompanies it; both are written to.

    Raises PermissionDenied or RoadmapError.
    """
    community = _taking_part(community, by)
    _going_with(community, organisation)
    _own_side(organisation, by)
    now = timezone.now()
    if not now < starts_at < now + FURTHEST:
        raise RoadmapError(
            "Le rendez-vous est à venir, dans l’année : vérifiez le jour et l’heure."
        )
    if not starts_at < ends_at <= starts_at + LONGEST_MEETING:
        raise RoadmapError("Le rendez-vous finit après avoir commencé, douze heures plus tard au "
                           "plus : vérifiez les heures.")  # fmt: skip
    made = Appointment.objects.create(
        community=community,
        organisation=organisation,
        subject=_clean(subject)[:150],
        starts_at=starts_at,
        ends_at=ends_at,
        place=_clean(place)[:300],
        made_by=by,
    )
    publish("roadmap.call", key=f"{made.pk}:0", appointment_id=made.pk, sequence=0)
    return made


@transaction.atomic
def cancel(appointment: Appointment, *, by: User) -> None:
    """Both sides are told that the meeting does not take place. Cancelled twice, nothing changes.

    Raises PermissionDenied or RoadmapError.
    """
    community = _taking_part(appointment.community, by)
    current = community.appointments.select_for_update(of=("self",)).get(pk=appointment.pk)
    _own_side(current.organisation, by)
    if current.cancelled_at:
        return
    if current.starts_at <= timezone.now():
        raise RoadmapError("Ce rendez-vous a déjà eu lieu : il ne s’annule plus.")
    current.cancelled_at = timezone.now()
    current.sequence += 1
    current.save()
    publish(
        "roadmap.call",
        key=f"{current.pk}:{current.sequence}",
        appointment_id=current.pk,
        sequence=current.sequence,
    )


@handles("roadmap.call")
def call(*, appointment_id: int, sequence: int) -> None:
    """Write to both sides, with a file for their calendars. Running it again adds nothing."""
    made = Appointment.objects.select_related("community", "organisation", "made_by").get(
        pk=appointment_id
    )
    if made.sequence != sequence:
        return  # Changed meanwhile: the later call tells it all.
    name = f"appointments/{made.public_id}-{made.sequence}.ics"
    if not default_storage.exists(name):
        name = default_storage.save(name, ContentFile(as_calendar(made)))
    for to_office in (False, True):
        _tell(
            made.community,
            made.organisation,
            "appointment",
            f"{made.pk}:{sequence}",
            to_office=to_office,
            by=made.made_by,
            attachments=[(name, "rendez-vous.ics")],
            meeting=made,
            when=day_and_hour(made.starts_at),
        )


def as_calendar(made: Appointment) -> bytes:
    """The meeting for a calendar."""
    return calendar_file(
        uid=f"rendez-vous.{made.public_id}",
        sequence=made.sequence,
        stamped_at=made.cancelled_at or made.made_at,
        starts_at=made.starts_at,
        ends_at=made.ends_at,
        summary=f"{made.subject} – {made.community.name}",
        place=made.place,
        is_cancelled=made.cancelled_at is not None,
    )


# --- Notes ----------------------------------------------------------------------------------------


@transaction.atomic
def write_note(
    community: Community, *, by: User, text: str, organisation: Organisation | None
) -> Note:
    """Keep a note. Shared when the team names an organisation, or when who accompanies shares.

    `organisation` is the other side of a note that is shared; None keeps it to one's own side.
    Raises PermissionDenied or RoadmapError.
    """
    community = _taking_part(community, by)
    text = _clean(text)
    if not text:
        raise RoadmapError("Écrivez la note.")
    if community.roadmap_notes.count() >= MOST_NOTES:
        raise RoadmapError(f"{MOST_NOTES} notes sont déjà gardées : effacez-en avant d’en ajouter.")
    by_team = by.acting is None
    own = None if by.acting is None else by.acting.organisation
    if organisation is not None:
        _going_with(community, organisation)
        _own_side(organisation, by)
    return Note.objects.create(
        community=community,
        organisation=organisation or own,
        by_team=by_team,
        is_shared=organisation is not None,
        text=text,
        author=by,
    )


@transaction.atomic
def erase_note(note: Note, *, by: User) -> None:
    """Its author takes a note back. Raises PermissionDenied."""
    if note.author_id != by.pk or note.by_team != (by.acting is None):
        raise PermissionDenied("L’auteur d’une note l’efface, dans le rôle où il l’a écrite.")
    Note.objects.filter(pk=note.pk).delete()


# --- What the verbs share -------------------------------------------------------------------------


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()[:LONGEST_TEXT]


def _locked(
    community: Community, *, writes: User | None = None, accompanies: User | None = None
) -> Community:
    found = Community.objects.select_for_update(of=("self",)).get(pk=community.pk)
    if writes is not None and not rules.may_write(found, writes):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS agit ici.")
    if accompanies is not None:
        _accompanying(found, accompanies)
    return found


def _accompanying(community: Community, user: User) -> None:
    seen = rules.seen_communities(user).filter(pk=community.pk)
    if not rules.may_accompany(user) or not seen.exists():
        raise PermissionDenied("Un agent d’un organisme qui accompagne la CPTS agit ici.")
    still_holds_their_role(user)


def _taking_part(community: Community, by: User) -> Community:
    if by.acting is None:
        return _locked(community, writes=by)
    return _locked(community, accompanies=by)


def _going_with(community: Community, organisation: Organisation) -> None:
    if not community.accompaniments.filter(organisation=organisation, ended_at=None).exists():
        raise RoadmapError(f"{organisation} ne vous accompagne pas : invitez-le d’abord.")


def _own_side(organisation: Organisation, by: User) -> None:
    if by.acting is not None and by.acting.organisation_id != organisation.pk:
        raise PermissionDenied("Chaque organisme agit en son nom.")


def _tell(
    community: Community,
    organisation: Organisation,
    what: str,
    cause: int | str,
    *,
    by: User,
    to_office: bool = False,
    attachments: Iterable[tuple[str, str]] = (),
    **context: Any,
) -> None:
    departments = community.territory.communes.values_list("department_id", flat=True).distinct()
    people: list[Told] = desk_of(organisation, list(departments)) if to_office else [
        *team_of(community)
    ]  # fmt: skip
    for one in people:
        notify(
            "accompaniment",
            key=f"roadmap-{what}:{cause}",
            to=one,
            about=About(community.name),
            template=f"roadmap/{what}",
            context={"community": community, "organisation": organisation, "by": by, **context},
            path=reverse("roadmap:accompaniment", args=[community.public_id]),
            body=organisation if to_office else None,
            attachments=list(attachments),
        )
