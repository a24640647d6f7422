"""Signing a frozen document by the parties of a contract: all of them, or nothing, once.

The case is locked first, then the round, so that every signature of a document waits for the one
before it: the last one completes the round in its own transaction, whoever presses at the same
moment. What a purpose does then is declared by `when_signed` and `when_refused`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.second_factor import Means, try_code
from contracts import rules
from contracts.models import Contract
from contracts.models.rounds import (
    Party,
    RoundLog,
    RoundPaper,
    RoundSignature,
    RoundSigner,
    SigningRound,
)
from cpts_portal.words import day, of_body
from outbox.services import publish
from signatures.codes import (
    Seen,
    WrongCodeError,
    browser_family,
    check_code,
    forget_code,
    masked_address,
    network_of,
    new_code_for,
)
from signatures.links import issue_token
from workflow.models import Case, CaseDocument, SignatureDelegation
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError

PORTAL: Final = "portal"
COOL_DOWN: Final = timedelta(hours=24)
LONGEST_REASON: Final = 2_000
MOST_SIGNERS: Final = 30

State = SigningRound.State
Method = RoundSignature.Method

# `handler(signing_round, by=…)`: `by` is the account of whoever acted, None without one.
Handler = Callable[..., None]
# Sentences that keep a document from being signed now; none: it may be.
Check = Callable[[SigningRound], list[str]]

_signed: dict[str, Handler] = {}
_refused: dict[str, Handler] = {}
_checks: dict[str, list[Check]] = {}


def when_signed(purpose: str, handler: Handler) -> None:
    """Say what all the signatures of a purpose do: once, in the transaction of the last one.

    Called when Django starts. Whatever the handler refuses (ActionRefusedError) undoes that last
    signature and is shown to who gave it.
    """
    _signed[purpose] = handler


def when_refused(purpose: str, handler: Handler) -> None:
    """Say what a refusal does: in its transaction; the reason is the round's `end_reason`."""
    _refused[purpose] = handler


def blocked_when(purpose: str, check: Check) -> None:
    """Add a check made before each signature: what has changed since the document was frozen."""
    _checks.setdefault(purpose, []).append(check)


def forget_purpose(purpose: str) -> None:
    """Undo what was declared, for tests."""
    for known in (_signed, _refused, _checks):
        known.pop(purpose, None)


@dataclass(frozen=True, kw_only=True)
class Signatory:
    """Who is to sign for a party.

    `power` is the act that lets them, in force from `valid_from` to `valid_to`, both included; a
    recorded `delegation` gives its own. Agents have a `user`; a president may have none.
    """

    name: str = ""
    email: str = ""
    capacity: str
    power: str = ""
    user: User | None = None
    delegation: SignatureDelegation | None = None
    valid_from: date | None = None
    valid_to: date | None = None


# --- Opening --------------------------------------------------------------------------------------


@transaction.atomic
def open_round(
    contract: Contract,
    purpose: str,
    target_id: int,
    document: CaseDocument,
    signers_by_party: Mapping[str, Sequence[Signatory]],
    *,
    in_order: bool = False,
    by: User | None,
    title: str = "",
) -> SigningRound:
    """Put a frozen document before those who sign it; each is told once their turn has come.

    With `in_order` the parties sign one after the other, as the mapping lists them. The same
    document opened again gives the round that is open. The caller has checked who acts.

    Raises IncompleteError with what keeps somebody from signing, AlreadyDoneError when another
    document is being signed for the same purpose, or was.
    """
    if purpose not in _signed:
        raise LookupError(f"Nobody said what signing {purpose!r} does.")
    Case.objects.select_for_update().get(pk=contract.pk)
    rounds = SigningRound.objects.filter(contract=contract, purpose=purpose, target_id=target_id)
    if known := rounds.filter(state__in=(State.OPEN, State.SIGNED)).first():
        if known.document_id == document.pk:
            return known
        raise AlreadyDoneError(
            "Un autre document est déjà signé, ou en cours de signature, pour ce même objet : "
            "annulez d’abord sa signature."
        )
    if missing := _missing(contract, signers_by_party):
        raise IncompleteError(missing)
    opened = SigningRound.objects.create(
        contract=contract,
        purpose=purpose,
        target_id=target_id,
        title=(title or document.document.title)[:250],
        document=document,
        document_sha256=document.document.sha256,
        in_order=in_order,
        provider=settings.SIGNATURE_PROVIDER,
        opened_by=by,
    )
    for position, (party, signers) in enumerate(signers_by_party.items(), start=1):
        for one in signers:
            _add_signer(opened, Party(party), position, one)
    note(opened, "opened", actor=by)
    from contracts.signing.providers import provider_of  # noqa: PLC0415 - it stands on this room

    provider_of(opened).start(opened)
    return opened


def _add_signer(opened: SigningRound, party: Party, position: int, one: Signatory) -> None:
    contract, delegation = opened.contract, one.delegation
    row = RoundSigner.objects.create(
        round=opened,
        party=party,
        position=position,
        organisation={Party.CPAM: contract.cpam, Party.ARS: contract.ars}.get(party),
        user=one.user,
        name=one.name or str(one.user),
        email=_email(one),
        capacity=one.capacity or (delegation.capacity if delegation else ""),
        power=one.power or (delegation.act if delegation else ""),
        delegation=delegation,
        valid_from=one.valid_from or (delegation.valid_from if delegation else None),
        valid_to=one.valid_to or (delegation.valid_to if delegation else None),
        nonce="",
    )
    if party == Party.CPTS:
        issue_token(row)
        row.save(update_fields=["nonce", "token_digest"])


def _email(one: Signatory) -> str:
    return (one.user.email if one.user else one.email).strip().lower()


def _missing(contract: Contract, signers_by_party: Mapping[str, Sequence[Signatory]]) -> list[str]:
    """What keeps these people from signing this contract, as sentences."""
    parties = parties_of(contract)
    found = [
        f"Personne ne signe pour {party.label} : désignez son signataire."
        for party in parties
        if not signers_by_party.get(party)
    ]
    found += [
        f"Ce contrat se signe sans {Party(one).label} : retirez ses signataires."
        for one in signers_by_party
        if one not in parties
    ]
    everybody = [(Party(p), one) for p, signers in signers_by_party.items() for one in signers]
    emails = [_email(one) for _, one in everybody]
    for party, one in everybody:
        found += _missing_of(party, one, is_twice=emails.count(_email(one)) > 1)
    if len(everybody) > MOST_SIGNERS:
        found.append(f"Un document a {MOST_SIGNERS} signataires au plus.")
    return list(dict.fromkeys(found))


def _missing_of(party: Party, one: Signatory, *, is_twice: bool) -> list[str]:
    name = one.name or str(one.user or "")
    if not name or not _email(one):
        lacks = (
            f"Il manque le nom ou l’adresse électronique d’un signataire pour {party.label} : "
            "complétez-les."
        )
        return [lacks]
    found = []
    if is_twice:
        found.append(
            f"{name} signe deux fois : chaque signataire a sa propre adresse électronique."
        )
    if party != Party.CPTS and one.user is None:
        found.append(
            f"{name} signe pour {party.label} sans compte sur le portail : invitez cette personne "
            "dans l’organisme."
        )
    if not (one.capacity.strip() or one.delegation):
        found.append(f"Dites en quelle qualité signe {name}.")
    ends = one.valid_to or (one.delegation.valid_to if one.delegation else None)
    if ends and ends < timezone.localdate():
        found.append(_ended_power(name, ends))
    return found


def parties_of(contract: Contract) -> list[Party]:
    """The CPTS and the agency; and the CPAM, unless it is an older contract without one."""
    return [Party.CPTS, *([Party.CPAM] if contract.cpam_id else []), Party.ARS]


@transaction.atomic
def set_order(signing_round: SigningRound, order: Sequence[str], *, by: User) -> SigningRound:
    """Have the parties sign one after the other, as `order` lists them; empty: as each pleases.

    Any party may, until somebody has signed. Raises PermissionDenied, AlreadyDoneError once the
    round has ended, ActionRefusedError once somebody has signed, or for parties that are missing.
    """
    locked = lock_round(signing_round.pk)
    if party_of(locked.contract, by) is None:
        raise PermissionDenied
    if not locked.is_open:
        raise ended(locked)
    if locked.provider != PORTAL or locked.signatures.exists():
        raise ActionRefusedError(
            "L’ordre ne change plus : une signature est déjà donnée, ou un prestataire recueille "
            "les signatures."
        )
    parties = parties_of(locked.contract)
    if order and sorted(order) != sorted(str(one) for one in parties):
        raise ActionRefusedError("Rangez chaque partie une fois, et une seule.")
    for position, party in enumerate(order or [str(one) for one in parties], start=1):
        locked.signers.filter(party=party).update(position=position)
    locked.in_order = bool(order)
    locked.save(update_fields=["in_order"])
    note(locked, "ordered", actor=by, detail=order_in_words(order))
    # Who was told and must now wait is told again when their turn comes.
    turn = [one.pk for one in awaited(locked)]
    locked.signers.exclude(pk__in=turn).update(told_at=None)
    tell_next(locked)
    return locked


def order_in_words(order: Sequence[str]) -> str:
    """« la CPTS, puis la CPAM, puis l’ARS », or that each signs when they please."""
    return ", puis ".join(str(Party(one).label) for one in order) or "chacun quand il le souhaite"


# --- Who signs, and may they ----------------------------------------------------------------------


def party_of(contract: Contract, user: User | None) -> Party | None:
    """The party in whose name the person acts on this contract, if any."""
    found = rules.party_of(contract, user)
    return Party(found) if found else None


def awaited(signing_round: SigningRound) -> list[RoundSigner]:
    """Those who have not signed and whose turn has come, in order: one query."""
    if not signing_round.is_open:
        return []
    left = left_of(signing_round)
    if signing_round.in_order and left:
        left = [one for one in left if one.position == left[0].position]
    return left


def left_of(signing_round: SigningRound) -> list[RoundSigner]:
    """Those who have not signed, whether or not their turn has come."""
    return list(_unsigned(signing_round.signers.select_related("user", "organisation")))


def _unsigned(signers: "QuerySet[RoundSigner]") -> "QuerySet[RoundSigner]":
    done = RoundSignature.objects.filter(signer=OuterRef("pk"))
    return signers.filter(~Exists(done)).order_by("position", "pk")


def awaiting(user: User) -> "QuerySet[RoundSigner]":
    """What waits for the person's own signature, in the role they act in: for desks and lists."""
    before = RoundSigner.objects.filter(
        round=OuterRef("round"), position__lt=OuterRef("position")
    ).filter(~Exists(RoundSignature.objects.filter(signer=OuterRef("pk"))))
    found = RoundSigner.objects.filter(user=user, round__state=State.OPEN)
    if user.acting is None:
        found = found.filter(party=Party.CPTS)
    else:
        own = user.acting.organisation_id
        found = found.filter(Q(organisation=own) | Q(organisation__branches=own)).distinct()
    found = _unsigned(found).filter(Q(round__in_order=False) | ~Exists(before))
    return found.select_related("round__contract__community").order_by("round__opened_at", "pk")


def signer_for(signing_round: SigningRound, user: User) -> RoundSigner | None:
    """The person among the signers, in the role they act in."""
    found = signing_round.signers.filter(user=user).select_related("organisation", "delegation")
    mine = next((one for one in found if is_theirs(one, user)), None)
    if mine is not None:
        mine.round = signing_round
    return mine


def is_theirs(signer: RoundSigner, user: User) -> bool:
    """Whether the person is this signer, in the role they act in."""
    if signer.user_id != user.pk:
        return False
    if signer.party == Party.CPTS:
        return user.acting is None
    acting = user.acting
    return acting is not None and signer.organisation_id in {
        acting.organisation_id,
        acting.organisation.parent_id,
    }


def power_problems(signer: RoundSigner, on: date) -> list[str]:
    """Why the signer may not sign on a day; on the last day of a delegation they still may."""
    found = []
    if signer.valid_from and on < signer.valid_from:
        found.append(
            f"Le pouvoir de signer de {signer.name} commence le {day(signer.valid_from)} : "
            f"rien ne peut être signé avant. L’acte : {signer.power}."
        )
    if signer.valid_to and on > signer.valid_to:
        found.append(_ended_power(signer.name, signer.valid_to))
    if signer.delegation and signer.delegation.revoked_at:
        found.append(
            f"La délégation de {signer.name} a été retirée le "
            f"{day(timezone.localdate(signer.delegation.revoked_at))} : un autre signataire est à "
            "désigner."
        )
    return found


def _ended_power(name: str, last: date) -> str:
    return (
        f"Le pouvoir de signer de {name} a pris fin le {day(last)} : faites renouveler l’acte, ou "
        "désignez un autre signataire."
    )


# --- The code -------------------------------------------------------------------------------------


def needs_second_factor(signer: RoundSigner) -> bool:
    """Agents sign with their second factor; the CPTS, with a code sent by mail."""
    return signer.party != Party.CPTS


@transaction.atomic
def send_code(signer: RoundSigner) -> None:
    """Send six digits to the address of a signer of the CPTS. Raises ActionRefusedError."""
    if needs_second_factor(signer):
        raise ActionRefusedError(
            "Votre code est celui de votre application : aucun n’est envoyé par courriel."
        )
    signer = _locked(signer)
    _check_may_sign(signer)
    code = new_code_for(
        signer,
        otherwise="Recommencez demain, ou envoyez un exemplaire signé sur papier.",
    )
    from contracts.signing.telling import write_code  # noqa: PLC0415 - it reads rounds

    write_code(signer, f"{code[:3]} {code[3:]}")


# --- The answer -----------------------------------------------------------------------------------


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
            return _record(signer, method, _evidence(signer, seen), by=by)
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
    _end(signing_round, State.REFUSED, reason)
    note(signing_round, "refused", actor=by, signer=signer)
    handler = _refused.get(signing_round.purpose)
    if handler is not None:
        handler(signing_round, by=by)
    publish("contracts.round_told", key=f"{signing_round.pk}:refused", round_id=signing_round.pk)


@transaction.atomic
def record_refusal(signer: RoundSigner, reason: str) -> SigningRound:
    """A provider says that somebody refused, and why. Raises AlreadyDoneError once ended."""
    signer = _locked(signer)
    _check_open(signer)
    _refuse(signer, reason.strip()[:LONGEST_REASON], by=None)
    return signer.round


@transaction.atomic
def cancel_round(signing_round: SigningRound, *, reason: str, by: User | None) -> SigningRound:
    """Take a document back before all have signed. The caller has checked who acts.

    Raises AlreadyDoneError when it has ended, ActionRefusedError without a reason.
    """
    if not reason.strip():
        raise ActionRefusedError(
            "Écrivez pourquoi la signature est annulée : les parties le liront."
        )
    locked = lock_round(signing_round.pk)
    if not locked.is_open:
        raise ended(locked)
    _end(locked, State.CANCELLED, reason.strip()[:LONGEST_REASON])
    note(locked, "cancelled", actor=by)
    publish("contracts.round_told", key=f"{locked.pk}:cancelled", round_id=locked.pk)
    return locked


def _end(signing_round: SigningRound, state: State, reason: str) -> None:
    signing_round.state, signing_round.ended_at = state, timezone.now()
    signing_round.end_reason = reason
    signing_round.save(update_fields=["state", "ended_at", "end_reason"])


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


def for_whom(signer: RoundSigner) -> str:
    """« CPAM du Tarn », « CPTS du Lauragais »."""
    return signer.organisation.name if signer.organisation else signer.round.contract.title


def on_behalf(signer: RoundSigner) -> str:
    """« de la CPAM du Tarn », « de la CPTS du Lauragais »: after « au nom »."""
    if signer.organisation:
        return of_body(signer.organisation.name)
    return f"de la CPTS {signer.round.contract.title.removeprefix('CPTS ')}"


def _complete(signing_round: SigningRound, signed_on: date, *, by: User | None) -> None:
    """End the round if nobody is left to sign; its handler runs here, and nowhere else."""
    if _unsigned(signing_round.signers.all()).exists():
        tell_next(signing_round)
        return
    signing_round.signed_on = signed_on
    signing_round.state, signing_round.ended_at = State.SIGNED, timezone.now()
    signing_round.save(update_fields=["state", "ended_at", "signed_on"])
    note(signing_round, "completed", actor=None)
    publish("contracts.round_told", key=f"{signing_round.pk}:signed", round_id=signing_round.pk)
    publish("contracts.round_proof", key=f"{signing_round.pk}", round_id=signing_round.pk)
    _signed[signing_round.purpose](signing_round, by=by)


def lock_round(pk: int) -> SigningRound:
    case = SigningRound.objects.values_list("contract_id", flat=True).get(pk=pk)
    Case.objects.select_for_update().get(pk=case)
    return (
        SigningRound.objects.select_for_update(of=("self",))
        .select_related(
            "contract__community", "contract__cpam", "contract__ars", "document__document"
        )
        .get(pk=pk)
    )


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
    for check in _checks.get(signing_round.purpose, ()):
        problems += check(signing_round)
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


def ended(signing_round: SigningRound) -> AlreadyDoneError:
    said = {
        State.SIGNED: "Toutes les parties ont signé : il n’y a plus rien à faire.",
        State.REFUSED: "Une partie a refusé de signer : le texte est repris entre les parties, et "
        "rien ne peut plus être signé ici.",
    }.get(State(signing_round.state), "La signature de ce document a été annulée.")
    return AlreadyDoneError(said)


def _evidence(signer: RoundSigner, seen: Seen) -> dict[str, Any]:
    """What proves how the signer was known, and singles nobody out (GDPR, art. 5-1 c)."""
    found = {
        "address": masked_address(signer.email),
        "network": network_of(seen.ip),
        "browser": browser_family(seen.user_agent),
    }
    if not needs_second_factor(signer) and signer.code_sent_at:
        found["code_sent_at"] = signer.code_sent_at.isoformat()
    return found


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
    left = list(_unsigned(locked.signers.select_related("organisation", "delegation")))
    problems = [sentence for one in left for sentence in power_problems(one, signed_on)]
    for check in _checks.get(locked.purpose, ()):
        problems += check(locked)
    if problems:
        raise ActionRefusedError(" ".join(problems))
    for one in left:
        one.round = locked
        _write_signature(one, method, evidence.get(one.pk, {}))
        note(locked, "counted", actor=by, signer=one)
    _complete(locked, signed_on, by=by)
    return locked


# --- Telling --------------------------------------------------------------------------------------


def note(
    signing_round: SigningRound,
    action: str,
    *,
    actor: User | None,
    signer: RoundSigner | None = None,
    detail: str = "",
) -> RoundLog:
    """A line of the round's own log."""
    return RoundLog.objects.create(
        round=signing_round, action=action, actor=actor, signer=signer, detail=detail[:500]
    )


def tell_next(signing_round: SigningRound) -> None:
    """Call for a mail to those whose turn has come and who were not told yet.

    A provider writes to its own signers.
    """
    if signing_round.provider != PORTAL:
        return
    ask([one for one in awaited(signing_round) if one.told_at is None])


def ask(signers: Sequence[RoundSigner]) -> None:
    """Call for a mail to each of these, in the caller's transaction."""
    for one in signers:
        one.told_at = timezone.now()
        one.told_count += 1
        one.save(update_fields=["told_at", "told_count"])
        publish(
            "contracts.round_ask",
            key=f"{one.pk}:{one.told_count}",
            signer_id=one.pk,
            count=one.told_count,
        )


@transaction.atomic
def remind(signing_round: SigningRound, *, by: User) -> list[RoundSigner]:
    """Write again to those who are awaited, a day at least after the mail before.

    Any party may. Raises PermissionDenied, AlreadyDoneError when the round has ended,
    ActionRefusedError when all were written to less than a day ago.
    """
    locked = lock_round(signing_round.pk)
    if party_of(locked.contract, by) is None:
        raise PermissionDenied
    if not locked.is_open:
        raise ended(locked)
    if locked.provider != PORTAL:
        raise ActionRefusedError(
            "Ce document se signe chez un prestataire\u00a0: c’est lui qui relance les signataires."
        )
    now = timezone.now()
    due = [one for one in awaited(locked) if one.told_at is None or now - one.told_at >= COOL_DOWN]
    if not due:
        raise ActionRefusedError(
            "Chacun a reçu un courriel il y a moins de 24 heures : laissez-leur un jour avant de "
            "relancer."
        )
    ask(due)
    note(locked, "reminded", actor=by, detail=", ".join(one.name for one in due))
    return due
