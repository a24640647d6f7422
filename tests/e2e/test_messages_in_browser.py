"""The office writes from one of its texts, the lead answers on a phone, both read the story."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests import factories
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import follow, press
from tests.e2e.test_pages_in_browser import enter
from tests.letters import cases
from tests.workflow import asking
from workflow.message_templates import save_template

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def clean(page: Page) -> None:
    """The page fits its screen and says everything to a screen reader."""
    assert (overflow(page), axe_violations(page)) == (0, [])


def test_an_office_writes_from_a_text_and_the_lead_answers_on_a_phone(
    open_browser: Callable[..., Page], live_server: Any, tmp_path: Path, transactional_db: None
) -> None:
    lead = factories.user(first_name="Claire", last_name="Fabre")
    letter = cases.deposited("76", owner=lead)
    agent = asking.member(asking.guichet(), "reviewer")
    save_template(
        None,
        user=agent,
        name="Carte du territoire",
        subject="Carte à préciser",
        text="Bonjour {{ referent }},\n\nMerci de préciser la carte de {{ titre }}.",
    )

    office = open_browser()
    enter(office, agent, live_server.url)
    office.goto(f"/lettres/{letter.public_id}/")
    follow(office, "Messages")
    office.get_by_label("Commencer avec un modèle").select_option(label="Carte du territoire")
    press(office, "Insérer")
    expect(office.get_by_label("Objet")).to_have_value("Carte à préciser")
    expect(office.get_by_label("Votre message")).to_have_value(
        f"Bonjour Claire Fabre,\n\nMerci de préciser la carte de {letter.title}."
    )
    office.get_by_label("J’attends une réponse").check(force=True)
    clean(office)
    press(office, "Envoyer à l’équipe")
    expect(office.get_by_role("main")).to_contain_text("Pas encore lu par l’équipe")
    clean(office)

    phone = open_browser(viewport=PHONE)
    enter(phone, lead, live_server.url)
    phone.goto("/accueil/")
    expect(phone.get_by_role("main")).to_contain_text("Le bureau en charge attend votre réponse.")
    clean(phone)
    follow(phone, "Répondre au bureau")
    expect(phone.get_by_role("main")).to_contain_text("Merci de préciser la carte")
    clean(phone)
    piece = tmp_path / "carte.pdf"
    piece.write_bytes(PDF)
    # The form is folded, so that the message to answer is read first.
    phone.locator("summary", has_text="Répondre").click()
    clean(phone)
    phone.get_by_label("Votre message").fill("Bonjour, voici la carte précisée.")
    phone.get_by_label("Fichiers").set_input_files(piece)
    press(phone, "Envoyer au bureau")
    expect(phone.get_by_role("main")).to_contain_text("Votre message est envoyé au bureau")
    expect(phone.get_by_role("main")).to_contain_text("Répondu")
    clean(phone)

    office.reload()
    expect(office.get_by_role("main")).to_contain_text("voici la carte précisée")
    with office.expect_download() as download:
        follow(office, "carte.pdf")
    assert Path(download.value.path()).read_bytes() == PDF
    follow(office, "Suivi")
    office.wait_for_url(re.compile("/suivi/"))
    expect(office.get_by_role("main")).to_contain_text("vu par l’équipe et par le bureau en charge")
    clean(office)
    office.goto("/bureau/modeles/")
    clean(office)
    follow(office, "Carte du territoire")
    clean(office)
