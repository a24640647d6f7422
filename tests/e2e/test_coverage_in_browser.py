"""The coverage of a région, a commune's CPTS and the simulator, as people use them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from letters.models import LetterOfIntent
from letters.simulating import create_variant
from territories.contours import load_contours
from territories.services import add_communes
from tests import factories
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, press
from tests.letters import cases
from tests.territories.outlines import grid, write
from workflow import claims
from workflow.models import Case

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loaded_territories"),
]


@pytest.fixture
def drawn(loaded_territories: None, tmp_path: Path) -> None:
    load_contours(write(tmp_path / "81.json", grid(["81140", "81271", "81004"], columns=3)))


def sign_in(page: Page, person: User) -> Page:
    SignIn(page).as_(person.email, factories.PASSWORD)
    page.wait_for_url(lambda url: "connexion" not in url)
    return page


def codes(letter: LetterOfIntent) -> list[str]:
    parts = letter.community.territory.parts.order_by("commune_id")
    return list(parts.values_list("commune_id", flat=True))


def test_a_variant_is_tried_and_adopted(page: Page) -> None:
    letter = cases.draft("76", communes=("81140",))
    sign_in(page, letter.created_by)
    page.goto(reverse("letters:territory", args=[letter.public_id]))
    page.get_by_role("link", name="le simulateur").click()
    page.get_by_label("Son nom").fill("Avec Saint-Sulpice")
    press(page, "Créer la variante")

    page.get_by_role("combobox").fill("81271")
    expect(page.locator("li[role=option]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[data-territory-said]")).to_contain_text("(81271)")
    expect(page.get_by_text("1 en plus")).to_be_visible()
    assert codes(letter) == ["81140"]

    page.get_by_role("link", name="Adopter cette variante…").click()
    expect(page.get_by_text("Saint-Sulpice-la-Pointe (81271)")).to_be_visible()
    press(page, "Adopter la variante")

    expect(page.get_by_text("est maintenant celui de")).to_be_visible()
    assert codes(letter) == ["81140", "81271"]


def test_a_co_editor_s_change_is_never_overwritten(page: Page) -> None:
    letter = cases.draft("76", communes=("81140",))
    one = create_variant(letter, letter.community.territory, "Sans rien", user=letter.created_by)
    add_communes(one.territory, ["81271"])
    sign_in(page, letter.created_by)
    page.goto(reverse("letters:variant-adopt", args=[letter.public_id, one.pk]))
    add_communes(letter.community.territory, ["81004"])

    press(page, "Adopter la variante")

    expect(page.get_by_role("alert")).to_contain_text("a changé le territoire de la lettre")
    expect(page.get_by_text("Albi (81004)")).to_be_visible()
    assert codes(letter) == ["81004", "81140"]


@pytest.mark.usefixtures("drawn")
def test_the_agency_reads_its_region_on_the_map_and_in_the_list(page: Page) -> None:
    letter = cases.deposited("76", communes=("81140",))
    sign_in(page, cases.agent(cases.body("ars", "76")))
    page.get_by_role("link", name="Couverture").click()

    expect(page.locator("[data-coverage-map]")).to_have_attribute("data-drawn", "3")
    page.get_by_role("link", name="1 communes, Lettre déposée").click()
    expect(page.get_by_role("link", name=letter.reference or "")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Enregistrer la carte en PNG").click()
    assert saved.value.suggested_filename == "couverture-76.png"


@pytest.mark.usefixtures("drawn")
def test_pages_are_accessible_and_fit_a_phone(open_browser: Callable[..., Page]) -> None:
    letter = cases.deposited("76", communes=("81140",))
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=letter.pk))
    draft = cases.draft("76", communes=("81271",))
    one = create_variant(draft, draft.community.territory, "Essai", user=draft.created_by)
    add_communes(one.territory, ["81140"])
    looked_at = {
        None: ["/communes/", "/communes/?q=lavaur", "/communes/81140/", "/communes/81004/"],
        cases.agent(cases.body("ars", "76")): [
            "/bureau/couverture/",
            "/bureau/couverture/?vue=epci",
        ],
        draft.created_by: [
            reverse("letters:simulation", args=[draft.public_id]),
            reverse("letters:variant", args=[draft.public_id, one.pk]),
            reverse("letters:variant-adopt", args=[draft.public_id, one.pk]),
        ],
    }
    for person, addresses in looked_at.items():
        page = open_browser(viewport=PHONE)
        if person is not None:
            sign_in(page, person)
        for address in addresses:
            page.goto(address)
            page.wait_for_load_state("networkidle")
            assert (address, axe_violations(page), overflow(page)) == (address, [], 0)
