"""Opinions in a real browser: drafted, submitted, given, summed up, handed over; then read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Organisation
from letters.models import LetterOfIntent
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import BodyDesk, OpinionPage, OpinionsBoard, heading
from tests.e2e.test_pages_in_browser import enter, press_until
from tests.mailbox import link_in, mails
from tests.workflow import asking

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def bodies(transactional_db: None) -> list[Organisation]:
    return [asking.urps(name) for name in ("Médecins", "Infirmiers", "Pharmaciens")]


@pytest.fixture
def letter(bodies: list[Organisation]) -> LetterOfIntent:
    return asking.deposited_and_asked()


def clean(page: Page) -> list[str]:
    """What is wrong with the page shown, on a desk and on a phone."""
    found = []
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        wider = overflow(page)
        found += [f"{page.url}: {wider} pixels trop large"] if wider else []
        found += [f"{page.url}: {fault}" for fault in axe_violations(page)]
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    return found


def test_an_opinion_goes_from_a_mail_to_the_agency_and_the_team_reads_what_was_chosen(
    open_browser: Callable[..., Page],
    live_server: Any,
    bodies: list[Organisation],
    letter: LetterOfIntent,
    deliver_outbox: Callable[[], int],
) -> None:
    body, other, third = bodies
    found: list[str] = []
    deliver_outbox()

    # A reviewer opens the mail: the form is there at once.
    reviewer = open_browser()
    enter(reviewer, asking.reviewer(body), live_server.url)
    reviewer.goto(link_in(mails(asking.reviewer(body).email)[-1]))
    assert heading(reviewer) == "L’avis de votre organisme"
    page = OpinionPage(reviewer)
    found += clean(reviewer)
    page.choose("Favorable avec réserves")
    page.write("Un projet solide.")
    page.press("Soumettre à validation")
    expect(reviewer.locator("[data-error-summary]")).to_be_focused()
    found += clean(reviewer)
    page.mark_all("2 · Satisfaisant")
    page.reserve(1, "Associer les infirmiers.")
    page.press("Ajouter une réserve")
    page.reserve(2, "Préciser l’est du territoire.")
    page.press("Soumettre à validation")
    expect(reviewer.get_by_role("main")).to_contain_text("Le projet d’avis est soumis")
    found += clean(reviewer)

    # The president finds it on the desk, reads it, gives it.
    president = open_browser()
    enter(president, asking.president(body), live_server.url)
    desk = BodyDesk(president).open()
    assert desk.references() == [letter.reference]
    found += clean(president)
    given = desk.open_opinion(str(letter.reference))
    found += clean(president)
    given.press("Valider et rendre l’avis")
    deliver_outbox()
    president.reload()
    expect(president.get_by_role("link", name="L’avis en PDF")).to_be_visible()
    found += clean(president)
    assert BodyDesk(president).open("rendus").references() == [letter.reference]
    president.goto("/bureau/avis/mandats/")
    found += clean(president)

    # Another body gives its own; the third will not.
    asking.give(letter, other, text="Gardé secret.")

    # The office follows, chooses, stops waiting, sums up, hands over.
    office = open_browser()
    enter(office, asking.coordinator(), live_server.url)
    board = OpinionsBoard(office, f"{live_server.url}/dossiers/{letter.public_id}/avis/").open()
    assert "Favorable avec réserves" in board.line(body.name)
    found += clean(office)
    board.communicate(body.name)
    found += clean(office)
    board.stop_asking(third.name, "Son siège est vacant.")
    board.write_synthesis("Deux avis, l’un avec réserves.")
    expect(office.get_by_role("main")).to_contain_text("Associer les infirmiers.")
    found += clean(office)
    board.transmit()
    expect(office.get_by_role("main")).to_contain_text("Le dossier est transmis")
    found += clean(office)
    deliver_outbox()
    board.open()
    with office.expect_download() as download:
        office.get_by_role("link", name="La synthèse en PDF").evaluate(
            "link => { link.href += '?telecharger=1'; link.click(); }"
        )
    assert download.value.suggested_filename == f"{letter.reference}-SYNTHESE.pdf"

    # The team reads the opinion that was chosen, and nothing of the other.
    lead = open_browser()
    enter(lead, letter.created_by, live_server.url)
    lead.goto(board.url)
    expect(lead.get_by_role("main")).to_contain_text("Préciser l’est du territoire.")
    expect(lead.get_by_role("main")).not_to_contain_text("Gardé secret.")
    found += clean(lead)
    assert found == []


def test_an_opinion_is_written_and_given_with_the_keyboard_alone(
    open_browser: Callable[..., Page],
    live_server: Any,
    bodies: list[Organisation],
    letter: LetterOfIntent,
) -> None:
    page = open_browser()
    enter(page, asking.president(bodies[0]), live_server.url)
    page.goto("/bureau/avis/")
    press_until(page, str(letter.reference))
    page.wait_for_url(re.compile(r"/avis/\d+/"))

    def tab_to(selector: str) -> None:
        for _ in range(90):
            page.keyboard.press("Tab")
            if page.locator(":focus").evaluate("(one, wanted) => one.matches(wanted)", selector):
                return
        raise AssertionError(f"{selector} was never reached by keyboard")

    tab_to('[name="position"]')
    page.keyboard.press("Space")
    for criterion in ("missions", "mobilisation", "territory"):
        tab_to(f'[name="mark_{criterion}"]')
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
    tab_to('[name="text"]')
    page.keyboard.type("Un projet solide.")
    press_until(page, "Relire et valider")
    expect(page.get_by_role("main")).to_contain_text("Insuffisant (1 sur 3)")
    press_until(page, "Valider et rendre l’avis")
    expect(page.get_by_role("main")).to_contain_text("L’avis est rendu.")


def test_the_enter_key_in_a_choice_saves_the_draft_and_removes_nothing(
    open_browser: Callable[..., Page],
    live_server: Any,
    bodies: list[Organisation],
    letter: LetterOfIntent,
) -> None:
    page = open_browser(java_script_enabled=False)
    enter(page, asking.reviewer(bodies[0]), live_server.url)
    page.goto(f"/dossiers/{letter.public_id}/avis/")
    opinion = OpinionPage(page)
    opinion.reserve(1, "Associer les infirmiers.")
    page.get_by_label("Favorable", exact=True).check(force=True)
    page.get_by_label("Favorable", exact=True).press("Enter")
    expect(page.get_by_role("main")).to_contain_text("Le projet d’avis est enregistré.")
    assert page.get_by_label("Réserve 1").input_value() == "Associer les infirmiers."
