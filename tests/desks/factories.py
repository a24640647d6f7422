"""Letters as they lie on a desk, made row by row: no form is filled in for them."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from accounts.models import Organisation, User
from communities.models import Community
from letters.models import LetterOfIntent
from tests import factories
from workflow.models import Case, CaseDesk
from workflow.search import index_case
from workflow.states import CaseState

FIRST_DEPOSIT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
_numbers = count(1)


def _letter(community: Community, person: User, **fields: Any) -> LetterOfIntent:
    defaults: dict[str, Any] = {
        "kind": Case.Kind.LETTER_OF_INTENT,
        "community": community,
        "title": community.name,
        "region_id": community.region_id,
        "procedure_key": "occitanie",
        "procedure_version": 1,
        "created_by": person,
        "created_at": FIRST_DEPOSIT - timedelta(days=20),
    }
    return LetterOfIntent.objects.create(**(defaults | fields))


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
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "state": CaseState.DEPOSITED,
        "reference": f"LI-76-2026-{number:04d}",
        "office": office,
        "version": 1,
        "deposited_at": FIRST_DEPOSIT + timedelta(days=number),
        "department_codes": ["81"],
        "population": 54_800,
        "commune_count": 50,
        "size_class": "T2",
    }
    letter = _letter(factories.community(person, name=name), person, **(defaults | fields))
    inform(letter, office, kind=CaseDesk.Kind.IN_CHARGE)
    said = {"title": letter.title, "reference": letter.reference} | (content or {})
    index_case(letter, said)
    return letter


def inform(
    letter: LetterOfIntent, office: Organisation, *, kind: str = CaseDesk.Kind.INFORMED
) -> CaseDesk:
    return CaseDesk.objects.create(case_id=letter.pk, organisation=office, kind=kind)
