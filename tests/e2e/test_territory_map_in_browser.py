"""The map beside the list: by mouse, by rectangle, by keyboard, and always in step."""

import re
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from letters.models import LetterOfIntent
from territories.contours import load_contours
from territories.models import Commune
from tests import factories
from tests.e2e.conftest import axe_violations, overflow
from tests.e2e.pages import SignIn
from tests.letters import cases
from tests.territories.outlines import grid, write

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loaded_territories"),
]

# Three rows of three squares, from south-west to north-east.
NINE = ["81001", "81002", "81003", "81004", "81005", "81006", "81007", "81008", "81009"]
CODES = "**/territoire/communes.json*"


class MapPage:
    """The territory's own page, with its map."""

    def __init__(self, page: Page, letter: LetterOfIntent) -> None:
        self.page = page
        self.letter = letter
        self.place = page.locator("[data-map]")

    def open(self) -> "MapPage":
        self.page.goto(reverse("letters:territory", args=[self.letter.public_id]))
        expect(self.place).to_be_visible()
        return self

    def draws(self, count: int) -> None:
        """How many communes of the territory the map fills."""
        drawn = self.page.locator("[data-territory-map]")
        expect(drawn).to_have_attribute("data-drawn", str(count))

    def box(self) -> dict[str, float]:
        """Where the map is on the screen, brought into sight."""
        self.place.evaluate("place => place.scrollIntoView({block: 'center'})")
        box = self.place.bounding_box()
        assert box
        return dict(box)

    def find(self, code: str) -> tuple[float, float]:
        """A point of a commune on the screen, found as a hand would: by moving over the map."""
        box = self.box()
        said = self.page.locator("[data-map-said]")
        for y in range(int(box["y"]) + 20, int(box["y"] + box["height"]), 25):
            for x in range(int(box["x"]) + 80, int(box["x"] + box["width"]), 25):
                self.page.mouse.move(x, y)
                self.page.evaluate("() => new Promise(requestAnimationFrame)")
                if f"({code})" in said.inner_text():
                    return float(x), float(y)
        raise AssertionError(f"{code} is not on the map")

    def codes(self) -> list[str]:
        parts = self.letter.community.territory.parts.order_by("commune_id")
        return list(parts.values_list("commune_id", flat=True))


@pytest.fixture
def drawn(loaded_territories: None, tmp_path: Path) -> None:
    load_contours(write(tmp_path / "81.json", grid(NINE, columns=3)))


def begin(page: Page, *communes: str) -> MapPage:
    letter = cases.draft("76", communes=communes)
    SignIn(page).as_(letter.created_by.email, factories.PASSWORD)
    page.wait_for_url("**/accueil/")
    return MapPage(page, letter).open()


def see_everything(page: Page) -> None:
    page.get_by_label("Département à dessiner").select_option("81")
    page.get_by_role("button", name="Voir tout le département").click()


@pytest.mark.usefixtures("drawn")
def test_a_click_adds_a_commune_and_another_takes_it_away(page: Page) -> None:
    at = begin(page, "81001")
    at.draws(1)
    see_everything(page)
    middle = at.find("81005")

    page.mouse.click(*middle)

    expect(page.locator("[data-territory-said]")).to_contain_text("(81005)")
    at.draws(2)
    assert at.codes() == ["81001", "81005"]
    expect(page.get_by_role("row", name=re.compile("81005"))).to_be_visible()

    middle = at.find("81005")
    page.mouse.click(*middle)

    expect(page.locator("[data-territory-said]")).to_contain_text("1\u00a0ligne est retirée")
    at.draws(1)
    assert at.codes() == ["81001"]


@pytest.mark.usefixtures("drawn")
def test_a_rectangle_adds_all_it_holds(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(CODES, hold, times=1)
    at = begin(page, "81001")
    # A hand that is faster than the first answer of the server is obeyed, once it has come.
    see_everything(page)
    while not held:
        page.wait_for_timeout(20)
    held[0].continue_()
    at.draws(1)
    page.get_by_role("button", name="Ajouter par un rectangle").click()
    expect(page.locator("[data-map-said]")).to_contain_text("Tracez un rectangle")

    right, top = at.find("81005")
    box = at.box()
    page.mouse.move(box["x"] + 60, box["y"] + box["height"] - 40)
    page.mouse.down()
    page.mouse.move(right, top, steps=4)
    # As far as the middle of the middle square, which the first point found may not reach.
    page.mouse.move(box["x"] + box["width"] / 2 + 10, box["y"] + box["height"] / 2 - 10)
    page.mouse.up()

    at.draws(4)
    assert at.codes() == ["81001", "81002", "81004", "81005"]
    expect(page.get_by_role("button", name="Ajouter par un rectangle")).to_have_attribute(
        "aria-pressed", "false"
    )


@pytest.mark.usefixtures("drawn")
def test_the_map_follows_the_list_and_the_keyboard(page: Page) -> None:
    at = begin(page)
    at.draws(0)
    page.get_by_role("combobox", name=re.compile("Nom, code postal")).focus()
    page.keyboard.type("81002")
    expect(page.locator("li[role=option]")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("[data-territory-said]")).to_contain_text("(81002)")

    see_everything(page)

    at.draws(1)
    page.get_by_role("button", name=re.compile("^Retirer ")).first.press("Enter")
    at.draws(0)


@pytest.mark.usefixtures("drawn")
def test_a_refusal_leaves_the_map_and_the_list_in_step(page: Page) -> None:
    at = begin(page, "81001")
    at.draws(1)
    see_everything(page)
    middle = at.find("81005")
    # Its commune ends meanwhile: the page still shows it.
    Commune.objects.filter(pk="81005").update(is_active=False)

    page.mouse.click(*middle)

    sentence = "(81005) n’est plus une commune en vigueur"
    expect(page.locator("[data-territory-said]")).to_contain_text(sentence)
    expect(page.locator("[data-map-said]")).to_contain_text(sentence)
    at.draws(1)
    assert at.codes() == ["81001"]


@pytest.mark.usefixtures("drawn")
def test_an_ended_session_is_said_and_the_map_stays_as_it_was(page: Page) -> None:
    at = begin(page, "81001")
    at.draws(1)
    see_everything(page)
    middle = at.find("81005")
    page.context.clear_cookies()

    page.mouse.click(*middle)

    expect(page.locator("[data-map-said]")).to_contain_text("votre session a pris fin")
    at.draws(1)
    assert at.codes() == ["81001"]


@pytest.mark.usefixtures("drawn")
def test_the_checks_follow_each_change(page: Page) -> None:
    at = begin(page, "81001")
    panel = page.locator("[data-checks-body]")
    expect(panel).to_contain_text("est coupée en deux")
    expect(panel).not_to_contain_text("d’un seul tenant")
    see_everything(page)
    corner = at.find("81009")

    page.mouse.click(*corner)

    expect(panel).to_contain_text("Le territoire n’est pas d’un seul tenant")
    expect(page.locator("[data-checks-said]")).to_contain_text("à vérifier dans le territoire.")


@pytest.mark.usefixtures("drawn")
def test_the_page_with_its_map_is_accessible_and_fits_a_phone(page: Page) -> None:
    begin(page, "81001", "81002")

    assert axe_violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert overflow(page) == 0


def test_without_outlines_the_page_does_without_a_map(page: Page) -> None:
    letter = cases.draft("76", communes=("81001",))
    SignIn(page).as_(letter.created_by.email, factories.PASSWORD)
    page.wait_for_url("**/accueil/")
    page.goto(reverse("letters:territory", args=[letter.public_id]))

    expect(page.get_by_role("heading", name="Le territoire aujourd’hui")).to_be_visible()
    expect(page.get_by_role("heading", name="La carte")).to_have_count(0)
