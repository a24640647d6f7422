"""The contract that `play_scenario contrat` plays, from its draft to its amendments."""

import pytest

from contracts.funding import ratebook
from contracts.models import NationalAmendmentItem, YearlyDialogue
from desks.play import Play
from desks.play_contract import ContractPlay
from workflow.states import CaseState

pytestmark = pytest.mark.django_db


def test_a_contract_is_signed_paid_reviewed_then_amended_with_all_the_others(
    loaded_organisations: None,
) -> None:
    ratebook.load_delivered_rates()
    said: list[str] = []
    play = Play(said.append)
    play.cast()
    contract = ContractPlay(play, others=1).live()
    contract.refresh_from_db()
    dialogue = YearlyDialogue.objects.get(contract=contract)
    assert (contract.state, dialogue.state) == (CaseState.ACCEPTED, "closed")
    assert [one.state for one in contract.signing_rounds.all()] == ["signed"] * 4
    # Its class moved at the rates just published: they change nothing more in it.
    assert contract.size_class == "T4"
    items = NationalAmendmentItem.objects.order_by("contract", "pk")
    assert [(one.contract.pk == contract.pk, one.outcome, one.reason) for one in items] == [
        (True, "exception", "unchanged"),
        (True, "applied", ""),
        (False, "applied", ""),
        (False, "to_sign", ""),
    ]
    assert "75\u00a0000\u00a0€ + 200\u00a0000\u00a0€ + 122\u00a0500\u00a0€" in "\n".join(said)
