"""The tab « Courriels »: for the office in charge, whom the portal told and what became of it."""

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from letters.models import LetterOfIntent
from notifications.services import choose
from outbox.models import Mail
from tests import factories
from tests.letters import cases
from tests.workflow import asking, writing
from workflow.notices import tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def letter() -> LetterOfIntent:
    asking.urps("Médecins")
    return asking.deposited_and_asked()


@pytest.fixture
def agent(client: Client, letter: LetterOfIntent) -> User:
    """Who examines the case, signed in."""
    person = writing.agent_of(letter)
    client.force_login(person)
    return person


def url(letter: LetterOfIntent) -> str:
    return reverse("cases:mails", args=[letter.public_id])


def rows(client: Client, address: str) -> list[str]:
    page = client.get(address).content.decode()
    lines = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", page, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]*>", " ", line)).split()) for line in lines]


def test_the_office_reads_who_was_told_what_when_and_what_became_of_it(
    client: Client, letter: LetterOfIntent, agent: User
) -> None:
    body = letter.consultations.get().body
    reviewer, president = asking.reviewer(body), asking.president(body)
    Mail.objects.filter(recipient=reviewer.email).update(
        refused_at=timezone.now(), failure="adresse inconnue (5.1.1)"
    )
    Mail.objects.filter(recipient=president.email).update(sent_at=timezone.now())

    told = rows(client, url(letter))
    failed = rows(client, f"{url(letter)}?voir=echecs")

    line = next(one for one in told if reviewer.email in one)
    assert line.startswith(f"{reviewer} {reviewer.email} {body} Avis demandé, ou délai changé")
    assert line.endswith("Échec Refusé : adresse inconnue (5.1.1)")
    assert "Envoyé Parti le " in next(one for one in told if president.email in one)
    assert failed == [line]


def test_a_mail_left_for_a_summary_says_the_day(
    client: Client, letter: LetterOfIntent, agent: User
) -> None:
    choose(agent, {"opinions_settled": "daily"})
    tell(
        letter,
        "opinions_settled",
        key="k",
        to=[agent],
        template="workflow/opinions_settled",
        context={},
        body=letter.office,
    )
    assert "Dans le récapitulatif du " in rows(client, url(letter))[0]


def test_what_goes_on_inside_a_body_is_not_shown_to_the_office(
    client: Client, letter: LetterOfIntent, agent: User
) -> None:
    body = letter.consultations.get().body
    before = rows(client, url(letter))
    asking.draft(letter, body)
    assert Mail.objects.filter(subject__contains="à valider").exists()
    assert rows(client, url(letter)) == before


def test_nobody_else_has_this_list(client: Client, letter: LetterOfIntent) -> None:
    body = letter.consultations.get().body
    others = [
        letter.created_by,
        asking.reviewer(body),
        cases.agent(cases.body("ars", "76")),
        factories.user(),
    ]
    for person in others:
        client.force_login(person)
        assert client.get(url(letter)).status_code == 404
        page = reverse("letters:detail", args=[letter.public_id])
        assert ">Courriels</a>" not in client.get(page).content.decode()
    client.logout()
    assert client.get(url(letter)).status_code == 302


def test_whoever_writes_the_case_does_not_learn_who_is_asked_about_it(
    client: Client, letter: LetterOfIntent, agent: User
) -> None:
    assert rows(client, url(letter))
    factories.team_member(letter.community, agent)
    answer = client.get(url(letter))
    assert rows(client, url(letter)) == []
    assert "réservée aux autres personnes du bureau" in answer.content.decode()


def test_a_list_of_any_length_costs_the_same(
    client: Client, letter: LetterOfIntent, agent: User
) -> None:
    costs = []
    for count in (1, 40):
        for number in range(count):
            tell(
                letter,
                "opinions_settled",
                key=f"{count}:{number}",
                to=[factories.user()],
                template="workflow/opinions_settled",
                context={},
                body=letter.office,
            )
        with CaptureQueriesContext(connection) as queries:
            shown = rows(client, url(letter))
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert len(shown) == 30
    assert costs[0] <= 12
