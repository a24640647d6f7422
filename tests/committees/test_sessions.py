"""A committee's session: agenda, convocation, quorum, deliberations, minutes, draft opinions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from committees import sessions
from committees.agenda import ready_cases
from committees.models import Attendee, Item, Session, SessionDocument
from committees.papers import calendar_file, call, print_minutes
from committees.quorum import Quorum, quorum_of
from committees.seats import add_seat, end_seat
from committees.sessions import Deliberation
from outbox.models import Mail
from tests.committees import sitting
from tests.documents.pdf import flat_text
from tests.workflow import asking
from workflow.models import Opinion
from workflow.official import read_document
from workflow.opinions import validate_opinion
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError

pytestmark = pytest.mark.django_db

FAVOURABLE = Deliberation(position="favourable", text="Le comité soutient le projet.")


def plain(sentences: list[str]) -> list[str]:
    return [sentence.replace("\u00a0", " ") for sentence in sentences]


# --- The agenda -----------------------------------------------------------------------------


def test_the_agenda_is_made_of_what_the_committee_is_asked() -> None:
    body = sitting.committee()
    letter, consultation = sitting.asked(body)

    assert [(one.consultation, one.title) for one in ready_cases(body)] == [
        (consultation, f"{letter.title} ({letter.reference})")
    ]
    session = sitting.planned(body, consultation)

    assert [(one.rank, one.consultation, one.title) for one in session.items.all()] == [
        (1, consultation, f"{letter.title} ({letter.reference})"),
        (2, None, "Calendrier de l’année"),
    ]


def test_a_case_is_on_one_agenda_at_a_time_and_free_again_once_its_session_is_cancelled() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.planned(body, consultation)

    assert ready_cases(body) == []
    with pytest.raises(ActionRefusedError, match="ne peut plus être mis à l’ordre du jour"):
        sitting.planned(body, consultation)

    sessions.cancel_session(session, actor=sitting.secretary(body), reason="Grève des trains.")
    assert [one.consultation for one in ready_cases(body)] == [consultation]


def test_an_opinion_that_was_given_is_no_longer_offered() -> None:
    body = sitting.committee()
    letter, _ = sitting.asked(body)
    asking.give_committee(letter, body)

    assert ready_cases(body) == []


def test_an_opinion_awaited_before_the_session_is_marked() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    assert consultation.due_on is not None
    due = (consultation.due_on - timezone.localdate()).days
    session = sitting.planned(body, consultation, **sitting.times(due + 5))

    assert [one.is_due_before for one in ready_cases(body, session)] == [True]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (sitting.times(-1), "La séance est à venir, dans l’année. Vérifiez la date et l’heure."),
        ({"ends_at": sitting.at(10, 13)}, "La séance finit après avoir commencé"),
        ({"place": " "}, "Écrivez le lieu : une adresse, une salle, ou le lien de visio."),
        ({"questions": [str(n) for n in range(21)]}, "20 autres points au plus"),
        ({"questions": ["x" * 301]}, "Un point compte 301 caractères"),
    ],
)
def test_a_session_that_cannot_be_is_refused_in_words(
    changes: dict[str, Any], sentence: str
) -> None:
    body = sitting.committee()
    with pytest.raises(ActionRefusedError) as refused:
        sitting.planned(body, **changes)
    assert sentence in refused.value.message.replace("\u00a0", " ")
    assert not Session.objects.exists()


def test_only_the_secretary_and_the_president_run_a_session() -> None:
    body = sitting.committee()
    session = sitting.planned(body)
    other = asking.member(asking.urps("Infirmiers"), "president")
    coordinator = asking.member(body, "coordinator")

    for person in (other, coordinator):
        with pytest.raises(PermissionDenied):
            sessions.plan_session(body, actor=person, **sitting.times())
        with pytest.raises(PermissionDenied):
            sessions.call_members(session, actor=person)
    assert sessions.call_members(session, actor=asking.president(body)).calls == 1


# --- Calling the members ---------------------------------------------------------------------


def test_members_are_called_five_days_before_or_in_an_emergency() -> None:
    body = sitting.committee()
    actor = sitting.secretary(body)
    late = sitting.planned(body, **sitting.times(4))

    with pytest.raises(IncompleteError) as refused:
        sessions.call_members(late, actor=actor)
    assert plain(refused.value.missing) == [
        (
            "Les membres sont convoqués cinq jours au moins avant la séance (CRPA, R. 133-5) : "
            "changez la date, ou dites quelle est l’urgence."
        )
    ]
    called = sessions.call_members(late, actor=actor, urgency="Échéance légale dans huit jours.")
    in_time = sessions.call_members(
        sitting.planned(body, **sitting.times(5)), actor=actor, urgency="Sans objet."
    )

    assert (called.urgency, in_time.urgency) == ("Échéance légale dans huit jours.", "")


def test_an_empty_agenda_or_a_committee_without_members_is_not_called() -> None:
    body = sitting.committee(seats=0)
    session = sitting.planned(body, questions=[])

    with pytest.raises(IncompleteError) as refused:
        sessions.call_members(session, actor=sitting.secretary(body))
    assert plain(refused.value.missing) == [
        "L’ordre du jour est vide : ajoutez un dossier ou un autre point.",
        "Personne ne siège ce jour-là : ajoutez les membres du comité.",
    ]


def test_each_member_receives_the_convocation_and_a_calendar_once(
    deliver_outbox: Callable[[], int],
) -> None:
    body = sitting.committee(seats=2)
    letter, consultation = sitting.asked(body)
    deliver_outbox()
    Mail.objects.all().delete()
    session = sitting.called(body, consultation)
    deliver_outbox()
    call(session_id=session.pk, sequence=1)

    mails = list(Mail.objects.order_by("recipient"))
    assert [mail.recipient for mail in mails] == ["membre1@exemple.test", "membre2@exemple.test"]
    assert "Comité régional de suivi" in mails[0].subject
    assert letter.title in mails[0].text_body
    assert [name for _, name in mails[0].attachments] == ["convocation.pdf", "seance.ics"]
    (document,) = session.documents.select_related("document")
    assert (document.kind, document.sequence) == ("convocation", 1)
    text = flat_text(read_document(document.document))
    assert "Ordre du jour" in text
    assert letter.title in text


def test_a_changed_session_is_called_again_with_the_same_calendar_line(
    deliver_outbox: Callable[[], int],
) -> None:
    body = sitting.committee(seats=1)
    session = sitting.called(body)
    sessions.change_session(
        session,
        actor=sitting.secretary(body),
        consultations=[],
        questions=["Questions diverses"],
        **sitting.times(20),
    )
    session = sessions.call_members(session, actor=sitting.secretary(body))
    deliver_outbox()

    (event,) = Calendar.from_ical(calendar_file(session)).walk("VEVENT")
    assert (event["SEQUENCE"], event["UID"], event["DTSTART"].dt) == (
        2,
        f"seance.{session.public_id}",
        session.starts_at,
    )
    assert "membre1" not in calendar_file(session).decode()
    assert [one.sequence for one in session.documents.all()] == [2]


def test_a_cancelled_session_leaves_the_calendars(deliver_outbox: Callable[[], int]) -> None:
    body = sitting.committee(seats=1)
    session = sitting.called(body)
    deliver_outbox()
    cancelled = sessions.cancel_session(
        session, actor=sitting.secretary(body), reason="Président malade."
    )
    deliver_outbox()

    assert Calendar.from_ical(calendar_file(cancelled))["METHOD"] == "CANCEL"
    last = Mail.objects.filter(recipient="membre1@exemple.test").latest("pk")
    assert "Président malade." in last.text_body
    assert [name for _, name in last.attachments] == ["seance.ics"]
    with pytest.raises(ActionRefusedError, match="annulée"):
        sessions.call_members(session, actor=sitting.secretary(body))


# --- The quorum ------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from(["present", "remote", "mandate", "absent", "expected"]), max_size=40)
)
def test_the_quorum_is_half_of_the_members(presences: list[str]) -> None:
    """CRPA, R. 133-10."""
    attendees = [Attendee(presence=one) for one in presences]
    there = sum(one in {"present", "remote", "mandate"} for one in presences)

    assert quorum_of(attendees, second_call=False).is_reached == (
        bool(presences) and 2 * there >= len(presences)
    )
    assert quorum_of(attendees, second_call=True).is_reached == bool(presences)


def test_the_quorum_is_said_in_a_sentence() -> None:
    assert plain(
        [
            Quorum(members=7, taking_part=4, is_needed=True).sentence,
            Quorum(members=7, taking_part=1, is_needed=True).sentence,
            Quorum(members=3, taking_part=0, is_needed=False).sentence,
        ]
    ) == [
        "4 membres sur 7 prennent part à la séance : le quorum (4) est atteint.",
        "1 membre sur 7 prend part à la séance : le quorum (4) n’est pas atteint.",
        (
            "Aucun membre sur 3 ne prend part à la séance ; sur seconde convocation, aucun quorum "
            "n’est exigé."
        ),
    ]


def test_a_mandate_goes_to_a_member_who_is_there_and_holds_no_other() -> None:
    body = sitting.committee()
    session = sitting.today(sitting.called(body))
    actor = sitting.secretary(body)
    alice, benoit, chloe, david, elise = session.attendees.all()

    def noted(given_: dict[Attendee, tuple[str, Attendee | None]]) -> Quorum:
        presences: dict[int, tuple[str, int | None]] = {
            one.pk: ("absent", None) for one in (alice, benoit, chloe, david, elise)
        }
        for one, (presence, holder) in given_.items():
            presences[one.pk] = (presence, holder.pk if holder else None)
        return sessions.record_attendance(session, actor=actor, presences=presences)

    refused: list[tuple[dict[Attendee, tuple[str, Attendee | None]], str]] = [
        ({alice: ("mandate", None)}, "Dites à qui Alice Arnaud a donné mandat."),
        ({alice: ("mandate", benoit)}, "qui ne prend pas part à la séance"),
        (
            {alice: ("mandate", chloe), benoit: ("mandate", chloe), chloe: ("present", None)},
            "Chloé Caron détient déjà un mandat",
        ),
    ]
    for wrong, sentence in refused:
        with pytest.raises(ActionRefusedError, match=sentence):
            noted(wrong)
    found = noted({alice: ("mandate", chloe), chloe: ("remote", None), david: ("present", None)})
    moved = noted(
        {
            alice: ("mandate", david),
            chloe: ("mandate", benoit),
            benoit: ("present", None),
            david: ("present", None),
        }
    )

    assert (found.taking_part, found.is_reached, moved.taking_part) == (3, True, 4)


def test_the_database_refuses_two_mandates_for_one_member() -> None:
    session = sitting.called(sitting.committee())
    alice, benoit, chloe, *_ = session.attendees.all()
    session.attendees.filter(pk=alice.pk).update(presence="mandate", holder=chloe)

    with pytest.raises(IntegrityError, match="attendee_holds_one_mandate"), transaction.atomic():
        session.attendees.filter(pk=benoit.pk).update(presence="mandate", holder=chloe)


def test_a_session_to_come_is_not_held() -> None:
    session = sitting.called(sitting.committee())

    with pytest.raises(ActionRefusedError, match="n’a pas encore eu lieu"):
        sitting.attended(session, *["present"] * 5)


# --- Deliberating ------------------------------------------------------------------------------


def test_nothing_is_deliberated_without_a_quorum() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.today(sitting.called(body, consultation))
    actor = sitting.secretary(body)

    with pytest.raises(ActionRefusedError, match="Notez d’abord qui prend part"):
        sessions.deliberate(sitting.point(session), actor=actor, said=FAVOURABLE)
    session = sitting.attended(session, "present", "present", "absent", "absent", "absent")
    with pytest.raises(ActionRefusedError, match="Le comité ne délibère pas"):
        sessions.deliberate(sitting.point(session), actor=actor, said=FAVOURABLE)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (Deliberation(), "Choisissez la position de votre organisme."),
        (
            Deliberation(position="unfavourable"),
            "Expliquez votre position : ce texte sert à la décision.",
        ),
        (
            Deliberation(position="favourable_with_reserves", text="Oui."),
            "Énoncez au moins une réserve, ou choisissez une autre position.",
        ),
        (Deliberation(position="peut-être"), "Cette position n’existe pas"),
    ],
)
def test_a_deliberation_lacks_nothing_an_opinion_needs(said: Deliberation, sentence: str) -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)

    with pytest.raises(IncompleteError) as refused:
        sessions.deliberate(sitting.point(session), actor=sitting.secretary(body), said=said)
    assert sentence in plain(refused.value.missing)[0]


def test_votes_do_not_pass_the_voices_that_are_there() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)

    with pytest.raises(ActionRefusedError, match="5 voix sont comptées, mais 4 membres"):
        sessions.deliberate(
            sitting.point(session),
            actor=sitting.secretary(body),
            said=Deliberation(position="favourable", votes=(3, 1, 1)),
        )


def test_a_point_is_deliberated_then_postponed() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)
    actor, alice = sitting.secretary(body), sitting.named(session, "Alice Arnaud")
    said = Deliberation(
        position="favourable_with_reserves",
        text="Sous réserves.",
        reserves=("Préciser le calendrier.", " "),
        votes=(3, 1, 0),
        dissents={alice.pk: "Le territoire est trop grand."},
    )
    point = sessions.deliberate(sitting.point(session), actor=actor, said=said)

    assert (point.position, point.reserves, point.votes_for, point.votes_against) == (
        "favourable_with_reserves",
        ["Préciser le calendrier."],
        3,
        1,
    )
    assert [(one.attendee, one.text) for one in point.dissents.all()] == [
        (alice, "Le territoire est trop grand.")
    ]
    point = sessions.postpone(point, actor=actor, reason="Le dossier doit être complété.")
    assert (point.position, point.deliberated_at, point.postponed, point.dissents.count()) == (
        "",
        None,
        "Le dossier doit être complété.",
        0,
    )


# --- Closing -------------------------------------------------------------------------------------


def test_a_session_closes_once_everything_is_said() -> None:
    body = sitting.committee()
    letter, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)

    with pytest.raises(IncompleteError) as refused:
        sessions.close_session(session, actor=sitting.secretary(body))
    assert plain(refused.value.missing) == [
        (
            f"Point 1, « {letter.title} ({letter.reference}) » : notez l’avis du comité, ou "
            "reportez le point."
        ),
        "Point 2, « Calendrier de l’année » : notez l’avis du comité, ou reportez le point.",
    ]


def test_a_closed_session_prepares_the_opinion_and_its_minutes(
    deliver_outbox: Callable[[], int],
) -> None:
    body = sitting.committee()
    letter, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)
    actor, alice = sitting.secretary(body), sitting.named(session, "Alice Arnaud")
    said = Deliberation(
        position="favourable_with_reserves",
        text="Le comité soutient le projet.",
        reserves=("Associer la maternité.",),
        votes=(3, 1, 0),
        dissents={alice.pk: "Je demande que l’on attende."},
    )
    sessions.deliberate(sitting.point(session), actor=actor, said=said)
    sessions.deliberate(
        sitting.point(session, 2), actor=actor, said=Deliberation(text="Une séance par trimestre.")
    )
    closed = sessions.close_session(session, actor=actor, remarks="Séance levée à 17 h.")
    deliver_outbox()

    opinion = Opinion.objects.get(consultation=consultation)
    assert sitting.point(closed).opinion == opinion
    assert (opinion.position, opinion.text, opinion.reserves, opinion.validated_at) == (
        "favourable_with_reserves",
        "Le comité soutient le projet.",
        ["Associer la maternité."],
        None,
    )
    assert opinion.submitted_at is not None
    given_ = validate_opinion(consultation, user=asking.president(body), revision=opinion.revision)
    assert given_.validated_at is not None

    link = SessionDocument.objects.select_related("document").get(session=closed, kind="minutes")
    text = flat_text(read_document(link.document)).replace("\u00a0", " ")
    for words in (
        "Procès-verbal",
        letter.title,
        "4 membres sur 5 prennent part à la séance",
        "À distance",
        "Absents : Élise Evrard.",
        "Avis du comité : Favorable avec réserves",
        "Associer la maternité.",
        "3 voix pour, 1 voix contre, 0 abstention",
        "Alice Arnaud a demandé que son désaccord soit noté",
        "Une séance par trimestre.",
        "Séance levée à 17 h.",
    ):
        assert words in text, words
    with pytest.raises(AlreadyDoneError):
        sessions.close_session(session, actor=actor)


def test_the_minutes_are_issued_once(deliver_outbox: Callable[[], int]) -> None:
    body = sitting.committee()
    session = sitting.held(body)
    sessions.postpone(sitting.point(session), actor=sitting.secretary(body), reason="Trop tard.")
    sessions.close_session(session, actor=sitting.secretary(body))
    deliver_outbox()
    print_minutes(session_id=session.pk)

    assert SessionDocument.objects.filter(session=session, kind="minutes").count() == 1


def test_an_opinion_given_meanwhile_is_said_and_stops_nothing() -> None:
    body = sitting.committee()
    letter, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)
    actor = sitting.secretary(body)
    sessions.deliberate(sitting.point(session), actor=actor, said=FAVOURABLE)
    sessions.postpone(sitting.point(session, 2), actor=actor, reason="Trop tard.")
    asking.give_committee(letter, body)

    closed = sessions.close_session(session, actor=actor)

    point = sitting.point(closed)
    assert (point.opinion, point.not_prepared.startswith("Action déjà effectuée")) == (None, True)


def test_without_a_quorum_a_session_closes_and_is_called_a_second_time() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.today(sitting.called(body, consultation))
    session = sitting.attended(session, "present", "absent", "absent", "absent", "absent")
    actor = sitting.secretary(body)
    with pytest.raises(ActionRefusedError, match="faute de quorum"):
        sessions.call_again(session, actor=actor, **sitting.times())
    closed = sessions.close_session(session, actor=actor)
    again = sessions.call_again(closed, actor=actor, **sitting.times())
    with pytest.raises(ActionRefusedError, match="une seule fois"):
        sessions.call_again(closed, actor=actor, **sitting.times(12))

    assert [(one.rank, one.consultation, one.title) for one in again.items.all()] == [
        (one.rank, one.consultation, one.title) for one in closed.items.all()
    ]
    sessions.call_members(again, actor=actor)
    again = sitting.attended(
        sitting.today(again), "present", "absent", "absent", "absent", "absent"
    )
    point = sessions.deliberate(sitting.point(again), actor=actor, said=FAVOURABLE)
    assert point.position == "favourable"


# --- The seats -----------------------------------------------------------------------------------


def test_a_seat_has_one_address_and_an_end() -> None:
    body = sitting.committee(seats=1)
    actor = sitting.secretary(body)
    today = timezone.localdate()
    with pytest.raises(ActionRefusedError, match="déjà celle d’un membre"):
        add_seat(
            body,
            actor=actor,
            name="Zoé",
            capacity="Usagers",
            email="Membre1@exemple.test",
            since=today,
        )
    (seat,) = body.seats.select_related("body")
    with pytest.raises(ActionRefusedError, match="choisissez ce jour ou un suivant"):
        end_seat(seat, actor=actor, until=seat.since - timedelta(days=1))
    end_seat(seat, actor=actor, until=today)

    assert sessions.seats_on(body, sitting.planned(body)) == []
    with pytest.raises(PermissionDenied):
        end_seat(seat, actor=asking.member(body, "coordinator"), until=today)


def test_a_called_session_keeps_its_members() -> None:
    body = sitting.committee(seats=1)
    session = sitting.called(body)
    body.seats.update(name="Alice Arnaud-Petit")

    assert [one.name for one in session.attendees.all()] == ["Alice Arnaud"]


def test_the_database_keeps_what_a_session_means() -> None:
    session = sitting.called(sitting.committee())
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("session_ends_after_it_starts", {"ends_at": session.starts_at}),
        ("session_called_is_dated", {"called_at": None}),
        ("session_cancelled_is_dated_and_reasoned", {"cancelled_at": timezone.now()}),
        ("session_closed_is_signed_and_frozen", {"closed_at": timezone.now()}),
    ]
    for name, change in wrong:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            Session.objects.filter(pk=session.pk).update(**change)
    with pytest.raises(IntegrityError, match="item_deliberated"), transaction.atomic():
        Item.objects.filter(session=session).update(position="favourable")
