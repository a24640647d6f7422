"""Who may make a letter go through each transition of its decision, state by state."""

from typing import Any

import pytest
from django_fsm import Transition

from tests import factories
from tests.workflow import asking, deciding
from workflow.models import Case
from workflow.states import CaseState

pytestmark = pytest.mark.django_db

WRITES = {"instructor", "coordinator"}
SIGNS = {"agency signatory", "branch signatory", "cpam signatory", "delegate"}
# Of each transition: the states it starts from, and who may.
EXPECTED: dict[str, tuple[set[str], set[str]]] = {
    "propose_decision": ({"under_review"}, WRITES),
    "revise_proposal": ({"decision_proposed"}, WRITES),
    "take_back_proposal": ({"decision_proposed"}, WRITES),
    "send_back_proposal": ({"decision_proposed"}, SIGNS),
    "approve_decision": ({"decision_proposed"}, SIGNS),
    "accept": ({"decision_proposed"}, SIGNS),
    "refuse": ({"decision_proposed"}, SIGNS),
    "withdraw_decision": ({"accepted", "refused"}, {"coordinator", "agency coordinator"}),
}


def people_of(letter: Any) -> dict[str, Any]:
    agency, branch = deciding.agency(letter), letter.office
    editor = factories.team_member(letter.community, role="editor").user
    return {
        "instructor": deciding.instructor(letter),
        "another agent": asking.acting(factories.membership(organisation_=branch)),
        "coordinator": deciding.coordinator(letter),
        "agency coordinator": asking.member(agency, "coordinator"),
        "agency agent": asking.member(agency, "agent"),
        "agency signatory": deciding.signatory(agency),
        "branch signatory": deciding.signatory(branch),
        "cpam signatory": deciding.signatory(deciding.cpam()),
        "cpam agent": asking.member(deciding.cpam(), "agent"),
        "delegate": deciding.delegate(agency),
        "expired delegate": deciding.delegate(
            agency, valid_from=asking.in_days(-9), valid_to=asking.in_days(-1)
        ),
        "signatory elsewhere": asking.member(agency, "signatory", "59"),
        "owner": letter.created_by,
        "editor acting for the agency": asking.acting(
            factories.membership(editor, agency, role="signatory")
        ),
        "stranger": factories.user(),
        "the portal": None,
    }


def test_each_transition_of_a_decision_is_for_these_people_in_these_states() -> None:
    letter = deciding.under_review("32")
    type(letter.office).objects.filter(pk=letter.office_id).update(parent=deciding.agency(letter))
    letter = asking.fresh(letter)
    deciding.propose(letter)
    people = people_of(letter)
    found: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in EXPECTED}
    for state in CaseState.values:
        if state == CaseState.DRAFT:
            continue
        Case.objects.filter(pk=letter.pk).update(state=state)
        case = asking.fresh(letter)
        moves: list[Transition] = list(case.get_all_state_transitions())
        for move in moves:
            if move.name not in EXPECTED or move.source != state:
                continue
            found[move.name][0].add(state)
            allowed = {who for who, person in people.items() if move.has_perm(case, person)}
            assert allowed == EXPECTED[move.name][1], (move.name, state)
            found[move.name][1].update(allowed)
    assert found == EXPECTED
