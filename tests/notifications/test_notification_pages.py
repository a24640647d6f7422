"""The notification centre and the choice of mails, page by page."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from notifications.kinds import KINDS, Cadence
from notifications.models import Notification
from notifications.services import choices_of
from notifications.urls import urlpatterns
from tests import factories
from tests.notifications.telling import tell

pytestmark = pytest.mark.django_db

CENTRE = "/notifications/"


def sign_in(client, person):
    client.force_login(person)
    return person


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_the_newest_comes_first_with_its_case_and_leads_there(client):
    person = sign_in(client, factories.user())
    tell(person, key="1")
    latest = tell(person, key="2", path="/compte/")

    page = client.get(CENTRE).content.decode()
    links = re.findall(r'<a href="(/notifications/\d+/)">', page)
    answer = client.get(links[0])

    assert links == [f"/notifications/{pk}/" for pk in (latest.pk, latest.pk - 1)]
    assert "CPTS Pays de Lumbres · LI-32-2026-0001" in page
    assert (answer.status_code, answer.headers["Location"]) == (302, "/compte/")
    assert list(Notification.objects.unread().values_list("key", flat=True)) == ["1"]


def test_the_header_counts_what_is_not_read_in_this_role_without_a_query(
    client, django_assert_num_queries
):
    held = factories.membership()
    for number in range(3):
        tell(held.user, key=str(number), body=held.organisation)
    tell(held.user, key="own")
    sign_in(client, held.user)

    with django_assert_num_queries(5):
        in_role = client.get("/accessibilite/")
    client.post("/compte/role/")
    in_own_name = client.get(CENTRE)

    assert "Notifications 3 non lues" in text_of(in_role)
    assert "Notifications 1 non lue" in text_of(in_own_name)
    assert "3\u00a0notifications non lues dans un autre rôle" in in_own_name.content.decode()


def test_more_than_ninety_nine_are_not_counted(client):
    person = sign_in(client, factories.user())
    now = timezone.now()
    Notification.objects.bulk_create(
        Notification(key=str(n), kind="team", recipient=person.email, user=person, created_at=now)
        for n in range(130)
    )
    assert "Notifications 99+ non lues" in text_of(client.get("/accessibilite/"))


def test_a_list_of_any_length_costs_the_same(client, django_assert_num_queries):
    person = sign_in(client, factories.user())
    for count in (1, 30):
        Notification.objects.all().delete()
        for number in range(count):
            tell(person, key=str(number))
        # Session, person, count, rows; the other two are the savepoint of the request.
        with django_assert_num_queries(6):
            page = client.get(CENTRE).content.decode()
        assert page.count('class="notice ') == min(count, 25)
    assert "?page=2" in page
    assert client.get(f"{CENTRE}?page=2").content.decode().count('class="notice ') == 5


def test_one_or_all_are_marked_as_read(client):
    person = sign_in(client, factories.user())
    first = tell(person, key="1")
    tell(person, key="2")
    read = reverse("notifications:read")

    answers = [
        client.post(read, {"notification": str(first.pk), "voir": "non-lues"}, follow=True),
        client.post(read, follow=True),
        client.post(read, follow=True),
    ]

    assert [re.search(r'role="status"><p>(.*?)</p>', a.content.decode())[1] for a in answers] == [
        "1 notification marquée comme lue.",
        "1 notification marquée comme lue.",
        "Rien n’a changé\u00a0: il n’y avait plus de notification à lire.",
    ]
    assert answers[0].request["QUERY_STRING"] == "voir=non-lues"
    assert not Notification.objects.unread().exists()


@pytest.mark.parametrize("sent", ["abc", "-1", "0", "9" * 30, "1;2"])
def test_a_number_that_is_none_marks_nothing(client, sent):
    tell(sign_in(client, factories.user()))
    assert client.post(reverse("notifications:read"), {"notification": sent}).status_code == 302
    assert Notification.objects.unread().count() == 1


def test_what_another_person_was_told_is_not_found_and_stays_unread(client):
    told = tell(factories.user())
    sign_in(client, factories.user())
    opened = client.get(reverse("notifications:open", args=[told.pk]))
    client.post(reverse("notifications:read"), {"notification": str(told.pk)})
    assert opened.status_code == 404
    assert Notification.objects.unread().count() == 1


def test_what_was_told_in_another_role_is_not_found_in_this_one(client):
    held = factories.membership()
    told = tell(held.user, key="own")
    sign_in(client, held.user)
    assert client.get(reverse("notifications:open", args=[told.pk])).status_code == 404
    assert "Plus aucun avis" not in client.get(CENTRE).content.decode()


def test_every_address_asks_a_visitor_to_sign_in(client):
    found = {}
    for pattern in urlpatterns:
        url = reverse(f"notifications:{pattern.name}", args=[1] if pattern.name == "open" else [])
        for method in (client.get, client.post):
            found[url, method.__name__] = method(url).headers.get("Location", "").partition("?")[0]
    assert set(found.values()) == {reverse("account_login")}


def test_an_empty_centre_says_what_will_be_there(client):
    sign_in(client, factories.user())
    assert "Aucune notification pour l’instant" in client.get(CENTRE).content.decode()
    assert "Vous avez tout lu" in client.get(f"{CENTRE}?voir=non-lues").content.decode()


# --- Choices ------------------------------------------------------------------------------


def test_choices_are_kept_and_shown_again(client):
    person = sign_in(client, factories.user())
    url = reverse("notifications:choices")
    wanted = {key: "weekly" if key == "message" else "now" for key in choices_of(person)}

    answer = client.post(url, wanted, follow=True)

    assert "Vos choix sont enregistrés." in answer.content.decode()
    assert choices_of(person) == {key: Cadence(value) for key, value in wanted.items()}
    assert re.search(
        r'name="message".*?<option value="weekly" selected>', answer.content.decode(), re.DOTALL
    )


def test_a_choice_that_does_not_exist_is_refused_and_nothing_is_kept(client):
    person = sign_in(client, factories.user())
    before = choices_of(person)
    wanted = dict.fromkeys(before, "daily") | {"message": "jamais", "decision": "none"}

    answer = client.post(reverse("notifications:choices"), wanted)

    assert "Rien n’a été enregistré" in answer.content.decode()
    assert choices_of(person) == before


def test_each_kind_that_may_be_chosen_is_asked_once_and_the_others_are_named(client):
    sign_in(client, factories.user())
    page = client.get(reverse("notifications:choices")).content.decode()
    asked = re.findall(r'<select[^>]* name="(\w+)"', page)
    assert sorted(asked) == sorted(key for key, kind in KINDS.items() if not kind.legal)
    assert all(f"<li>{kind.label}</li>" in page for kind in KINDS.values() if kind.legal)


def test_the_account_page_leads_to_the_choices(client):
    sign_in(client, factories.user())
    assert reverse("notifications:choices") in client.get("/compte/").content.decode()
