"""Letters among the bodies that are asked their opinion, for tests."""

from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Membership, Organisation, User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from workflow.models import Consultation, Opinion
from workflow.opinions import draft_opinion, validate_opinion
from workflow.synthesis import save_synthesis
from writing.consulting import consult

# The three criteria of Occitanie, well judged.
MARKS = {
    "missions": {"mark": 2, "comment": "Les missions socles y sont."},
    "mobilisation": {"mark": 3, "comment": ""},
    "territory": {"mark": 1, "comment": "Préciser l’est du territoire."},
}
REGIONAL_COMMITTEE = "comite-regional-de-suivi-pays-de-la-loire"


def today() -> date:
    return timezone.localdate()


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


def urps(name: str, *, with_members: bool = True) -> Organisation:
    """An URPS of Occitanie, with a reviewer and a president."""
    cases.reference_rows()
    body = factories.organisation(
        Organisation.Kind.URPS, name=f"URPS {name}", region=factories.region("76")
    )
    if with_members:
        for role in (Membership.Role.REVIEWER, Membership.Role.PRESIDENT):
            factories.membership(organisation_=body, role=role)
    return body


def regional_committee() -> Organisation:
    """The committee of Pays de la Loire, with a secretary and a president."""
    cases.reference_rows()
    body = factories.organisation(
        Organisation.Kind.COMMITTEE,
        code=REGIONAL_COMMITTEE,
        name="Comité régional de suivi",
        region=factories.region("52", "Pays de la Loire"),
    )
    for role in (Membership.Role.SECRETARY, Membership.Role.PRESIDENT):
        factories.membership(organisation_=body, role=role)
    return body


def member(body: Organisation, role: str, department: str | None = None) -> User:
    """Someone who holds this role in the body, acting in it: a first call makes them."""
    held = Membership.objects.filter(
        organisation=body, role=role, department_id=department, is_active=True
    ).first()
    held = held or factories.membership(organisation_=body, role=role, department_id=department)
    return acting(held)


def acting(held: Membership) -> User:
    """The person of a membership, as the middleware makes them."""
    person = User.objects.get(pk=held.user_id)
    person.acting = Membership.objects.select_related("organisation").get(pk=held.pk)
    return person


def reviewer(body: Organisation) -> User:
    return member(body, "reviewer")


def president(body: Organisation) -> User:
    return member(body, "president")


def guichet() -> Organisation:
    return cases.body("one_stop_desk", "76")


def coordinator() -> User:
    """Who conducts the consultations at the Guichet."""
    return member(guichet(), "coordinator")


def agency() -> Organisation:
    return cases.body("ars", "76")


def deposited_and_asked(
    region: str = "76", *, communes: tuple[str, ...] = ("81140",), owner: User | None = None
) -> LetterOfIntent:
    """A letter just deposited, and the bodies of its circuit asked, as the worker does."""
    letter = cases.deposited(region, communes=communes, owner=owner)
    consult(case_id=letter.pk)
    return fresh(letter)


def fresh(letter: LetterOfIntent) -> LetterOfIntent:
    return LetterOfIntent.objects.get(pk=letter.pk)


def request_to(letter: LetterOfIntent, body: Organisation) -> Consultation:
    return Consultation.objects.live().get(case=letter, body=body)


def favourable(**changes: Any) -> dict[str, Any]:
    return {"position": "favourable", "text": "Un projet solide.", "marks": MARKS, **changes}


def draft(letter: LetterOfIntent, body: Organisation, **changes: Any) -> Opinion:
    """A draft the reviewer of the body submits, favourable unless told otherwise."""
    return draft_opinion(
        request_to(letter, body),
        user=reviewer(body),
        base_revision=changes.pop("base_revision", 0),
        submit=changes.pop("submit", True),
        **favourable(**changes),
    )


def give(letter: LetterOfIntent, body: Organisation, **changes: Any) -> Opinion:
    """An opinion drafted by the reviewer and given by the president."""
    drafted = draft(letter, body, **changes)
    return validate_opinion(
        request_to(letter, body), user=president(body), revision=drafted.revision
    )


def give_as_president(letter: LetterOfIntent, body: Organisation) -> Opinion:
    """An opinion written and given by the president, who has no tie with the letter."""
    request, person = request_to(letter, body), president(body)
    draft_opinion(request, user=person, base_revision=0, **favourable())
    return validate_opinion(request, user=person, revision=1)


def give_committee(letter: LetterOfIntent, body: Organisation) -> Opinion:
    """The opinion of a committee, written and given by its president, without a grid."""
    request, person = request_to(letter, body), president(body)
    drafted = draft_opinion(
        request, user=person, base_revision=0, position="favourable", text="Favorable."
    )
    return validate_opinion(request, user=person, revision=drafted.revision)


def write_synthesis(letter: LetterOfIntent, text: str = "Avis favorables.") -> None:
    save_synthesis(letter, user=coordinator(), text=text, base_revision=0)


def overdue(consultation: Consultation, days: int = 1) -> None:
    """Make its last day be this many days ago."""
    Consultation.objects.filter(pk=consultation.pk).update(due_on=in_days(-days))
