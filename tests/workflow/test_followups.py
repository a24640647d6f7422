"""What follows a decision: reserves, aids, the meeting of the territory."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from pypdf import PdfReader

from accounts.models import User
from documents.services import FileRefusedError
from letters.models import LetterOfIntent
from outbox.models import Mail
from tests.letters import cases
from tests.workflow import asking, deciding
from workflow import grants, meetings, reserves
from workflow.models import Case, CaseDocument, Grant, InformationMeeting, Reserve
from workflow.services import ActionRefusedError, AlreadyDoneError

pytestmark = pytest.mark.django_db


def with_reserves(*texts: str) -> tuple[LetterOfIntent, list[Reserve]]:
    letter = deciding.accepted(reserves=list(texts))
    return letter, list(reserves.reserves_of(letter))


def office(letter: LetterOfIntent) -> User:
    return deciding.instructor(letter)


# --- Reserves -------------------------------------------------------------------------------


def test_the_reserves_of_a_decision_open_with_it() -> None:
    letter, opened = with_reserves("Associer la maternité.", "Préciser le calendrier.")

    assert [(one.rank, one.text, one.is_open) for one in opened] == [
        (1, "Associer la maternité.", True),
        (2, "Préciser le calendrier.", True),
    ]
    assert reserves.reserves_to_carry(letter) == [
        "Associer la maternité.",
        "Préciser le calendrier.",
    ]


def test_an_agent_lifts_a_reserve_once_with_its_proof() -> None:
    letter, (one,) = with_reserves("Associer la maternité.")
    agent = office(letter)

    with pytest.raises(ActionRefusedError, match="Écrivez la preuve"):
        reserves.lift_reserve(one, actor=agent, proof="  ")
    lifted = reserves.lift_reserve(one, actor=agent, proof="Convention signée le 12 mars.")

    assert (lifted.is_open, lifted.proof, lifted.lifted_by) == (
        False,
        "Convention signée le 12 mars.",
        agent,
    )
    assert reserves.reserves_to_carry(letter) == []
    with pytest.raises(AlreadyDoneError):
        reserves.lift_reserve(one, actor=agent, proof="Encore.")


def test_the_team_answers_and_the_office_may_want_more() -> None:
    letter, (one,) = with_reserves("Associer la maternité.")
    agent, lead = office(letter), letter.created_by

    answered = reserves.answer_reserve(one, user=lead, text="Une réunion est prévue.")
    assert answered.awaits_judgment
    declined = reserves.decline_answer(one, actor=agent, reason="Il faut la convention.")
    assert not declined.awaits_judgment
    again = reserves.answer_reserve(one, user=lead, text="La voici.")

    assert (again.answer, again.decline_reason, again.awaits_judgment) == ("La voici.", "", True)


def test_nobody_does_the_part_of_the_other() -> None:
    letter, (one,) = with_reserves("Associer la maternité.")
    agent, lead = office(letter), letter.created_by
    lead.acting = None

    with pytest.raises(PermissionDenied):
        reserves.lift_reserve(one, actor=lead, proof="Fait.")
    with pytest.raises(PermissionDenied):
        reserves.answer_reserve(one, user=agent, text="Fait.")
    with pytest.raises(ActionRefusedError, match="n’a pas répondu"):
        reserves.decline_answer(one, actor=agent, reason="Non.")


# --- Aids -----------------------------------------------------------------------------------


def decided_in(region: str, commune: str) -> tuple[Case, User]:
    """A case of a region whose procedure provides aids, as it is when its office decides."""
    letter = cases.deposited(region, communes=(commune,))
    Case.objects.filter(pk=letter.pk).update(state="under_review")
    case = Case.objects.get(pk=letter.pk)
    assert case.office
    return case, asking.member(case.office, "agent")


def give(case: Case, agent: User, key: str, amount: str, **more: Any) -> Grant:
    day = more.pop("granted_on", timezone.localdate())
    return grants.grant(case, key, amount=Decimal(amount), granted_on=day, actor=agent, **more)


def test_the_procedure_of_the_region_says_what_may_be_granted() -> None:
    case, _ = decided_in("52", "44114")

    assert [(one.key, one.amount, one.rule) for one in grants.offers(case)] == [
        ("fir_engineering", Decimal(15_000), "Forfait de 15\u00a0000,00\u00a0€.")
    ]


def test_a_fixed_aid_is_granted_as_provided_or_with_a_reason() -> None:
    case, agent = decided_in("52", "44114")

    with pytest.raises(ActionRefusedError, match="La procédure prévoit"):
        give(case, agent, "fir_engineering", "12000")
    granted = give(case, agent, "fir_engineering", "12000", deviation="Avance déjà versée.")

    assert (granted.amount, granted.deviation) == (Decimal("12000.00"), "Avance déjà versée.")
    assert grants.grant_lines(case) == [
        f"Aide accordée\u00a0: {granted.label}, 12\u00a0000,00\u00a0€."
    ]
    with pytest.raises(ActionRefusedError, match="déjà accordée"):
        give(case, agent, "fir_engineering", "15000")


def test_a_ceiling_is_never_passed() -> None:
    letter = cases.deposited("76", communes=("81140",))
    Case.objects.filter(pk=letter.pk).update(state="under_review")
    case = Case.objects.get(pk=letter.pk)
    assert case.office
    agent = asking.member(case.office, "coordinator")

    with pytest.raises(ActionRefusedError, match="au plus"):
        give(case, agent, "urps_aid", "8000.01")

    assert give(case, agent, "urps_aid", "8000").amount == Decimal("8000.00")


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "10000000.01"])
def test_a_sum_that_cannot_be_is_refused(amount: str) -> None:
    case, agent = decided_in("52", "44114")

    with pytest.raises(ActionRefusedError, match="Le montant n’est pas possible"):
        give(case, agent, "fir_engineering", amount, deviation="Essai.")


@given(st.decimals(Decimal("0.01"), grants.LARGEST, places=2))
def test_every_sum_in_cents_is_kept_to_the_cent(amount: Decimal) -> None:
    assert grants._amount(amount) == amount


def test_an_aid_is_paid_between_the_grant_and_today_then_never_cancelled() -> None:
    case, agent = decided_in("52", "44114")
    granted = give(case, agent, "fir_engineering", "15000")

    for wrong in (timedelta(days=1), timedelta(days=-1)):
        with pytest.raises(ActionRefusedError, match="Vérifiez la date"):
            grants.record_payment(granted, paid_on=timezone.localdate() + wrong, actor=agent)
    paid = grants.record_payment(granted, paid_on=timezone.localdate(), actor=agent)

    assert paid.paid_by == agent
    with pytest.raises(ActionRefusedError, match="ne s’annule plus"):
        grants.cancel_grant(granted, reason="Erreur.", actor=agent)


def test_a_mistaken_aid_is_cancelled_with_its_reason_and_stays() -> None:
    case, agent = decided_in("52", "44114")
    granted = give(case, agent, "fir_engineering", "15000")

    with pytest.raises(ActionRefusedError, match="Dites pourquoi"):
        grants.cancel_grant(granted, reason=" ", actor=agent)
    grants.cancel_grant(granted, reason="Saisie en double.", actor=agent)

    assert [one.cancel_reason for one in grants.grants_of(case)] == ["Saisie en double."]
    assert grants.grant_lines(case) == []
    assert give(case, agent, "fir_engineering", "15000").amount == Decimal("15000.00")


# --- The meeting ----------------------------------------------------------------------------

GUESTS = "Claire Fabre ; MSP des Tilleuls ; claire.fabre@exemple.test\nurps@exemple.test\n"


def joint() -> tuple[LetterOfIntent, User]:
    letter = deciding.accepted("32")
    return letter, office(letter)


def plan(letter: LetterOfIntent, agent: User, **changes: Any) -> InformationMeeting:
    starts = timezone.now().replace(microsecond=0) + timedelta(days=20)
    fields: dict[str, Any] = {
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=2),
        "place": "Salle des fêtes\n62000 Arras",
        "guests": meetings.read_guests(GUESTS),
    }
    return meetings.plan_meeting(letter, actor=agent, **(fields | changes))


def mails() -> list[tuple[str, str]]:
    found = Mail.objects.filter(deduplication_key__startswith="meeting:").order_by(
        "pk", "recipient"
    )
    return [(mail.recipient, mail.subject) for mail in found]


def test_the_step_is_open_until_the_meeting_is_held(deliver_outbox: Any) -> None:
    letter, agent = joint()
    assert meetings.is_due(letter)
    meeting = plan(letter, agent)
    assert meetings.is_due(letter)
    pdf = SimpleUploadedFile("cr.pdf", b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")

    with pytest.raises(ActionRefusedError, match="est à venir"):
        meetings.record_held(
            meeting, actor=agent, held_on=timezone.localdate() + timedelta(days=1), minutes=pdf
        )
    with pytest.raises(FileRefusedError):
        meetings.record_held(
            meeting,
            actor=agent,
            held_on=timezone.localdate(),
            minutes=SimpleUploadedFile("cr.pdf", b"MZ\x90\x00 programme"),
        )
    meetings.record_held(meeting, actor=agent, held_on=timezone.localdate(), minutes=pdf)

    assert not meetings.is_due(letter)
    with pytest.raises(ActionRefusedError, match="Aucune réunion"):
        plan(letter, agent)


def test_the_guests_get_the_meeting_for_their_calendar_once_for_each_change(
    deliver_outbox: Any,
) -> None:
    letter, agent = joint()
    meeting = plan(letter, agent)
    deliver_outbox()
    meetings.call_meeting(meeting_id=meeting.pk, sequence=0)
    head = f"{letter.title} · {letter.reference} – réunion d’information"

    assert sorted(mails()) == [
        ("claire.fabre@exemple.test", f"{head} du territoire"),
        ("urps@exemple.test", f"{head} du territoire"),
    ]
    changed = plan(letter, agent, place="Mairie d’Arras")
    assert (changed.pk, changed.sequence) == (meeting.pk, 1)
    deliver_outbox()
    assert [subject for _, subject in mails()][2:] == [f"{head} modifiée"] * 2
    meetings.cancel_meeting(changed, actor=agent, reason="Salle fermée.")
    deliver_outbox()
    assert [subject for _, subject in mails()][4:] == [f"{head} annulée"] * 2
    assert meetings.is_due(letter)


def test_the_calendar_file_is_one_meeting_that_changes() -> None:
    letter, agent = joint()
    meeting = plan(letter, agent, place="Salle des fêtes, « Les Tilleuls » ; 62000 Arras")

    first = Calendar.from_ical(meetings.calendar_file(meeting))
    event = first.walk("VEVENT")[0]

    assert str(first["METHOD"]) == "REQUEST"
    assert event.decoded("dtstart") == meeting.starts_at
    assert str(event["LOCATION"]) == "Salle des fêtes, « Les Tilleuls » ; 62000 Arras"
    meetings.cancel_meeting(meeting, actor=agent, reason="Salle fermée.")
    meeting.refresh_from_db()
    last = Calendar.from_ical(meetings.calendar_file(meeting))
    assert str(last["METHOD"]) == "CANCEL"
    assert last.walk("VEVENT")[0]["UID"] == event["UID"]
    assert last.walk("VEVENT")[0]["SEQUENCE"] == 1
    assert b"claire.fabre" not in meetings.calendar_file(meeting)


def test_the_attendance_sheet_names_the_guests_for_the_office_only(deliver_outbox: Any) -> None:
    letter, agent = joint()
    plan(letter, agent)
    deliver_outbox()

    (sheet,) = CaseDocument.objects.filter(case=letter.pk, kind=meetings.ATTENDANCE)
    with sheet.document.file.open("rb") as file:
        text = "\n".join(page.extract_text() for page in PdfReader(file).pages)

    assert "Feuille de présence" in text
    assert "Claire Fabre" in text
    assert "urps@exemple.test" in text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Invitez au moins une personne"),
        ("Claire ; pas une adresse", "Ligne 1"),
        ("a@b.fr\nfaux", "Ligne 2"),
        ("\n".join(f"p{n}@exemple.test" for n in range(501)), "501 personnes"),
    ],
)
def test_a_list_of_guests_that_cannot_be_read_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ActionRefusedError, match=sentence):
        meetings.read_guests(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": datetime(2020, 1, 1, 20, tzinfo=timezone.get_default_timezone())},
        {"ends_at": datetime(2020, 1, 1, 22, tzinfo=timezone.get_default_timezone())},
        {"place": "  "},
    ],
)
def test_a_meeting_without_place_or_time_is_refused(changes: dict[str, Any]) -> None:
    letter, agent = joint()

    with pytest.raises(ActionRefusedError):
        plan(letter, agent, **changes)

    assert InformationMeeting.objects.count() == 0


# --- The page -------------------------------------------------------------------------------


def sign_in(client: Any, person: User) -> Any:
    client.force_login(person)
    if person.acting:
        client.post(reverse("accounts:switch_role"), {"membership": person.acting.pk})
    return client


def test_the_office_lifts_and_the_team_answers_on_the_page(client: Any) -> None:
    letter, (one,) = with_reserves("Associer la maternité.")
    url = reverse("cases:followups", args=[letter.public_id])
    lead = letter.created_by
    lead.acting = None

    page = sign_in(client, lead).get(url).content.decode()
    assert "Associer la maternité." in page
    assert "Lever la réserve" not in page
    answer = reverse("cases:reserve", args=[letter.public_id, one.pk, "repondre"])
    empty = client.post(answer, {f"answer{one.pk}-text": ""})
    assert (empty.status_code, "Écrivez ce que votre équipe a fait" in empty.content.decode()) == (
        422,
        True,
    )
    assert client.post(answer, {f"answer{one.pk}-text": "Fait."}).status_code == 302
    lift = reverse("cases:reserve", args=[letter.public_id, one.pk, "lever"])
    assert client.post(lift, {f"lift{one.pk}-text": "Fait."}).status_code == 403

    sign_in(client, office(letter))
    assert "Réponse de l’équipe" in client.get(url).content.decode()
    assert client.post(lift, {f"lift{one.pk}-text": "Convention lue."}).status_code == 302
    one.refresh_from_db()
    assert one.proof == "Convention lue."


def test_bodies_asked_for_an_opinion_have_no_such_page(client: Any) -> None:
    letter, _ = with_reserves("Associer la maternité.")
    stranger = asking.member(cases.body("ars_branch", "28", "76"), "agent")

    url = reverse("cases:followups", args=[letter.public_id])

    assert sign_in(client, stranger).get(url).status_code == 404


def test_the_meeting_is_planned_on_the_page(client: Any) -> None:
    letter, agent = joint()
    sign_in(client, agent)
    day = timezone.localdate() + timedelta(days=20)
    form = {
        "meeting-day": day.isoformat(),
        "meeting-starts": "20:30",
        "meeting-ends": "22:00",
        "meeting-place": "Salle des fêtes",
        "meeting-guests": GUESTS,
    }
    url = reverse("cases:meeting", args=[letter.public_id])

    assert client.post(url, form | {"meeting-guests": "faux"}).status_code == 422
    assert client.post(url, form).status_code == 302

    planned = InformationMeeting.objects.get()
    assert timezone.localtime(planned.starts_at).strftime("%H:%M") == "20:30"
    assert timezone.localdate(planned.starts_at) == day
    page = client.get(reverse("cases:followups", args=[letter.public_id])).content.decode()
    assert "Prévue, invitations parties (2 invités)" in page


def test_an_aid_of_another_case_cannot_be_paid_from_here(client: Any) -> None:
    case, agent = decided_in("52", "44114")
    granted = give(case, agent, "fir_engineering", "15000")
    letter, other = joint()
    sign_in(client, other)
    url = reverse("cases:grant-settle", args=[letter.public_id, granted.pk, "versee"])

    assert client.post(url, {f"pay{granted.pk}-paid_on": timezone.localdate()}).status_code == 404
