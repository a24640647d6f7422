"""Who gathers the signatures of a round: the portal itself, or a provider it exchanges files with.

The setting SIGNATURE_PROVIDER chooses for the rounds to come; each keeps the one it began with.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

from django.conf import settings

from contracts.models.rounds import SigningRound
from contracts.signing import signers
from contracts.signing.evidence import proofs_of
from outbox.registry import handles
from outbox.services import publish
from workflow.models import CaseDocument
from workflow.official import declare_readers, read_document, whoever_sees_the_case

# The document as the provider gives it back, with its seals.
SIGNED: Final = "contract_signed_elsewhere"
declare_readers(SIGNED, whoever_sees_the_case)
# No signed contract comes near; read before anything else is.
MOST_BYTES: Final = 50 * 1024 * 1024


class Status(StrEnum):
    WAITING = "waiting"
    SIGNED = "signed"
    REFUSED = "refused"


@dataclass(frozen=True)
class SignedElsewhere:
    """What a provider gives back once all have signed, or one has refused."""

    # Empty for a refusal.
    pdf: bytes = b""
    # That of the document it was given: what it says was signed.
    document_sha256: str = ""
    signed_on: date | None = None
    # The provider's own number for the whole.
    reference: str = ""
    # Signer's primary key → what proves their signature, in plain texts.
    evidence: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    refused_by: int | None = None
    reason: str = ""


class ProviderError(ValueError):
    """What the provider gave back is not what it was given; the message is made for a log."""


class SigningProvider(Protocol):
    """All the portal asks of whoever gathers signatures."""

    def start(self, signing_round: SigningRound) -> None:
        """Begin, inside the transaction that opens the round: what leaves, leaves after it."""

    def status(self, signing_round: SigningRound) -> Status:
        """Where it stands, as the provider says."""

    def fetch_signed(self, signing_round: SigningRound) -> SignedElsewhere:
        """What it gives back. Raises ProviderError for what cannot be believed."""


class PortalSignatures:
    """The portal's own signatures: pages, codes, register."""

    def start(self, signing_round: SigningRound) -> None:
        signers.tell_next(signing_round)

    def status(self, signing_round: SigningRound) -> Status:
        return {
            SigningRound.State.SIGNED: Status.SIGNED,
            SigningRound.State.REFUSED: Status.REFUSED,
        }.get(SigningRound.State(signing_round.state), Status.WAITING)

    def fetch_signed(self, signing_round: SigningRound) -> SignedElsewhere:
        proof = proofs_of(signing_round).first()
        return SignedElsewhere(
            pdf=read_document(signing_round.document.document),
            document_sha256=signing_round.document_sha256,
            signed_on=signing_round.signed_on,
            reference=proof.document.number if proof else "",
        )


class FileExchange:
    """A provider that takes documents in a folder and gives them back, signed, in another.

    Each round has a folder of its own, named after its public id: `a-signer/<id>/` holds
    `document.pdf` and `demande.json`; `signes/<id>/`, written by the provider, holds
    `document.pdf` and `preuve.json`. A folder appears whole, under its last name.
    """

    def start(self, signing_round: SigningRound) -> None:
        publish("contracts.round_deposit", key=str(signing_round.pk), round_id=signing_round.pk)

    def deposit(self, signing_round: SigningRound) -> None:
        """Write what is to be signed; written already, nothing changes."""
        place = self._folder("a-signer") / str(signing_round.public_id)
        if place.exists():
            return
        half = place.with_name(f".{place.name}")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        (half / "document.pdf").write_bytes(read_document(signing_round.document.document))
        (half / "demande.json").write_text(
            json.dumps(self._asked(signing_round), ensure_ascii=False, indent=1), encoding="utf-8"
        )
        half.rename(place)

    def _asked(self, signing_round: SigningRound) -> dict[str, Any]:
        return {
            "round": str(signing_round.public_id),
            "title": signing_round.title,
            "document_sha256": signing_round.document_sha256,
            "in_order": signing_round.in_order,
            "signers": [
                {
                    "id": one.pk,
                    "party": one.party,
                    "position": one.position,
                    "name": one.name,
                    "email": one.email,
                    "capacity": one.capacity,
                    "power": one.power,
                }
                for one in signing_round.signers.order_by("position", "pk")
            ],
        }

    def status(self, signing_round: SigningRound) -> Status:
        answer = self._answer(signing_round)
        if answer is None:
            return Status.WAITING
        return Status.REFUSED if answer.get("refused_by") else Status.SIGNED

    def fetch_signed(self, signing_round: SigningRound) -> SignedElsewhere:
        answer = self._answer(signing_round)
        if answer is None:
            raise ProviderError("nothing was given back")
        try:
            return self._read(signing_round, answer)
        except (KeyError, TypeError, ValueError, OSError) as wrong:
            raise ProviderError(f"unreadable answer: {type(wrong).__name__}") from wrong

    def _read(self, signing_round: SigningRound, answer: Mapping[str, Any]) -> SignedElsewhere:
        reference = str(answer.get("reference", ""))[:100]
        if answer.get("refused_by"):
            return SignedElsewhere(
                refused_by=int(answer["refused_by"]),
                reason=str(answer["reason"]),
                reference=reference,
            )
        return SignedElsewhere(
            pdf=self._bytes(self._answered(signing_round) / "document.pdf"),
            document_sha256=str(answer["document_sha256"]),
            signed_on=date.fromisoformat(answer["signed_on"]),
            reference=reference,
            evidence={
                int(one["id"]): {"proof": str(one["proof"])[:500], "reference": reference}
                for one in answer["signers"]
            },
        )

    def _answer(self, signing_round: SigningRound) -> dict[str, Any] | None:
        file = self._answered(signing_round) / "preuve.json"
        if not file.is_file():
            return None
        try:
            found = json.loads(self._bytes(file))
        except ValueError:
            found = {}
        return found if isinstance(found, dict) else {}

    def _answered(self, signing_round: SigningRound) -> Path:
        return self._folder("signes") / str(signing_round.public_id)

    @staticmethod
    def _bytes(file: Path) -> bytes:
        if file.is_symlink() or file.stat().st_size > MOST_BYTES:
            raise ProviderError("not a file of a possible size")
        return file.read_bytes()

    @staticmethod
    def _folder(name: str) -> Path:
        return Path(settings.SIGNATURE_FOLDER) / name


PROVIDERS: Final[Mapping[str, SigningProvider]] = {
    "portal": PortalSignatures(),
    "folder": FileExchange(),
}


def provider_of(signing_round: SigningRound) -> SigningProvider:
    """Raises LookupError for a provider that is not known."""
    return PROVIDERS[signing_round.provider]


@handles("contracts.round_deposit")
def deposit(*, round_id: int) -> None:
    """Give a round to its provider; running it again gives nothing twice."""
    signing_round = SigningRound.objects.select_related("document__document").get(pk=round_id)
    provider = provider_of(signing_round)
    if signing_round.is_open and isinstance(provider, FileExchange):
        provider.deposit(signing_round)


def signed_copy(signing_round: SigningRound) -> CaseDocument | None:
    """The document as the provider gave it back, if one did."""
    return (
        CaseDocument.objects.filter(
            case_id=signing_round.contract_id, kind=SIGNED, about=signing_round.pk
        )
        .select_related("document")
        .first()
    )
