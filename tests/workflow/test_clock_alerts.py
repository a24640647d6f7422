"""Offices are told of deadlines once, by people's days, whatever stops meanwhile."""

from collections.abc import Callable
from datetime import date, datetime

import pytest
from django.conf import settings
from django.utils import timezone

from letters.models import LetterOfIntent
from outbox.models import OutboxEvent
from tests import factories
from tests.letters import cases
from tests.mailbox import link_in, mails
from workflow.clock import EventKind
from workflow.clock_alerts import cases_on_the_clock, publish_due_alerts
from workflow.models import Case, ClockEvent
from workflow.services import correct_clock_event, record_clock_event
from workflow.tasks import clock_alerts

pytestmark = pytest.mark.django_db

NBSP = "\N{NO-BREAK SPACE}"


class Calendar:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def turn_to(self, month: int, number: int) -> None:
        moment = datetime(2026, month, number, 9, tzinfo=timezone.get_default_timezone())
        self.monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    return Calendar(monkeypatch)


@pytest.fixture
def letter(calendar: Calendar) -> LetterOfIntent:
    """Received on 12 March: silence would refuse it on 12 May 2026."""
    case = cases.without_clock(cases.deposited())
    calendar.turn_to(3, 12)
    record_clock_event(case, EventKind.START, effective_on=date(2026, 3, 12), actor=None)
    OutboxEvent.objects.all().delete()
    return case


@pytest.fixture
def deliver(deliver_outbox: Callable[[], int]) -> Callable[[], int]:
    """Deliver on the calendar's day: rows are dated by the real clock, later than it."""

    def now() -> int:
        OutboxEvent.objects.update(available_at=timezone.now())
        return deliver_outbox()

    return now


def told() -> list[str]:
    prefix = "workflow.clock_alert:"
    keys = OutboxEvent.objects.filter(handler="workflow.clock_alert").order_by("pk")
    return [
        key.removeprefix(prefix).split(":", 1)[1]
        for key in keys.values_list("deduplication_key", flat=True)
    ]


def test_each_threshold_is_published_once_however_often_the_task_runs(letter, calendar):
    for month, number in [(4, 9), (4, 10), (4, 12), (4, 27), (5, 5), (5, 7), (5, 12), (5, 13)]:
        calendar.turn_to(month, number)
        clock_alerts()
        clock_alerts()
    assert told() == ["2026-05-12:30", "2026-05-12:15", "2026-05-12:7", "2026-05-12:2"]
    assert OutboxEvent.objects.get(deduplication_key__endswith=":7").payload == {
        "case_id": letter.pk,
        "deadline": "2026-05-12",
        "threshold": 7,
    }


def test_after_a_long_stop_only_the_most_pressing_alert_is_told(letter):
    publish_due_alerts(today=date(2026, 5, 6))
    assert told() == ["2026-05-12:7"]


def test_a_deadline_that_moves_is_told_again(letter, calendar):
    calendar.turn_to(5, 6)
    clock_alerts()
    record_clock_event(
        letter,
        EventKind.SUSPEND,
        effective_on=date(2026, 5, 6),
        until=date(2026, 5, 20),
        actor=None,
    )
    clock_alerts()
    calendar.turn_to(5, 21)
    clock_alerts()
    assert told() == ["2026-05-12:7", "2026-05-26:7"]


def test_each_person_of_the_office_in_charge_has_one_mail(letter, calendar, deliver):
    office = letter.office
    agent, coordinator = factories.user("b@exemple.test"), factories.user("a@exemple.test")
    for person, role in [(agent, "agent"), (coordinator, "coordinator"), (agent, "signatory")]:
        factories.membership(person, office, role)
    factories.membership(factories.user(), office, is_active=False)
    factories.membership(factories.user(is_active=False), office)
    factories.membership(factories.user(), office, department_id="31")
    factories.membership(factories.user("c@exemple.test"), office, department_id="81")
    factories.membership(factories.user(), cases.body("ars", "76"))

    calendar.turn_to(5, 5)
    clock_alerts()
    deliver()
    sent = mails()
    assert sorted(mail.recipient for mail in sent) == [
        "a@exemple.test",
        "b@exemple.test",
        "c@exemple.test",
    ]
    assert {mail.subject for mail in sent} == {
        f"{letter.title} · {letter.reference} – il reste 7\u00a0jours pour décider"
    }
    text = sent[0].text_body.replace(NBSP, " ")
    assert (
        "Le délai de ce dossier (lettre d’intention) arrive à son terme le 12 mai 2026 : il reste "
        "7 jours, dont 4 jours ouvrés. Sans décision d’ici là, ce jour compris, le silence vaudra "
        "rejet." in text
    )
    assert link_in(sent[0]) == f"/lettres/{letter.public_id}/"
    assert settings.PORTAL_URL in sent[0].html_body


def test_an_office_without_people_is_told_at_its_own_address(letter, calendar, deliver):
    calendar.turn_to(5, 12)
    clock_alerts()
    deliver()
    (mail,) = mails()
    assert mail.recipient == letter.office.email
    assert mail.subject.endswith(f"{letter.reference} – dernier jour pour décider")
    assert "c’est aujourd’hui" in mail.text_body


@pytest.mark.parametrize("what", ["decided", "suspended", "corrected", "too late"])
def test_an_alert_that_no_longer_holds_at_its_delivery_is_not_mailed(
    letter, calendar, deliver, what
):
    calendar.turn_to(5, 5)
    clock_alerts()
    on = date(2026, 5, 5)
    match what:
        case "decided":
            record_clock_event(letter, EventKind.END, effective_on=on, actor=None)
        case "suspended":
            until = date(2026, 5, 20)
            record_clock_event(letter, EventKind.SUSPEND, effective_on=on, until=until, actor=None)
        case "corrected":
            person = factories.user()
            person.acting = factories.membership(person, letter.office, "coordinator")
            line = letter.clock_events.get()
            correct_clock_event(line, actor=person, reason="Lettre reçue par erreur.")
        case "too late":
            calendar.turn_to(5, 13)
    deliver()
    assert mails() == []
    assert OutboxEvent.objects.filter(done_at__isnull=True).count() == 0


def test_only_cases_whose_clock_runs_are_looked_at(letter):
    cases.complete()
    ended, reopened = cases.deposited(), cases.deposited()
    for case in (ended, reopened):
        record_clock_event(case, EventKind.END, effective_on=date(2026, 3, 12), actor=None)
    person = factories.user()
    person.acting = factories.membership(person, reopened.office, "coordinator")
    line = reopened.clock_events.get(kind="end")
    correct_clock_event(line, actor=person, reason="Autre dossier.")
    looked_at = cases_on_the_clock(date(2026, 4, 12)).values_list("pk", flat=True)
    assert set(looked_at) == {letter.pk, reopened.pk}
    # Nothing can be due yet, or any more.
    assert list(cases_on_the_clock(date(2026, 3, 12)).values_list("pk", flat=True)) == []
    assert list(cases_on_the_clock(date(2026, 5, 13)).values_list("pk", flat=True)) == []


def test_a_case_that_cannot_be_read_holds_up_no_other(letter, caplog):
    broken = cases.deposited()
    ClockEvent.objects.create(case_id=broken.pk, kind="start", effective_on=date(2026, 3, 1))
    Case.objects.filter(pk=broken.pk).update(clock_state="running", deadline_on=date(2026, 5, 8))
    publish_due_alerts(today=date(2026, 5, 5))
    assert told() == ["2026-05-12:7"]
    assert f"The clock of case {broken.pk} cannot be read" in caplog.text


def test_looking_at_many_cases_takes_no_more_queries_than_at_one(letter, django_assert_num_queries):
    today = date(2026, 4, 1)
    with django_assert_num_queries(2):
        publish_due_alerts(today=today)
    for _ in range(2):
        cases.deposited()
    with django_assert_num_queries(2):
        publish_due_alerts(today=today)
