"""The information meeting of the territory that some regions hold after an acceptance.

The step is open until a meeting was held and its minutes are there. The invitations, the calendar
file and the attendance sheet are made by the worker, once for each time the guests are called.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from cpts_portal import calendars
from cpts_portal.words import day_and_hour
from documents.services import store_attachment
from outbox.registry import handles
from outbox.services import publish
from procedures.circuit import Meeting
from procedures.schema import FILE_KINDS
from workflow import followup_rules as rules
from workflow.consultations import circuit_of
from workflow.models import Case, Consultation, InformationMeeting, MeetingGuest, Snapshot
from workflow.notices import tell
from workflow.official import declare_readers, issue_once
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError
from workflow.typed import check_times

ATTENDANCE: Final = "attendance"
MOST_GUESTS: Final = 500
LONGEST_PLACE: Final = 500
# Blank lines of the attendance sheet, for who comes without being invited.
BLANK_LINES: Final = 10
MINUTES_KINDS: Final = ("pdf", "docx", "odt")


def meeting_rule(case: Case) -> Meeting | None:
    """The meeting the region's procedure wants after an acceptance, if it wants one."""
    return circuit_of(case).meeting


def is_due(case: Case) -> bool:
    """Whether the step is open: the case is accepted, and no meeting was held yet."""
    return (
        meeting_rule(case) is not None
        and case.state in rules.DECIDED
        and not case.meetings.filter(held_on__isnull=False).exists()
    )


def planned_meeting(case: Case) -> InformationMeeting | None:
    return case.meetings.filter(cancelled_at=None, held_on=None).first()


# --- The guests -----------------------------------------------------------------------------


def suggested_guests(case: Case) -> str:
    """One line for each: the team, then the bodies of the circuit that have an address."""
    team = case.community.team_members.select_related("user").order_by("pk")
    lines = [f"{member.user} ; {case.title} ; {member.user.email}" for member in team]
    bodies = Consultation.objects.filter(case=case).exclude(body__email="").select_related("body")
    lines += [f"{one.body.name} ; {one.body.name} ; {one.body.email}" for one in bodies]
    return "\n".join(dict.fromkeys(lines))


def read_guests(text: str) -> list[tuple[str, str, str]]:
    """Lines « nom ; organisme ; adresse », or an address alone: (name, organisation, address).

    Raises ActionRefusedError naming the first lines whose address cannot be one.
    """
    guests: dict[str, tuple[str, str, str]] = {}
    wrong = []
    for number, line in enumerate(text.replace("\0", "").splitlines(), 1):
        cells = [cell.strip() for cell in line.split(";") if cell.strip()]
        if not cells:
            continue
        address = cells[-1].lower()
        try:
            validate_email(address)
        except ValidationError:
            wrong.append(str(number))
            continue
        name = cells[0] if len(cells) > 1 else ""
        organisation = cells[1] if len(cells) > 2 else ""
        guests[address] = (name[:200], organisation[:200], address)
    if wrong:
        raise ActionRefusedError(
            f"Ligne {', '.join(wrong[:5])} : l’adresse ne peut pas être lue. Écrivez « nom ; "
            "organisme ; adresse », une personne par ligne."
        )
    if not guests:
        raise ActionRefusedError("Invitez au moins une personne : une adresse par ligne.")
    if len(guests) > MOST_GUESTS:
        raise ActionRefusedError(
            f"{len(guests)} personnes ; {MOST_GUESTS} au plus. Invitez par une liste de diffusion."
        )
    return list(guests.values())


# --- Planning --------------------------------------------------------------------------------


@transaction.atomic
def plan_meeting(
    case: Case,
    *,
    actor: User,
    starts_at: datetime,
    ends_at: datetime,
    place: str,
    guests: Sequence[tuple[str, str, str]],
) -> InformationMeeting:
    """Call the guests to a meeting, or tell them that the planned one has changed.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    case = _locked(case, actor)
    if not is_due(case):
        raise ActionRefusedError(
            "Aucune réunion d’information n’est à tenir pour ce dossier : il n’est pas accepté, ou "
            "elle a déjà eu lieu."
        )
    check_times(starts_at, ends_at, what="La réunion")
    place = place.replace("\0", "").strip()
    if not place:
        raise ActionRefusedError("Écrivez le lieu de la réunion : l’adresse, la salle.")
    if len(place) > LONGEST_PLACE:
        raise ActionRefusedError(f"Le lieu accepte {LONGEST_PLACE} caractères au plus.")
    meeting = planned_meeting(case)
    if meeting is None:
        meeting = InformationMeeting(case=case, created_by=actor, sequence=0)
    else:
        meeting.sequence += 1
    meeting.starts_at, meeting.ends_at, meeting.place = starts_at, ends_at, place
    meeting.called_at = timezone.now()
    meeting.save()
    meeting.guests.all().delete()
    MeetingGuest.objects.bulk_create(
        MeetingGuest(meeting=meeting, name=name, organisation=organisation, email=email)
        for name, organisation, email in guests
    )
    _publish(meeting)
    return meeting


@transaction.atomic
def cancel_meeting(meeting: InformationMeeting, *, actor: User, reason: str) -> None:
    """Tell the guests that the planned meeting does not take place. The step stays open.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    current = _planned(meeting, actor)
    reason = reason.replace("\0", "").strip()[:2_000]
    if not reason:
        raise ActionRefusedError("Dites pourquoi la réunion n’a pas lieu : les invités le lisent.")
    current.cancelled_at = timezone.now()
    current.cancel_reason = reason
    current.sequence += 1
    current.save()
    _publish(current)


@transaction.atomic
def record_held(
    meeting: InformationMeeting, *, actor: User, held_on: date, minutes: UploadedFile
) -> None:
    """Note that the meeting was held, with its minutes: the step ends.

    Raises PermissionDenied, FileRefusedError, or ActionRefusedError with the sentence to show.
    """
    current = _planned(meeting, actor)
    if held_on > timezone.localdate():
        raise ActionRefusedError("Ce jour est à venir : notez la réunion une fois tenue.")
    kinds = [FILE_KINDS[key] for key in MINUTES_KINDS]
    current.minutes = store_attachment(
        minutes,
        content_types=[one for kind in kinds for one in kind.content_types],
        accept_label="PDF, DOCX ou ODT",
        user=actor,
    )
    current.held_on = held_on
    current.save()


def _planned(meeting: InformationMeeting, actor: User) -> InformationMeeting:
    _locked(meeting.case, actor)
    current = InformationMeeting.objects.get(pk=meeting.pk)
    if current.cancelled_at or current.held_on:
        raise ActionRefusedError(
            "Cette réunion est déjà tenue ou annulée : quelqu’un l’a noté avant vous. Rechargez la "
            "page."
        )
    return current


def _locked(case: Case, actor: User) -> Case:
    locked = (
        Case.objects.select_for_update(of=("self",))
        .select_related("community", "office")
        .get(pk=case.pk)
    )
    if not rules.may_follow_up(locked, actor):
        raise PermissionDenied("Un agent du bureau en charge prépare la réunion.")
    still_holds_their_role(actor)
    return locked


def _publish(meeting: InformationMeeting) -> None:
    publish(
        "workflow.call_meeting",
        key=f"{meeting.pk}:{meeting.sequence}",
        meeting_id=meeting.pk,
        sequence=meeting.sequence,
    )


# --- What the worker makes --------------------------------------------------------------------


@handles("workflow.call_meeting")
def call_meeting(*, meeting_id: int, sequence: int) -> None:
    """Write to the guests, with the calendar file; print the attendance sheet. Once a sequence."""
    meeting = InformationMeeting.objects.select_related("case__office", "case__community").get(
        pk=meeting_id
    )
    if meeting.sequence != sequence:
        return  # Changed again meanwhile: the later call tells it all.
    case = meeting.case
    guests = list(meeting.guests.all())
    stored = _store_calendar(meeting)
    tell(
        case,
        "meeting",
        key=f"meeting:{meeting.pk}:{sequence}",
        to=[guest.email for guest in guests],
        template="workflow/meeting",
        context={
            "when": day_and_hour(meeting.starts_at),
            "place": meeting.place,
            "is_change": sequence > 0,
            "is_cancelled": meeting.cancelled_at is not None,
            "reason": meeting.cancel_reason,
        },
        path=reverse("communities:public", args=[case.community.public_id]),
        attachments=[(stored, "reunion-information.ics")],
    )
    if meeting.cancelled_at is None:
        _print_attendance(meeting, guests)


def _store_calendar(meeting: InformationMeeting) -> str:
    name = f"meetings/{meeting.case.public_id}/{meeting.pk}-{meeting.sequence}.ics"
    if not default_storage.exists(name):
        name = default_storage.save(name, ContentFile(calendar_file(meeting)))
    return name


def calendar_file(meeting: InformationMeeting) -> bytes:
    """The meeting for a calendar, in the name of the office in charge."""
    office = meeting.case.office
    return calendars.calendar_file(
        uid=f"{meeting.pk}.{meeting.case.public_id}",
        sequence=meeting.sequence,
        stamped_at=meeting.called_at or timezone.now(),
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        summary=f"Réunion d’information – {meeting.case.title}",
        place=meeting.place,
        is_cancelled=meeting.cancelled_at is not None,
        organizer=(office.email, office.name) if office is not None and office.email else None,
    )


def _print_attendance(meeting: InformationMeeting, guests: Sequence[MeetingGuest]) -> None:
    case = meeting.case
    snapshot = Snapshot.objects.get(case=case.pk, version=case.version)
    rows = [{"name": guest.name or guest.email, "body": guest.organisation} for guest in guests]
    number = f"{case.reference}-RI{meeting.pk}-{meeting.sequence}"
    called = meeting.called_at or timezone.now()
    issue_once(
        snapshot,
        kind=ATTENDANCE,
        # One sheet for each call: the number of calls of one meeting stays far under a thousand.
        about=meeting.pk * 1000 + meeting.sequence,
        number=number,
        title=f"Feuille de présence – {case.title}",
        template="pdf/attendance.html",
        context=lambda: {
            "attendance": {
                "number": number,
                "reference": case.reference,
                "project": case.title,
                "when": day_and_hour(meeting.starts_at),
                "place": meeting.place.splitlines(),
                "rows": rows,
                "blank": range(BLANK_LINES),
            },
            "created_at": called.isoformat(),
        },
    )


def _readers_of_sheets(user: User) -> Q:
    """The office in charge: the sheet names the guests."""
    if user.acting is None:
        return Q(pk__in=[])
    return Q(case__office=user.acting.organisation_id)


declare_readers(ATTENDANCE, _readers_of_sheets)


def meeting_words(meeting: InformationMeeting) -> dict[str, Any]:
    """A meeting as pages say it."""
    if meeting.held_on:
        state = f"Tenue le {meeting.held_on:%d/%m/%Y}"
    elif meeting.cancelled_at:
        state = f"Annulée : {meeting.cancel_reason}"
    else:
        state = "Prévue, invitations parties"
    return {
        "meeting": meeting,
        "when": day_and_hour(meeting.starts_at),
        "state": state,
        "guests": meeting.guests.count(),
    }
