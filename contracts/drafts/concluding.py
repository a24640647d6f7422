"""Signing a frozen contract: its document goes round its signers, then it is in force, or reopened.

The last signature puts it in force in its own transaction: the contract, its first version, its
schedule, all or nothing, once.
"""

from datetime import date
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from contracts import describing, rules
from contracts.documents import issue_contract
from contracts.funding.engaging import Signed, put_draft_in_force
from contracts.funding.storing import rates_from_data
from contracts.models import Contract, Draft, SigningRound
from contracts.signing.purposes import blocked_when, when_refused, when_signed
from contracts.signing.rounds import Signatory, cancel_round, open_round
from contracts.terms import PARTIES_OF, ContractTerms, from_data
from cpts_portal.words import NBSP
from outbox.registry import handles
from workflow.models import Case, SignatureDelegation, Snapshot, TransitionLog
from workflow.services import ActionRefusedError, already_done, perform
from workflow.states import CaseState

PURPOSE: Final = "contract"
KEPT: Final = 2_000


@handles("contracts.frozen")
def issue_and_open(*, snapshot_id: int) -> None:
    """Draw the document of a frozen contract, then call those who sign. Running it again does
    nothing more."""
    snapshot = Snapshot.objects.get(pk=snapshot_id)
    document = issue_contract(snapshot)
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=snapshot.case_id)
        contract = Contract.objects.select_related("community", "ars", "cpam").get(
            pk=snapshot.case_id
        )
        # Taken back meanwhile: the document stays, nobody is called.
        if contract.state != CaseState.TO_SIGN or contract.version != snapshot.version:
            return
        terms = from_data(snapshot.content["terms"])
        open_round(
            contract,
            PURPOSE,
            snapshot.pk,
            document,
            signatories_of(terms),
            by=snapshot.created_by,
            title=f"{snapshot.content['model']['title']} – {contract.title}",
        )


def signatories_of(terms: ContractTerms) -> dict[str, list[Signatory]]:
    """Who signs for each party, as the terms name them: two queries."""
    named = terms.representatives
    users = User.objects.in_bulk([one.user for one in named if one.user])
    given = SignatureDelegation.objects.in_bulk([one.delegation for one in named if one.delegation])
    return {
        party: [
            Signatory(
                name=one.name,
                email=one.email,
                capacity=one.capacity,
                power=one.act,
                user=users.get(one.user or 0),
                delegation=given.get(one.delegation or 0),
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
            for one in terms.representatives_of(party)
        ]
        for party in PARTIES_OF[terms.form]
    }


def rounds_of(contract: Contract) -> list[SigningRound]:
    """The rounds of the contract itself, the latest first."""
    return list(contract.signing_rounds.filter(purpose=PURPOSE).order_by("-pk"))


# --- All have signed ------------------------------------------------------------------------------


def put_in_force(signing_round: SigningRound, *, by: User | None) -> None:
    """The last party has signed: the contract binds them. Raises ActionRefusedError, which undoes
    that signature, when its schedule cannot be signed."""
    snapshot = Snapshot.objects.get(pk=signing_round.target_id)
    contract = Contract.objects.select_related("community", "ars", "cpam").get(
        pk=signing_round.contract_id
    )
    if contract.state != CaseState.TO_SIGN or contract.version != snapshot.version:
        raise already_done(contract)
    signed_on = signing_round.signed_on
    if signed_on is None:
        raise ValueError(f"round {signing_round.pk} was completed without a day")
    perform(contract, "enter_into_force", actor=None, signed_on=signed_on)
    who = by or snapshot.created_by
    put_draft_in_force(contract, signed_as(snapshot, signed_on), by=who)
    contract.drafts.filter(purpose=Draft.Purpose.CONTRACT, state=Draft.State.TO_SIGN).update(
        state=Draft.State.SIGNED
    )


def signed_as(snapshot: Snapshot, signed_on: date) -> Signed:
    """What was frozen, as its schedule wants it: at the rates of the day it was frozen."""
    terms = from_data(snapshot.content["terms"])
    if terms.starts_on is None or terms.ends_on is None:
        raise ValueError(f"snapshot {snapshot.pk} has no dates")
    return Signed(
        starts_on=terms.starts_on,
        ends_on=terms.ends_on,
        signed_on=signed_on,
        size=terms.size,
        missions=terms.mission_starts,
        population=terms.population,
        population_year=terms.population_year,
        population_source=terms.population_source,
        form=terms.form,
        rates=rates_from_data(snapshot.content["rates"]),
        terms=terms,
    )


# --- One of them does not -------------------------------------------------------------------------


def reopen_refused(signing_round: SigningRound, *, by: User | None) -> None:
    """Somebody refused: the parties take the text up again, and read why."""
    contract = Contract.objects.get(pk=signing_round.contract_id)
    if contract.state == CaseState.TO_SIGN:
        actor = by if by and rules.may_reopen(contract, by) else None
        perform(contract, "reopen", actor=actor, comment=signing_round.end_reason[:KEPT])


@transaction.atomic
def take_back(contract: Contract, *, by: User, reason: str) -> TransitionLog:
    """A party takes the frozen text back before all have signed; the others read why.

    Raises PermissionDenied, ActionRefusedError without a reason, AlreadyDoneError once it is over.
    """
    reason = reason.strip()
    if not rules.may_reopen(contract, by):
        raise PermissionDenied
    if not reason:
        raise ActionRefusedError("Écrivez pourquoi vous reprenez le texte : les parties le liront.")
    # The case is locked first, as each signature does.
    log = perform(contract, "reopen", actor=by, comment=reason[:KEPT])
    for one in rounds_of(contract):
        if one.is_open:
            cancel_round(one, reason=reason, by=by)
    return log


def is_of_another_size(signing_round: SigningRound) -> list[str]:
    """A class that changed since the text was frozen: it is not signed as it was."""
    frozen = Snapshot.objects.get(pk=signing_round.target_id)
    terms = from_data(frozen.content["terms"])
    ground = describing.ground_of(signing_round.contract.community)
    if not ground.size or not terms.size or ground.size == terms.size:
        return []
    return [
        (
            f"La CPTS est passée de la taille {terms.size[1:]} à la taille {ground.size[1:]} "
            f"depuis que le texte est figé{NBSP}: une partie le reprend, à la page du projet, puis "
            "il est figé à nouveau."
        )
    ]


when_signed(PURPOSE, put_in_force)
when_refused(PURPOSE, reopen_refused)
blocked_when(PURPOSE, is_of_another_size)
