"""A committee's session, from the agenda to its minutes, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from committees.models import Session
from tests.committees import sitting
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.test_pages_in_browser import enter

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def checked(page: Page) -> None:
    """What every page of a session keeps: nothing for axe to say, nothing off the screen."""
    assert (axe_violations(page), overflow(page)) == ([], 0)


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_secretary_takes_a_session_from_its_agenda_to_its_minutes(
    open_browser: Callable[..., Page], live_server: Any, viewport: dict[str, int]
) -> None:
    body = sitting.committee()
    letter, _ = sitting.asked(body)
    page = open_browser(viewport=viewport)
    enter(page, sitting.secretary(body), live_server.url)
    page.goto("/bureau/avis/")
    page.get_by_role("link", name="Séances").click()
    checked(page)
    page.get_by_role("link", name="Les membres").click()
    checked(page)
    page.go_back()
    page.get_by_role("link", name="Prévoir une séance").click()
    page.get_by_label("Date").fill(sitting.at(10).date().isoformat())
    page.get_by_label("Début").fill("14:00")
    page.get_by_label("Fin").fill("17:00")
    page.get_by_label("Lieu").fill("Nantes, salle 3")
    page.get_by_label("Autres points").fill("Calendrier de l’année")
    checked(page)
    page.get_by_role("button", name="Enregistrer la séance").click()
    expect(page.get_by_text(letter.title).first).to_be_visible()
    page.get_by_role("button", name="Envoyer les convocations").click()
    expect(page.get_by_text("Les convocations partent.")).to_be_visible()
    checked(page)

    sitting.today(Session.objects.get())
    page.reload()
    page.get_by_role("link", name="Noter les présences").click()
    checked(page)
    for group in page.get_by_role("radio", name="Présent").all():
        group.check(force=True)
    page.get_by_role("button", name="Enregistrer les présences").click()
    expect(page.get_by_text("5 membres sur 5").first).to_be_visible()
    page.get_by_role("link", name="Noter l’avis").first.click()
    page.get_by_role("radio", name="Favorable", exact=True).check(force=True)
    page.get_by_label("Ce que dit le comité").fill("Le comité soutient le projet.")
    checked(page)
    page.get_by_role("button", name="Noter l’avis du comité").click()
    page.get_by_role("link", name="Noter l’avis").last.click()
    page.get_by_label("Motif").fill("Manque de temps.")
    page.get_by_role("button", name="Reporter le point").click()
    page.get_by_role("button", name="Clore la séance").click()

    expect(page.get_by_text("Le projet d’avis est préparé")).to_be_visible()
    checked(page)
