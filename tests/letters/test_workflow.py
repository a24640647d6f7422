"""The machine, its door and who sees what, generated from the machine itself."""

import pytest
from django.core.exceptions import PermissionDenied
from django_fsm import TransitionNotAllowed

from accounts.models import Organisation, User
from letters import services
from letters.models import LetterOfIntent
from outbox.models import OutboxEvent
from tests import factories
from tests.letters import cases
from workflow.models import Case, CaseDesk, Snapshot, TransitionLog
from workflow.services import ActionRefusedError, AlreadyDoneError, perform
from workflow.states import CaseState

STATE = LetterOfIntent._meta.get_field("state")
TRANSITIONS = sorted(STATE.get_all_transitions(LetterOfIntent), key=lambda t: (t.name, t.source))

# What the machine must allow: (state, transition) → who. Nobody else, nowhere else.
ALLOWED = {("draft", "deposit"): {"owner"}}

# What each role sees: of a draft, of a deposited letter.
SEEN = {
    "owner": (True, True),
    "editor": (True, True),
    "reader": (True, True),
    "outsider": (False, False),
    "administrator outside the team": (False, False),
    "owner acting for the office": (False, True),
    "owner acting for another office": (False, False),
    "office in charge": (False, True),
    "informed office": (False, True),
    "regional agency": (False, True),
    "other office": (False, False),
    "office in charge, limited to this département": (False, True),
    "office in charge, limited to another département": (False, False),
}
DATA = {
    "deposit": {
        "commits_to_missions": True,
        "signatory_name": "Claire Fabre",
        "signed_at_place": "Lavaur",
    }
}


def same_owner(letter: LetterOfIntent, body: Organisation) -> User:
    """The owner again, acting for a body."""
    return cases.acting(User.objects.get(pk=letter.created_by_id), body)


def guichet() -> Organisation:
    return cases.body("one_stop_desk", "76")


# Towards an Occitanie letter of the Tarn.
PEOPLE = {
    "owner": lambda letter: letter.created_by,
    "editor": lambda letter: factories.team_member(letter.community, role="editor").user,
    "reader": lambda letter: factories.team_member(letter.community, role="reader").user,
    "outsider": lambda _: factories.user(),
    "administrator outside the team": lambda _: factories.user(is_staff=True, is_superuser=True),
    "owner acting for the office": lambda letter: same_owner(letter, guichet()),
    "owner acting for another office": lambda letter: same_owner(
        letter, cases.body("ars_branch", "32", "59")
    ),
    "office in charge": lambda _: cases.agent(guichet()),
    "informed office": lambda _: cases.agent(cases.body("ars_branch", "76", "81")),
    "regional agency": lambda _: cases.agent(cases.body("ars", "76")),
    "other office": lambda _: cases.agent(cases.body("ars_branch", "76", "31")),
    "office in charge, limited to this département": lambda _: cases.agent(guichet(), "81"),
    "office in charge, limited to another département": lambda _: cases.agent(guichet(), "31"),
}


# How a letter comes to each state.
IN_STATE = {CaseState.DRAFT.value: cases.complete, CaseState.DEPOSITED.value: cases.deposited}


def traces(letter: LetterOfIntent) -> dict[str, int]:
    """All that a transition leaves behind it."""
    return {
        "logs": TransitionLog.objects.filter(case=letter).count(),
        "snapshots": Snapshot.objects.filter(case=letter).count(),
        "desks": CaseDesk.objects.filter(case=letter).count(),
        "events": OutboxEvent.objects.filter(
            deduplication_key__startswith=f"letters.deposited:{letter.pk}:"
        ).count(),
    }


def test_every_transition_has_a_permission_a_label_and_a_state_it_starts_from():
    assert [
        (t.name, t.source)
        for t in TRANSITIONS
        if not callable(t.permission) or t.source in {"*", "+"} or not t.custom.get("label")
    ] == []


def test_every_state_is_reached_from_the_draft():
    reached = {CaseState.DRAFT.value}
    for _ in TRANSITIONS:
        reached |= {t.target for t in TRANSITIONS if t.source in reached}
    assert reached == set(CaseState.values)


def test_the_state_changes_through_the_door_only():
    letter = LetterOfIntent(kind="letter_of_intent")
    with pytest.raises(AttributeError):
        letter.state = CaseState.DEPOSITED


@pytest.mark.django_db
@pytest.mark.parametrize("role", SEEN)
@pytest.mark.parametrize("state", CaseState.values)
@pytest.mark.parametrize("name", sorted({t.name for t in TRANSITIONS}))
def test_each_transition_is_done_by_those_it_is_for_and_by_nobody_else(state, name, role):
    letter = IN_STATE[state]()
    actor = PEOPLE[role](letter)
    before = traces(letter)
    letter = LetterOfIntent.objects.get(pk=letter.pk)
    if role in ALLOWED.get((state, name), set()):
        log = perform(letter, name, actor=actor, **DATA[name])
        assert (log.from_state, log.to_state, log.actor) == (state, letter.state, actor)
        return
    with pytest.raises((PermissionDenied, TransitionNotAllowed, AlreadyDoneError)):
        perform(letter, name, actor=actor, **DATA[name])
    assert LetterOfIntent.objects.get(pk=letter.pk).state == state
    assert traces(letter) == before


@pytest.mark.django_db
@pytest.mark.parametrize("role", SEEN)
def test_each_role_sees_its_cases_and_no_others(role):
    states = (CaseState.DRAFT, CaseState.DEPOSITED)
    letters = [IN_STATE[state]() for state in states]
    seen = []
    for letter in letters:
        visible = LetterOfIntent.objects.visible_to(PEOPLE[role](letter))
        seen.append(visible.filter(pk=letter.pk).count() == 1)
        also_as_case = Case.objects.visible_to(PEOPLE[role](letter)).filter(pk=letter.pk).exists()
        assert also_as_case == seen[-1]
    assert tuple(seen) == SEEN[role]


@pytest.mark.django_db
def test_a_person_who_acts_in_a_role_sees_nothing_of_their_own_drafts():
    letter = cases.draft(communes=("81140",))
    owner = cases.acting(letter.created_by, cases.body("one_stop_desk", "76"))
    assert list(LetterOfIntent.objects.visible_to(owner)) == []
    owner.acting = None
    assert list(LetterOfIntent.objects.visible_to(owner)) == [letter]


@pytest.mark.django_db
def test_seeing_gives_the_role_on_the_team_without_another_query(django_assert_num_queries):
    letter = cases.draft()
    owner = letter.created_by
    with django_assert_num_queries(1):
        found = LetterOfIntent.objects.visible_to(owner).select_related("community").get()
        assert found.team_role(owner) == "owner"


@pytest.mark.django_db
def test_an_unknown_transition_is_a_mistake_of_ours_not_a_refusal():
    letter = cases.draft()
    with pytest.raises(LookupError, match="has no transition 'approve'"):
        perform(letter, "approve", actor=letter.created_by)


@pytest.mark.django_db
def test_a_refusal_says_what_to_do_in_french():
    letter = cases.complete()
    with pytest.raises(ActionRefusedError) as refused:
        services.deposit(
            letter, actor=letter.created_by, commits=False, signatory_name="C. F.", place="Lavaur"
        )
    assert refused.value.message.startswith("Cochez l’engagement")
