"""The people of a circuit in front of the portal, and the pages they meet after a deposit."""

import io
import re
from collections.abc import Callable
from datetime import date, time
from pathlib import Path

import pypdf
from playwright.sync_api import Locator, Page, expect

from accounts.models import User
from letters.models import LetterOfIntent
from tests.e2e.conftest import DESKTOP, axe_violations, overflow
from tests.e2e.pages import follow, press
from tests.e2e.test_pages_in_browser import enter
from writing.completing import targets


class Cast:
    """Everyone of a circuit, each in a browser of their own; `faults` is what their pages had."""

    def __init__(
        self, open_browser: Callable[..., Page], url: str, viewport: dict[str, int] = DESKTOP
    ) -> None:
        self.open_browser = open_browser
        self.url = url
        self.viewport = viewport
        self.faults: list[str] = []

    def enters(self, name: str) -> Page:
        """The person of this address, signed in."""
        page = self.open_browser(viewport=self.viewport)
        enter(page, User.objects.get(email=f"{name}@exemple.test"), self.url)
        return page

    def meets(self, page: Page) -> None:
        """Read the page shown: axe finds nothing, nothing sticks out of the window."""
        found = axe_violations(page)
        if wider := overflow(page):
            found.append(f"{wider} pixels wider than the window")
        self.faults += [f"{page.url}: {fault}" for fault in found]


def case_url(letter: LetterOfIntent, tab: str = "") -> str:
    return f"/dossiers/{letter.public_id}/{tab}"


def letter_url(letter: LetterOfIntent) -> str:
    return f"/lettres/{letter.public_id}/"


class CompletionDraft:
    """A request for complements, as the office prepares it."""

    def __init__(self, page: Page, letter: LetterOfIntent) -> None:
        self.page = page
        self.letter = letter

    def begin(self) -> "CompletionDraft":
        self.page.goto(case_url(self.letter, "complements/"))
        press(self.page, "Préparer une demande de compléments")
        return self

    def add(self, key: str, *, reason: str, comment: str = "") -> None:
        self.page.get_by_label("Ce qui est à compléter").select_option(key)
        self.page.get_by_label(reason).check(force=True)
        self.page.get_by_label("Ce que vous attendez").fill(comment)
        press(self.page, "Ajouter ce point")
        expect(self.page.get_by_role("main")).to_contain_text("est ajouté à la demande")

    def review(self) -> None:
        follow(self.page, "Relire et envoyer")

    def send(self) -> None:
        press(self.page, "Envoyer à l’équipe")
        expect(self.page.get_by_role("main")).to_contain_text("La demande est envoyée")


class CompletionAnswer:
    """The same request, as the team answers it."""

    def __init__(self, page: Page, letter: LetterOfIntent) -> None:
        self.page = page
        self.letter = letter

    def go_to(self, key: str) -> None:
        """Follow the link of an item to where it is done."""
        label = next(one.label for one in targets(self.letter) if one.key == key)
        name = re.compile(f"^Compléter.*{re.escape(label[:25])}")
        self.page.get_by_role("main").get_by_role("link", name=name).click()

    def write(self, key: str, text: str) -> None:
        self.page.locator(f'[data-field="{key}"] [data-main]').fill(text)
        press(self.page, "Enregistrer et revenir à la demande")

    def attach(self, file: Path) -> None:
        main = self.page.get_by_role("main")
        main.locator("input[type=file]").first.set_input_files(file)
        send = main.get_by_role("button", name=re.compile("^Envoyer"))
        if send.count():
            send.first.click()
        expect(main).to_contain_text(file.name)
        follow(self.page, "Revenir à la demande de compléments")

    def deposit(self) -> None:
        press(self.page, "Déposer la réponse")
        expect(self.page.get_by_role("main")).to_contain_text("Votre réponse est déposée")


class DecisionTab:
    """The tab « Décision »: writing, signing, reading."""

    def __init__(self, page: Page, letter: LetterOfIntent) -> None:
        self.page = page
        self.letter = letter

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def open(self) -> "DecisionTab":
        self.page.goto(case_url(self.letter, "decision/"))
        return self

    def write(self, *, reasons: tuple[str, ...], reserves: str = "") -> None:
        follow(self.page, "Rédiger la décision")
        self.main.get_by_label("Accepter").check(force=True)
        for reason in reasons:
            self.main.get_by_label(reason).check(force=True)
        self.main.get_by_label("Réserves à suivre").fill(reserves)

    def propose(self) -> None:
        press(self.page, "Proposer à la signature")
        expect(self.main).to_contain_text("Décision proposée")

    def sign(self, capacity: str) -> None:
        self.main.get_by_label("Votre qualité").fill(capacity)
        press(self.page, "Approuver et signer")


class FollowUps:
    """The tab « Suites »: what a decision leaves to do."""

    def __init__(self, page: Page, letter: LetterOfIntent) -> None:
        self.page = page
        self.letter = letter

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    def open(self) -> "FollowUps":
        self.page.goto(case_url(self.letter, "suites/"))
        return self

    def unfold(self, title: str) -> Locator:
        """Open one of the folded forms, unless the page shows it open."""
        form = self.main.locator("details").filter(has=self.page.get_by_text(title, exact=True))
        if form.first.get_attribute("open") is None:
            form.first.locator("summary").click()
        return form.first

    def grant(self, label: str, amount: str, day: date) -> None:
        form = self.unfold("Enregistrer une aide")
        options = form.get_by_label("Aide", exact=True)
        key = options.locator("option", has_text=label).get_attribute("value")
        options.select_option(key)
        form.get_by_label("Montant en euros").fill(amount)
        form.get_by_label("Accordée le").fill(day.isoformat())
        press(self.page, "Enregistrer l’aide")
        expect(self.main).to_contain_text("L’aide est enregistrée.")

    def answer_reserve(self, text: str) -> None:
        form = self.unfold("Répondre")
        form.get_by_label("Ce que votre équipe a fait").fill(text)
        press(self.page, "Envoyer la réponse")

    def lift_reserve(self, proof: str) -> None:
        form = self.unfold("Lever la réserve")
        form.get_by_label("La preuve").fill(proof)
        form.get_by_role("button", name="Lever la réserve").click()
        expect(self.main).to_contain_text("La réserve est levée.")

    def note_payment(self, day: date) -> None:
        form = self.unfold("Noter le versement")
        form.get_by_label("Versée le").fill(day.isoformat())
        form.get_by_role("button", name="Noter le versement").click()
        expect(self.main).to_contain_text("Le versement est noté.")

    def call_meeting(self, day: date, starts: time, ends: time, *, place: str) -> None:
        form = self.unfold("Préparer la réunion")
        form.get_by_label("Date").fill(day.isoformat())
        form.get_by_label("Début").fill(f"{starts:%H:%M}")
        form.get_by_label("Fin", exact=True).fill(f"{ends:%H:%M}")
        form.get_by_label("Lieu").fill(place)
        press(self.page, "Envoyer les invitations")
        expect(self.main).to_contain_text("Les invitations partent.")

    def close_meeting(self, day: date, minutes: Path) -> None:
        form = self.unfold("Noter que la réunion a été tenue")
        form.get_by_label("Tenue le").fill(day.isoformat())
        form.get_by_label("Compte rendu").set_input_files(minutes)
        press(self.page, "Clore l’étape")
        expect(self.main).to_contain_text("La réunion est notée comme tenue.")


def pdf_at(page: Page, link: Locator) -> str:
    """What a document of the page says, as one line."""
    response = page.request.get(str(link.get_attribute("href")))
    assert response.headers["content-type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(response.body())).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())


# What the focus is shown by: an outline or a shadow of the control itself, or of the label that
# is drawn in its place.
_SHOWN = """one => {
  const drawn = style => style.boxShadow !== 'none'
    || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0);
  const labels = [...(one.labels || [])];
  return [getComputedStyle(one),
    ...labels.map(label => getComputedStyle(label)),
    ...labels.map(label => getComputedStyle(label, '::before'))].some(drawn);
}"""
_IN_VIEW = """one => {
  const seen = one.labels && one.labels.length ? one.labels[0] : one;
  const box = seen.getBoundingClientRect();
  return box.bottom > 0 && box.top < window.innerHeight;
}"""
# More than any page has.
_MOST_STOPS = 150


class Hands:
    """Somebody who has a keyboard and nothing else: Tab, Enter, Space, and letters."""

    def __init__(self, page: Page, cast: Cast) -> None:
        self.page = page
        self.cast = cast

    def tab_to(self, selector: str, *, saying: str = "") -> None:
        """Tab to the control, by the link to the content; each stop shows where the focus is."""
        self.page.keyboard.press("Tab")
        focused = self.page.locator(":focus")
        for _ in range(_MOST_STOPS):
            if focused.evaluate("(one, wanted) => one.matches(wanted)", selector) and (
                not saying or saying in focused.inner_text()
            ):
                self._sees(focused)
                return
            if focused.get_attribute("href") == "#contenu":
                self.page.keyboard.press("Enter")
            else:
                self._sees(focused)
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} {saying} was never reached on {self.page.url}")

    def _sees(self, focused: Locator) -> None:
        for rule, fault in ((_SHOWN, "its focus is not shown"), (_IN_VIEW, "it is out of sight")):
            if not focused.evaluate(rule):
                where = focused.evaluate("one => one.outerHTML.slice(0, 120)")
                self.cast.faults.append(f"{self.page.url}: {fault}: {where}")

    def choose(self, selector: str) -> None:
        self.tab_to(selector)
        self.page.keyboard.press("Space")

    def write(self, selector: str, text: str) -> None:
        self.tab_to(selector)
        self.page.keyboard.type(text)

    def press(self, name: str) -> None:
        """Reach a link or a button by what it says, and press Enter: another page opens."""
        self.tab_to("a, button", saying=name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
