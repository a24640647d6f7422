"""Summaries: grouped by case, once, whatever stops."""

from datetime import date, datetime

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cpts_portal.working_days import is_working_day
from notifications import digests
from notifications.digests import write_digests
from notifications.kinds import Cadence
from notifications.models import Notification
from notifications.schedule import cut_off, next_digest_day, summary_name
from notifications.services import About, choose, mark_read
from outbox.models import Mail
from tests import factories
from tests.mailbox import link_in, mails
from tests.notifications.telling import tell, written_at

pytestmark = pytest.mark.django_db

DAILY, WEEKLY = Cadence.DAILY, Cadence.WEEKLY


def at(*moment: int) -> datetime:
    return timezone.make_aware(datetime(*moment))  # noqa: DTZ001 - made aware here


def reader(cadence: Cadence, email: str = "agent@exemple.test"):
    person = factories.user(email)
    choose(person, {"opinions_settled": cadence})
    return person


def test_a_daily_summary_is_grouped_by_case_and_leads_to_the_centre():
    person = reader(DAILY)
    other = About("CPTS Audomarois", "LI-32-2026-0002")
    # Thursday 19 November 2026.
    for key, about in (("1", None), ("2", other), ("3", None)):
        told = tell(person, key=key, **({"about": about} if about else {}))
        written_at(told, 2026, 11, 19, 15)

    written = [write_digests(now=at(2026, 11, 20, hour, 5)) for hour in (6, 7, 8)]

    assert written == [0, 1, 0]
    (mail,) = mails()
    assert mail.subject == "Récapitulatif du 20 novembre 2026\u00a0: 3\u00a0notifications"
    assert (
        "CPTS Audomarois · LI-32-2026-0002\n\n- Plus aucun avis n’est attendu\n\n"
        "CPTS Pays de Lumbres · LI-32-2026-0001\n\n- Plus aucun avis n’est attendu\n"
        "- Plus aucun avis n’est attendu\n" in mail.text_body
    )
    assert link_in(mail) == "/notifications/"
    assert {row.mail for row in Notification.objects.all()} == {mail}
    assert Notification.objects.first().delivery_in_words == "en attente"


def test_what_was_read_on_the_portal_is_left_out():
    person = reader(DAILY)
    read, unread = tell(person, key="1"), tell(person, key="2")
    for told in (read, unread):
        written_at(told, 2026, 11, 19, 15)
    mark_read([read.pk], user=person)

    write_digests(now=at(2026, 11, 20, 7, 5))

    read.refresh_from_db()
    assert (read.mail, read.delivery_in_words) == (None, "lu sur le portail")
    assert mails()[0].subject.endswith("1\u00a0notification")


def test_nothing_leaves_when_all_was_read_or_nothing_was_told():
    person = reader(DAILY)
    written_at(tell(person), 2026, 11, 19, 15)
    mark_read(None, user=person)
    assert write_digests(now=at(2026, 11, 20, 7, 5)) == 0
    assert Mail.objects.count() == 0


def test_what_is_told_after_seven_waits_for_the_next_working_day():
    person = reader(DAILY)
    told = written_at(tell(person), 2026, 11, 20, 7, 30)
    days = [(20, 8), (21, 7), (22, 7), (23, 7)]  # Friday to Monday
    assert [write_digests(now=at(2026, 11, day, hour, 5)) for day, hour in days] == [0, 0, 0, 1]
    assert next_digest_day(DAILY, told.created_at) == date(2026, 11, 23)


def test_a_weekly_summary_leaves_on_monday_once_and_is_made_good_on_tuesday():
    for email, days in (("a@exemple.test", (20, 23, 24)), ("b@exemple.test", (20, 24, 25))):
        Mail.objects.all().delete()
        Notification.objects.all().delete()
        written_at(tell(reader(WEEKLY, email)), 2026, 11, 18, 15)
        assert [write_digests(now=at(2026, 11, day, 7, 5)) for day in days] == [0, 1, 0]
    assert mails()[0].subject.startswith("Récapitulatif de la semaine, du 24 novembre 2026")


def test_a_monday_that_is_a_holiday_gives_way_to_tuesday():
    written_at(tell(reader(WEEKLY)), 2026, 4, 2, 15)
    # Easter Monday is 6 April 2026.
    assert [write_digests(now=at(2026, 4, day, 7, 5)) for day in (6, 7)] == [0, 1]


def test_a_crash_between_writing_and_marking_leaves_nothing_and_the_next_run_writes_once(
    monkeypatch, caplog
):
    person, healthy = reader(DAILY), reader(DAILY, "autre@exemple.test")
    for one in (person, healthy):
        written_at(tell(one), 2026, 11, 19, 15)
    queue = digests.queue_mail

    def dies_after_writing(**mail):
        queued = queue(**mail)
        if mail["recipient"] == person.email:
            raise RuntimeError("power cut")
        return queued

    with monkeypatch.context() as patch:
        patch.setattr(digests, "queue_mail", dies_after_writing)
        first = write_digests(now=at(2026, 11, 20, 7, 5))
    after_crash = [mail.recipient for mail in mails()]
    second = [write_digests(now=at(2026, 11, 20, hour, 5)) for hour in (8, 9)]

    assert (first, after_crash, second) == (1, [healthy.email], [1, 0])
    assert sorted(mail.recipient for mail in mails()) == sorted([person.email, healthy.email])
    assert f"person {person.pk} could not" in caplog.text


def test_a_person_whose_account_is_closed_gets_no_summary():
    person = reader(DAILY)
    written_at(tell(person), 2026, 11, 19, 15)
    type(person).objects.update(is_active=False)
    assert [write_digests(now=at(2026, 11, 20, 7, hour)) for hour in (5, 6)] == [0, 0]
    assert Mail.objects.count() == 0


def test_a_long_summary_names_fifty_lines_and_counts_the_rest():
    person = reader(DAILY)
    for number in range(53):
        written_at(tell(person, key=str(number)), 2026, 11, 19, 15)
    write_digests(now=at(2026, 11, 20, 7, 5))
    (mail,) = mails()
    assert mail.text_body.count("\n- Plus") == 50
    assert "Et 3\u00a0autres, à lire sur le portail." in mail.text_body
    assert Notification.objects.filter(mail=mail).count() == 53


@given(
    st.sampled_from([DAILY, WEEKLY]),
    st.datetimes(min_value=datetime(2024, 1, 1), max_value=datetime(2030, 1, 1)),  # noqa: DTZ001 - the test adds the zone
)
def test_the_day_announced_is_the_first_whose_summary_holds_it(cadence, moment):
    written = timezone.make_aware(moment.replace(hour=12))
    day = next_digest_day(cadence, written)
    limit = cut_off(cadence, day)
    assert is_working_day(day)
    assert limit is not None
    assert limit > written
    assert 0 < (day - timezone.localdate(written)).days <= 12


def test_there_is_one_summary_per_day_or_per_week_even_over_the_new_year():
    assert [
        summary_name(DAILY, date(2026, 12, 31)),
        summary_name(WEEKLY, date(2026, 12, 31)),
        summary_name(WEEKLY, date(2027, 1, 1)),
        summary_name(WEEKLY, date(2027, 1, 4)),
    ] == [
        "digest:daily:2026-12-31",
        "digest:weekly:2026-53",
        "digest:weekly:2026-53",
        "digest:weekly:2027-01",
    ]
