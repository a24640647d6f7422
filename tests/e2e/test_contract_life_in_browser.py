"""A contract that is amended, ended and reached by national rates: its pages, as they are used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User
from contracts.amendments import national
from contracts.drafts import drafting
from contracts.endings import ending
from contracts.funding.schedule import five_years
from contracts.models import Draft, NationalAmendment, NationalAmendmentItem, Termination
from outbox.services import deliver_pending
from tests import factories
from tests.contracts import raised, signed
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, press

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def sound(page: Page) -> None:
    """The page is clean for axe and scrolls in one direction."""
    assert (axe_violations(page), overflow(page)) == ([], 0)


def at(page: Page, person: User, name: str, *args: Any) -> None:
    if page.url == "about:blank":
        SignIn(page).as_(person.email, factories.PASSWORD)
    page.goto(reverse(name, args=args))
    sound(page)


def test_a_contract_is_amended_terminated_and_reached_by_national_rates(
    open_browser: Callable[..., Page],
) -> None:
    contract = signed.contract()
    assert contract.cpam
    owner, payer = contract.community.created_by, signed.agent(contract.cpam)
    agency, by = signed.agent(contract.ars), raised.administrator()
    phone, desk, other = (open_browser(viewport=one) for one in (PHONE, DESKTOP, PHONE))
    one = contract.public_id

    at(phone, owner, "amendments:history", one)
    phone.get_by_role("link", name="Préparer un avenant").click()
    phone.get_by_text("Coordonnées bancaires").click()
    press(phone, "Ouvrir l’avenant")
    expect(phone.get_by_text("L’avenant est ouvert entre les parties.")).to_be_visible()
    sound(phone)
    draft = Draft.objects.get(purpose="amendment")
    wanted = replace(draft.says, bank=replace(draft.says.bank, holder="Association du lac"))
    drafting.save_section(draft, "bank", wanted, by=owner, base_revision=1)
    at(phone, owner, "amendments:section", one, draft.pk, "bank")
    at(desk, payer, "amendments:amendment", one, draft.pk)
    press(desk, "Marquer l’accord de votre partie")
    expect(desk.get_by_text("Votre accord est marqué.")).to_be_visible()

    ending.open_campaigns(five_years(contract.starts_on) - timedelta(days=30))
    at(phone, owner, "endings:hub", one)
    phone.get_by_text("Renouveler", exact=True).click()
    press(phone, "Enregistrer la réponse")
    expect(phone.get_by_text("Votre réponse est enregistrée")).to_be_visible()
    at(desk, payer, "endings:terminate", one)
    desk.get_by_text("Les missions ne sont pas mises en œuvre").click()
    desk.get_by_label("Exposé du motif").fill("Deux missions sur quatre n’ont pas commencé.")
    last = timezone.localdate() + timedelta(days=120)
    desk.get_by_label("Dernier jour du contrat").fill(f"{last:%Y-%m-%d}")
    press(desk, "Notifier la résiliation")
    expect(desk.get_by_text("La résiliation est notifiée aux autres parties.")).to_be_visible()
    sound(desk)
    termination = Termination.objects.get()
    at(phone, owner, "endings:termination", one, termination.pk)
    for party in (owner, agency):
        ending.observe(termination, "Elles commencent ce mois-ci.", by=party)
    at(desk, payer, "endings:decide", one, termination.pk)

    amendment = raised.prepared(by)
    at(other, by, "national:amendments")
    deliver_pending()
    at(other, by, "national:amendment", amendment.pk)
    expect(other.get_by_text("Avenant en cours").first).to_be_visible()
    Draft.objects.filter(pk=draft.pk).update(state=Draft.State.DROPPED)
    NationalAmendment.objects.filter(pk=amendment.pk).update(status="abandoned")
    again = national.prepare(amendment.table, legal_basis=raised.LAW, by=by)
    deliver_pending()
    at(other, by, "national:contract", again.pk, again.items.get().pk)
    at(other, by, "national:start", again.pk)
    press(other, "Appliquer ces tarifs")
    deliver_pending()
    at(other, by, "national:amendment", again.pk)
    expect(other.get_by_text("Appliqué", exact=True).first).to_be_visible()

    raised.with_signers([contract])
    tomorrow = timezone.localdate() + timedelta(days=1)
    raised.raised_rates(by, tomorrow, grant=85_000)
    at(other, by, "national:amendments")
    other.get_by_label("Tarifs publiés").select_option(index=1)
    other.get_by_text("Chaque contrat reçoit un avenant à signer", exact=True).click()
    other.get_by_label("Texte qui porte ces tarifs").fill(raised.LAW)
    press(other, "Préparer l’aperçu")
    deliver_pending()
    other.reload()
    other.get_by_role("link", name="Envoyer 1 avenant à signer").click()
    sound(other)
    press(other, "Envoyer à signer")
    deliver_pending()
    other.reload()
    expect(other.get_by_text("Avenants signés\u00a0: 0 sur 1")).to_be_visible()
    sound(other)
    at(
        other,
        by,
        "national:contract",
        *NationalAmendmentItem.objects.filter(outcome="to_sign")
        .values_list("amendment", "pk")
        .get(),
    )
    expect(other.get_by_text("Signatures attendues")).to_be_visible()
