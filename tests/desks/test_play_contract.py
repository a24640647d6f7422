"""The contract that `play_scenario contrat` plays, from its draft to its signed minutes."""

import pytest

from contracts.funding import ratebook
from contracts.models import YearlyDialogue
from desks.play import Play
from desks.play_contract import ContractPlay
from workflow.states import CaseState

pytestmark = pytest.mark.django_db


def test_a_contract_is_signed_by_three_paid_and_its_first_year_closed(
    loaded_organisations: None,
) -> None:
    ratebook.load_delivered_rates()
    said: list[str] = []
    play = Play(said.append)
    play.cast()
    contract = ContractPlay(play).live()
    contract.refresh_from_db()
    dialogue = YearlyDialogue.objects.get(contract=contract)
    assert (contract.state, dialogue.state) == (CaseState.ACCEPTED, "closed")
    assert [one.state for one in contract.signing_rounds.all()] == ["signed", "signed"]
    assert "75\u00a0000\u00a0€ + 200\u00a0000\u00a0€ + 122\u00a0500\u00a0€" in "\n".join(said)
