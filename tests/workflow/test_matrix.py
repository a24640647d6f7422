"""Every action, tried in every state by everyone: `perform()` answers as the table of the docs."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import Membership, Organisation, User
from health_projects.models import HealthProject
from letters.models import LetterOfIntent
from letters.permissions import office_kind
from procedures.registry import get
from tests import factories
from tests.health_projects import projects
from tests.letters import cases
from tests.workflow import asking, deciding
from workflow.documentation import transitions_of
from workflow.matrix import Actor, actors_of, allowed_in
from workflow.models import Case, CaseDesk
from workflow.services import ActionRefusedError, AlreadyDoneError, perform
from workflow.states import CaseState

pytestmark = pytest.mark.django_db

REGIONS = {"76": "81140", "32": "62041", "52": "44114"}
# What a page adds to an action.
GIVEN: dict[str, dict[str, Any]] = {
    "deposit": {
        "commits_to_missions": True,
        "signatory_name": "Claire Fabre",
        "signed_at_place": "Lavaur",
    }
}
OF_PROJECTS: dict[str, dict[str, Any]] = {
    "deposit": {"commits": True, "signatory_name": "Claire Fabre", "signed_at_place": "Nantes"}
}
Filed = LetterOfIntent | HealthProject


def sources(case: Filed) -> dict[str, set[str]]:
    """The states each action of this kind of case starts from."""
    found: dict[str, set[str]] = {}
    for move in transitions_of(type(case)):
        found.setdefault(move.name, set()).add(move.source)
    return found


class UndoError(Exception):
    """Takes back what a try has written."""


def body_of(kind: str, letter: Filed) -> Organisation:
    """The organisation of this nature that has to do with the letter."""
    region, department = letter.region_id, letter.department_codes[0]
    if kind in {"ars_branch", "cpam"}:
        return cases.body(kind, region, department)
    if kind == "committee":
        return Organisation.objects.get(code=asking.REGIONAL_COMMITTEE)
    if kind == "urps":
        return Organisation.objects.get(kind=kind, region_id=region)
    return cases.body(kind, region)


def person_of(actor: Actor, letter: Filed) -> User | None:
    if actor.where == "portal":
        return None
    if actor.where == "team":
        if actor.role == "owner":
            return User.objects.get(pk=letter.created_by_id)
        return factories.team_member(letter.community, role=actor.role).user
    if actor.where in {"stranger", "administrator"}:
        return factories.user(is_superuser=actor.where == "administrator")
    held = factories.membership(organisation_=body_of(actor.where, letter), role=actor.role)
    return asking.acting(held)


def set_state(letter: Filed, state: str) -> Filed:
    """The letter as if it stood there, on the desk that has it then."""
    procedure = get(letter.procedure_key, letter.procedure_version)
    # A project is never handed over.
    is_project = isinstance(letter, HealthProject)
    kind = procedure.addressee.kind if is_project else office_kind(procedure, state)
    office = body_of(str(kind), letter)
    CaseDesk.objects.filter(case=letter.pk, kind="in_charge").exclude(organisation=office).update(
        kind="informed"
    )
    CaseDesk.objects.update_or_create(
        case_id=letter.pk, organisation=office, defaults={"kind": "in_charge"}
    )
    Case.objects.filter(pk=letter.pk).update(state=state, office=office, instructor=None)
    return type(letter).objects.get(pk=letter.pk)  # type: ignore[return-value]


def answer(letter: Filed, action: str, person: User | None) -> str:
    """« yes » when the person may, whether or not something is missing; « no »; or « not here »."""
    said = "yes"
    given = OF_PROJECTS if isinstance(letter, HealthProject) else GIVEN
    try:
        with transaction.atomic():
            perform(
                copy.copy(letter), action, actor=person, comment="Motif.", **given.get(action, {})
            )
            raise UndoError  # noqa: TRY301 - it undoes what was performed
    except (UndoError, PermissionDenied, ActionRefusedError) as outcome:
        if isinstance(outcome, PermissionDenied):
            said = "no"
        elif isinstance(outcome, AlreadyDoneError) and letter.state not in sources(letter)[action]:
            said = "not here"
    return said


def tried(letter: Filed, people: dict[Actor, User | None]) -> Iterator[tuple[str, str]]:
    """What differs from the table, in one state: nothing."""
    procedure = get(letter.procedure_key, letter.procedure_version)
    allowed = allowed_in(letter.kind)
    assert allowed
    for action, starts in sources(letter).items():
        is_here = letter.state in starts
        may = allowed(procedure, action, letter.state) if is_here else set()
        # Where the action does not start, nobody is asked who they are: three are enough.
        for actor, person in list(people.items())[: None if is_here else 3]:
            expected = ("yes" if actor in may else "no") if is_here else "not here"
            if (said := answer(letter, action, person)) != expected:
                yield f"{letter.state}, {action}, {actor}", f"{said}, not {expected}"


@pytest.mark.parametrize("region", REGIONS)
def test_perform_answers_everyone_as_the_table_says_in_every_state(region: str) -> None:
    cases.reference_rows()
    if region == "76":
        asking.urps("Médecins", with_members=False)
    if region == "52":
        asking.regional_committee()
    agency = cases.body("ars", region)
    if region != "76":
        branch = cases.body("ars_branch", region, REGIONS[region][:2])
        Organisation.objects.filter(pk=branch.pk).update(parent=agency)
        cases.body("cpam", region, REGIONS[region][:2])
    draft = cases.complete(region, communes=(REGIONS[region],))
    letter = cases.deposited(region, communes=(REGIONS[region],), owner=draft.created_by)
    assert found_wrong(draft, letter) == {}


def test_perform_answers_everyone_as_the_table_of_projects_says_in_every_state() -> None:
    cases.reference_rows()
    branch = cases.body("ars_branch", "84", "01")
    Organisation.objects.filter(pk=branch.pk).update(parent=cases.body("ars", "84"))
    cases.body("cpam", "84", "01")
    draft = projects.signed()
    assert found_wrong(draft, projects.deposited(owner=draft.created_by)) == {}


def found_wrong(draft: Filed, letter: Filed) -> dict[str, str]:
    """What `perform()` answers otherwise than the table, before the deposit and in each state."""
    circuit = get(letter.procedure_key, letter.procedure_version).circuit
    actors = actors_of(circuit)
    assert len(actors) > len(Membership.Role.values)
    people = {actor: person_of(actor, letter) for actor in actors}
    for actor in (one for one in actors if one.where == "team" and one.role != "owner"):
        person = people[actor]
        assert person
        factories.team_member(draft.community, person, role=actor.role)
    found = dict(tried(draft, people))
    letter = set_state(letter, CaseState.UNDER_REVIEW)
    assert letter.office
    writer = deciding.instructor(letter)
    Case.objects.filter(pk=letter.pk).update(instructor=writer)
    if isinstance(letter, HealthProject):
        projects.propose(letter, **projects.validating())
    else:
        deciding.propose(asking.fresh(letter), user=writer)
    for state in CaseState.values:
        if state != CaseState.DRAFT:
            found |= dict(tried(set_state(letter, state), people))
    return found
