"""Cases as they lie on a desk, made row by row: no form is filled in for them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import Organisation, User
from communities.models import Community
from health_projects.models import HealthProject
from letters.models import LetterOfIntent
from tests import factories
from workflow.models import Case, CaseDesk
from workflow.search import index_case
from workflow.states import CaseState

FIRST_DEPOSIT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_numbers = count(1)


def _letter(community: Community, person: User, **fields: Any) -> LetterOfIntent:
    kind = Case.Kind.LETTER_OF_INTENT
    return LetterOfIntent.objects.create(kind=kind, **(_begun(community, person) | fields))


def _begun(community: Community, person: User) -> dict[str, Any]:
    return {
        "community": community,
        "title": community.name,
        "region_id": community.region_id,
        "procedure_key": "occitanie",
        "procedure_version": 1,
        "created_by": person,
        "created_at": FIRST_DEPOSIT - timedelta(days=20),
    }


def draft_letter(person: User, *, name: str = "", **fields: Any) -> LetterOfIntent:
    """A letter nobody has filled in yet, of a CPTS this person owns."""
    return _letter(factories.community(person, name=name), person, **fields)


def deposited_letter(
    office: Organisation,
    *,
    owner: User | None = None,
    name: str = "",
    content: dict[str, Any] | None = None,
    **fields: Any,
) -> LetterOfIntent:
    """A letter on this office's desk, which is in charge of it.

    `content` is what else it says in its deposit, for those who search.
    """
    person = owner or factories.user()
    community = factories.community(person, name=name)
    letter = _letter(community, person, **(_filed(office, "LI") | fields))
    _put(letter, office, content)
    return letter


def deposited_project(
    office: Organisation, *, name: str = "", content: dict[str, Any] | None = None, **fields: Any
) -> HealthProject:
    """A health project on this office's desk, likewise."""
    person = factories.user()
    begun = _begun(factories.community(person, name=name), person) | _filed(office, "PS")
    kind = Case.Kind.HEALTH_PROJECT
    project = HealthProject.objects.create(kind=kind, **(begun | fields))
    _put(project, office, content)
    return project


def _filed(office: Organisation, prefix: str) -> dict[str, Any]:
    number = next(_numbers)
    return {
        "state": CaseState.DEPOSITED,
        "reference": f"{prefix}-76-2026-{number:04d}",
        "office": office,
        "version": 1,
        "deposited_at": FIRST_DEPOSIT + timedelta(days=number),
        "department_codes": ["81"],
        "population": 54_800,
        "commune_count": 50,
        "size_class": "T2",
    }


def _put(case: Case, office: Organisation, content: dict[str, Any] | None) -> None:
    inform(case, office, kind=CaseDesk.Kind.IN_CHARGE)
    index_case(case, {"title": case.title, "reference": case.reference} | (content or {}))


def inform(case: Case, office: Organisation, *, kind: str = CaseDesk.Kind.INFORMED) -> CaseDesk:
    return CaseDesk.objects.create(case_id=case.pk, organisation=office, kind=kind)
