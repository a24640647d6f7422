"""The pages of the portal as a person uses them: labels, titles and buttons."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from playwright.sync_api import Locator, Page, expect

SCENARIOS = Path(settings.BASE_DIR) / "fixtures" / "scenarios"


def scenario(name: str) -> dict[str, Any]:
    """One of the letters that come with the portal, as its JSON file tells it."""
    return json.loads((SCENARIOS / f"{name}.json").read_text())


def press(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button of the page's own content."""
    page.get_by_role("main").get_by_role("button", name=name).first.click()


def follow(page: Page, name: str) -> None:
    page.get_by_role("main").get_by_role("link", name=name).first.click()


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


class Entrance:
    """Signing up, from the front door to the address confirmed."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def sign_up(self, *, first_name: str, last_name: str, email: str, password: str) -> None:
        self.page.goto("/")
        follow(self.page, "Créer un compte")
        self.fill_sign_up(first_name, last_name, email, password)

    def fill_sign_up(self, first_name: str, last_name: str, email: str, password: str) -> None:
        main = self.page.get_by_role("main")
        main.get_by_label("Prénom").fill(first_name)
        main.get_by_label("Nom", exact=True).fill(last_name)
        main.get_by_label("Adresse électronique").fill(email)
        main.get_by_label("Mot de passe", exact=True).fill(password)
        main.get_by_label("Le même mot de passe").fill(password)
        press(self.page, "Créer mon compte")

    def confirm(self, link: str) -> None:
        """Open the link of the mail and confirm the address."""
        self.page.goto(link)
        press(self.page, "Confirmer cette adresse")


class SignIn:
    def __init__(self, page: Page) -> None:
        self.page = page

    def as_(self, email: str, password: str) -> None:
        self.page.goto("/compte/connexion/")
        main = self.page.get_by_role("main")
        main.get_by_label("Adresse électronique").fill(email)
        main.get_by_label("Mot de passe", exact=True).fill(password)
        press(self.page, "Se connecter")
        self.page.wait_for_url(re.compile("/(accueil|bureau)/"))


class Projects:
    """« Mes projets »."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> "Projects":
        self.page.goto("/accueil/")
        return self

    def begin_letter(self, *, name: str, region: str) -> "Writing":
        follow(self.page, "Commencer une")
        main = self.page.get_by_role("main")
        main.get_by_role("textbox").first.fill(name)
        main.get_by_role("combobox").select_option(region)
        press(self.page, "Ouvrir le formulaire")
        self.page.wait_for_url(re.compile("/etapes/"))
        return Writing(self.page)


class Writing:
    """The steps of a letter."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @property
    def letter_url(self) -> str:
        return re.sub(r"(/lettres/[^/]+/).*", r"\1", self.page.url)

    def go_to(self, step: str) -> None:
        self.page.goto(f"{self.letter_url}etapes/{step}/")

    def field(self, key: str) -> Locator:
        return self.page.locator(f'[data-field="{key}"]')

    def fill_step(self, answers: Mapping[str, Any]) -> None:
        """Answer what this step asks, from a scenario, and go on to the next one."""
        for key in self.page.locator("[data-field]").evaluate_all(
            "fields => fields.map(field => field.dataset.field)"
        ):
            if key in answers:
                self.fill(key, answers[key])
        self.save_and_continue()

    def save_and_continue(self) -> None:
        here = urlsplit(self.page.url).path
        press(self.page, re.compile("Enregistrer et (continuer|relire)"))
        self.page.wait_for_url(lambda url: urlsplit(url).path != here)

    def fill(self, key: str, value: Any) -> None:
        kind = self.field(key).get_attribute("data-kind")
        if kind == "table":
            self.fill_table(key, value)
        elif kind == "structure":
            self.field(key).locator(f'input[type="radio"][value="{value["status"]}"]').check(
                force=True
            )
            for part, text in value.items():
                if part != "status" and text:
                    self.field(key).locator(f'[data-part="{part}"]').fill(text)
        elif kind == "choice":
            self.field(key).locator(f'input[value="{value}"]').check(force=True)
        else:
            self.field(key).locator("[data-main]").fill(str(value))

    def fill_table(self, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        is_fixed = self.field(key).get_attribute("data-rows") == "fixed"
        lines = self.field(key).locator("tbody tr")
        for position, row in enumerate(rows):
            if is_fixed:
                line = self.field(key).locator(f'tr[data-row="{row["row"]}"]')
            else:
                line = lines.nth(position)
                if lines.count() <= position:
                    self.field(key).get_by_role("button", name="Ajouter une ligne").click()
                    expect(lines).to_have_count(position + 1)
            for column, value in row.items():
                if column != "row" and value not in ("", None):
                    self.fill_cell(line.locator(f'[data-column="{column}"]'), value)

    @staticmethod
    def fill_cell(cell: Locator, value: Any) -> None:
        if cell.evaluate("cell => cell.tagName") == "SELECT":
            cell.select_option(str(value))
        else:
            cell.fill(str(value))

    def import_table(self, key: str, file: Path) -> None:
        """Fill a table from a spreadsheet file."""
        self.field(key).get_by_role("button", name="Remplir depuis un tableur").click()
        self.page.get_by_label("Fichier à importer").set_input_files(file)
        self.page.get_by_label("Les remplacer").check(force=True)
        press(self.page, "Importer")
        self.page.wait_for_url(re.compile("/etapes/"))


class TerritoryPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open_from_step(self) -> "TerritoryPage":
        press(self.page, "Enregistrer et ouvrir la page du territoire")
        expect(self.page.get_by_role("heading", level=1)).to_have_text("Le territoire")
        return self

    def paste(self, lines: Sequence[str]) -> list[str]:
        """Paste a list and add what it finds; returns the lines it asks something about."""
        self.page.get_by_text("Coller une liste de communes").click()
        self.page.get_by_label("Noms, codes postaux ou codes INSEE").fill("\n".join(lines))
        press(self.page, "Lire la liste")
        questions = self.page.locator("#reponses .fr-error-text").all_inner_texts()
        press(self.page, "Ajouter les communes choisies")
        self.page.wait_for_url(re.compile("/territoire/"))
        return questions

    def add_intercommunality(self, name: str) -> None:
        self.page.goto(f"{self.page.url.split('?')[0]}?q={name}#resultats")
        self.page.get_by_role("button", name=re.compile(f"Ajouter les .*{name}")).click()

    def figures(self) -> dict[str, str]:
        terms = self.page.locator(".territory-figures dt").all_inner_texts()
        values = self.page.locator(".territory-figures dd").all_inner_texts()
        return {term: " ".join(value.split()) for term, value in zip(terms, values, strict=True)}

    def back_to_letter(self) -> None:
        follow(self.page, "Continuer la lettre")
        self.page.wait_for_url(re.compile("/etapes/"))


class CasePage:
    """The page of a letter, draft or deposited."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self) -> "CasePage":
        self.page.goto(self.url)
        return self

    def missing(self) -> list[str]:
        """What the page of what is missing says, sentence by sentence."""
        self.page.goto(f"{self.url}a-completer/")
        return self.page.locator("main ul a").all_inner_texts()

    def attach(self, slot: str, file: Path) -> None:
        self.page.goto(f"{self.url}pieces/")
        section = self.page.locator(f"#piece-{slot}")
        section.locator('input[type="file"]').set_input_files(file)
        send = section.get_by_role("button", name="Envoyer")
        if send.is_visible():
            send.click()
        expect(self.page.locator(f"#piece-{slot}").get_by_text(file.name).first).to_be_visible()

    def deposit(self, *, name: str, place: str) -> str:
        """Read everything again, commit, sign and deposit; returns the reference."""
        self.page.goto(f"{self.url}depot/")
        main = self.page.get_by_role("main")
        main.get_by_role("checkbox").check(force=True)
        main.get_by_label("Nom et prénom du référent").fill(name)
        main.get_by_label("Fait à").fill(place)
        press(self.page, "Déposer la lettre")
        self.page.wait_for_url(self.url)
        found = re.search(r"LI-\w+-\d{4}-\d{4}", main.inner_text())
        assert found, main.inner_text()
        return found.group()

    def download(self, label: str) -> bytes:
        """The bytes of one of the official documents."""
        link = self.page.get_by_role("link", name=label, exact=True)
        response = self.page.request.get(str(link.get_attribute("href")))
        assert response.headers["content-type"] == "application/pdf"
        return response.body()

    def preview(self) -> bytes:
        return self.page.request.get(f"{self.url}apercu.pdf").body()


class TeamPage:
    def __init__(self, page: Page) -> None:
        self.page = page

    def invite(self, email: str, role: str) -> None:
        self.page.get_by_label("Adresse électronique").fill(email)
        self.page.get_by_label(role).check(force=True)
        press(self.page, "Envoyer l’invitation")


class Inbox:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self) -> "Inbox":
        self.page.goto("/bureau/")
        return self

    def references(self) -> list[str]:
        """The reference of each row, whose nature is said under it."""
        texts = self.page.locator("tbody th").all_inner_texts()
        return [text.partition("\n")[0] for text in texts]

    def search(self, text: str) -> None:
        self.page.locator("#q").fill(text)
        press(self.page, "Chercher")
        self.page.wait_for_url(re.compile("q="))

    def open_letter(self, reference: str) -> CasePage:
        follow(self.page, reference)
        self.page.wait_for_url(re.compile("/lettres/"))
        return CasePage(self.page, self.page.url)


class BodyDesk:
    """The desk of a body that gives opinions."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, tab: str = "") -> "BodyDesk":
        self.page.goto(f"/bureau/avis/{f'?onglet={tab}' if tab else ''}")
        return self

    def references(self) -> list[str]:
        """The reference of each row, whose nature is said under it."""
        texts = self.page.locator("tbody th").all_inner_texts()
        return [text.partition("\n")[0] for text in texts]

    def open_opinion(self, reference: str) -> "OpinionPage":
        follow(self.page, reference)
        self.page.wait_for_url(re.compile(r"/avis/\d+/"))
        return OpinionPage(self.page)


class OpinionPage:
    """A body's opinion: the form, the draft to validate, then what was given."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def choose(self, position: str) -> None:
        self.page.get_by_role("main").get_by_label(position, exact=True).check(force=True)

    def write(self, text: str) -> None:
        self.page.get_by_label("Texte de l’avis").fill(text)

    def mark_all(self, mark: str) -> None:
        for criterion in self.page.locator(".opinion-criterion").all():
            criterion.get_by_label(mark).check(force=True)

    def reserve(self, number: int, text: str) -> None:
        self.page.get_by_label(f"Réserve {number}").fill(text)

    def press(self, button: str) -> None:
        press(self.page, button)
        self.page.wait_for_load_state()


class OpinionsBoard:
    """The tab « Avis » of the office in charge."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self) -> "OpinionsBoard":
        self.page.goto(self.url)
        return self

    def line(self, body: str) -> str:
        row = self.page.locator("tbody tr").filter(has_text=body).first
        # As written: badges are shown in capitals.
        return " ".join((row.text_content() or "").split())

    def communicate(self, body: str) -> None:
        self.open()
        follow(self.page, "Choisir ce que la CPTS lira")
        self.page.get_by_label(f"Communiquer l’avis de {body}").check(force=True)
        press(self.page, "Enregistrer ce choix")
        self.page.wait_for_load_state()

    def stop_asking(self, body: str, reason: str) -> None:
        self.open()
        follow(self.page, body)
        follow(self.page, "Retirer la demande")
        self.page.get_by_label("Motif du retrait").fill(reason)
        press(self.page, "Retirer la demande")
        self.page.wait_for_url(self.url)

    def write_synthesis(self, text: str) -> None:
        self.open()
        follow(self.page, "Écrire la synthèse")
        self.page.get_by_label("Texte de la synthèse").fill(text)
        press(self.page, "Enregistrer la synthèse")
        self.page.wait_for_load_state()

    def transmit(self) -> None:
        self.open()
        follow(self.page, "Transmettre le dossier et la synthèse")
        press(self.page, "Transmettre le dossier et la synthèse")
        self.page.wait_for_url(self.url)
