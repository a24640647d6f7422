"""The whole journey, as a newcomer makes it: from a blank page to the PDF on the right desk."""

import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from accounts.models import Membership, Organisation
from letters.models import LetterOfIntent
from tests import factories
from tests.e2e.conftest import PHONE
from tests.e2e.pages import (
    CasePage,
    Entrance,
    Inbox,
    Projects,
    SignIn,
    TeamPage,
    TerritoryPage,
    Writing,
    follow,
    heading,
    press,
    scenario,
)
from tests.mailbox import link_in, mails

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reference_data"),
]

PASSWORD = "quatre-mots-sans-rapport"


def text_of(pdf: bytes) -> str:
    """The words of a PDF, however its lines are broken."""
    words = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return squeezed(words)


def squeezed(text: str) -> str:
    return re.sub(r"[\s\u00ad-]+", "", text)


def agent_of(code: str, role: str = Membership.Role.AGENT) -> Any:
    return factories.membership(organisation_=Organisation.objects.get(code=code), role=role).user


def write(page: Page, name: str, draw: Callable[[Page], None]) -> CasePage:
    """Begin the letter of a scenario and answer every step of it."""
    told = scenario(name)
    writing = (
        Projects(page).open().begin_letter(name=told["answers"]["title"], region=told["region"])
    )
    case = CasePage(page, writing.letter_url)
    while "/etapes/" in page.url:
        if page.locator("[data-territory]").count():
            draw(page)
        writing.fill_step(told["answers"])
    return case


def test_a_newcomer_goes_from_a_blank_page_to_the_official_pdf_on_the_guichets_desk(
    open_browser: Callable[..., Page], deliver_outbox: Callable[[], int], tmp_path: Path
) -> None:
    told = scenario("tarn-ouest")
    answers = told["answers"]
    lead = open_browser()

    # The newcomer signs up and confirms their address from the mail.
    entrance = Entrance(lead)
    entrance.sign_up(
        first_name="Claire", last_name="Fabre", email="claire@exemple.test", password=PASSWORD
    )
    assert heading(lead) == "Ouvrez votre messagerie"
    deliver_outbox()
    entrance.confirm(link_in(mails("claire@exemple.test")[-1]))
    assert heading(Projects(lead).open().page) == "Mes projets"

    # They write the letter; the territory comes from a list pasted as they have it.
    def draw(page: Page) -> None:
        territory = TerritoryPage(page).open_from_step()
        asked = territory.paste([*told["territory"]["communes"], "Trifouillis-les-Oies"])
        assert len(asked) == 1
        assert territory.figures()["Communes"] == "50 communes"
        territory.back_to_letter()

    case = write(lead, "tarn-ouest", draw)

    # Somebody is invited, joins, and writes in the same letter.
    friend = factories.user("mathieu@exemple.test", first_name="Mathieu", last_name="Rouquette")
    case.open()
    follow(lead, "Voir l’équipe et inviter")
    TeamPage(lead).invite(friend.email, "rédacteur")
    deliver_outbox()
    other = open_browser()
    SignIn(other).as_(friend.email, factories.PASSWORD)
    other.goto(link_in(mails(friend.email)[-1]))
    press(other, "Rejoindre l’équipe")
    expect(other.get_by_role("main")).to_contain_text("Vous faites maintenant partie")
    shared = Writing(other)
    other.goto(case.url)
    shared.go_to("existing")
    shared.fill("existing_tools", "Messagerie sécurisée, ajout de Mathieu.")
    shared.save_and_continue()

    # What is missing is said to everyone on the team, and leads to where it is done.
    missing = CasePage(other, case.url).missing()
    assert missing == case.missing()
    assert len(missing) == 1
    assert "CERFA" in missing[0]
    assert "BROUILLON" in squeezed(text_of(case.preview()))
    cerfa = tmp_path / "cerfa_12156.pdf"
    cerfa.write_bytes(b"%PDF-1.7\n" + b"formulaire " * 200)
    case.attach("cerfa", cerfa)
    assert case.missing() == []

    # Only the owner deposits.
    other.goto(f"{case.url}depot/")
    expect(other.get_by_role("button", name="Déposer la lettre")).to_have_count(0)
    reference = case.deposit(name="Claire Fabre", place="Lavaur")
    assert reference == f"LI-76-{timezone.localdate().year}-0001"
    expect(lead.get_by_role("main")).to_contain_text("en préparation")

    # The worker makes the documents, and writes to the team and to the desk.
    deliver_outbox()
    case.open()
    letter_pdf = case.download("Lettre d’intention")
    receipt = case.download("Accusé de réception électronique")
    assert letter_pdf == case.download("Lettre d’intention")
    assert squeezed(reference) in text_of(receipt)
    printed = text_of(letter_pdf)
    for expected in (reference, answers["title"], answers["difficult_pathways"][:80], "Mathieu."):
        assert squeezed(expected) in printed
    assert [code for code in told["territory"]["communes"] if code not in printed] == []
    guichet = Organisation.objects.get(code="guichet-cpts-occitanie")
    assert {"claire@exemple.test", friend.email, guichet.email} <= {
        mail.recipient for mail in mails() if reference in mail.subject
    }

    # After the deposit the letter is read-only for the team.
    lead.goto(f"{case.url}etapes/identity/")
    assert lead.url == case.url

    # The desk finds it, reads it, and reads the very same file.
    agent = agent_of("guichet-cpts-occitanie", Membership.Role.REVIEWER)
    desk = open_browser()
    SignIn(desk).as_(agent.email, factories.PASSWORD)
    inbox = Inbox(desk).open()
    assert inbox.references() == [reference]
    inbox.search("tarn ouest")
    received = inbox.open_letter(reference)
    expect(desk.get_by_role("main")).to_contain_text("Avis en cours")
    expect(desk.get_by_role("main")).to_contain_text("Saint-Sulpice-la-Pointe")
    assert received.download("Lettre d’intention") == letter_pdf

    # A stranger finds nothing there.
    stranger = open_browser()
    SignIn(stranger).as_(factories.user().email, factories.PASSWORD)
    assert (stranger.goto(case.url) or stranger).status == 404  # type: ignore[union-attr]


def test_hauts_de_france_gives_the_lead_a_version_to_post_and_the_office_the_letter(
    open_browser: Callable[..., Page], deliver_outbox: Callable[[], int]
) -> None:
    lead = open_browser()
    SignIn(lead).as_(factories.user().email, factories.PASSWORD)

    def draw(page: Page) -> None:
        territory = TerritoryPage(page).open_from_step()
        territory.add_intercommunality("Pays de Lumbres")
        assert territory.figures()["Communes"] == "36 communes"
        territory.back_to_letter()

    case = write(lead, "pays-de-lumbres", draw)
    assert case.missing() == []
    reference = case.deposit(name="Olivier Delattre", place="Lumbres")
    deliver_outbox()
    case.open()
    assert squeezed("62016 Arras") in text_of(case.download("Version à poster"))
    deposited_at = LetterOfIntent.objects.get(reference=reference).deposited_at
    lead.get_by_label("Postée le").fill(timezone.localdate(deposited_at).isoformat())
    press(lead, "Noter la date d’envoi")
    expect(lead.get_by_role("main")).to_contain_text("Version papier postée")

    agent = agent_of("ars-hauts-de-france-62")
    desk = open_browser()
    SignIn(desk).as_(agent.email, factories.PASSWORD)
    assert Inbox(desk).open().references() == [reference]


def test_pays_de_la_loire_reaches_the_regional_agency(
    open_browser: Callable[..., Page], deliver_outbox: Callable[[], int]
) -> None:
    lead = open_browser(viewport=PHONE)
    SignIn(lead).as_(factories.user().email, factories.PASSWORD)

    def draw(page: Page) -> None:
        territory = TerritoryPage(page).open_from_step()
        territory.paste(["Orvault", "La Chapelle-sur-Erdre", "Sautron"])
        assert territory.figures()["Communes"] == "3 communes"
        territory.back_to_letter()

    case = write(lead, "erdre-et-cens", draw)
    assert case.missing() == []
    reference = case.deposit(name="Gwenaëlle Le Roux", place="La Chapelle-sur-Erdre")
    deliver_outbox()
    assert squeezed("Sautron") in text_of(case.open().download("Lettre d’intention"))

    agent = agent_of("ars-pays-de-la-loire")
    desk = open_browser(viewport=PHONE)
    SignIn(desk).as_(agent.email, factories.PASSWORD)
    assert Inbox(desk).open().references() == [reference]
