"""A text that was typed when the session ended is there after logging in, and only then."""

import re

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests import factories
from tests.e2e.pages import SignIn, press
from tests.letters import cases

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

TYPED = "La carte est précisée, avec les deux quartiers."
FOUND = "Texte retrouvé"


def test_a_message_typed_when_the_session_ended_comes_back_after_logging_in(
    page: Page, transactional_db: None
) -> None:
    lead = factories.user(first_name="Claire", last_name="Fabre")
    letter = cases.deposited("76", owner=lead)
    messages = reverse("cases:messages", args=[letter.public_id])
    SignIn(page).as_(lead.email, factories.PASSWORD)
    page.goto(messages)
    text = page.get_by_label("Votre message")
    text.fill(TYPED)
    Session.objects.all().delete()
    press(page, "Envoyer au bureau")
    main = page.get_by_role("main")
    main.get_by_label("Adresse électronique").fill(lead.email)
    main.get_by_label("Mot de passe", exact=True).fill(factories.PASSWORD)
    press(page, "Se connecter")

    page.wait_for_url(re.compile(re.escape(messages)))
    expect(text).to_have_value(TYPED)
    expect(page.get_by_text(FOUND)).to_be_visible()

    press(page, "Envoyer au bureau")
    expect(main.get_by_text(TYPED)).to_have_count(1)
    expect(text).to_have_value("")
    page.reload()
    expect(text).to_have_value("")

    # Typed and left: it waits in the tab, and goes with a logout.
    page.locator("details:has(textarea) > summary").click()
    text.fill("Un mot encore.")
    page.goto("/accueil/")
    page.goto(messages)
    expect(text).to_be_visible()
    expect(text).to_have_value("Un mot encore.")
    page.get_by_role("button", name="Se déconnecter").click()
    expect(page.get_by_role("link", name="Créer un compte").first).to_be_visible()
    assert page.evaluate("Object.keys(sessionStorage)") == []
