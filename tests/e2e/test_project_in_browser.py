"""A health project from its accepted letter to an opposition, a validation and an amendment."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from health_projects.models import HealthProject
from outbox.services import deliver_pending
from tests import factories
from tests.e2e.pages import SignIn, follow, press
from tests.e2e.test_sheets_in_browser import checked
from tests.health_projects import projects
from tests.letters import cases
from workflow.models import Case

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
OpenBrowser = Callable[..., Page]


def signed_in(open_browser: OpenBrowser, person: User) -> Page:
    page = open_browser()
    SignIn(page).as_(person.email, factories.PASSWORD)
    return page


def test_a_project_begins_from_its_letter_is_opposed_validated_and_amended(
    open_browser: OpenBrowser,
) -> None:
    letter = cases.deposited("84", communes=("01053",))
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    lead = signed_in(open_browser, letter.created_by)
    lead.goto("/accueil/")
    follow(lead, "Préparer le projet de santé")
    checked(lead, "commencer")
    press(lead, "Commencer le projet de santé")
    begun = HealthProject.objects.get()
    lead.goto(f"/projets/{begun.public_id}/")
    checked(lead, "brouillon")
    lead.goto(f"/projets/{begun.public_id}/depuis-la-lettre/")
    checked(lead, "depuis-la-lettre")

    ready = projects.complete("84", communes=("69266",))
    team = signed_in(open_browser, ready.created_by)
    team.goto(f"/projets/{ready.public_id}/")
    press(team, "Figer la version à signer")
    deliver_pending()
    team.reload()
    expect(team.get_by_role("main")).to_contain_text("Dernière version figée : version 1")
    checked(team, "a-signer")
    projects.sign(projects.fresh(ready))
    team.reload()
    checked(team, "a-deposer")
    team.get_by_label("Au nom des membres").check(force=True)
    team.get_by_label("Nom et prénom du référent").fill("Claire Fabre")
    team.get_by_label("Fait à").fill("Bourg-en-Bresse")
    press(team, "Déposer le projet")
    expect(team.get_by_role("heading", level=1)).to_be_visible()
    deliver_pending()
    team.reload()
    checked(team, "depose")

    studied = projects.taken_up(projects.fresh(ready))
    office = signed_in(open_browser, projects.agent(studied, "coordinator"))
    office.goto(f"/dossiers/{studied.public_id}/decision/proposer/")
    office.get_by_label("S’opposer au projet").check(force=True)
    press(office, "Proposer à la signature")
    expect(office.get_by_role("alert")).to_contain_text("repose sur l’un des motifs")
    checked(office, "opposition-sans-motif")
    office.get_by_label("Le territoire d’action n’est pas pertinent").check(force=True)
    office.get_by_label("Les faits propres à ce dossier").fill("Trois communes sont oubliées.")
    press(office, "Voir l’aperçu")
    expect(office.get_by_role("main")).to_contain_text("Il est fait opposition")
    checked(office, "opposition-apercu")

    projects.decide(projects.fresh(studied), **projects.validating())
    deliver_pending()
    team.goto(f"/projets/{studied.public_id}/")
    checked(team, "valide")
    team.goto(f"/cpts/{studied.community.public_id}/")
    checked(team, "page-publique")
    team.goto(f"/projets/{studied.public_id}/")
    follow(team, "Préparer un avenant")
    checked(team, "avenant")
    team.get_by_label("gouvernance", exact=False).first.check(force=True)
    press(team, "Ouvrir l’avenant")
    checked(team, "avenant-ouvert")
    follow(team, "Ce que change cet avenant")
    checked(team, "avenant-changements")
    team.goto("/accueil/")
    checked(team, "accueil")
