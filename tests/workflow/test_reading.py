"""A case read in one statement is the one the models read, for whoever may see it."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import Membership, Organisation, User
from letters.models import LetterOfIntent
from tests import factories
from tests.desks.factories import deposited_letter, draft_letter, inform
from workflow.models import Case
from workflow.reading import read_seen

pytestmark = pytest.mark.django_db

BESIDE = ("community", "region", "office")


def _as_data(case: Case | None) -> dict[str, Any] | None:
    """All that was read of a case, and of what is beside it, without another query."""
    if case is None:
        return None
    beside = {name: case._state.fields_cache.get(name) for name in BESIDE}
    return {
        key: value for key, value in vars(case).items() if key not in {"_state", "territory_id"}
    } | {name: found and {**vars(found), "_state": None} for name, found in beside.items()}


def _through_the_models(user: Any, public_id: uuid.UUID) -> LetterOfIntent | None:
    letters = LetterOfIntent.objects.visible_to(user).select_related(*BESIDE)
    return letters.filter(public_id=public_id).first()


def _acting(organisation: Organisation, department: str = "") -> User:
    held = factories.membership(organisation_=organisation, role=Membership.Role.AGENT)
    if department:
        held.department = factories.department(department)
        held.save()
    held.user.acting = held
    return held.user


def test_each_person_reads_the_same_as_through_the_models() -> None:
    lead, stranger = factories.user(), factories.user()
    office, other, outsider = (factories.organisation() for _ in range(3))
    draft = draft_letter(lead)
    deposited = deposited_letter(office, owner=lead)
    inform(deposited, other)
    people = {
        "the lead": lead,
        "a stranger": stranger,
        "nobody": AnonymousUser(),
        "the office": _acting(office),
        "an informed body": _acting(other),
        "a body of elsewhere": _acting(outsider),
        "an agent of the département": _acting(office, "81"),
        "an agent of another": _acting(office, "31"),
    }

    read = {
        (name, case.pk): _as_data(read_seen(LetterOfIntent, person, case.public_id))
        for name, person in people.items()
        for case in (draft, deposited)
    }

    assert read == {
        (name, case.pk): _as_data(_through_the_models(person, case.public_id))
        for name, person in people.items()
        for case in (draft, deposited)
    }
    assert sorted(name for (name, pk), found in read.items() if found) == [
        "an agent of the département",
        "an informed body",
        "the lead",
        "the lead",
        "the office",
    ]


def test_a_case_comes_in_one_query_with_its_current_territory(
    django_assert_num_queries: Any,
) -> None:
    lead = factories.user()
    draft = draft_letter(lead)
    territory = draft.community.territory.pk

    with django_assert_num_queries(1):
        case = read_seen(Case, lead, draft.public_id)
        assert case is not None
        assert (case.community.name, case.region.name, case.office, case.team_role(lead)) == (
            draft.title,
            "Occitanie",
            None,
            "owner",
        )
    assert (type(case), vars(case)["territory_id"]) == (Case, territory)
