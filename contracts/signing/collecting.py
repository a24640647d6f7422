"""What providers give back: believed once it is checked, then as good as signatures given here."""

import hashlib
import logging

from django.db import transaction
from django.utils import timezone

from contracts.models.rounds import RoundSignature, SigningRound
from contracts.signing import answers, rounds, signers
from contracts.signing.providers import SIGNED, ProviderError, SignedElsewhere, Status, provider_of
from documents.services import issue_document
from workflow.models import CaseDocument
from workflow.services import ActionRefusedError, AlreadyDoneError

logger = logging.getLogger(__name__)


def collect() -> int:
    """Take in what providers have given back; how many rounds ended. Run again, it ends no more."""
    ended = 0
    for one in SigningRound.objects.filter(state=SigningRound.State.OPEN).exclude(
        provider="portal"
    ):
        try:
            ended += _collect(one)
        except (ProviderError, ActionRefusedError) as error:
            _note_once(one, error)
    return ended


def _collect(signing_round: SigningRound) -> bool:
    provider = provider_of(signing_round)
    match provider.status(signing_round):
        case Status.WAITING:
            return False
        case Status.REFUSED:
            given = provider.fetch_signed(signing_round)
            _refused(signing_round, given)
        case Status.SIGNED:
            given = provider.fetch_signed(signing_round)
            _check(signing_round, given)
            _signed(signing_round, given)
    return True


def _refused(signing_round: SigningRound, given: SignedElsewhere) -> None:
    signer = signing_round.signers.filter(pk=given.refused_by or 0).first()
    if signer is None or not given.reason.strip():
        raise ProviderError("a refusal without its signer or its reason")
    answers.record_refusal(signer, given.reason)


def _check(signing_round: SigningRound, given: SignedElsewhere) -> None:
    left = {one.pk for one in signers.left_of(signing_round)}
    if given.document_sha256 != signing_round.document_sha256:
        raise ProviderError("another document than the one that was given")
    if not given.pdf.startswith(b"%PDF-"):
        raise ProviderError("the signed document is no PDF")
    if not left <= set(given.evidence):
        raise ProviderError("a signer is missing")
    if given.signed_on is None or given.signed_on > timezone.localdate():
        raise ProviderError("a day to come")


@transaction.atomic
def _signed(signing_round: SigningRound, given: SignedElsewhere) -> None:
    locked = rounds.lock_round(signing_round.pk)
    if not locked.is_open:
        raise AlreadyDoneError("Ce document n’est plus à signer.")
    document = issue_document(
        kind=SIGNED,
        number=f"{locked.document.document.number}-SIGNE-{locked.pk}",
        title=f"{locked.title}, signé"[:250],
        pdf=given.pdf,
    )
    CaseDocument.objects.create(
        case_id=locked.contract_id,
        document=document,
        snapshot_id=locked.document.snapshot_id,
        kind=SIGNED,
        about=locked.pk,
    )
    sealed = hashlib.sha256(given.pdf).hexdigest()
    answers.sign_elsewhere(
        locked,
        RoundSignature.Method.PROVIDER,
        {pk: {**proof, "file_sha256": sealed} for pk, proof in given.evidence.items()},
        signed_on=given.signed_on or timezone.localdate(),
        by=None,
    )


def _note_once(signing_round: SigningRound, error: Exception) -> None:
    """Said in the log of the portal and in that of the round: once, however often it is tried."""
    logger.warning("Round %s: its provider's answer is refused (%s)", signing_round.pk, error)
    if not signing_round.logs.filter(action="provider_refused").exists():
        rounds.note(signing_round, "provider_refused", actor=None)
