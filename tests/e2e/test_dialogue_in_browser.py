"""A yearly dialogue as it is led: the CPTS on a phone, the fund and the agency at a desk."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from tests import factories
from tests.contracts import conversing
from tests.contracts.conversing import YEAR, Table
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def table(transactional_db: None) -> Table:
    return conversing.table()


def sound(page: Page) -> None:
    """The page is clean for axe and scrolls in one direction."""
    assert (axe_violations(page), overflow(page)) == ([], 0)


def at(page: Page, person: User, table: Table, name: str, *rest: Any) -> None:
    if page.url == "about:blank":
        SignIn(page).as_(person.email, factories.PASSWORD)
    page.goto(reverse(f"contracts:{name}", args=[table.contract.public_id, *rest]))


def test_declared_on_a_phone_reviewed_and_concluded_at_a_desk(
    open_browser: Callable[..., Page], table: Table
) -> None:
    phone, desk, other = (open_browser(viewport=one) for one in (PHONE, DESKTOP, DESKTOP))
    at(phone, table.lead, table, "missions")
    sound(phone)
    at(phone, table.lead, table, "dialogue", YEAR)
    sound(phone)
    phone.get_by_role("link", name=re.compile("Annuaire des professionnels")).click()
    phone.get_by_label("Oui").check(force=True)
    people = {
        "name": "présents.csv",
        "mimeType": "text/csv",
        "buffer": "Nom;Prénom\nMartin;Camille".encode(),
    }
    phone.get_by_label("Ajouter une preuve").set_input_files([people])
    phone.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(phone.get_by_role("alert")).to_contain_text("comme une liste de patients")
    sound(phone)
    phone.get_by_label("Ce fichier ne nomme aucun patient").check(force=True)
    phone.get_by_label("Ajouter une preuve").set_input_files([people])
    phone.get_by_role("button", name="Enregistrer", exact=True).click()
    expect(phone.get_by_text("confirmé sans patient")).to_be_visible()
    phone.get_by_role("link", name="Dépenses et bilan").click()
    sound(phone)
    table.declare()

    at(desk, table.fund, table, "dialogue", YEAR)
    desk.get_by_role("link", name="Examiner les résultats").click()
    sound(desk)
    for group in desk.get_by_role("group", name=re.compile("^Votre avis")).all():
        group.get_by_label("Accepté").check(force=True)
    first = desk.get_by_role("group", name=re.compile("Votre examen")).first
    first.get_by_label("Contesté").check(force=True)
    desk.get_by_role("button", name="Terminer l’examen").click()
    expect(desk.get_by_role("alert")).to_contain_text("pourquoi vous contestez")
    first.get_by_label("Pourquoi").fill("L’annuaire n’est pas en ligne.")
    desk.get_by_role("button", name="Terminer l’examen").click()
    expect(desk.get_by_text("Votre examen est terminé.")).to_be_visible()

    at(other, table.agency, table, "dialogue-review", YEAR)
    for group in other.get_by_role("group", name=re.compile("^Votre avis")).all():
        group.get_by_label("Accepté").check(force=True)
    other.get_by_role("button", name="Terminer l’examen").click()

    at(phone, table.lead, table, "dialogue-answer", YEAR)
    sound(phone)
    phone.get_by_label("Votre réponse").fill("Il l’est depuis mai.")
    phone.get_by_role("button", name="Transmettre les réponses").click()
    at(desk, table.fund, table, "dialogue-conclude", YEAR)
    sound(desk)
    desk.get_by_label("Oui").first.check(force=True)
    desk.get_by_role("button", name="Proposer aux parties").click()
    expect(desk.get_by_text("La conclusion est proposée aux parties.")).to_be_visible()
    sound(desk)
    at(phone, table.lead, table, "dialogue-agree", YEAR)
    sound(phone)
