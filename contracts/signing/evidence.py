"""What proves a signed document: its register of signatures, issued once all have signed."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from contracts.models.rounds import Party, RoundSignature, SigningRound
from cpts_portal.words import day, day_and_hour
from outbox.registry import handles
from workflow.models import CaseDocument
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from workflow.services import next_reference

PROOF: Final = "contract_signatures"
TITLE: Final = "Dossier de preuve"


@dataclass(frozen=True)
class ProofLine:
    """One signature, as printed."""

    for_whom: str
    name: str
    capacity: str
    power: str
    signed: str
    how: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """Who signed a document, in what capacity, by which act, when, how they were known."""

    title: str
    number: str
    sha256: str
    contract: str
    reference: str
    opened: str
    ended: str
    signed_on: str
    in_order: bool
    lines: tuple[ProofLine, ...]


def proof_of(signing_round: SigningRound) -> Proof:
    """The register of a round that all have signed; its contract and document are read."""
    document = signing_round.document.document
    signatures = signing_round.signatures.select_related("signer").order_by(
        "signer__position", "pk"
    )
    return Proof(
        title=signing_round.title,
        number=document.number,
        sha256=signing_round.document_sha256,
        contract=signing_round.contract.title,
        reference=signing_round.contract.reference or "",
        opened=day_and_hour(signing_round.opened_at),
        ended=day_and_hour(signing_round.ended_at or timezone.now()),
        signed_on=day(signing_round.signed_on) if signing_round.signed_on else "",
        in_order=signing_round.in_order,
        lines=tuple(_line(one) for one in signatures),
    )


def _line(one: RoundSignature) -> ProofLine:
    signer = one.signer
    power = one.power
    if signer.valid_from or signer.valid_to:
        begins = f" du {day(signer.valid_from)}" if signer.valid_from else ""
        ends = f" au {day(signer.valid_to)}" if signer.valid_to else ""
        power = f"{power}, valable{begins}{ends}"
    return ProofLine(
        for_whom=one.for_whom,
        name=one.name,
        capacity=one.capacity,
        power=power,
        signed=signed_when(one),
        how=str(one.get_method_display()),
        evidence=tuple(evidence_in_words(one)),
    )


_SAID: Final = (
    ("address", "Adresse électronique : {}"),
    ("network", "Réseau : {}"),
    ("browser", "Navigateur : {}"),
    ("file_sha256", "Empreinte SHA-256 de l’exemplaire signé : {}"),
    ("proof", "Preuve du prestataire : {}"),
    ("reference", "Référence du prestataire : {}"),
)


def signed_when(signature: RoundSignature) -> str:
    """The moment of a signature, as the portal saw it; of one on paper, the day written there."""
    if written := signature.evidence.get("signed_on"):
        return day(date.fromisoformat(written))
    return day_and_hour(signature.signed_at)


def evidence_in_words(signature: RoundSignature) -> list[str]:
    """What was kept to prove a signature, one sentence each."""
    evidence: dict[str, Any] = signature.evidence
    said = [words.format(evidence[key]) for key, words in _SAID if evidence.get(key)]
    if signature.method == RoundSignature.Method.PAPER:
        sent, checked = Party(evidence["sent_by"]).label, Party(evidence["checked_by"]).label
        said.append(
            f"Exemplaire envoyé par {sent}, vérifié par {checked} le "
            f"{day_and_hour(signature.signed_at)}"
        )
    return said


@handles("contracts.round_proof")
def issue_proof(*, round_id: int) -> None:
    """Issue the register of a round that all have signed, once."""
    signing_round = SigningRound.objects.select_related(
        "contract", "document__document", "document__snapshot"
    ).get(pk=round_id)
    if signing_round.state != SigningRound.State.SIGNED or proofs_of(signing_round).exists():
        return

    def context() -> dict[str, Any]:
        return {
            "proof": proof_of(signing_round),
            "author": settings.PORTAL_NAME,
            "created_at": (signing_round.ended_at or timezone.now()).isoformat(),
        }

    issue_once(
        signing_round.document.snapshot,
        kind=PROOF,
        number=next_reference("DP", signing_round.contract.region_id),
        title=f"{TITLE} – {signing_round.title}",
        template="pdf/contract_signatures.html",
        context=context,
        about=signing_round.pk,
    )


def proofs_of(signing_round: SigningRound) -> "QuerySet[CaseDocument]":
    """The register issued for a round, if any."""
    return registers_of(signing_round.contract_id, signing_round.pk)


def registers_of(case: Any, signing_round: Any) -> "QuerySet[CaseDocument]":
    """The same from their numbers, or from what stands for them in a statement composed once."""
    return CaseDocument.objects.filter(
        case_id=case, kind=PROOF, about=signing_round
    ).select_related("document")


declare_readers(PROOF, whoever_sees_the_case)
