"""A project as people live it: begun, signed on a phone, opposed, validated, then amended."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, User
from health_projects.models import HealthProject
from signatures.models import Campaign, Signature
from tests import factories
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, heading, press
from tests.health_projects import projects
from tests.letters import cases
from tests.signatures import signing
from tests.workflow import asking
from workflow.approving import approve
from workflow.models import Case, Decision
from workflow.withdrawing import withdraw

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reference_data"),
]
OpenBrowser = Callable[..., Page]


class Walk:
    """One person before the pages of one project."""

    def __init__(self, page: Page, person: User) -> None:
        self.page = page
        SignIn(page).as_(person.email, factories.PASSWORD)

    @property
    def main(self) -> str:
        return self.page.get_by_role("main").inner_text().replace("\u00a0", " ")

    def open(self, path: str, name: str = "") -> "Walk":
        self.page.goto(path)
        return self.checked(name)

    def checked(self, name: str = "") -> "Walk":
        """No rule of axe broken, and nothing wider than a phone."""
        assert axe_violations(self.page) == []
        for width, viewport in (("1280", DESKTOP), ("390", PHONE)):
            self.page.set_viewport_size(viewport)  # type: ignore[arg-type]
            assert overflow(self.page) == 0
            if (folder := os.environ.get("SHOTS")) and name:
                self.page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)
        self.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        return self

    def add_sheet(self, label: str) -> None:
        """Every text of the form, a coordinator found by name, one actor."""
        follow(self.page, "Ajouter une fiche action")
        for area in self.page.get_by_role("main").locator("textarea").all():
            area.fill("Ce que l’équipe a décidé en réunion.")
        self.page.get_by_label("Libellé").fill(label)
        self.page.get_by_text("Un besoin de santé de la population").click()
        self.page.get_by_text("Développer des actions coordonnées de prévention").first.click()
        coordinator = self.page.get_by_label("Coordinateur")
        names = self.page.locator("datalist option")
        coordinator.fill(str(names.first.get_attribute("value")))
        self.page.get_by_label("Acteur 1, nom").fill("Mairie d’Arras")
        self.page.get_by_label("Acteur 1, titre").select_option("prevention")
        press(self.page, "Enregistrer")


def test_a_project_is_begun_signed_on_a_phone_opposed_then_validated_and_amended(
    open_browser: OpenBrowser, deliver_outbox: Callable[[], int]
) -> None:
    letter = cases.deposited("32", communes=("62041",))
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    lead = letter.created_by

    team = Walk(open_browser(), lead)
    team.open(f"/projets/nouveau/{letter.community.public_id}/", "commencer")
    press(team.page, "Commencer le projet de santé")
    team.page.wait_for_url(re.compile("/etapes/identity/"))
    said = str(letter.answers.get(key="contact_name").value)
    expect(team.page.get_by_label("Nom et prénom du référent")).to_have_value(said)
    project = projects.finish(HealthProject.objects.get())
    at = f"/projets/{project.public_id}/"
    project.answers.filter(key="contact_name").update(value="Paule Lemaire")
    team.open(f"{at}depuis-la-lettre/", "depuis-la-lettre")
    assert "Paule Lemaire" in team.main

    team.open(f"{at}fiches/")
    team.add_sheet("Vacciner à domicile")
    assert project.sheets.count() == 2
    team.open(at, "brouillon")
    press(team.page, "Figer la version à signer")
    expect(team.page.get_by_role("status").first).to_contain_text("La version 1 est figée")
    team.checked("en-preparation")
    expect(team.page.get_by_text("0 document prêt sur 1")).to_be_visible()
    deliver_outbox()
    # The page follows what is prepared by itself.
    expect(team.page.get_by_text("Tous les documents sont prêts.")).to_be_visible()
    expect(team.page.get_by_role("link", name="Projet de santé, version à signer")).to_be_visible()
    team.open(at, "a-signer")
    follow(team.page, "Ouvrir les signatures")
    team.page.goto(f"/cpts/{project.community.public_id}/signatures/nouvelle/")
    press(team.page, "Continuer")
    press(team.page, re.compile("Ouvrir et inviter"))
    expect(team.page.get_by_text("0 sur").first).to_be_visible()
    campaign = Campaign.objects.get()
    one = signing.first(campaign)
    phone = open_browser(viewport=PHONE)
    phone.goto(signing.link(one))
    assert (axe_violations(phone), overflow(phone)) == ([], 0)
    press(phone, "Recevoir mon code")
    phone.wait_for_url(re.compile("/signer/$"))
    phone.get_by_label("Code reçu").fill(signing.code(one))
    press(phone, "Signer")
    expect(phone.get_by_role("heading", level=1)).to_have_text("C’est signé")
    assert Signature.objects.get().member_id == one.member_id

    team.open(signing.url(campaign), "campagne")
    follow(team.page, "Clore les signatures")
    press(team.page, re.compile("Clore"))
    team.page.wait_for_url(re.compile(f"{campaign.public_id}/$"))
    team.open(at, "deposer")
    team.page.get_by_label("Au nom des membres").check(force=True)
    team.page.get_by_label("Nom et prénom du référent").fill("Paule Lemaire")
    team.page.get_by_label("Fait à").fill("Arras")
    press(team.page, "Déposer le projet")
    expect(team.page.get_by_role("status").first).to_contain_text("Votre projet est déposé")
    deliver_outbox()
    team.open(at, "depose")

    project = projects.fresh(project)
    assert project.office
    office = Walk(open_browser(), _member(project.office, "coordinator"))
    office.open(at, "bureau")
    press(office.page, re.compile("Prendre en charge"))
    expect(office.page.get_by_role("status").first).to_be_visible()
    office.open(f"/dossiers/{project.public_id}/decision/")
    follow(office.page, "Rédiger la décision")
    office.page.get_by_label("S’opposer au projet").check(force=True)
    press(office.page, "Proposer à la signature")
    expect(office.page.get_by_role("main")).to_contain_text("l’un des motifs que donne la loi")
    ground = office.page.get_by_role("group", name="Le motif de l’opposition")
    expect(ground).to_contain_text("choisissez-le")
    office.checked("opposition-sans-motif")
    office.page.get_by_label("Le territoire d’action n’est pas pertinent").check(force=True)
    office.page.get_by_label("Les faits propres à ce dossier").fill("Trois communes manquent.")
    press(office.page, "Proposer à la signature")
    expect(office.page.get_by_role("main")).to_contain_text("Décision proposée")
    office.checked("opposition")
    director = Walk(open_browser(), _member(cases.body("ars", "32"), "signatory"))
    director.open(f"/dossiers/{project.public_id}/decision/")
    director.page.get_by_label("Votre qualité").fill("Directeur général")
    press(director.page, "Approuver et signer")
    assert "La décision est prise" in director.main
    assert Decision.objects.get(case=project, state="taken").ground == "territory_relevance"
    deliver_outbox()
    team.open(at, "oppose")
    assert (projects.fresh(project).state, heading(team.page)) == ("refused", project.title)

    _validate(projects.fresh(project))
    deliver_outbox()
    team.open(at, "valide")
    team.open(f"/cpts/{project.community.public_id}/", "page-publique")
    assert "Projet de santé validé" in team.main
    team.open(f"/cpts/{project.community.public_id}/presidence/", "presidence")
    follow(team.page, "Enregistrer la présidence")
    team.page.get_by_label("Prénom et nom").fill("Claire Fabre")
    press(team.page, "Enregistrer")
    team.checked("presidence-enregistree")
    assert "Claire Fabre, depuis le" in team.main
    team.page.goto(at)
    follow(team.page, "Préparer un avenant")
    team.checked("avenant")
    team.page.get_by_label("gouvernance", exact=False).first.check(force=True)
    press(team.page, "Ouvrir l’avenant")
    team.checked("avenant-ouvert")
    follow(team.page, "Ce que change cet avenant")
    team.checked("avenant-changements")
    team.open("/accueil/", "accueil")


def _validate(project: HealthProject) -> None:
    """The opposition is withdrawn, then every body that decides signs the validation."""
    coordinator = projects.agent(project, "coordinator")
    withdraw(project, user=coordinator, reason="L’opposition ne disait pas les bonnes communes.")
    decision = projects.propose(projects.fresh(project), **projects.validating())
    for party in decision.parties.order_by("position"):
        approve(
            projects.fresh(project),
            user=asking.member(party.organisation, "signatory"),
            text_sha256=decision.text_sha256,
            capacity="Directeur général",
        )


def _member(organisation: object, role: str) -> User:
    return factories.membership(
        organisation_=organisation,  # type: ignore[arg-type]
        role=Membership.Role(role),
    ).user
