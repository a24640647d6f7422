"""Letters on their way to a decision, and the people who propose and sign, for tests."""

from typing import Any

from accounts.models import Membership, Organisation, User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.approving import approve
from workflow.decisions import open_decision
from workflow.models import Decision
from workflow.proposing import save_proposal
from workflow.services import perform
from writing.consulting import consult

LAW = ["csp_l1434_12", "aci"]
FACTS = ["territory_relevant", "professionals_mobilised"]


def under_review(region: str = "84", *, owner: User | None = None) -> LetterOfIntent:
    """A letter that an agent of the office in charge has taken up.

    84: the agency decides alone, without opinions. 32: the agency and the CPAM, together.
    """
    communes = {"84": ("01053",), "32": ("62041",)}[region]
    cases.reference_rows()
    if region == "32":
        cases.body("cpam", "32", "62")
    letter = cases.deposited(region, communes=communes, owner=owner)
    consult(case_id=letter.pk)
    letter = asking.fresh(letter)
    perform(letter, "take_up", actor=instructor(letter))
    return letter


def instructor(letter: LetterOfIntent) -> User:
    """The agent of the office in charge: the one who took the letter up."""
    assert letter.office
    return asking.member(letter.office, "agent")


def coordinator(letter: LetterOfIntent) -> User:
    assert letter.office
    return asking.member(letter.office, "coordinator")


def agency(letter: LetterOfIntent) -> Organisation:
    return cases.body("ars", letter.region_id)


def cpam() -> Organisation:
    return cases.body("cpam", "32", "62")


def signatory(body: Organisation) -> User:
    return asking.member(body, "signatory")


def accepting(**changes: Any) -> dict[str, Any]:
    return {
        "outcome": "accept",
        "law_keys": LAW,
        "fact_keys": FACTS,
        "fact_text": "Les quatre maisons de santé du bassin portent le projet.",
        "reserves": [],
        **changes,
    }


def refusing(**changes: Any) -> dict[str, Any]:
    return accepting() | {
        "outcome": "refuse",
        "fact_keys": ["professionals_missing"],
        "fact_text": "Une seule profession est représentée dans l’équipe.",
        **changes,
    }


def propose(letter: LetterOfIntent, **changes: Any) -> Decision:
    """An acceptance, proposed by the instructor unless told otherwise."""
    current = open_decision(letter)
    return save_proposal(
        letter,
        user=changes.pop("user", None) or instructor(letter),
        base_revision=changes.pop("base_revision", current.revision if current else 0),
        submit=changes.pop("submit", True),
        **(accepting(**changes) if changes.get("outcome") != "refuse" else refusing(**changes)),
    )


def sign(letter: LetterOfIntent, body: Organisation, user: User | None = None) -> Decision:
    """The body approves the text as it stands."""
    decision = open_decision(letter)
    return approve(
        letter,
        user=user or signatory(body),
        text_sha256=decision.text_sha256 if decision else "",
        capacity="Directrice générale",
    )


def accepted(region: str = "84", **changes: Any) -> LetterOfIntent:
    """A letter accepted by whoever decides there."""
    letter = under_review(region)
    propose(letter, **changes)
    sign(letter, agency(letter))
    if region == "32":
        sign(letter, cpam())
    return asking.fresh(letter)


def delegate(body: Organisation, **fields: Any) -> User:
    """An agent of the body who holds a delegation of signature; by default in force."""
    holder = factories.membership(organisation_=body, role=Membership.Role.AGENT)
    fields = {
        "valid_from": asking.in_days(-10),
        "valid_to": asking.in_days(10),
        "capacity": "Directrice adjointe",
        "act": "Décision n° 2026-12 portant délégation de signature",
        **fields,
    }
    body.signature_delegations.create(holder=holder.user, given_by=factories.user(), **fields)
    return asking.acting(holder)
