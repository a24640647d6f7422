"""A contract of the third size, from the version all agree on to the day it binds them: frozen in
the browser, signed by three, with its money."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pyotp
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts import second_factor
from accounts.models import SecondFactor, User
from contracts.drafts import drafting
from contracts.models import Contract, ScheduleLine
from contracts.terms import CPTS, Representative
from outbox.models import Mail
from outbox.services import deliver_pending
from tests import factories
from tests.contracts import drafts
from tests.e2e.conftest import DESKTOP, PHONE, axe_violations, overflow
from tests.e2e.pages import SignIn, follow, heading, press

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PRESIDENT = "presidente@exemple.test"


def sound(page: Page) -> None:
    """The page is clean for axe and scrolls in one direction."""
    assert (axe_violations(page), overflow(page)) == ([], 0)


def code_shown(key: str, steps: int = 0) -> str:
    """What an application that was given this key shows now."""
    application = pyotp.TOTP(key.replace(" ", ""))
    return application.generate_otp(second_factor.step_now() + steps)


def agent_signs(page: Page, person: User, contract: Contract) -> None:
    """An agent who has no second factor yet: they set one up on the way, then sign."""
    SignIn(page).as_(person.email, factories.PASSWORD)
    page.goto(reverse("contracts:draft", args=[contract.public_id]))
    follow(page, "Signer ou suivre les signatures")
    follow(page, "Signer")
    follow(page, "Activer le deuxième facteur")
    page.get_by_role("main").get_by_label("Mot de passe").fill(factories.PASSWORD)
    press(page, "Continuer")
    sound(page)
    key = page.get_by_text("tapez cette clé").locator("strong").inner_text()
    page.get_by_label("Code affiché").fill(code_shown(key))
    press(page, "Activer")
    sound(page)
    follow(page, "J’ai noté mes codes, continuer")
    sound(page)
    # The code that set it up has served: the next one signs.
    SecondFactor.objects.filter(user=person).update(last_step=0)
    page.get_by_label("Code de votre application").fill(code_shown(key))
    press(page, "Signer")
    expect(page.get_by_text("Votre signature est enregistrée.")).to_be_visible()
    sound(page)


@pytest.mark.usefixtures("reference_data")
def test_a_contract_is_frozen_signed_by_three_and_in_force(
    open_browser: Callable[..., Page],
) -> None:
    people, contract, draft = drafts.opened()
    draft = drafts.filled_in(draft, people)
    says = draft.says
    president = Representative(
        party=CPTS,
        name="Dominique Fabre",
        capacity="Présidente",
        email=PRESIDENT,
        act="Statuts, article 12",
    )
    others = tuple(one for one in says.representatives if one.party != CPTS)
    draft = drafting.save_section(
        draft,
        "representatives",
        replace(says, representatives=(president, *others)),
        by=people.owner,
        base_revision=draft.revision,
    )
    for by in (people.agent, people.payer):
        drafting.mark_agreement(draft, by=by, revision=draft.revision)

    # The CPTS agrees last, and freezes.
    team = open_browser(viewport=DESKTOP)
    SignIn(team).as_(people.owner.email, factories.PASSWORD)
    team.goto(reverse("contracts:draft", args=[contract.public_id]))
    press(team, re.compile("Marquer l’accord"))
    press(team, re.compile("Figer la version"))
    deliver_pending()
    team.reload()
    follow(team, "Signer ou suivre les signatures")
    expect(team.get_by_text("0 signature sur 3")).to_be_visible()
    sound(team)

    # The president has no account: the link, the code, the button.
    link = re.search(r"/signer/contrat/[\w-]+/", Mail.objects.get(recipient=PRESIDENT).text_body)
    assert link
    phone = open_browser(viewport=PHONE, java_script_enabled=False)
    phone.goto(link[0])
    assert "Dominique Fabre" in phone.get_by_role("main").inner_text()
    press(phone, "Recevoir mon code")
    sent = Mail.objects.filter(recipient=PRESIDENT, subject="Votre code pour signer").get()
    code = re.search(r"est\s: (\d{3}\s\d{3})", sent.text_body)
    assert code
    phone.get_by_label("Code reçu").fill(code[1])
    press(phone, "Signer")
    assert heading(phone) == "C’est signé"

    agent_signs(open_browser(viewport=PHONE), people.agent, contract)
    assert Contract.objects.get(pk=contract.pk).state == "to_sign"
    agent_signs(open_browser(viewport=DESKTOP), people.payer, contract)

    # The third signature put it in force, with the amounts of the agreement.
    deliver_pending()
    team.reload()
    expect(team.get_by_text("Signé par tous")).to_be_visible()
    expect(team.get_by_role("link", name=re.compile("Dossier de preuve"))).to_be_visible()
    sound(team)
    assert Contract.objects.get(pk=contract.pk).state == "accepted"
    first_year: Counter[str] = Counter()
    for line in ScheduleLine.objects.filter(schedule__contract=contract, year=1):
        first_year[line.share] += line.amount  # type: ignore[assignment]
    assert first_year == {
        "operating": Decimal(75_000),
        "fixed": Decimal(200_000),
        "variable": Decimal(122_500),
    }
    team.goto(reverse("contracts:money", args=[contract.public_id]))
    expect(team.get_by_role("cell", name=re.compile(r"397\s500\s€")).first).to_be_visible()
    sound(team)
