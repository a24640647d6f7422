"""The machine, its door and who sees what, generated from the machine itself."""

import copy

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import Organisation, User
from letters.models import LetterOfIntent
from outbox.models import OutboxEvent
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.models import Case, CaseDesk, Snapshot, TransitionLog
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError, perform
from workflow.states import CaseState
from workflow.synthesis import save_synthesis
from writing import depositing
from writing.consulting import consult

STATE = LetterOfIntent._meta.get_field("state")
TRANSITIONS = sorted(STATE.get_all_transitions(LetterOfIntent), key=lambda t: (t.name, t.source))

# What the machine must allow: (region, state, transition) → who. Nobody else, nowhere else.
AGENCY = {"agency agent", "agency coordinator"}
FOLLOWERS = {"office agent", "office coordinator", "office president", "office reviewer"}
ALLOWED = {
    # Occitanie: the bodies are asked, the Guichet sums up, the agency examines.
    ("76", "draft", "deposit"): {"owner"},
    ("76", "deposited", "start_consultation"): {"the portal"},
    ("76", "deposited", "withdraw"): {"owner"},
    ("76", "in_consultation", "assign"): FOLLOWERS,
    ("76", "in_consultation", "request_completion"): FOLLOWERS,
    ("76", "in_consultation", "request_details"): FOLLOWERS,
    ("76", "in_consultation", "transmit"): {"office coordinator", "office president"},
    ("76", "in_consultation", "withdraw"): {"owner"},
    ("76", "under_review", "assign"): AGENCY,
    ("76", "under_review", "request_completion"): AGENCY,
    ("76", "under_review", "request_details"): AGENCY,
    ("76", "under_review", "take_up"): AGENCY,
    ("76", "under_review", "withdraw"): {"owner"},
    ("76", "completion_requested", "assign"): AGENCY,
    ("76", "completion_requested", "resume_review"): AGENCY,
    ("76", "completion_requested", "withdraw"): {"owner"},
    ("76", "decision_proposed", "assign"): AGENCY,
    ("76", "decision_proposed", "take_back_proposal"): AGENCY,
    ("76", "decision_proposed", "withdraw"): {"owner"},
    ("76", "accepted", "withdraw_decision"): {"agency coordinator"},
    ("76", "refused", "withdraw_decision"): {"agency coordinator"},
    # Pays de la Loire: the committee is asked by the agency, which examines.
    ("52", "draft", "deposit"): {"owner"},
    ("52", "deposited", "start_consultation"): {"the portal"},
    ("52", "deposited", "withdraw"): {"owner"},
    ("52", "in_consultation", "assign"): {
        "agency agent",
        "agency coordinator",
        "agency president",
        "agency reviewer",
    },
    ("52", "in_consultation", "request_completion"): {
        "agency agent",
        "agency coordinator",
        "agency president",
        "agency reviewer",
    },
    ("52", "in_consultation", "request_details"): {
        "agency agent",
        "agency coordinator",
        "agency president",
        "agency reviewer",
    },
    ("52", "in_consultation", "end_consultation"): AGENCY,
    ("52", "in_consultation", "withdraw"): {"owner"},
    ("52", "under_review", "assign"): AGENCY,
    ("52", "under_review", "request_completion"): AGENCY,
    ("52", "under_review", "request_details"): AGENCY,
    ("52", "under_review", "withdraw"): {"owner"},
    # Hauts-de-France: nobody is asked, the office of the département examines.
    ("32", "draft", "deposit"): {"owner"},
    ("32", "deposited", "take_up"): {"office agent", "office coordinator"},
    ("32", "deposited", "withdraw"): {"owner"},
    ("32", "under_review", "assign"): {"office agent", "office coordinator"},
    ("32", "under_review", "request_completion"): {"office agent", "office coordinator"},
    ("32", "under_review", "request_details"): {"office agent", "office coordinator"},
    ("32", "under_review", "withdraw"): {"owner"},
}
STATES = {
    "76": [state for state in CaseState.values if state != CaseState.TO_SIGN],
    "52": ["draft", "deposited", "in_consultation", "under_review"],
    "32": ["draft", "deposited", "under_review"],
}

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
    },
    "withdraw": {"comment": "Le projet change de territoire."},
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


# Of each region: a commune, and the office that receives its letters.
PLACES = {
    "76": ("81140", ("one_stop_desk", "76")),
    "52": ("44114", ("ars", "52")),
    "32": ("59350", ("ars_branch", "32", "59")),
}


def in_state(region: str, state: str) -> LetterOfIntent:
    """A letter that came to this state as people bring it there, as far as they can today."""
    commune, office = PLACES[region]
    if state == CaseState.DRAFT:
        return cases.complete(region, communes=(commune,))
    letter = cases.deposited(region, communes=(commune,))
    if state == CaseState.DEPOSITED:
        return letter
    consult(case_id=letter.pk)
    coordinator = asking.member(cases.body(*office), "coordinator")
    if region == "76":
        save_synthesis(letter, user=coordinator, text="Avis favorables.", base_revision=0)
    letter = LetterOfIntent.objects.get(pk=letter.pk)
    if state == CaseState.IN_CONSULTATION:
        return letter
    name = {"76": "transmit", "52": "end_consultation", "32": "take_up"}[region]
    perform(letter, name, actor=coordinator)
    LetterOfIntent.objects.filter(pk=letter.pk).update(state=state)
    return LetterOfIntent.objects.get(pk=letter.pk)


def people_of(letter: LetterOfIntent, region: str) -> dict[str, User | None]:
    """Everybody who could try something on a letter."""
    commune, office = PLACES[region]
    team = {
        role: factories.team_member(letter.community, role=role).user
        for role in ("owner", "editor", "reader")
    }
    # A body goes by the first of its names: an agency or an office may be in charge.
    names = {
        cases.body("ars_branch", region, commune[:2]): "branch",
        factories.organisation("urps", region=letter.region): "body",
        cases.body(*office): "office",
        cases.body("ars", region): "agency",
    }
    roles = ("agent", "coordinator", "signatory", "reviewer", "president", "secretary")
    elsewhere = "31" if region == "76" else "62" if region == "32" else "49"
    return {
        "the portal": None,
        **team,
        "outsider": factories.user(),
        "administrator outside the team": factories.user(is_staff=True, is_superuser=True),
        **{
            f"{name} {role}": asking.member(body, role)
            for body, name in names.items()
            for role in roles
        },
        "office coordinator of another département": asking.member(
            cases.body(*office), "coordinator", elsewhere
        ),
        "other office coordinator": asking.member(
            cases.body("ars_branch", region, elsewhere), "coordinator"
        ),
        "owner acting for the office": cases.acting(
            factories.team_member(letter.community, role="owner").user, cases.body(*office)
        ),
    }


def traces(letter: LetterOfIntent) -> dict[str, int]:
    """All that a transition leaves behind it."""
    return {
        "logs": TransitionLog.objects.filter(case=letter).count(),
        "snapshots": Snapshot.objects.filter(case=letter).count(),
        "desks": CaseDesk.objects.filter(case=letter).count(),
        "events": OutboxEvent.objects.filter(
            deduplication_key__startswith=f"writing.deposited:{letter.pk}:"
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
    # A letter is decided, not signed by parties.
    assert reached == set(CaseState.values) - {CaseState.TO_SIGN}


def test_the_state_changes_through_the_door_only():
    letter = LetterOfIntent(kind="letter_of_intent")
    with pytest.raises(AttributeError):
        letter.state = CaseState.DEPOSITED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("region", "state"), [(region, state) for region in STATES for state in STATES[region]]
)
def test_each_transition_is_done_by_those_it_is_for_and_by_nobody_else(region, state):
    letter = in_state(region, state)
    people = people_of(letter, region)
    before = traces(letter)
    done: dict[tuple[str, str, str], set[str]] = {}
    letter = LetterOfIntent.objects.get(pk=letter.pk)
    for name in sorted({t.name for t in TRANSITIONS}):
        starts_here = state in {t.source for t in TRANSITIONS if t.name == name}
        for role, actor in (people if starts_here else one_of_each(people)).items():
            if succeeds(letter, name, actor):
                done.setdefault((region, state, name), set()).add(role)
    assert done == {key: roles for key, roles in ALLOWED.items() if key[:2] == (region, state)}
    assert LetterOfIntent.objects.get(pk=letter.pk).state == state
    assert traces(letter) == before


def one_of_each(people: dict[str, User | None]) -> dict[str, User | None]:
    """One person of each body and of each place on the team.

    Where an action does not start, nobody is asked what they are: forty refusals say no more.
    """
    kinds = {role.rpartition(" ")[0] or role: (role, one) for role, one in people.items()}
    return dict(kinds.values())


def succeeds(letter: LetterOfIntent, name: str, actor: User | None) -> bool:
    """Whether somebody can do it; what they did is undone, what was refused left no trace."""
    letter = copy.copy(letter)
    was, savepoint = letter.state, transaction.savepoint()
    try:
        log = perform(letter, name, actor=actor, **DATA.get(name, {}))
    except (PermissionDenied, AlreadyDoneError, IncompleteError):
        return False
    assert (log.from_state, log.to_state, log.actor) == (was, letter.state, actor)
    transaction.savepoint_rollback(savepoint)
    return True


@pytest.mark.django_db
@pytest.mark.parametrize("role", SEEN)
def test_each_role_sees_its_cases_and_no_others(role):
    letters = [in_state("76", state) for state in (CaseState.DRAFT, CaseState.DEPOSITED)]
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
        depositing.deposit(
            letter, actor=letter.created_by, commits=False, signatory_name="C. F.", place="Lavaur"
        )
    assert refused.value.message.startswith("Cochez l’engagement")
