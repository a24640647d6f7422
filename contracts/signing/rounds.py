"""A round of signatures: opening it, its order, its lock, its log, its end.

All the parties of a contract sign a frozen document, or nothing happens, once. The case is locked
first, then the round, so that every signature of a document waits for the one before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts.models import Contract
from contracts.models.rounds import Party, RoundLog, RoundSigner, SigningRound
from contracts.signing.providers import provider_of
from contracts.signing.purposes import check_known
from contracts.signing.signers import (
    PORTAL,
    ask,
    awaited,
    ended_power,
    parties_of,
    party_of,
    tell_next,
)
from outbox.services import publish
from signatures.links import issue_token
from workflow.models import Case, CaseDocument, SignatureDelegation
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError

COOL_DOWN: Final = timedelta(hours=24)
LONGEST_REASON: Final = 2_000
MOST_SIGNERS: Final = 30
State = SigningRound.State


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
    check_known(purpose)
    Case.objects.select_for_update().get(pk=contract.pk)
    rounds = SigningRound.objects.filter(contract=contract, purpose=purpose, target_id=target_id)
    if known := rounds.filter(state__in=(State.OPEN, State.SIGNED)).first():
        if known.document_id == document.pk:
            return known
        raise AlreadyDoneError(
            "Un autre document est déjà signé, ou en cours de signature, pour ce même objet : "
            "annulez d’abord sa signature."
        )
    if missing := missing_signers(contract, signers_by_party):
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


def missing_signers(
    contract: Contract, signers_by_party: Mapping[str, Sequence[Signatory]]
) -> list[str]:
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
        found.append(ended_power(name, ends))
    return found


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
    end_round(locked, State.CANCELLED, reason.strip()[:LONGEST_REASON])
    note(locked, "cancelled", actor=by)
    publish("contracts.round_told", key=f"{locked.pk}:cancelled", round_id=locked.pk)
    return locked


def end_round(signing_round: SigningRound, state: State, reason: str) -> None:
    """End a locked round that not all have signed."""
    signing_round.state, signing_round.ended_at = state, timezone.now()
    signing_round.end_reason = reason
    signing_round.save(update_fields=["state", "ended_at", "end_reason"])


def lock_round(pk: int) -> SigningRound:
    """The round, read again and kept from everybody else, its case first."""
    case = SigningRound.objects.values_list("contract_id", flat=True).get(pk=pk)
    Case.objects.select_for_update().get(pk=case)
    return (
        SigningRound.objects.select_for_update(of=("self",))
        .select_related(
            "contract__community", "contract__cpam", "contract__ars", "document__document"
        )
        .get(pk=pk)
    )


def ended(signing_round: SigningRound) -> AlreadyDoneError:
    """How the round ended, for who comes too late."""
    said = {
        State.SIGNED: "Toutes les parties ont signé : il n’y a plus rien à faire.",
        State.REFUSED: "Une partie a refusé de signer : le texte est repris entre les parties, et "
        "rien ne peut plus être signé ici.",
    }.get(State(signing_round.state), "La signature de ce document a été annulée.")
    return AlreadyDoneError(said)


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
