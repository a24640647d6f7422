"""Every state and every transition has words for every reader."""

import pytest
from django_fsm import Transition

from letters.labels import STATE_LABELS, TRANSITION_LABELS
from letters.models import LetterOfIntent
from tests import factories
from tests.desks.factories import deposited_letter, inform
from workflow.models import CaseDesk
from workflow.readers import Reader, reader_of
from workflow.states import CaseState


def test_each_state_has_a_label_and_a_next_step_per_reader() -> None:
    # A letter is decided, not signed by parties.
    assert set(STATE_LABELS) == set(CaseState) - {CaseState.TO_SIGN}
    for labels in STATE_LABELS.values():
        assert set(labels) == set(Reader)
        assert all(words.label and words.next_step for words in labels.values())


def test_each_transition_has_a_label_per_reader() -> None:
    transitions: list[Transition] = list(LetterOfIntent().get_all_state_transitions())
    assert set(TRANSITION_LABELS) == {transition.name for transition in transitions}
    for labels in TRANSITION_LABELS.values():
        assert set(labels) == set(Reader)


@pytest.mark.django_db
def test_the_reader_depends_on_the_role_the_person_acts_in(django_assert_num_queries) -> None:
    lead = factories.user()
    in_charge, informed, consulted = (factories.membership() for _ in range(3))
    letter = deposited_letter(in_charge.organisation, owner=lead)
    inform(letter, informed.organisation)
    inform(letter, consulted.organisation, kind=CaseDesk.Kind.CONSULTED)
    for membership in (in_charge, informed, consulted):
        membership.user.acting = membership
    expected = {
        lead: Reader.LEAD,
        in_charge.user: Reader.OFFICE,
        informed.user: Reader.INFORMED,
        consulted.user: Reader.REVIEWER,
    }
    assert {person: reader_of(letter, person) for person in expected} == expected
    for person, reader in expected.items():
        with django_assert_num_queries(1):
            assert reader_of(LetterOfIntent.objects.visible_to(person).get(), person) == reader


@pytest.mark.django_db
def test_an_informed_reader_of_one_case_is_asked_about_another() -> None:
    body = factories.membership()
    body.user.acting = body
    informed, consulted = (deposited_letter(factories.organisation()) for _ in range(2))
    inform(informed, body.organisation)
    inform(consulted, body.organisation, kind=CaseDesk.Kind.CONSULTED)
    seen = LetterOfIntent.objects.visible_to(body.user)
    assert {letter: reader_of(letter, body.user) for letter in seen} == {
        informed: Reader.INFORMED,
        consulted: Reader.REVIEWER,
    }
