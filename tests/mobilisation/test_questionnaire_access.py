"""Every address of a questionnaire, by everybody: 404 outside, 403 without the role."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from mobilisation import answering_urls, urls
from mobilisation.models import Questionnaire
from tests import factories
from tests.letters import cases
from tests.mobilisation import polling

pytestmark = pytest.mark.django_db

OF_THE_CPTS = {"list": "GET", "prepare": "GET"}
OF_ONE = {
    "questionnaire": "GET", "change": "GET", "discard": "POST", "preview": "GET",
    "submit": "POST", "take-back": "POST", "approve": "POST", "refuse": "GET",
    "move-closing": "GET", "close": "GET", "counts": "GET", "gatherings": "GET",
    "remove-gathering": "POST",
    "contacts": "GET",
    "ask": "POST",
    "import": "GET",
    "import-report": "GET",
    "contacts-template": "GET",
    "remove-contact": "POST",
}  # fmt: skip
# Nothing to read before it is open: 404 for all.
OPENED = {"poster", "results", "map", "comments", "export", "carry", "annex"}
# Those that name a row; there is none.
WITH_ROW = {"remove-gathering", "import-report", "remove-contact"}
# What each may open; a button answers by going back to the page.
READER = {"list": 200, "questionnaire": 200, "preview": 200}
EDITOR = READER | {
    "prepare": 200, "change": 200, "discard": 302, "counts": 200, "gatherings": 200,
    "remove-gathering": 302, "contacts": 200, "ask": 302, "import": 200, "import-report": 404,
    "contacts-template": 200, "remove-contact": 404,
}  # fmt: skip
OWNER = EDITOR | {"submit": 302, "take-back": 302, "move-closing": 200, "close": 200}
URPS_MEMBER = {"questionnaire": 200, "preview": 200, "counts": 200}
URPS_PRESIDENT = URPS_MEMBER | {"approve": 302, "refuse": 200}


def ask_all(one: Questionnaire, client: Client) -> dict[str, int]:
    ids = [one.community.public_id, one.public_id]
    found = {}
    for names, args in ((OF_THE_CPTS, ids[:1]), (OF_ONE, ids)):
        for name, method in names.items():
            more = {"contacts-template": ["csv"]}.get(name, [1] if name in WITH_ROW else [])
            url = reverse(f"mobilisation:{name}", args=[*args, *more])
            answer = client.get(url) if method == "GET" else client.post(url)
            found[name] = answer.status_code
    return found


def test_every_address_of_a_questionnaire_is_asked_for_here() -> None:
    assert {*OF_THE_CPTS, *OF_ONE, *OPENED} == {pattern.name for pattern in urls.urlpatterns}
    # Those of respondents are in test_answers.py and below.
    assert {pattern.name for pattern in answering_urls.urlpatterns} == {
        "form", "own", "correct", "data", "delete", "unsubscribe"}  # fmt: skip


STRANGERS: dict[str, Callable[[Questionnaire], User]] = {
    "someone without a CPTS": lambda _: factories.user(),
    "owner of another CPTS": lambda _: factories.community().created_by,
    "office": lambda _: cases.agent(cases.body("ars", "76")),
    "another URPS": lambda _: polling.president(polling.urps("URPS Orthoptistes")),
    "administrator": lambda _: factories.user(is_staff=True, is_superuser=True),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_finds_no_questionnaire(who: str) -> None:
    one = polling.submitted()
    found = ask_all(one, polling.signed_in(STRANGERS[who](one)))
    assert found == dict.fromkeys(found, 404)


def test_a_visitor_is_asked_to_sign_in_before_a_questionnaire() -> None:
    one = polling.submitted()
    found = ask_all(one, Client())
    assert found == dict.fromkeys(found, 302)


@pytest.mark.parametrize(
    ("role", "allowed"), [("reader", READER), ("editor", EDITOR), ("owner", OWNER)]
)
def test_the_team_opens_what_its_role_allows(role: str, allowed: dict[str, int]) -> None:
    one = polling.submitted()
    person = one.created_by if role == "owner" else factories.team_member(
        one.community, role=role).user  # fmt: skip
    found = ask_all(one, polling.signed_in(person))
    assert found == dict.fromkeys(found, 403) | allowed


@pytest.mark.parametrize(
    ("role", "allowed"), [("reviewer", URPS_MEMBER), ("president", URPS_PRESIDENT)]
)
def test_the_urps_reads_what_it_was_asked_about(role: str, allowed: dict[str, int]) -> None:
    one = polling.submitted()
    found = ask_all(one, polling.signed_in(polling.president(one.urps, role)))
    assert found == dict.fromkeys(found, 403) | {"list": 404, "prepare": 404} | allowed


def test_an_urps_finds_no_draft_and_lists_what_it_was_asked() -> None:
    one = polling.draft()
    client = polling.signed_in(polling.president(one.urps))
    assert client.get(polling.url(one)).status_code == 404
    assert one.community.name not in client.get("/questionnaires/").content.decode()
    asked = polling.submitted()
    assert asked.community.name in client.get("/questionnaires/").content.decode()
    assert polling.signed_in(one.created_by).get("/questionnaires/").status_code == 403


def test_lists_cost_the_same_for_one_questionnaire_and_for_thirty(
    django_assert_num_queries: object,
) -> None:
    one = polling.submitted()
    rows = [
        Questionnaire(
            community=one.community, urps=one.urps, model_key=one.model_key, code=f"abcdefgh{n:02}",
            model_version=one.model_version, closes_on=one.closes_on, created_by=one.created_by,
            state="closed", submitted_at=one.submitted_at, approved_by=one.created_by,
            opened_at=one.submitted_at, closed_at=one.submitted_at,
        )
        for n in range(30)
    ]  # fmt: skip
    team, president = one.created_by, polling.president(one.urps)
    lists = ((team, reverse("mobilisation:list", args=[one.community.public_id])),
             (president, "/questionnaires/"))  # fmt: skip
    for person, path in lists:
        assert polling.signed_in(person).get(path).status_code == 200
    counts = [_queries(person, path) for person, path in lists]
    Questionnaire.objects.bulk_create(rows)
    assert [_queries(person, path) for person, path in lists] == counts


def _queries(person: User, path: str) -> int:
    client = polling.signed_in(person)
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    return len(queries)


@pytest.mark.parametrize("tail", ["", "corriger/", "donnees.csv", "supprimer/"])
def test_an_own_link_that_is_not_one_leads_nowhere(tail: str) -> None:
    assert Client().get(f"/q/reponse/{'a' * 43}/{tail}").status_code == 404


def test_a_link_to_be_left_alone_that_is_not_one_leads_nowhere() -> None:
    assert Client().get(f"/q/stop/{'a' * 43}/").status_code == 404


def test_answers_are_read_by_the_team_and_the_urps_alone() -> None:
    one = polling.opened()
    reader = factories.team_member(one.community, role="reader").user
    tails = ["resultats/", "resultats/textes/", "reponses.csv", "affiche.pdf"]

    def ask(person: User) -> list[int]:
        client = polling.signed_in(person)
        return [client.get(polling.url(one, tail)).status_code for tail in tails]

    allowed = (reader, polling.president(one.urps, "reviewer"))
    strangers = (cases.agent(cases.body("ars", "76")), factories.user())
    assert [ask(person) for person in allowed] == [[200] * 4] * 2
    assert [ask(person) for person in strangers] == [[404] * 4] * 2
    assert Client().get(polling.url(one, "resultats/")).status_code == 302
