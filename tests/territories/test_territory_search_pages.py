import pytest
from django.test import Client
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


def test_the_search_answers_with_a_short_list(client: Client) -> None:
    client.force_login(factories.user())
    response = client.get(reverse("territories:search"), {"q": "arbignieu"})
    assert response.json() == {
        "results": [
            {
                "code": "01015",
                "name": "Arboys en Bugey",
                "kind": "commune",
                "department": "01",
                "postal_codes": ["01300"],
                "population": 710,
                "former": "Arbignieu",
                "label": "Arbignieu → Arboys en Bugey (Ain, 01300)",
            }
        ]
    }
    assert (
        response["Cache-Control"] == "private, max-age=300"
        or response["Cache-Control"] == "max-age=300, private"
    )


def test_epci_are_searched_too(client: Client) -> None:
    client.force_login(factories.user())
    response = client.get(reverse("territories:search_intercommunalities"), {"q": "tarn-agout"})
    assert response.json() == {
        "results": [{"siren": "200034023", "name": "CC Tarn-Agout", "communes": 21}]
    }


@pytest.mark.parametrize("page", ["search", "search_intercommunalities"])
def test_nothing_typed_finds_nothing(client: Client, page: str) -> None:
    client.force_login(factories.user())
    assert client.get(reverse(f"territories:{page}")).json() == {"results": []}


@pytest.mark.parametrize("page", ["search", "search_intercommunalities"])
def test_the_search_asks_for_a_login(client: Client, page: str) -> None:
    response = client.get(reverse(f"territories:{page}"), {"q": "toulouse"})
    assert response.status_code == 302


def test_the_search_only_reads(client: Client) -> None:
    client.force_login(factories.user())
    assert client.post(reverse("territories:search"), {"q": "toulouse"}).status_code == 405


def test_the_search_costs_the_session_the_person_and_one_query(
    client: Client, django_assert_num_queries
) -> None:
    client.force_login(factories.user())
    with django_assert_num_queries(3):
        client.get(reverse("territories:search"), {"q": "toulouse"})
