"""A team writes its action sheets, its association and its coherence; each page is accessible."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from health_projects import sheet_writing, sheets
from tests import factories
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, press
from tests.health_projects import projects
from tests.health_projects.sheet_making import sheet
from tests.members import making

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
OpenBrowser = Callable[..., Page]


def checked(page: Page, name: str = "") -> None:
    """What every page must be, at both widths: no rule of axe broken, no wider than its window."""
    for width, viewport in (("1280", DESKTOP), ("390", PHONE)):
        page.set_viewport_size(viewport)  # type: ignore[arg-type]
        assert axe_violations(page) == []
        assert overflow(page) == 0
        if (folder := os.environ.get("SHOTS")) and name:
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


@pytest.mark.usefixtures("reference_data")
def test_a_team_writes_its_sheets_with_the_keyboard(
    open_browser: OpenBrowser,
) -> None:
    project = projects.draft(owner=factories.user())
    community = project.community
    making.professional(community, first_name="Ana", last_name="Roy")
    for number, label in enumerate(("Trouver un médecin traitant", "Repérer la fragilité")):
        sheet(project, label=label, themes=["access"] if number else [])
    page = open_browser()
    SignIn(page).as_(community.created_by.email, factories.PASSWORD)
    page.goto(f"/projets/{project.public_id}/fiches/")
    checked(page, "liste")

    follow(page, "Ajouter une fiche action")
    page.get_by_label("Coordinateur").fill("Ana Roy – Infirmier")
    page.get_by_label("Acteur 1, nom").fill("Mairie de Rezé")
    press(page, "Enregistrer")
    checked(page, "refus")
    expect(page.get_by_role("alert")).to_contain_text("Écrivez le libellé")
    page.get_by_label("Libellé").fill("Vacciner les plus de 65 ans")
    page.get_by_label("Acteur 1, titre").select_option("prevention")
    page.get_by_text("Développer des actions coordonnées de prévention").click()
    press(page, "Enregistrer")
    checked(page, "fiche")

    follow(page, "Fiches actions")
    page.get_by_role("button", name="Monter la fiche 3").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/fiches/#fiche-*")
    assert [one["label"][:9] for one in sheets.sheets_as_data(project)] == [
        "Trouver u",
        "Vacciner ",
        "Repérer l",
    ]
    # More columns than a phone is wide.
    for one in sheets.sheets_as_data(project) * 3:
        sheet_writing.duplicate_sheet(project, UUID(one["uid"]), by=community.created_by)
    follow(page, "Missions couvertes")
    checked(page, "missions")
    follow(page, "Modèles de la région")
    checked(page, "modeles")
    page.goto(f"/projets/{project.public_id}/coherence/")
    checked(page, "coherence")
    page.goto(f"/cpts/{community.public_id}/structure-juridique/")
    follow(page, "Ajouter l’association")
    page.get_by_label("Numéro SIRET").fill("123")
    press(page, "Enregistrer")
    checked(page, "association")
