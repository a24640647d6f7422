"""The pages of a committee: who opens them, what they say, what they cost."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from committees.models import Seat, Session
from tests import factories
from tests.committees import sitting
from tests.workflow import asking

pytestmark = pytest.mark.django_db


def as_(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def page(session: Session, name: str = "session", *more: Any) -> str:
    return reverse(f"committees:{name}", args=[session.public_id, *more])


def typed(**changes: Any) -> dict[str, Any]:
    day = timezone.localdate() + timedelta(days=10)
    return {
        "day": day.isoformat(),
        "starts": "14:00",
        "ends": "17:00",
        "place": "Nantes",
        "questions": "",
        **changes,
    }


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def test_a_session_goes_from_its_page_to_its_minutes() -> None:
    body = sitting.committee()
    letter, consultation = sitting.asked(body)
    client = as_(sitting.secretary(body))

    made = client.post(
        reverse("committees:plan"), typed(cases=[consultation.pk], questions="Calendrier")
    )
    session = Session.objects.get()
    assert (made.status_code, made["Location"]) == (302, page(session))
    assert letter.title in text(client.get(page(session)))
    assert client.get(page(session, "change")).status_code == 200

    assert client.post(page(session, "call")).status_code == 302
    session = sitting.today(session)
    noted = {f"presence_{one.pk}": "present" for one in session.attendees.all()}
    assert client.get(page(session, "attendance")).status_code == 200
    assert client.post(page(session, "attendance"), noted).status_code == 302
    assert "5 membres sur 5 prennent part à la séance" in text(client.get(page(session)))

    first, second = session.items.all()
    said = {"position": "favourable", "text": "Le comité soutient le projet."}
    assert client.get(page(session, "item", first.pk)).status_code == 200
    assert client.post(page(session, "item", first.pk), said).status_code == 302
    put_off = {"postpone-reason": "Manque de temps."}
    assert client.post(page(session, "postpone", second.pk), put_off).status_code == 302
    assert client.post(page(session, "close"), {"close-remarks": ""}).status_code == 302

    shown = text(client.get(page(session)))
    assert "Le projet d’avis est préparé" in shown
    assert "Manque de temps." in shown
    assert reverse("cases:opinion", args=[letter.public_id, consultation.pk]) in shown


def test_what_is_refused_is_said_on_the_page_with_what_was_typed() -> None:
    body = sitting.committee()
    client = as_(sitting.secretary(body))
    short = sitting.planned(body, **sitting.times(2))

    refused = client.post(page(short, "call"), {"call-urgency": ""})
    assert refused.status_code == 422
    # Once at the top of the page and once beside the field, which is asked for.
    assert text(refused).count("cinq jours au moins avant la séance") == 2
    assert "(facultatif)" not in text(refused).partition("Urgence")[2].partition("textarea")[0]
    wrong = client.post(reverse("committees:plan"), typed(ends="13:00", place="Angers"))
    assert wrong.status_code == 422
    assert "La séance finit après avoir commencé" in text(wrong)
    assert "Angers" in text(wrong)
    assert wrong.content.decode().count("data-error-summary") == 1
    assert page(short) in text(client.get(page(short, "change"))).partition("Annuler")[0]


def test_votes_are_counted_whole_or_not_at_all() -> None:
    body = sitting.committee()
    _, consultation = sitting.asked(body)
    session = sitting.held(body, consultation)
    client = as_(sitting.secretary(body))
    said = {"position": "favourable", "votes_for": "3"}

    refused = client.post(page(session, "item", sitting.point(session).pk), said)
    assert refused.status_code == 422
    assert "Comptez les trois" in text(refused)


ADDRESSES = ("session", "change", "attendance", "again", "calendar")
POSTED = ("call", "cancel", "close")


def test_a_session_is_read_by_its_committee_alone() -> None:
    body = sitting.committee()
    session = sitting.called(body)
    point = sitting.point(session)
    outsiders = [
        factories.user(),
        asking.member(asking.urps("Infirmiers"), "president"),
        asking.member(asking.agency(), "agent"),
    ]
    for person in outsiders:
        client = as_(person)
        answers = {name: client.get(page(session, name)).status_code for name in ADDRESSES}
        assert answers == dict.fromkeys(ADDRESSES, 404)
        posted = {name: client.post(page(session, name)).status_code for name in POSTED}
        assert posted == dict.fromkeys(POSTED, 404)
        assert client.get(page(session, "item", point.pk)).status_code == 404
        assert client.post(page(session, "postpone", point.pk)).status_code == 404
        for name in ("sessions", "seats", "plan"):
            assert client.get(reverse(f"committees:{name}")).status_code == 403


def test_a_member_without_the_role_reads_and_does_not_act() -> None:
    body = sitting.committee()
    session = sitting.called(body)
    client = as_(asking.member(body, "coordinator"))
    (seat, *_) = body.seats.all()

    for url in (
        page(session),
        page(session, "calendar"),
        reverse("committees:sessions"),
        reverse("committees:seats"),
    ):
        assert client.get(url).status_code == 200
    assert client.get(page(session, "change")).status_code == 403
    assert client.get(reverse("committees:plan")).status_code == 403
    assert client.post(reverse("committees:seats"), {}).status_code == 403
    assert client.post(page(session, "call")).status_code == 403
    assert client.get(reverse("committees:seat-end", args=[seat.pk])).status_code == 403


def test_a_visitor_signs_in_first() -> None:
    session = sitting.planned(sitting.committee())
    answer = Client().get(page(session))
    assert (answer.status_code, "/compte/connexion/" in answer["Location"]) == (302, True)


def test_a_seat_is_added_and_ended_from_its_page() -> None:
    body = sitting.committee(seats=0)
    client = as_(sitting.secretary(body))
    url = reverse("committees:seats")
    row = {"name": "Zoé Zola", "capacity": "Usagers", "email": "zoe@exemple.test"}

    assert client.post(url, {**row, "since": ""}).status_code == 422
    assert client.post(url, {**row, "since": "2026-01-01"}).status_code == 302
    (seat,) = body.seats.all()
    ending = reverse("committees:seat-end", args=[seat.pk])
    assert client.post(ending, {"until": "2025-01-01"}).status_code == 422
    assert client.post(ending, {"until": "2026-06-30"}).status_code == 302
    assert str(Seat.objects.get().until) == "2026-06-30"


def count(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_sessions_are_listed_the_last_one_first() -> None:
    body = sitting.committee()
    days = (10, 30, 20)
    made = {day: sitting.planned(body, **sitting.times(day)) for day in days}
    listed = as_(sitting.secretary(body)).get(reverse("committees:sessions")).context["rows"]
    assert [one.pk for one, *_ in listed] == [made[day].pk for day in sorted(days, reverse=True)]


def test_the_lists_cost_the_same_with_one_row_and_with_thirty() -> None:
    body = sitting.committee(seats=1)
    client = as_(sitting.secretary(body))
    session = sitting.called(body)
    lists = [reverse("committees:sessions"), reverse("committees:seats")]
    one = [count(client, url) for url in [*lists, page(session)]]

    for number in range(29):
        sitting.called(body, **sitting.times(10 + number))
        Seat.objects.create(
            body=body,
            name=f"Membre {number:02}",
            capacity="Usagers",
            email=f"autre{number}@exemple.test",
            since=timezone.localdate(),
        )
    long = sitting.called(body, questions=[f"Point {number}" for number in range(20)])
    assert [count(client, url) for url in [*lists, page(long)]] == one
