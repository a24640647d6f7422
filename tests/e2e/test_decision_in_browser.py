"""A joint decision in the browser: proposed, signed by the agency and the CPAM, then read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, Organisation, User
from letters.json_import import import_file
from letters.models import LetterOfIntent
from tests import factories
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SCENARIOS, SignIn, follow, heading, press
from tests.mailbox import link_in, mails
from tests.workflow.asking import acting, fresh
from workflow.services import perform
from writing.consulting import consult

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reference_data"),
]


def someone(code: str, role: str) -> User:
    organisation = Organisation.objects.get(code=code)
    return factories.membership(organisation_=organisation, role=role).user


@pytest.fixture
def letter() -> LetterOfIntent:
    """The letter of Lumbres, deposited and taken up by an agent of its office."""
    imported = import_file(SCENARIOS / "pays-de-lumbres.json", deposit=True).letter
    consult(case_id=imported.pk)
    found = fresh(imported)
    agent = someone("ars-hauts-de-france-62", Membership.Role.AGENT)
    perform(found, "take_up", actor=acting(agent.memberships.get()))
    return fresh(found)


class DecisionPage:
    """The tab « Décision » of a case, as one person uses it."""

    def __init__(self, page: Page, letter: LetterOfIntent) -> None:
        self.page = page
        self.url = f"/dossiers/{letter.public_id}/decision/"

    def open(self) -> "DecisionPage":
        self.page.goto(self.url)
        return self.checked()

    def checked(self) -> "DecisionPage":
        """Nothing that axe refuses, and nothing wider than a phone."""
        assert axe_violations(self.page) == []
        size = self.page.viewport_size
        self.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert overflow(self.page) == 0
        if size:
            self.page.set_viewport_size(size)
        return self

    def said(self) -> str:
        return self.page.get_by_role("main").inner_text().replace("\u00a0", " ")

    def sign(self, capacity: str) -> None:
        self.page.get_by_label("Votre qualité").fill(capacity)
        press(self.page, "Approuver et signer")


def test_the_agency_and_the_cpam_sign_the_same_text_and_the_lead_reads_it(
    open_browser: Callable[..., Page], letter: LetterOfIntent, deliver_outbox: Callable[[], int]
) -> None:
    def as_(person: User) -> DecisionPage:
        page = open_browser()
        SignIn(page).as_(person.email, factories.PASSWORD)
        return DecisionPage(page, letter)

    cpam, agency = (
        someone(code, Membership.Role.SIGNATORY) for code in ("cpam-62", "ars-hauts-de-france")
    )
    assert letter.instructor
    lead = letter.created_by
    lead.set_password(factories.PASSWORD)
    lead.save()
    factories.EmailAddress.objects.update_or_create(
        user=lead, email=lead.email, defaults={"verified": True, "primary": True}
    )

    office = as_(letter.instructor).open()
    follow(office.page, "Rédiger la décision")
    main = office.page.get_by_role("main")
    main.get_by_label("Refuser").check(force=True)
    press(office.page, "Proposer à la signature")
    expect(main).to_contain_text("Un refus cite les textes sur lesquels il se fonde")
    office.checked()
    main.get_by_label("Accepter").check(force=True)
    main.get_by_label("Les professionnels peuvent se constituer en CPTS").check(force=True)
    main.get_by_label("Le territoire est pertinent").check(force=True)
    main.get_by_label("Réserves à suivre").fill("Associer l’hôpital de Saint-Omer.")
    press(office.page, "Voir l’aperçu")
    expect(main).to_contain_text("Décision conjointe d’acceptation")
    office.checked()
    press(office.page, "Proposer à la signature")
    expect(main).to_contain_text("Décision proposée")
    office.checked()

    waiting = as_(lead).open()
    assert "Aucune décision n’est prise sur ce dossier." in waiting.said()

    deliver_outbox()
    signs = as_(cpam)
    signs.page.goto(link_in(mails(cpam.email)[-1]))
    signs.checked()
    signs.sign("Directeur de la CPAM")
    assert "Reste : Agence régionale de santé Hauts-de-France." in signs.said()
    last = as_(agency).open()
    assert "Directeur de la CPAM" in last.said()
    last.sign("Directrice générale")
    assert "La décision est prise" in last.said()
    deliver_outbox()

    read = waiting.open()
    assert heading(read.page) == "Décision"
    for words in ("Associer l’hôpital de Saint-Omer.", "tribunal administratif de Lille"):
        assert words in read.said()
    document = read.page.get_by_role("link", name=re.compile("^Décision LI-32"))
    pdf: Any = read.page.request.get(str(document.get_attribute("href")))
    assert pdf.headers["content-type"] == "application/pdf"
    follow(read.page, "Voir la page publique de votre CPTS")
    assert heading(read.page) == letter.title
    read.checked()
