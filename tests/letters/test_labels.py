"""Every state and every transition has words for every reader."""

import pytest
from django_fsm import Transition

from letters.labels import STATE_LABELS, TRANSITION_LABELS, Reader, reader_of
from letters.models import LetterOfIntent
from tests import factories
from tests.desks.factories import deposited_letter, inform
from workflow.states import CaseState


def test_each_state_has_a_label_and_a_next_step_per_reader() -> None:
    assert set(STATE_LABELS) == set(CaseState)
    for labels in STATE_LABELS.values():
        assert set(labels) == set(Reader)
        assert all(words.label and words.next_step for words in labels.values())


def test_each_transition_has_a_label_per_reader() -> None:
    transitions: list[Transition] = list(LetterOfIntent().get_all_state_transitions())
    assert set(TRANSITION_LABELS) == {transition.name for transition in transitions}
    for labels in TRANSITION_LABELS.values():
        assert set(labels) == set(Reader)


@pytest.mark.django_db
def test_the_reader_depends_on_the_role_the_person_acts_in() -> None:
    lead = factories.user()
    in_charge, informed = factories.membership(), factories.membership()
    letter = deposited_letter(in_charge.organisation, owner=lead)
    inform(letter, informed.organisation)
    for membership in (in_charge, informed):
        membership.user.acting = membership
    assert reader_of(letter, lead) == Reader.LEAD
    assert reader_of(letter, in_charge.user) == Reader.OFFICE
    assert reader_of(letter, informed.user) == Reader.INFORMED
