"""Two people sign, or one signs while another acts, in the same second: exactly one wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from tests import factories
from tests.workflow import asking, deciding
from workflow.approving import approve, send_back
from workflow.decisions import open_decision
from workflow.models import Approval, Decision
from workflow.services import ActionRefusedError, AlreadyDoneError
from writing.consulting import withdraw

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("loaded_territories"),
]


def at_once(*actions: Callable[[], object]) -> list[str]:
    """Run the actions together, each on its own connection; give what each answered."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], object]) -> str:
        try:
            barrier.wait(timeout=30)
            action()
        except AlreadyDoneError as done:
            return done.message.partition(" par ")[0]
        except ActionRefusedError as refused:
            return refused.message
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return sorted(pool.map(run, actions))


def signing(letter: Any, body: Any, person: Any = None) -> Callable[[], object]:
    decision = open_decision(letter)
    assert decision
    signer = person or deciding.signatory(body)
    return lambda: approve(
        asking.fresh(letter), user=signer, text_sha256=decision.text_sha256, capacity="Directeur"
    )


def test_of_two_signatories_of_a_body_one_signs_and_the_other_reads_who_did() -> None:
    letter = deciding.under_review("32")
    deciding.propose(letter)
    other = asking.acting(factories.membership(organisation_=deciding.cpam(), role="signatory"))
    answers = at_once(signing(letter, deciding.cpam()), signing(letter, deciding.cpam(), other))
    assert answers == ["Action déjà effectuée", "done"]
    assert Approval.objects.count() == 1


def test_two_bodies_that_sign_together_take_the_decision_once() -> None:
    letter = deciding.under_review("32")
    deciding.propose(letter)
    answers = at_once(signing(letter, deciding.cpam()), signing(letter, deciding.agency(letter)))
    assert answers == ["done", "done"]
    assert list(Decision.objects.values_list("state", flat=True)) == ["taken"]
    assert letter.transition_logs.filter(transition="accept").count() == 1
    assert letter.community.stages.count() == 1


def test_a_signature_and_a_sending_back_or_a_withdrawal_never_both_win() -> None:
    letter = deciding.under_review()
    deciding.propose(letter)
    agency = deciding.agency(letter)
    other = asking.acting(factories.membership(organisation_=agency, role="signatory"))
    answers = at_once(
        signing(letter, agency),
        lambda: send_back(asking.fresh(letter), user=other, comment="À revoir."),
        lambda: withdraw(asking.fresh(letter), actor=letter.created_by, reason="Abandon."),
    )
    state = asking.fresh(letter).state
    moves = set(letter.transition_logs.values_list("transition", flat=True))
    assert "done" in answers
    assert state in {"accepted", "under_review", "withdrawn"}
    # A letter sent back may be withdrawn just after; it is never both decided and given up.
    assert len(moves & {"accept", "withdraw"}) + ("send_back_proposal" in moves) == answers.count(
        "done"
    )
    assert not {"accept", "withdraw"} <= moves
