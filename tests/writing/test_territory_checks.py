"""What a draft's territory deserves to have looked at: the office's own words, before it reads."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from letters.models import LetterOfIntent
from territories.models import Commune
from territories.services import add_communes
from tests.letters import cases
from workflow import claims
from workflow.models import Case

pytestmark = pytest.mark.django_db

FRAGMENT = {"X-Fragment": "checks"}


@pytest.fixture(autouse=True)
def _reference(loaded_territories: None) -> None:
    """Every commune of France."""


def url(letter: LetterOfIntent) -> str:
    return reverse("letters:territory-checks", args=[letter.public_id])


def read(response: Any) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def draft(client: Any, *communes: str) -> LetterOfIntent:
    letter = cases.draft("76", communes=communes)
    client.force_login(letter.created_by)
    return letter


def test_the_page_says_what_the_office_will_read(client: Any) -> None:
    letter = draft(client, "81140", "31555")

    text = read(client.get(url(letter)))

    assert "Le territoire touche 2 départements : Haute-Garonne" in text
    assert "CC Tarn-Agout est coupée en deux : 20 de ses 21 communes" in text
    assert "Aucune autre CPTS, à l’étude ou validée, n’a une de ces communes." in text
    assert "<h1" in text


def test_the_script_receives_the_sentences_alone(client: Any) -> None:
    letter = draft(client, "81140")

    response = client.get(url(letter), headers=FRAGMENT)

    assert (response["X-Fragment"], response["Vary"].count("X-Fragment")) == ("checks", 1)
    assert "<h1" not in read(response)
    assert "est coupée en deux" in read(response)


def test_the_sentences_follow_the_list(client: Any) -> None:
    letter = draft(client, "81140")
    assert "2 départements" not in read(client.get(url(letter), headers=FRAGMENT))

    add_communes(letter.community.territory, ["31555"])

    assert "2 départements" in read(client.get(url(letter), headers=FRAGMENT))


def test_an_empty_territory_is_told_what_comes_first(client: Any) -> None:
    assert "Le territoire est vide" in read(client.get(url(draft(client))))


def test_a_lead_learns_that_a_commune_is_claimed_and_by_whom_only_once_it_is_public(
    client: Any,
) -> None:
    other = cases.deposited("84", communes=("01053", "69266"))
    letter = draft(client, "81140", "01053")
    name = other.title

    before = read(client.get(url(letter), headers=FRAGMENT))
    Case.objects.filter(pk=other.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=other.pk))
    after = read(client.get(url(letter), headers=FRAGMENT))

    assert "Une autre CPTS (lettre à l’étude) a aussi 1 commune" in before
    assert (name in before, other.reference in before) == (False, False)
    assert f"{name} (CPTS validée) a aussi 1 commune" in after


def test_warnings_do_not_keep_from_depositing(client: Any) -> None:
    cases.deposited("84", communes=("01053",))
    letter = cases.complete("76", communes=("81140", "01053"))
    client.force_login(letter.created_by)

    page = client.get(reverse("letters:deposit", args=[letter.public_id]))

    assert url(letter) in page.content.decode()
    cases.file(letter)
    assert LetterOfIntent.objects.get(pk=letter.pk).is_deposited


def test_a_deposited_letter_is_read_in_its_tab(client: Any) -> None:
    letter = cases.deposited("76", communes=("81140",))
    client.force_login(letter.created_by)

    response = client.get(url(letter))

    assert response.url == reverse("cases:territory", args=[letter.public_id])


@pytest.mark.parametrize("count", [1, 400])
def test_one_commune_or_four_hundred_cost_the_same(client: Any, count: int) -> None:
    letter = draft(client)
    codes = Commune.objects.filter(department="62", kind="commune", is_active=True)
    add_communes(letter.community.territory, list(codes.values_list("pk", flat=True)[:count]))

    with CaptureQueriesContext(connection) as queries:
        assert client.get(url(letter), headers=FRAGMENT).status_code == 200

    assert len(queries) <= 12


def test_the_draft_of_another_team_is_not_found(client: Any) -> None:
    letter = draft(client, "81140")
    client.force_login(cases.draft("76").created_by)

    assert client.get(url(letter)).status_code == 404


def test_both_pages_lead_to_the_checks_without_reading_them(client: Any) -> None:
    letter = draft(client, "81140")

    for name in ("letters:territory", "letters:deposit"):
        page = client.get(reverse(name, args=[letter.public_id])).content.decode()
        assert f'data-checks-url="{url(letter)}"' in page
        assert f'<a href="{url(letter)}">' in page
        assert "coupée en deux" not in page
