"""The public front door."""

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


def test_anyone_reads_what_the_portal_is_and_which_region_has_which_procedure(
    client: Client,
) -> None:
    page = client.get("/").content.decode()
    assert "Votre communauté de santé commence par une lettre" in page
    for region in ("Occitanie", "Hauts-de-France", "Pays de la Loire"):
        assert region in page


def test_a_signed_in_person_goes_straight_to_their_desk(client: Client) -> None:
    client.force_login(factories.user())
    response = client.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/accueil/")


def test_the_welcome_page_asks_nothing_of_the_database(
    client: Client, django_assert_num_queries: object
) -> None:
    # ATOMIC_REQUESTS opens and closes a savepoint.
    with django_assert_num_queries(2):  # type: ignore[operator]
        client.get("/")
