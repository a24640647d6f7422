"""The territory, the pieces and the deposit in a browser, by keyboard too."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from letters.models import LetterOfIntent
from tests import factories
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn
from tests.letters import cases
from workflow.models import CaseAttachment

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loaded_territories"),
]

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def begin(page: Page, *, communes: tuple[str, ...] = ()) -> LetterOfIntent:
    """A draft in Occitanie, its owner signed in."""
    letter = cases.draft("76", communes=communes)
    SignIn(page).as_(letter.created_by.email, factories.PASSWORD)
    page.wait_for_url("**/accueil/")
    return letter


def step(letter: LetterOfIntent, section: str = "territory") -> str:
    return reverse("letters:step", args=[letter.public_id, section])


def territory(letter: LetterOfIntent) -> str:
    return reverse("letters:territory", args=[letter.public_id])


def codes(letter: LetterOfIntent) -> list[str]:
    parts = letter.community.territory.parts.order_by("commune_id")
    return list(parts.values_list("commune_id", flat=True))


@pytest.mark.parametrize("place", [step, territory], ids=["step", "page"])
def test_a_commune_is_added_by_keyboard_without_leaving_the_page(page, place):
    letter = begin(page)
    page.goto(place(letter))
    search = page.get_by_role("combobox")
    search.focus()
    page.keyboard.type("lavaur")
    expect(page.get_by_role("option").first).to_contain_text("Lavaur (Tarn")
    expect(search).to_have_attribute("aria-expanded", "true")
    live = page.locator("[data-territory] > [role=status]")
    expect(live).to_contain_text(re.compile(r"\d+ communes trouvées"))
    page.keyboard.press("ArrowDown")
    active = search.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(page.locator("[data-territory-said]")).to_contain_text("Lavaur (81140)")
    expect(live).to_contain_text("1\u00a0commune")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    assert codes(letter) == ["81140"]
    assert page.url.split("#")[0].endswith(place(letter))


def test_escape_closes_the_list_and_what_does_not_exist_is_said(page):
    letter = begin(page)
    page.goto(territory(letter))
    search = page.get_by_role("combobox")
    search.focus()
    page.keyboard.type("zzzzzz")
    expect(page.locator("[data-territory] > [role=status]")).to_contain_text("Aucune commune")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(search).to_have_value("zzzzzz")
    page.keyboard.press("Escape")
    expect(search).to_have_value("")


def test_the_population_and_the_size_follow_everywhere_on_the_step(page):
    letter = begin(page)
    page.goto(step(letter))
    page.get_by_role("combobox").fill("31149")
    page.get_by_role("option", name=re.compile("Colomiers")).click()
    expect(page.locator("[data-population]")).to_contain_text("pour 1 commune")
    expect(page.locator("[data-size-class] .written-box--ticked")).to_contain_text("Taille 2")
    page.get_by_role("button", name=re.compile("^Retirer")).click()
    expect(page.locator("[data-territory-said]")).to_contain_text("retirée du territoire")
    expect(page.locator("[data-size-class] .written-box--ticked")).to_have_count(0)
    assert codes(letter) == []


def test_the_whole_epci_and_a_departement_are_added_in_place(page):
    letter = begin(page)
    page.goto(territory(letter))
    page.get_by_role("combobox").fill("81140")
    page.get_by_role("option", name=re.compile("Lavaur")).click()
    page.get_by_role("button", name=re.compile("Ajouter toute l’intercommunalité")).click()
    expect(page.locator("[data-territory-said]")).to_contain_text("communes sont ajoutées")
    assert len(codes(letter)) > 15
    page.get_by_text("Ajouter une intercommunalité ou tout un département").click()
    page.get_by_label("Département").select_option("90")
    page.get_by_role("button", name="Voir ses intercommunalités").click()
    belfort = page.locator("#choisir li").first
    expect(belfort).to_contain_text(re.compile("101.communes, 140.255.habitants"))
    belfort.get_by_role("button").click()
    expect(page.locator("[data-territory-state]")).to_contain_text("Territoire de Belfort (90)")


def test_an_epci_is_found_in_its_departement_and_added_by_keyboard_alone(page):
    letter = begin(page)
    page.goto(territory(letter))
    opening = page.get_by_text("Ajouter une intercommunalité ou tout un département")
    opening.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Département")).to_be_focused()
    page.keyboard.type("81")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    add = page.get_by_role("button", name=re.compile("Ajouter toutes ses communes.*CC Tarn-Agout"))
    expect(add).to_be_visible()
    add.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-territory-said]")).to_contain_text("21\u00a0communes sont ajoutées")
    live = page.locator("[data-territory] > [role=status]")
    expect(live).to_contain_text("21\u00a0communes. ")
    assert len(codes(letter)) == 21
    assert axe_violations(page) == []


def test_a_refusal_and_an_ended_session_are_said_and_nothing_is_lost(page):
    letter = begin(page, communes=("81140",))
    page.goto(step(letter))
    search = page.get_by_role("combobox")
    search.fill("81140")
    page.get_by_role("option", name=re.compile("Lavaur")).click()
    expect(page.locator("[data-territory-said]")).to_contain_text("est déjà dans le territoire")
    search.fill("81271")
    option = page.get_by_role("option", name=re.compile("Saint-Sulpice"))
    expect(option).to_be_visible()
    page.context.clear_cookies()
    option.click()
    expect(page.locator("[data-territory-said]")).to_contain_text("votre session a pris fin")
    assert codes(letter) == ["81140"]


def test_a_file_is_sent_from_within_the_step(page, tmp_path: Path):
    letter = begin(page)
    page.goto(step(letter, "identity"))
    good, bad = tmp_path / "cerfa.pdf", tmp_path / "virus.pdf"
    good.write_bytes(PDF)
    bad.write_bytes(b"MZ\x90\x00" + bytes(500))
    slot = page.locator("#piece-cerfa")
    slot.locator("input[type=file]").set_input_files(bad)
    expect(slot.locator("[data-slot-refusals]")).to_contain_text("n’est pas accepté ici")
    slot.locator("input[type=file]").set_input_files(good)
    expect(slot.get_by_role("link", name="cerfa.pdf", exact=True)).to_be_visible()
    expect(slot.locator("h2")).to_be_focused()
    assert CaseAttachment.objects.get(case=letter).attachment.name == "cerfa.pdf"


def test_a_file_too_large_is_refused_before_it_leaves(page, tmp_path: Path):
    letter = begin(page)
    page.goto(reverse("letters:attachments", args=[letter.public_id]))
    large = tmp_path / "carte.pdf"
    large.write_bytes(PDF + bytes(11 * 1024 * 1024))
    slot = page.locator("#piece-map")
    slot.locator("input[type=file]").set_input_files(large)
    slot.get_by_role("button", name=re.compile("^Envoyer")).click()
    expect(slot.locator("[data-slot-refusals]")).to_contain_text("pèse plus de 10 Mo")
    assert not CaseAttachment.objects.exists()


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_the_pages_are_sound_for_axe_and_fit_the_window(
    open_browser: Callable[..., Page], viewport
):
    page = open_browser(**({"viewport": viewport} if viewport else {}))
    letter = begin(page, communes=("81140", "31149"))
    cases.fill(letter)
    found = {}
    for name in ("territory", "attachments", "deposit"):
        for suffix in ("", "?q=lavaur&partie=81060") if name == "territory" else ("",):
            page.goto(reverse(f"letters:{name}", args=[letter.public_id]) + suffix)
            found[name + suffix] = (axe_violations(page), overflow(page))
    assert found == {name: ([], 0) for name in found}


def test_the_letter_is_deposited_by_keyboard(page):
    letter = begin(page, communes=("81140",))
    cases.fill(letter)
    page.goto(reverse("letters:deposit", args=[letter.public_id]))
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.get_by_label("Fait à").focus()
    page.keyboard.type("Lavaur")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("La lettre est déposée")
    assert LetterOfIntent.objects.get(pk=letter.pk).state == "deposited"
