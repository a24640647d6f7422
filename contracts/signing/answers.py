"""A signer signs or refuses: the last signature completes the round in its own transaction."""

from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.second_factor import Means, try_code
from contracts.models.rounds import RoundPaper, RoundSignature, RoundSigner, SigningRound
from contracts.signing.purposes import obstacles_to, run_refused, run_signed
from contracts.signing.rounds import LONGEST_REASON, State, end_round, ended, lock_round, note
from contracts.signing.signers import (
    PORTAL,
    awaited,
    for_whom,
    is_theirs,
    needs_second_factor,
    power_problems,
    tell_next,
    unsigned,
)
from contracts.signing.telling import write_code
from outbox.services import publish
from signatures.codes import (
    Seen,
    WrongCodeError,
    check_code,
    evidence_of,
    forget_code,
    new_code_for,
)
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, AlreadyDoneError

Method = RoundSignature.Method


@transaction.atomic
def send_code(signer: RoundSigner) -> None:
    """Send six digits to the address of a signer of the CPTS, to sign or to refuse.

    A refusal waits for nobody's turn and needs no power that stands: what keeps from signing is
    checked by `sign`. Raises ActionRefusedError, AlreadyDoneError once answered or ended.
    """
    if needs_second_factor(signer):
        raise ActionRefusedError(
            "Votre code est celui de votre application : aucun n’est envoyé par courriel."
        )
    signer = _locked(signer)
    _check_open(signer)
    if signer.round.provider != PORTAL:
        raise ActionRefusedError(" ".join(problems_of(signer)))
    code = new_code_for(
        signer,
        otherwise="Recommencez demain, ou envoyez un exemplaire signé sur papier.",
    )
    write_code(signer, f"{code[:3]} {code[3:]}")


def sign(signer: RoundSigner, *, code: str, seen: Seen, by: User | None) -> RoundSignature:
    """Sign the frozen document, and no other; the last signature completes the round.

    `by` is the account of who signs; None: the personal link was opened.

    Raises PermissionDenied for anybody else, WrongCodeError, AlreadyDoneError for a second
    press, ActionRefusedError when the document is no longer to be signed, it is not the signer's
    turn, or their power does not stand today.
    """
    with transaction.atomic():
        signer = _locked(signer)
        _check_is(signer, by)
        _check_may_sign(signer)
        method, problem = _identify(signer, code, seen)
        if method is not None:
            return _record(signer, method, evidence_of(signer, signer.email, seen), by=by)
    # After the block: the wrong try stays counted.
    raise WrongCodeError(problem)


def refuse(
    signer: RoundSigner, *, reason: str, by: User | None, seen: Seen, code: str = ""
) -> SigningRound:
    """Refuse to sign, with a reason that all read: the round ends for everybody.

    Agents are known by their account; a signer of the CPTS, by the code sent to them. Raises as
    `sign` does, and ActionRefusedError without a reason.
    """
    reason = reason.strip()
    if not reason:
        raise ActionRefusedError(
            "Écrivez pourquoi vous ne signez pas : les autres parties le liront, et reprendront "
            "le texte avec vous."
        )
    with transaction.atomic():
        signer = _locked(signer)
        _check_is(signer, by)
        _check_open(signer)
        problem = ""
        if not needs_second_factor(signer):
            problem = check_code(signer, code, seen)
        if not problem:
            _refuse(signer, reason[:LONGEST_REASON], by=by)
            return signer.round
    raise WrongCodeError(problem)


def _refuse(signer: RoundSigner, reason: str, *, by: User | None) -> None:
    signing_round = signer.round
    forget_code(signer)
    signer.save(update_fields=["code_digest", "code_expires_at"])
    end_round(signing_round, State.REFUSED, reason)
    note(signing_round, "refused", actor=by, signer=signer)
    run_refused(signing_round, by=by)
    publish("contracts.round_told", key=f"{signing_round.pk}:refused", round_id=signing_round.pk)


@transaction.atomic
def record_refusal(signer: RoundSigner, reason: str) -> SigningRound:
    """A provider says that somebody refused, and why. Raises AlreadyDoneError once ended."""
    signer = _locked(signer)
    _check_open(signer)
    _refuse(signer, reason.strip()[:LONGEST_REASON], by=None)
    return signer.round


def _identify(signer: RoundSigner, code: str, seen: Seen) -> tuple[Method | None, str]:
    """How the signer is known, or None and the sentence to show."""
    if not needs_second_factor(signer):
        problem = check_code(signer, code, seen)
        return (None, problem) if problem else (Method.EMAIL_CODE, "")
    if signer.user is None:
        raise PermissionDenied
    means, problem = try_code(signer.user, code)
    if means is None:
        return None, problem
    return (Method.APPLICATION if means == Means.APPLICATION else Method.RECOVERY), ""


def _record(
    signer: RoundSigner, method: Method, evidence: dict[str, Any], *, by: User | None
) -> RoundSignature:
    signature = _write_signature(signer, method, evidence)
    forget_code(signer)
    signer.save(update_fields=["code_digest", "code_expires_at"])
    note(signer.round, "signed", actor=by, signer=signer)
    _complete(signer.round, timezone.localdate(signature.signed_at), by=by)
    return signature


def _write_signature(
    signer: RoundSigner, method: Method, evidence: dict[str, Any]
) -> RoundSignature:
    signing_round = signer.round
    try:
        with transaction.atomic():
            return RoundSignature.objects.create(
                round=signing_round,
                signer=signer,
                party=signer.party,
                for_whom=for_whom(signer),
                name=signer.name,
                capacity=signer.capacity,
                power=signer.power,
                document_sha256=signing_round.document_sha256,
                method=method,
                evidence=evidence,
            )
    except IntegrityError as refused:
        if "round_signature_once" in str(refused):
            raise _already(signer) from refused
        if "round_signature_open" in str(refused):
            raise ended(signing_round) from refused
        raise


def _complete(signing_round: SigningRound, signed_on: date, *, by: User | None) -> None:
    """End the round if nobody is left to sign; its handler runs here, and nowhere else."""
    if unsigned(signing_round.signers.all()).exists():
        tell_next(signing_round)
        return
    signing_round.signed_on = signed_on
    signing_round.state, signing_round.ended_at = State.SIGNED, timezone.now()
    signing_round.save(update_fields=["state", "ended_at", "signed_on"])
    note(signing_round, "completed", actor=None)
    publish("contracts.round_told", key=f"{signing_round.pk}:signed", round_id=signing_round.pk)
    publish("contracts.round_proof", key=f"{signing_round.pk}", round_id=signing_round.pk)
    run_signed(signing_round, by=by)


def _locked(signer: RoundSigner) -> RoundSigner:
    """The signer and their round, both locked, the case first."""
    signing_round = lock_round(signer.round_id)
    found = (
        RoundSigner.objects.select_for_update(of=("self",))
        .select_related("user", "organisation", "delegation")
        .get(pk=signer.pk)
    )
    found.round = signing_round
    return found


def _check_is(signer: RoundSigner, by: User | None) -> None:
    """Raises PermissionDenied unless it is the signer: by their account, or by their link."""
    if by is None and not needs_second_factor(signer):
        return
    if by is None or not is_theirs(signer, by):
        raise PermissionDenied("Seule la personne désignée signe, dans le rôle qui le lui permet.")
    still_holds_their_role(by)


def _check_open(signer: RoundSigner) -> None:
    if RoundSignature.objects.filter(signer=signer).exists():
        raise _already(signer)
    if not signer.round.is_open:
        raise ended(signer.round)


def _check_may_sign(signer: RoundSigner) -> None:
    _check_open(signer)
    if problems := problems_of(signer):
        raise ActionRefusedError(" ".join(problems))


def problems_of(signer: RoundSigner) -> list[str]:
    """What keeps somebody from signing an open document today, as sentences."""
    signing_round = signer.round
    if signing_round.provider != PORTAL:
        elsewhere = (
            "Ce document se signe chez le prestataire de signature\u00a0: suivez le courriel qu’il "
            "vous a envoyé."
        )
        return [elsewhere]
    problems = power_problems(signer, timezone.localdate())
    problems += obstacles_to(signing_round)
    if signing_round.papers.filter(state=RoundPaper.State.WAITING).exists():
        problems.append(
            "Un exemplaire signé sur papier attend d’être vérifié : la signature reprendra "
            "s’il est renvoyé."
        )
    turn = awaited(signing_round)
    if signer.pk not in {one.pk for one in turn}:
        names = ", ".join(one.name for one in turn)
        problems.append(
            f"Ce n’est pas encore votre tour : la signature de {names} est attendue avant la "
            "vôtre. Un courriel vous préviendra."
        )
    return problems


def _already(signer: RoundSigner) -> AlreadyDoneError:
    return AlreadyDoneError(f"{signer.name} a déjà signé : rien n’a changé.")


@transaction.atomic
def sign_elsewhere(
    signing_round: SigningRound,
    method: Method,
    evidence: dict[int, dict[str, Any]],
    *,
    signed_on: date,
    by: User | None,
) -> SigningRound:
    """Record what the signers left signed outside the portal: on paper, or by a provider.

    `evidence` by signer's primary key; each power must stand on the day `signed_on`. The caller
    has checked what it is given. Raises ActionRefusedError, and AlreadyDoneError once ended.
    """
    locked = lock_round(signing_round.pk)
    if not locked.is_open:
        raise ended(locked)
    left = list(unsigned(locked.signers.select_related("organisation", "delegation")))
    problems = [sentence for one in left for sentence in power_problems(one, signed_on)]
    problems += obstacles_to(locked)
    if problems:
        raise ActionRefusedError(" ".join(problems))
    for one in left:
        one.round = locked
        _write_signature(one, method, evidence.get(one.pk, {}))
        note(locked, "counted", actor=by, signer=one)
    _complete(locked, signed_on, by=by)
    return locked
