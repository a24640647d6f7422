import re

import pytest
from django.template.loader import render_to_string
from django.test import Client

from accounts.models import Membership
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("url", ["/accessibilite/", "/mentions-legales/", "/donnees-personnelles/"])
def test_public_pages_are_read_without_an_account(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    assert answer.content.decode().count("<h1>") == 1


def test_unknown_address_says_what_to_do(client):
    answer = client.get("/nulle-part/")
    assert answer.status_code == 404
    assert "Page introuvable" in answer.content.decode()


def test_address_of_a_button_opened_alone_says_that_nothing_was_done(client):
    client.force_login(factories.user())
    answer = client.get("/compte/role/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "L’action n’a pas été faite" in answer.content.decode()


def test_expired_form_says_that_nothing_was_recorded():
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/compte/connexion/", {"login": "a@exemple.test", "password": "x"})
    assert answer.status_code == 403
    assert "rien n’a été enregistré" in answer.content.decode()


def test_failure_page_needs_neither_request_nor_database():
    page = render_to_string("500.html")
    assert "L’erreur vient de nous" in page


def test_frame_has_no_inline_script_nor_style_and_one_main(client):
    client.force_login(factories.user())
    answer = client.get("/compte/")
    page = answer.content.decode()
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r" style=| on\w+=\"", page) == []
    assert (page.count("<main"), page.count("<h1"), page.count("<nav")) == (1, 1, 2)
    assert '<html lang="fr"' in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_frame_costs_the_session_and_the_person_and_the_role_only(
    client, django_assert_num_queries
):
    person = factories.user()
    client.force_login(person)
    # Session and person; the other two are the savepoint each request is in.
    with django_assert_num_queries(4):
        client.get("/accessibilite/")
    factories.membership(person)
    client.force_login(person)
    with django_assert_num_queries(5):
        client.get("/accessibilite/")


def test_header_says_the_role_and_offers_the_way_back(client):
    membership = factories.membership(role=Membership.Role.COORDINATOR)
    client.force_login(membership.user)
    page = client.get("/accessibilite/").content.decode()
    assert "<strong>coordinateur</strong>" in page
    assert membership.organisation.name in page
    assert "Agir en mon nom" in page
    assert f"/organismes/{membership.organisation.code}/personnes/" in page


def test_header_of_a_person_without_role_offers_no_switch(client):
    client.force_login(factories.user())
    page = client.get("/accessibilite/").content.decode()
    assert "Changer de rôle" not in page
    assert "Mes projets" in page
