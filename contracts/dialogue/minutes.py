"""The end of a yearly dialogue: each party agrees, the minutes are frozen, printed and signed, and
the variable share falls due. Once, in the transaction of the last signature.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.validators import validate_email
from django.db import transaction
from django.forms import ValidationError
from django.utils import timezone

from accounts.models import Organisation, User
from contracts import rules
from contracts.dialogue.agreeing import indemnities_recorded, results_of, shares_of
from contracts.dialogue.dialogues import State
from contracts.dialogue.indicators import percent
from contracts.dialogue.moves import locked, parties_of, party_of, perform
from contracts.dialogue.showing import target_words
from contracts.dialogue.telling import label_of
from contracts.funding import engaging
from contracts.funding.wording import mission_name
from contracts.models import (
    Contract,
    DialogueLine,
    DialogueMark,
    LineReview,
    SigningRound,
    YearlyDialogue,
)
from contracts.signing.purposes import when_refused, when_signed
from contracts.signing.rounds import Signatory, cancel_round, open_round
from contracts.terms import ARS, CPAM, CPTS, PARTY_LABELS
from contracts.versions import last_version
from cpts_portal.words import NBSP, day, euros
from documents.french import french_spaces, to_paragraphs
from outbox.registry import handles
from outbox.services import publish
from workflow.models import CaseDocument, Snapshot
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from workflow.people import members
from workflow.services import ActionRefusedError, AlreadyDoneError, digest_of

PURPOSE: Final = "minutes"
KIND: Final = "dialogue_minutes"
TO_SIGN: Final = "contracts.dialogue_to_sign"
Kind = DialogueMark.Kind

# The parties see all of the dialogue: nothing more is in its minutes.
declare_readers(KIND, whoever_sees_the_case)


# --- Agreeing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signer:
    """Who will sign the minutes for a party; an agent by their account."""

    name: str
    email: str
    capacity: str
    user: User | None = None


def may_agree(dialogue: YearlyDialogue, user: User) -> bool:
    """Whoever commits a party that has not agreed to this proposal yet."""
    if dialogue.state != State.AGREEING or not rules.may_commit(dialogue.contract, user):
        return False
    return party_of(dialogue, user) not in agreed_parties(dialogue)


def agreed_parties(dialogue: YearlyDialogue) -> set[str]:
    """The parties that agreed to the proposal as it stands."""
    marks = dialogue.marks.filter(kind=Kind.AGREED, revision=dialogue.revision)
    return set(marks.values_list("party", flat=True))


def possible_signers(contract: Contract, party: str) -> list[User]:
    """The people of an agency or a fund who could sign for it."""
    body = _body(contract, party)
    if body is None:
        return []
    found = members(body, contract, ["signatory", "coordinator", "agent"])
    if party == ARS:
        branches = Organisation.objects.filter(parent=body, desks__case=contract.pk).distinct()
        for one in branches:
            found += [each for each in members(one, contract) if each not in found]
    return found


def _body(contract: Contract, party: str) -> Organisation | None:
    return {CPAM: contract.cpam, ARS: contract.ars}.get(party)


def usual_signer(contract: Contract, party: str, user: User) -> Signer:
    """Who signs for the party by default: its representative in the contract, else this person."""
    version = last_version(contract)
    named = version.says.representatives_of(party) if version else ()
    if named and party == CPTS:
        person = User.objects.filter(pk=named[0].user).first() if named[0].user else None
        address = person.email if person else ""
        return Signer(named[0].name, address, named[0].capacity, None)
    capacity = "président" if party == CPTS else "directeur"
    return Signer(str(user), user.email, capacity, None if party == CPTS else user)


@transaction.atomic
def agree(dialogue: YearlyDialogue, signer: Signer, *, by: User) -> bool:
    """Accept the proposal for one's party, and say who signs; whether all parties now have.

    Raises PermissionDenied, AlreadyDoneError, and ActionRefusedError for a signer who cannot.
    """
    found = locked(dialogue)
    party = party_of(found, by)
    if not party or not rules.may_commit(found.contract, by):
        raise PermissionDenied
    if found.state != State.AGREEING:
        raise AlreadyDoneError("La conclusion n’est plus à accepter : rechargez la page.")
    if party in agreed_parties(found):
        raise AlreadyDoneError("Votre partie a déjà accepté cette conclusion.")
    _check_signer(found, party, signer)
    DialogueMark.objects.create(
        dialogue=found,
        kind=Kind.AGREED,
        party=party,
        revision=found.revision,
        signer=signer.user,
        signer_name=signer.name.strip()[:150],
        signer_email=signer.email.strip().lower(),
        signer_capacity=signer.capacity.strip()[:200],
        by=by,
    )
    if set(parties_of(found.contract)) - agreed_parties(found):
        return False
    perform(dialogue, "freeze", actor=by, follows=True, content=content_of(found))
    publish(
        TO_SIGN,
        key=f"{found.pk}:{found.revision}",
        dialogue_id=found.pk,
        revision=found.revision,
    )
    return True


def _check_signer(dialogue: YearlyDialogue, party: str, signer: Signer) -> None:
    if not signer.name.strip() or not signer.capacity.strip():
        raise ActionRefusedError("Dites qui signera le compte rendu, et en quelle qualité.")
    if party == CPTS:
        try:
            validate_email(signer.email.strip())
        except ValidationError as wrong:
            raise ActionRefusedError(
                "L’adresse électronique du signataire ne peut pas être lue : vérifiez-la, c’est là "
                "que le lien pour signer est envoyé."
            ) from wrong
    elif signer.user is None or signer.user not in possible_signers(dialogue.contract, party):
        raise ActionRefusedError(
            f"Choisissez le signataire parmi les personnes de {PARTY_LABELS[party]} sur le portail."
        )
    known = dialogue.marks.filter(
        kind=Kind.AGREED,
        revision=dialogue.revision,
        signer_email=signer.email.strip().lower(),
    )
    if known.exists():
        raise ActionRefusedError(
            "Cette personne signe déjà pour une autre partie : désignez quelqu’un d’autre."
        )


def may_take_back(dialogue: YearlyDialogue, user: User) -> bool:
    """While the minutes are signed, whoever commits a party; before, any of its people."""
    if dialogue.state == State.SIGNING:
        return rules.may_commit(dialogue.contract, user)
    return dialogue.state == State.AGREEING and party_of(dialogue, user) != ""


@transaction.atomic
def take_back(dialogue: YearlyDialogue, reason: str, *, by: User) -> None:
    """Reopen the conclusion, with the reason: no party is held by what it accepted any more.

    While the minutes are being signed, their signature is cancelled. Raises as `perform` does.
    """
    found = locked(dialogue)
    if found.state != State.SIGNING:
        perform(dialogue, "take_back", actor=by, comment=reason)
        return
    if not rules.may_commit(found.contract, by):
        raise PermissionDenied
    if not reason.strip():
        raise ActionRefusedError("Écrivez pourquoi : les autres parties liront ce motif.")
    for opened in _rounds(found).filter(state=SigningRound.State.OPEN):
        cancel_round(opened, reason=reason, by=by)
    perform(dialogue, "reopen", actor=by, follows=True, comment=reason)


def _rounds(dialogue: YearlyDialogue) -> Any:
    return SigningRound.objects.filter(
        contract=dialogue.contract_id, purpose=PURPOSE, target_id=dialogue.pk
    )


def round_of(dialogue: YearlyDialogue) -> SigningRound | None:
    """The round in which the minutes are, or were, signed."""
    return _rounds(dialogue).select_related("document__document").order_by("-pk").first()


# --- What is frozen -------------------------------------------------------------------------------


def number_of(dialogue: YearlyDialogue) -> str:
    """« CT-76-2027-0001-DA2-1 »: year 2, first proposal."""
    return f"{dialogue.contract.reference}-DA{dialogue.year}-{dialogue.revision}"


def content_of(dialogue: YearlyDialogue) -> dict[str, Any]:
    """The minutes in words, as the parties agree to them."""
    contract = dialogue.contract
    lines = list(dialogue.lines.prefetch_related("reviews__by", "proofs__attachment"))
    shares, problems = shares_of(dialogue, lines)
    spendings = list(dialogue.spendings.all())
    by_mission: dict[str, list[DialogueLine]] = {}
    for line in lines:
        by_mission.setdefault(line.mission, []).append(line)
    marks = dialogue.marks.filter(kind=Kind.AGREED, revision=dialogue.revision)
    return {
        "number": number_of(dialogue),
        "title": contract.title,
        "reference": contract.reference,
        "year": dialogue.year,
        "frozen_at": timezone.now().isoformat(),
        "parties": [_party_name(contract, one) for one in parties_of(contract)],
        "comment": dialogue.comment,
        "missions": [
            {"name": mission_name(mission), "lines": [_line_content(one) for one in found]}
            for mission, found in by_mission.items()
        ],
        "spendings": [[one.get_nature_display(), euros(one.amount)] for one in spendings],
        "spent": euros(sum((one.amount for one in spendings), Decimal(0))),
        "indemnities": euros(indemnities_recorded(dialogue)),
        "shares": [
            {
                "mission": one.label,
                "rate": percent(one.rate),
                "ceiling": euros(one.ceiling),
                "amount": euros(one.amount) if one.amount is not None else "–",
            }
            for one in shares
        ],
        "total": euros(sum((one.amount or Decimal(0) for one in shares), Decimal(0))),
        "most": euros(sum((one.ceiling for one in shares), Decimal(0))),
        "problems": problems,
        "history": [
            f"{day(timezone.localdate(log.at))}{NBSP}: {label_of(log)}"
            + (f" ({log.comment})" if log.comment else "")
            for log in dialogue.logs.all()
        ],
        "signers": [
            [_party_name(contract, one.party), one.signer_name, one.signer_capacity]
            for one in marks.order_by("pk")
        ],
    }


def _party_name(contract: Contract, party: str) -> str:
    body = _body(contract, party)
    return body.name if body else contract.title


def _line_content(line: DialogueLine) -> dict[str, Any]:
    declared, agreed = line.measured(line.value), line.measured(line.agreed_value)
    return {
        "label": line.label,
        "target": target_words(line),
        "declared": declared.said(line.value),
        "agreed": agreed.said(line.agreed_value),
        "rate": percent(line.agreed_rate),
        "deltas": agreed.deltas,
        "reason": line.set_reason,
        "comment": line.comment,
        "proofs": [one.attachment.name for one in line.proofs.all()],
        "exchange": [
            f"{PARTY_LABELS[one.party]}{NBSP}: {one.reason}"
            + (f" (valeur proposée{NBSP}: {declared.said(one.value)})" if one.value else "")
            for one in line.reviews.all()
            if one.position == LineReview.Position.CONTESTED
        ]
        + ([f"CPTS{NBSP}: {line.answer}"] if line.answer else []),
    }


def printed(content: dict[str, Any]) -> dict[str, Any]:
    """Context of `pdf/dialogue_minutes.html`, from the frozen content."""
    return {
        **content,
        "title": french_spaces(content["title"]),
        "comment": to_paragraphs(content["comment"].splitlines()),
        "frozen_on": day(timezone.localdate(datetime.fromisoformat(content["frozen_at"]))),
    }


# --- Signing --------------------------------------------------------------------------------------


@handles(TO_SIGN)
def put_before_signers(*, dialogue_id: int, revision: int) -> None:
    """Print the minutes and put them before those who sign. Running it again changes nothing."""
    with transaction.atomic():
        dialogue = locked(YearlyDialogue.objects.get(pk=dialogue_id))
        if dialogue.state != State.SIGNING or dialogue.revision != revision:
            return
        document = _issue(dialogue)
        marks = dialogue.marks.filter(kind=Kind.AGREED, revision=revision).select_related("signer")
        open_round(
            dialogue.contract,
            PURPOSE,
            dialogue.pk,
            document,
            {
                one.party: [
                    Signatory(
                        name=one.signer_name,
                        email=one.signer_email,
                        capacity=one.signer_capacity,
                        user=one.signer,
                    )
                ]
                for one in marks.order_by("pk")
            },
            by=dialogue.proposed_by,
            title=f"Compte rendu du dialogue annuel, année {dialogue.year}",
        )


def _issue(dialogue: YearlyDialogue) -> CaseDocument:
    content = dialogue.content or {}
    log = dialogue.logs.filter(move="freeze").latest("pk")
    return issue_once(
        _snapshot_of(dialogue),
        kind=KIND,
        # One of each proposal that all accepted: a refused one stays beside the next.
        about=log.pk,
        number=content["number"],
        title=f"Compte rendu du dialogue annuel – {content['title']}, année {content['year']}",
        template="pdf/dialogue_minutes.html",
        context=lambda: {
            "author": settings.PORTAL_NAME,
            "minutes": printed(content),
            "created_at": content["frozen_at"],
        },
    )


def _snapshot_of(dialogue: YearlyDialogue) -> Snapshot:
    """The contract as it was last frozen; one signed elsewhere is frozen now, as it is known."""
    contract = dialogue.contract
    known = Snapshot.objects.filter(case=contract.pk).order_by("-version").first()
    if known is not None or dialogue.proposed_by is None:
        if known is None:
            raise LookupError(f"dialogue {dialogue.pk} was proposed by nobody")
        return known
    version = last_version(contract)
    content: dict[str, Any] = {
        "title": contract.title,
        "reference": contract.reference,
        "terms": version.terms if version else {},
        "sections": [],
        "attachments": [],
    }
    return Snapshot.objects.create(
        case_id=contract.pk,
        version=contract.version or 1,
        content=content,
        sha256=digest_of(content),
        created_by=dialogue.proposed_by,
    )


def close(signing_round: SigningRound, *, by: User | None) -> None:
    """All have signed: the dialogue is closed and the results enter the schedule."""
    dialogue = YearlyDialogue.objects.get(pk=signing_round.target_id)
    signed_on: date = signing_round.signed_on or timezone.localdate()
    perform(dialogue, "close", actor=by, follows=True, closed_on=signed_on)
    contract = dialogue.contract
    known = set(contract.results.filter(year=dialogue.year).values_list("mission", flat=True))
    results = {
        mission: one
        for mission, one in results_of(dialogue.lines.all(), signed_on).items()
        if mission not in known
    }
    recorder = by or dialogue.proposed_by
    if results and recorder is not None:
        engaging.record_results(contract, dialogue.year, results, by=recorder)


def reopen(signing_round: SigningRound, *, by: User | None) -> None:
    """A signer refused: the conclusion is written again, with the reason before it."""
    dialogue = YearlyDialogue.objects.get(pk=signing_round.target_id)
    perform(dialogue, "reopen", actor=by, follows=True, comment=signing_round.end_reason)


when_signed(PURPOSE, close)
when_refused(PURPOSE, reopen)
