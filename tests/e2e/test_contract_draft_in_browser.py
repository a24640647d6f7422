"""A contract of the third size in the browser, until all agree: opened, negotiated, read whole."""

import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from contracts.drafts import drafting
from contracts.models import Contract
from tests import factories
from tests.contracts import drafts
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, press

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loaded_territories"),
]


def checked(page: Page) -> Page:
    """Nothing that axe refuses, and nothing wider than a phone."""
    assert axe_violations(page) == []
    size = page.viewport_size
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    assert overflow(page) == 0
    if size:
        page.set_viewport_size(size)
    return page


def said(page: Page) -> str:
    return page.get_by_role("main").inner_text().replace("\u00a0", " ")


def test_three_parties_write_a_contract_until_they_agree(
    open_browser: Callable[..., Page],
) -> None:
    people = drafts.parties()

    def as_(person: User) -> Page:
        page = open_browser()
        SignIn(page).as_(person.email, factories.PASSWORD)
        return page

    # The lead opens the draft and proposes its dates; the CPAM accepts them.
    lead = as_(people.owner)
    lead.goto(reverse("contracts:draft-open", args=[people.community.public_id]))
    checked(lead)
    press(lead, "Ouvrir le projet de contrat")
    expect(lead.get_by_role("main")).to_contain_text("Avant de figer, il manque")
    checked(lead)
    contract = Contract.objects.get(community=people.community)
    page_of = reverse("contracts:draft", args=[contract.public_id])
    follow(lead, "Durée")
    lead.get_by_label("Premier jour du contrat").fill("2027-01-01")
    press(lead, "Proposer aux autres parties")
    expect(lead.get_by_role("main")).to_contain_text("La proposition est envoyée")
    fund = as_(people.payer)
    fund.goto(f"{page_of}partie/duration/")
    checked(fund)
    press(fund, "Accepter la proposition")
    expect(fund.get_by_role("main")).to_contain_text("31 décembre 2031")
    fund.get_by_label("Votre remarque").fill("D’accord pour janvier.")
    press(fund, "Envoyer la remarque")
    expect(fund.get_by_role("main")).to_contain_text("D’accord pour janvier.")
    for section in ("missions", "representatives", "indicators"):
        fund.goto(f"{page_of}partie/{section}/")
        checked(fund)

    # The rest is written; a change made meanwhile clears the agreement of the agency.
    draft = drafting.draft_of(contract)
    assert draft
    agency = as_(people.agent)
    agency.goto(page_of)
    press(agency, re.compile("Marquer l’accord"))
    draft = drafts.filled_in(draft, people)
    agency.goto(page_of)
    assert "Accord levé le" in said(agency)
    for page in (agency, fund, lead):
        page.goto(page_of)
        press(page, re.compile("Marquer l’accord"))
    lead.goto(f"{page_of}texte/")
    assert "397 500 € au plus" in said(lead)
    checked(lead)
    lead.goto(f"{page_of}versions/?de=1&a={draft.revision}")
    checked(lead)
    lead.goto(page_of)
    assert "Figer la version" in said(lead)
    checked(lead)
