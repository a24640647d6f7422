"""Members and signatures as people use them: a signer on a phone, a team at its desk."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cpts_portal.spreadsheets import csv_bytes
from members.importing import COLUMNS
from outbox.services import deliver_pending
from signatures import paper
from signatures.models import Campaign, Signature
from tests import factories
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, heading, press
from tests.members import making
from tests.signatures import signing

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
OpenBrowser = Callable[..., Page]


def checked(page: Page) -> None:
    """What every page must be: no rule of axe broken, no wider than its window."""
    assert axe_violations(page) == []
    assert overflow(page) == 0


@pytest.mark.usefixtures("reference_data")
def test_a_member_signs_on_a_phone_in_three_clicks(open_browser: OpenBrowser) -> None:
    with signing.letters_are_signed():
        campaign = signing.opened()
        one = signing.first(campaign)
        page = open_browser(viewport=PHONE)
        page.goto(signing.link(one))
        checked(page)
        expect(page.get_by_text(one.member.person).first).to_be_visible()

        with page.expect_popup():
            follow(page, "Lire la lettre d’intention")
        press(page, "Recevoir mon code")
        page.wait_for_url(re.compile("/signer/$"))
        checked(page)
        page.get_by_label("Code reçu").fill(signing.code(one))
        press(page, "Signer")

        expect(page.get_by_role("heading", level=1)).to_have_text("C’est signé")
        checked(page)
        assert Signature.objects.get().member_id == one.member_id


@pytest.mark.usefixtures("reference_data")
def test_a_wrong_code_is_said_beside_its_field_then_a_refusal_is_noted(
    open_browser: OpenBrowser,
) -> None:
    with signing.letters_are_signed():
        one = signing.first(signing.opened())
        page = open_browser(viewport=PHONE, java_script_enabled=False)
        page.goto(signing.link(one))
        press(page, "Recevoir mon code")
        page.get_by_label("Code reçu").fill("abc")
        press(page, "Signer")
        expect(page.get_by_role("alert").get_by_role("link")).to_have_count(1)

        page.get_by_text("Je ne souhaite pas signer").click()
        page.get_by_label("Code reçu").fill(signing.code(one))
        page.get_by_label("Si vous refusez").fill("Je déménage.")
        press(page, "Refuser de signer")
        assert heading(page) == "Votre refus est noté"


@pytest.mark.usefixtures("reference_data")
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
def test_the_team_imports_its_members_and_follows_a_campaign(
    open_browser: OpenBrowser, viewport: dict[str, int]
) -> None:
    with signing.letters_are_signed():
        letter = signing.letter()
        community = letter.community
        page = open_browser(viewport=viewport)
        SignIn(page).as_(letter.created_by.email, factories.PASSWORD)
        at = f"/cpts/{community.public_id}"

        page.goto(f"{at}/membres/")
        checked(page)
        follow(page, "Importer un tableur")
        checked(page)
        page.get_by_label("Fichier à importer").set_input_files(
            {"name": "membres.csv", "mimeType": "text/csv", "buffer": members_file()}
        )
        press(page, "Lire le fichier")
        expect(page.get_by_role("heading", level=1)).to_have_text("Vérifier avant d’écrire")
        checked(page)
        press(page, "Confirmer l’import")
        expect(page.get_by_role("status").first).to_contain_text("2 membres en plus")
        checked(page)
        page.goto(f"{at}/membres/ajouter/structure/")
        checked(page)
        making.structure(community)

        page.goto(f"{at}/signatures/nouvelle/")
        checked(page)
        press(page, "Continuer")
        checked(page)
        press(page, re.compile("Ouvrir et inviter 3 membres"))
        page.wait_for_load_state()
        campaign = Campaign.objects.get()
        signing.member_signs(signing.of_structure(campaign))
        page.reload()
        checked(page)
        expect(page.get_by_text("1 sur 3 ont signé")).to_be_visible()

        follow(page, "Signatures sur papier")
        checked(page)
        scan = paper.sheets_pdf(campaign, paper.to_print(campaign))
        page.locator("#files").set_input_files(
            {"name": "lot.pdf", "mimeType": "application/pdf", "buffer": scan}
        )
        press(page, "Envoyer")
        expect(page.get_by_role("status").first).to_contain_text("2 pages reçues")
        deliver_pending()
        page.reload()
        checked(page)
        follow(page, "lot.pdf, page 1")
        checked(page)
        press(page, "Oui, la compter")
        page.goto(signing.url(campaign, f"membres/{signing.first(campaign).pk}/"))
        checked(page)
        assert Signature.objects.count() == 2


def members_file() -> bytes:
    rows = [
        {"last_name": "Fabre", "first_name": "Claire", "profession": "Médecin",
         "email": "claire.fabre@exemple.test", "commune": "Lavaur"},
        {"last_name": "Petit", "first_name": "Noé", "profession": "Infirmier",
         "email": "noe.petit@exemple.test"},
        {"last_name": "Roy", "first_name": "Zoé", "profession": "Astrologue"},
    ]  # fmt: skip
    return csv_bytes(list(COLUMNS.values()), [[r.get(k, "") for k in COLUMNS] for r in rows])
