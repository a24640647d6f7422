"""Each main page in a real browser: read by axe, on a desk and on a phone, and by keyboard."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import Membership, User
from tests import factories
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.letters import cases
from workflow.models import Snapshot
from writing.content import procedure_of
from writing.documents import issue_documents

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def story(transactional_db: None, settings: Any, tmp_path: Any) -> dict[str, Any]:
    """A lead with a draft, a complete letter and a deposited one; the agent who received it."""
    lead = factories.user(first_name="Claire", last_name="Fabre")
    draft = cases.draft("76", communes=("81140", "81271"), owner=lead)
    factories.team_member(draft.community)
    complete = cases.complete("76", owner=lead)
    deposited = cases.deposited("32", communes=("62041", "59350"), owner=lead)
    issue_documents(deposited, Snapshot.objects.get(case=deposited))
    coordinator = factories.membership(
        organisation_=deposited.office, role=Membership.Role.COORDINATOR
    ).user
    settings.DEMO = True
    settings.EMAIL_FILE_PATH = tmp_path / "mail"
    return {
        "lead": lead,
        "agent": coordinator,
        "draft": f"/lettres/{draft.public_id}/",
        "complete": f"/lettres/{complete.public_id}/",
        "deposited": f"/lettres/{deposited.public_id}/",
        "team": f"/cpts/{draft.community.public_id}/equipe/",
        "before": [
            reverse(name, args=[draft.community.public_id])
            for name in (
                "diagnosis:overview",
                "diagnosis:ask",
                "diagnosis:paragraph",
                "roadmap:roadmap",
                "roadmap:accompaniment",
            )
        ],
        "office": reverse("accounts:organisation", args=[deposited.office.code]),
        "steps": [
            f"/lettres/{draft.public_id}/etapes/{s.key}/" for s in procedure_of(draft).sections
        ],
    }


def enter(page: Page, person: User, url: str) -> None:
    """Give the page the session of this person, as after a sign-in."""
    client = Client()
    client.force_login(person)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": url}])


def faults(page: Page, path: str) -> list[str]:
    """What is wrong with a page: its status, what axe says, what sticks out of the screen."""
    answer = page.goto(path)
    found = [] if answer and answer.ok else [f"status {answer.status if answer else None}"]
    if wider := overflow(page):
        found.append(f"{wider} pixels trop large")
    return [f"{path}: {fault}" for fault in found + axe_violations(page)]


PUBLIC = [
    "/",
    "/compte/connexion/",
    "/compte/inscription/",
    "/compte/mot-de-passe/oublie/",
    "/accessibilite/",
    "/mentions-legales/",
    "/donnees-personnelles/",
    "/demo/courriels/",
    "/feuille-de-route/?region=76",
]


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_each_main_page_is_clean_and_fits_the_screen(
    open_browser: Callable[..., Page],
    live_server: Any,
    story: dict[str, Any],
    viewport: dict[str, int],
) -> None:
    found: list[str] = []
    visitor = open_browser(viewport=viewport)
    for path in PUBLIC:
        found += faults(visitor, path)
    lead = open_browser(viewport=viewport)
    enter(lead, story["lead"], live_server.url)
    draft, deposited = story["draft"], story["deposited"]
    for path in [
        "/accueil/",
        "/lettres/nouvelle/",
        "/compte/",
        story["team"],
        *story["before"],
        draft,
        *story["steps"],
        f"{draft}territoire/",
        f"{draft}pieces/",
        f"{draft}a-completer/",
        f"{draft}champs/team/import/",
        f"{draft}depot/",
        story["complete"],
        f"{story['complete']}depot/",
        deposited,
    ]:
        found += faults(lead, path)
    agent = open_browser(viewport=viewport)
    enter(agent, story["agent"], live_server.url)
    for path in [
        "/bureau/",
        "/bureau/?onglet=tous&q=soins",
        "/bureau/?q=introuvable",
        "/bureau/etiquettes/",
        "/bureau/diagnostics/",
        "/bureau/accompagnements/",
        deposited,
        story["office"],
        "/compte/",
    ]:
        found += faults(agent, path)
    assert found == []


def press_until(page: Page, name: str, *, limit: int = 60) -> None:
    """Move with the Tab key until the control of this name has the focus, then press Enter."""
    focused = page.locator(":focus")
    for _ in range(limit):
        page.keyboard.press("Tab")
        if focused.evaluate("one => one.matches('a, button')") and name in focused.inner_text():
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"« {name} » was never reached by keyboard on {page.url}")


def test_the_main_actions_are_reached_by_keyboard_alone(
    open_browser: Callable[..., Page], live_server: Any, story: dict[str, Any]
) -> None:
    lead = open_browser()
    enter(lead, story["lead"], live_server.url)
    lead.goto("/accueil/")
    # The skip link comes first and leads to the content.
    lead.keyboard.press("Tab")
    assert lead.locator(":focus").inner_text() == "Contenu"
    lead.keyboard.press("Enter")
    press_until(lead, "Continuer la lettre")
    lead.wait_for_url(re.compile("/etapes/"))
    lead.goto(story["complete"])
    press_until(lead, "Relire et déposer la lettre")
    lead.wait_for_url(re.compile("/depot/"))
    box = lead.get_by_role("checkbox")
    for _ in range(80):
        lead.keyboard.press("Tab")
        if box.evaluate("box => box === document.activeElement"):
            break
    lead.keyboard.press("Space")
    lead.keyboard.press("Tab")
    lead.keyboard.press("Control+a")
    lead.keyboard.type("Claire Fabre")
    lead.keyboard.press("Tab")
    lead.keyboard.type("Lavaur")
    press_until(lead, "Déposer la lettre")
    lead.wait_for_url(story["complete"])
    expect(lead.get_by_role("main")).to_contain_text("LI-76-")

    agent = open_browser()
    enter(agent, story["agent"], live_server.url)
    agent.goto("/bureau/")
    press_until(agent, "LI-32-")
    agent.wait_for_url(re.compile("/lettres/"))


def test_an_agent_narrows_sorts_and_exports_the_inbox_in_the_browser(
    open_browser: Callable[..., Page], live_server: Any, story: dict[str, Any]
) -> None:
    page = open_browser()
    enter(page, story["agent"], live_server.url)
    page.goto("/bureau/")
    page.get_by_text("Filtres", exact=True).click()
    page.locator("#departement").select_option("62")
    page.get_by_role("button", name="Afficher").click()
    page.wait_for_url(re.compile("departement=62"))
    page.get_by_role("columnheader").get_by_role("link", name="Population").click()
    page.wait_for_url(re.compile("tri=population"))
    assert "departement=62" in page.url
    expect(page.locator('[aria-sort="ascending"]')).to_contain_text("Population")
    with page.expect_download() as download:
        page.get_by_role("link", name="Exporter cette liste").click()
    assert download.value.suggested_filename.endswith(".csv")
