"""Rounds of signatures for tests: a contract, a frozen document, a signer for each party."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from accounts import second_factor
from accounts.models import Membership, Organisation, SecondFactor, User
from contracts.models import Contract, RoundSignature, RoundSigner, SigningRound
from contracts.signing import answers, purposes, rounds, signers
from contracts.signing.rounds import Signatory
from documents.services import issue_document
from outbox.models import Mail
from signatures.codes import Seen
from tests.contracts import signed
from workflow.models import CaseDocument
from workflow.services import freeze

PDF = b"%PDF-1.4\n%%EOF\n"
PURPOSE = "test"
_numbers = count(1)


@contextmanager
def purpose_declared(done: list[Any]) -> Iterator[None]:
    """Until the block ends, what is signed or refused for tests is written in `done`."""

    def when(word: str) -> purposes.Handler:
        def handler(one: SigningRound, *, by: User | None) -> None:
            done.append((word, one.pk, by and by.pk))

        return handler

    purposes.when_signed(PURPOSE, when("signed"))
    purposes.when_refused(PURPOSE, when("refused"))
    try:
        yield
    finally:
        purposes.forget_purpose(PURPOSE)


def document(contract: Contract) -> CaseDocument:
    """A frozen text of the contract."""
    snapshot = contract.snapshots.first() or freeze(
        contract, {"says": "text"}, actor=contract.created_by
    )
    number = next(_numbers)
    issued = issue_document(
        kind="contract_test", number=f"TEST-{number}", title="Contrat de la CPTS", pdf=PDF
    )
    return CaseDocument.objects.create(
        case_id=contract.pk, document=issued, snapshot=snapshot, kind="contract_test", about=number
    )


def signatory(of: Organisation, **changes: Any) -> Signatory:
    """An agent who signs for an organisation by their own role, with a second factor."""
    person = signed.agent(of, Membership.Role.SIGNATORY)
    equip(person)
    return Signatory(
        **{"user": person, "capacity": "Directeur", "power": "Décret de nomination"} | changes
    )


def equip(person: User) -> SecondFactor:
    return SecondFactor.objects.create(user=person, nonce=f"nonce-{person.pk}")


def president(**changes: Any) -> Signatory:
    number = next(_numbers)
    return Signatory(
        **{
            "name": f"Dominique Président {number}",
            "email": f"president{number}@exemple.test",
            "capacity": "Président",
            "power": "Statuts, article 12",
        }
        | changes
    )


def opened(contract: Contract | None = None, **changes: Any) -> SigningRound:
    """A round open to one signer of each party: no account for the president."""
    contract = contract or signed.contract()
    assert contract.cpam
    given: dict[str, Any] = {"in_order": False, "by": contract.created_by}
    signers = changes.pop("signers", None) or {
        "cpts": [president()],
        "cpam": [signatory(contract.cpam)],
        "ars": [signatory(contract.ars)],
    }
    return rounds.open_round(
        contract, PURPOSE, contract.pk, document(contract), signers, **(given | changes)
    )


def signer(of: SigningRound, party: str) -> RoundSigner:
    found = of.signers.select_related("user", "organisation").get(party=party)
    if found.user and found.organisation:
        found.user.acting = found.user.memberships.get(organisation=found.organisation)
    return found


def code_of(one: RoundSigner) -> str:
    """The code the signer would type now: by mail, or from their application."""
    if one.user and signers.needs_second_factor(one):
        factor = SecondFactor.objects.get(user=one.user)
        return second_factor.code_at(one.user, factor.nonce, second_factor.step_now())
    answers.send_code(one)
    mail = Mail.objects.filter(recipient=one.email, subject__contains="code pour signer").last()
    assert mail, "no code was sent"
    found = re.search(r"est\s: (\d{3}\s\d{3})", mail.text_body)
    assert found, mail.text_body
    return found[1]


def sign(of: SigningRound, *parties: str) -> list[RoundSignature]:
    """The signers of these parties sign, in this order."""
    return [
        answers.sign(one, code=code_of(one), seen=Seen(ip="192.0.2.9"), by=one.user)
        for one in (signer(of, party) for party in parties)
    ]
