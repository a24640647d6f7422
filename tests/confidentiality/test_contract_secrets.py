"""What the parties of a contract say to each other while they write it stays between them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from contracts.drafts import drafting, negotiation
from contracts.drafts.forms import BankForm
from contracts.terms import Bank
from outbox.models import Mail
from tests import factories
from tests.contracts import drafts, signed
from workflow import desk_tools

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]
IBAN = "FR7630006000011234567890189"


def test_what_is_said_of_a_draft_is_its_parties_alone_and_a_note_is_who_wrote_it(
    deliver_outbox: Callable[[], int],
) -> None:
    people, contract, draft = drafts.opened()
    colleague = signed.agent(people.cpam)
    negotiation.open_thread(draft, "size", "secretremarque", by=people.agent)
    asked = replace(draft.says, size="T4")
    proposal = negotiation.propose_section(
        draft, "size", asked, by=people.payer, base_revision=1, reason="secretpourquoi"
    )
    form = BankForm(
        {"holder": "secrettitulaire", "iban": IBAN, "base_revision": "1"}, draft=draft, party="cpts"
    )
    assert form.is_valid()
    draft = drafting.save_section(draft, "bank", form.asked(), by=people.owner, base_revision=1)
    assert draft.says.bank == Bank(holder="secrettitulaire", masked_iban="FR76 •••• 0189")
    desk_tools.save_note(contract, "secretnote", user=people.payer)
    deliver_outbox()

    def pages(person: User | None) -> str:
        client = Client()
        if person is not None:
            client.force_login(person)
        addresses = [
            *(
                reverse(f"contracts:{name}", args=[contract.public_id])
                for name in ("draft", "draft-versions", "draft-text", "data-file", "money")
            ),
            *(
                reverse("contracts:draft-section", args=[contract.public_id, section])
                for section in ("size", "bank")
            ),
            reverse("cases:timeline", args=[contract.public_id]),
            reverse("contract-desk:todo") + "?voir=tous",
            reverse("contract-data:all", args=["json"]),
            reverse("communities:public", args=[people.community.public_id]),
            reverse("desks:home"),
            reverse("desks:inbox") + "?onglet=tous",
            reverse("notifications:list"),
        ]
        return " ".join(client.get(one, follow=True).content.decode() for one in addresses)

    words = ("secretremarque", "secretpourquoi", "secrettitulaire")

    def found(person: User | None) -> list[bool]:
        said = pages(person)
        return [word in said for word in words]

    reader = factories.team_member(people.community, role="reader").user
    for party in (people.owner, people.agent, people.payer, colleague, reader):
        assert found(party) == [True] * 3
    far = signed.agent(signed.cpam("31", "Haute-Garonne"))
    for stranger in (None, factories.user(), far, factories.user(is_staff=True, is_superuser=True)):
        assert found(stranger) == [False] * 3
    # A note is of who wrote it; the whole number of the account is nowhere.
    assert [
        ("secretnote" in pages(one), IBAN in pages(one))
        for one in (people.agent, people.owner, colleague, reader)
    ] == [(False, False)] * 4
    negotiation.decline_proposal(proposal, by=people.agent, answer="secretrefus")
    deliver_outbox()
    mailed = [f"{one.subject} {one.text_body} {one.html_body}" for one in Mail.objects.all()]
    to_others = [
        one.recipient
        for one, text in zip(Mail.objects.all(), mailed, strict=True)
        if "secretrefus" in text
    ]
    assert not any(word in text for text in mailed for word in (*words, "secretnote", IBAN))
    assert set(to_others) <= {people.payer.email, colleague.email}
