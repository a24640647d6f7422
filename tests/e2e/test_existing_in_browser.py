"""Contracts signed before the portal, taken over on a telephone: a list with its faults, the dry
run, the report, the work in the background, the contract opened."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Organisation
from contracts.models import Contract, ExistingImport
from outbox.services import deliver_pending
from tests import factories
from tests.contracts.existing_list import as_csv, row
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, press

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def sound(page: Page) -> None:
    assert (page.url, axe_violations(page), overflow(page)) == (page.url, [], 0)


@pytest.mark.usefixtures("reference_data")
def test_a_list_with_faults_is_read_then_taken_over_on_a_telephone(
    open_browser: Callable[..., Page], tmp_path: Path
) -> None:
    agency = Organisation.objects.get(code="ars-provence-alpes-cote-d-azur")
    person = factories.membership(None, agency, "coordinator").user
    known = factories.community(name="CPTS du Verdon", region_=agency.region)
    from territories.services import add_communes  # noqa: PLC0415 - once the communes are loaded

    add_communes(known.territory, ["04226"])
    listed = tmp_path / "cpts-existantes.csv"
    listed.write_bytes(
        as_csv(
            [
                row(rna="W041000123", paid="142500", paid_on="31/12/2023", file="ubaye.pdf"),
                row(name="Vallée de l’Ubaye (CPTS)", rna="W041000123", communes="04070"),
                row(name="CPTS CrÃªtes de lâ€™Asse", communes="4120", rna="W041000124"),
                row(name="CPTS perdue", communes="99999", paid="-1"),
                row(name="CPTS Verdon", communes="04226 04086"),
            ]
        )
    )
    page = open_browser(viewport=PHONE)
    SignIn(page).as_(person.email, factories.PASSWORD)
    page.goto("/contrats/existants/")
    press(page, "Lire le fichier")
    expect(page.get_by_role("alert")).to_contain_text("Liste des CPTS")
    sound(page)
    page.get_by_label("Liste des CPTS").set_input_files(listed)
    page.get_by_role("main").get_by_role("button", name="Lire le fichier").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Vérifier avant de reprendre")
    main = page.get_by_role("main")
    for words in (
        "ce numéro est déjà à la ligne 2",
        "CPTS Crêtes de l’Asse",
        "99999 n’est le code INSEE d’aucune commune",
        "est négatif",
        "Déjà payé avant le portail",
    ):
        expect(main).to_contain_text(words)
    sound(page)
    follow(page, "À corriger (2)")
    expect(main).not_to_contain_text("Crêtes de l’Asse")
    sound(page)
    follow(page, "Toutes les lignes (5)")
    decision = page.get_by_label("Votre décision pour la ligne 6")
    decision.focus()
    page.keyboard.press("ArrowDown")
    expect(decision).to_have_value("join")
    press(page, "Garder mes décisions")
    expect(main).to_contain_text("3 lignes seront reprises")
    page.get_by_role("button", name="Lancer la reprise").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Reprise en cours")).to_be_visible()
    expect(main).to_contain_text("0 contrat traité sur 3")
    sound(page)
    while not ExistingImport.objects.get().finished_at:
        assert deliver_pending()
    follow(page, "recharger pour suivre")
    expect(page.get_by_role("heading", name="Reprise terminée")).to_be_visible()
    sound(page)
    contract = Contract.objects.earliest("pk")
    follow(page, contract.reference or "")
    expect(main).to_contain_text("142\u00a0500\u00a0€")
    sound(page)
    page.go_back()
    follow(page, "Joindre les contrats numérisés")
    expect(main).to_contain_text("ubaye.pdf")
    sound(page)
    page.goto("/bureau/couverture/?statut=contrat")
    expect(main).to_contain_text("Barcelonnette")
    sound(page)
