"""The questionnaire as people use it: a professional on a phone, the URPS and the lead after."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from mobilisation import forms
from mobilisation.models import Contact, Questionnaire, Reply
from tests import factories
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, heading, press
from tests.letters import cases
from tests.mobilisation import polling

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
OpenBrowser = Callable[..., Page]


def checked(page: Page) -> None:
    """What every page must be: no rule of axe broken, no wider than its window."""
    assert (axe_violations(page), overflow(page)) == ([], 0)


@pytest.mark.usefixtures("reference_data")
def test_from_the_draft_to_an_answer_on_a_phone_then_to_the_letter(
    open_browser: OpenBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "SHORTEST", 0)
    letter = cases.draft("76", communes=polling.INSIDE)
    community, urps = letter.community, polling.urps()
    at = f"/cpts/{community.public_id}/questionnaires"
    president = polling.president(urps)

    lead = open_browser(viewport=PHONE)
    SignIn(lead).as_(letter.created_by.email, factories.PASSWORD)
    lead.goto(f"{at}/")
    checked(lead)
    follow(lead, "Préparer le questionnaire")
    lead.get_by_label("URPS qui ouvre").select_option(label=urps.name)
    lead.get_by_text("Question 1").first.click()
    lead.locator("#id_label_1").fill("Un samedi de garde ?")
    lead.locator("#id_kind_1").select_option("choice")
    checked(lead)
    press(lead, "Enregistrer et relire")
    expect(lead.get_by_role("alert")).to_contain_text("au moins deux choix")
    lead.locator("#id_choices_1").fill("Oui\nNon")
    press(lead, "Enregistrer et relire")
    follow(lead, "Voir comme un professionnel")
    expect(lead.get_by_text("Un samedi de garde ?")).to_be_visible()
    lead.go_back()
    press(lead, "Soumettre à l’URPS")
    expect(lead.get_by_role("status").first).to_contain_text("est prévenue")

    body = open_browser()
    SignIn(body).as_(president.email, factories.PASSWORD)
    follow_menu(body, "Questionnaires")
    checked(body)
    follow(body, community.name)
    checked(body)
    press(body, "Donner l’accord et ouvrir")
    one = Questionnaire.objects.get()

    # Without any script, as on the oldest phone; then corrected with one.
    phone = open_browser(viewport=PHONE, java_script_enabled=False)
    phone.goto(f"/q/{one.code}/")
    press(phone, "Envoyer ma réponse")
    expect(phone.get_by_role("alert").get_by_role("link")).to_have_count(3)
    answer_by_thumb(phone)
    assert heading(phone) == "Merci, votre réponse est enregistrée"

    phone = open_browser(viewport=PHONE)
    phone.goto(f"/q/{one.code}/")
    checked(phone)
    phone.goto(polling.own_path(Reply.objects.get()))
    checked(phone)
    follow(phone, "Corriger ma réponse")
    phone.get_by_label("Porter le projet avec l’équipe").check(force=True)
    checked(phone)
    press(phone, "Enregistrer la correction")
    expect(phone.get_by_text("Porter le projet avec l’équipe")).to_be_visible()
    assert Reply.objects.get().interest == 4

    Contact.objects.create(questionnaire=one, email="a@exemple.test", token_digest="a" * 64)
    for tail in ("", "resultats/", "resultats/textes/", "effectifs/", "reunions/", "liste/",
                 "liste/importer/", "lettre/"):  # fmt: skip
        lead.goto(f"{at}/{one.public_id}/{tail}")
        checked(lead)
    press(lead, "Reprendre dans la lettre")
    lead.wait_for_url(re.compile("/lettres/"))
    rows = letter.answers.get(key="solicited_professionals").value
    assert [row["willing"] for row in rows if row["row"] == "midwives"] == ["1"]
    assert [row["name"] for row in letter.answers.get(key="team").value] == ["FABRE Claire"]


def answer_by_thumb(page: Page) -> None:
    """What a midwife of Lavaur fills in."""
    page.get_by_label("Votre profession").select_option(label="Sage-femme")
    page.get_by_label("Où exercez-vous").select_option(label="Lavaur")
    page.get_by_label("Prendre part au projet").check(force=True)
    page.locator("#id_last_name").fill("Fabre")
    page.get_by_label("Prénom").fill("Claire")
    page.get_by_label("Adresse électronique").fill("claire.fabre@exemple.test")
    page.get_by_label("Mon nom peut figurer").check(force=True)
    press(page, "Envoyer ma réponse")


def follow_menu(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Menu principal").get_by_role("link", name=name).click()
