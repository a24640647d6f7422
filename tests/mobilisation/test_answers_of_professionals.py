"""A professional answers by the public address: once, as a person, and keeps hold of it."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cpts_portal.words import day
from mobilisation import answering, links, services
from mobilisation.models import Reply
from outbox.services import deliver_pending
from tests.mailbox import link_in, mails
from tests.mobilisation import polling

pytestmark = pytest.mark.django_db


def test_an_answer_is_kept_as_it_was_given_and_its_link_sent() -> None:
    one = polling.opened()
    reply = polling.reply(
        one, email="Claire.Fabre@Exemple.test", q_difficulties=["isolation"],
        q_difficulties_text="Six mois pour un ophtalmologue.",
    )  # fmt: skip
    deliver_pending()
    assert (reply.profession, reply.commune_id, reply.interest, reply.missions) == (
        "nurses", "81140", 3, ["prevention"])  # fmt: skip
    assert (reply.email, reply.may_contact, reply.may_name, reply.counted) == (
        "claire.fabre@exemple.test", True, False, True)  # fmt: skip
    assert reply.answers == {
        "difficulties": ["isolation"],
        "difficulties_text": "Six mois pour un ophtalmologue.",
    }
    assert link_in(mails(reply.email)[0]) == polling.own_path(reply)


def test_a_questionnaire_asks_nothing_before_it_is_open_nor_after() -> None:
    one = polling.submitted()
    assert Client().get(f"/q/{one.code}/").status_code == 404
    services.approve_questionnaire(one, by=polling.president(one.urps))
    assert Client().get(f"/q/{one.code.upper()}/").status_code == 200
    services.close_questionnaire(one, by=one.created_by)
    closed = polling.send(one)
    assert closed.status_code == 410
    # The day it was closed, not the later one that was planned.
    today = day(timezone.localdate())
    assert f"jusqu’au {today}." in closed.content.decode()
    assert not Reply.objects.exists()


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"profession": ""}, "Choisissez votre profession"),
        ({"commune": "autre", "place": ""}, "Écrivez la commune"),
        ({"interest": "9"}, "valid"),
        ({"interest": "4", "email": ""}, "laissez une adresse électronique"),
        ({"interest": "4", "last_name": ""}, "laissez votre nom"),
        ({"website": "https://exemple.test"}, "arrêter les programmes"),
        ({"mark": ""}, "une personne répond"),
        ({"mark": "faux"}, "une personne répond"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(changes: dict[str, str], fault: str) -> None:
    answer = polling.send(polling.opened(), **changes)
    assert (answer.status_code, fault in answer.content.decode()) == (422, True)
    assert not Reply.objects.exists()


def test_a_form_sent_too_fast_is_taken_a_moment_later_with_all_it_said() -> None:
    one, client = polling.opened(), Client()
    quick = polling.sent(mark=polling.mark(0), last_name="Delmas")
    answer = client.post(f"/q/{one.code}/", quick)
    assert (answer.status_code, "Delmas" in answer.content.decode()) == (422, True)
    # The same form keeps its age: it can be sent again without being opened anew.
    assert quick["mark"] in answer.content.decode()
    stale = client.post(f"/q/{one.code}/", quick | {"mark": polling.mark(links.LONGEST + 5)})
    assert stale.status_code == 422
    assert client.post(f"/q/{one.code}/", quick | {"mark": polling.mark(9)}).status_code == 302


def test_a_form_sent_twice_is_one_answer() -> None:
    one = polling.opened()
    form = polling.sent(email="", interest="1")
    places = {Client().post(f"/q/{one.code}/", form).url for _ in range(2)}
    assert (len(places), Reply.objects.count()) == (1, 1)


def test_the_same_person_twenty_times_counts_once_and_is_not_flooded() -> None:
    one = polling.opened()
    replies = [polling.reply(one, email="alix@exemple.test", interest="2") for _ in range(20)]
    deliver_pending()
    assert [reply.counted for reply in replies] == [True] + [False] * 19
    # Her own link, then once that day that her first answer stands.
    links_sent = {link_in(mail) for mail in mails("alix@exemple.test")}
    assert (len(mails("alix@exemple.test")), links_sent) == (2, {polling.own_path(replies[0])})
    # Nothing on the page tells a stranger whether this address had answered.
    pages = [Client().get(polling.own_path(reply)) for reply in replies[:2]]
    assert ["la première" in page.content.decode() for page in pages] == [True, True]


def test_an_author_corrects_exports_and_deletes_by_their_own_link() -> None:
    one = polling.opened()
    reply, client = polling.reply(one), Client()
    path = polling.own_path(reply)
    form = polling.sent(email=reply.email, interest="1", q_difficulties_text="=1+1")
    assert client.post(f"{path}corriger/", form).status_code == 302
    reply.refresh_from_db()
    assert (reply.interest, reply.answers, reply.counted) == (
        1, {"difficulties_text": "=1+1"}, True)  # fmt: skip
    exported = client.get(f"{path}donnees.csv").content.decode("utf-8-sig")
    assert "'=1+1" in exported
    assert reply.email in exported
    assert client.get(f"{path}supprimer/").status_code == 200
    assert Reply.objects.exists()
    deliver_pending()
    assert mails(reply.email)
    client.post(f"{path}supprimer/")
    assert (Reply.objects.exists(), mails(reply.email)) == (False, [])
    assert client.get(path).status_code == 404


def test_a_correction_takes_nobody_else_s_address() -> None:
    one = polling.opened()
    first, second = polling.reply(one), polling.reply(one)
    form = polling.sent(email=first.email)
    assert Client().post(f"{polling.own_path(second)}corriger/", form).status_code == 302
    counted = Reply.objects.order_by("pk").values_list("counted", flat=True)
    assert list(counted) == [True, False]


def test_a_closed_questionnaire_still_lets_its_answers_be_read_and_deleted() -> None:
    one = polling.opened()
    reply, client = polling.reply(one), Client()
    services.close_questionnaire(one, by=one.created_by)
    path = polling.own_path(reply)
    asked = [client.get(path), client.get(f"{path}corriger/"), client.post(f"{path}supprimer/")]
    assert [answer.status_code for answer in asked] == [200, 410, 200]
    assert not Reply.objects.exists()


def test_a_place_elsewhere_is_known_or_kept_in_its_words() -> None:
    one = polling.opened()
    known = polling.reply(one, commune="autre", place="Colomiers")
    unknown = polling.reply(one, commune="autre", place="près de la <b>gare</b>")
    assert [(r.commune_id, r.place) for r in (known, unknown)] == [
        ("31149", ""), (None, "près de la <b>gare</b>")]  # fmt: skip
    page = Client().get(polling.own_path(unknown)).content.decode()
    assert ("<b>gare" in page, "&lt;b&gt;gare" in page) == (False, True)


def test_answers_and_guesses_are_limited_for_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    one = polling.opened()
    monkeypatch.setattr(answering, "MOST_ANSWERS", 2)
    monkeypatch.setattr(answering, "MOST_GUESSES", 1)
    codes = [polling.send(one).status_code for _ in range(3)]
    guesses = [Client().get("/q/aaaaaaaaaa/").status_code for _ in range(2)]
    assert (codes, guesses) == ([302, 302, 429], [404, 429])


def test_the_form_costs_as_many_queries_for_two_communes_as_for_one(
    django_assert_num_queries: object,
) -> None:
    for communes in (polling.INSIDE, polling.INSIDE[:1]):
        one = polling.opened(polling.community(communes=communes))
        with django_assert_num_queries(2):  # type: ignore[operator]
            Client().get(reverse("answering:form", args=[one.code]))
