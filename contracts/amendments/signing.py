"""An amendment from its agreed text to its end: frozen, signed by all, taken up again, given up."""

from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts import describing, rules
from contracts.amendments import following
from contracts.amendments.amending import (
    OF_MONEY,
    PURPOSE,
    State,
    changed,
    check_commits,
    locked,
    missing_to_sign,
    number_of,
    rates_in,
)
from contracts.amendments.documents import issue_amendment
from contracts.drafts.concluding import signatories_of
from contracts.drafts.drafting import (
    CLOSED,
    check_writes,
)
from contracts.funding import engaging
from contracts.funding.storing import rates_as_data
from contracts.holding import take_territory
from contracts.models import (
    Contract,
    Draft,
    DraftVersion,
    SigningRound,
)
from contracts.signing.purposes import blocked_when, when_refused, when_signed
from contracts.signing.rounds import cancel_round, open_round
from contracts.versions import last_version
from cpts_portal.words import NBSP
from outbox.registry import handles
from outbox.services import publish
from workflow.claims import claim_by_contract
from workflow.effects import records
from workflow.models import TransitionLog
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError
from workflow.states import CaseState

LONGEST_REASON: Final = 2_000
ENDED_FIRST: Final = "Le contrat a pris fin avant que cet avenant soit signé de tous."


@transaction.atomic
def freeze_amendment(draft: Draft, *, by: User, revision: int) -> Draft:
    """Freeze the version all agree on: its document, then its signatures, come after the commit.

    Raises PermissionDenied, IncompleteError with what is missing, ActionRefusedError when the
    draft has changed since the person read `revision`.
    """
    draft = locked(draft)
    check_writes(draft, by)
    if not rules.may_commit(draft.contract, by):
        raise PermissionDenied
    if draft.revision != revision:
        raise ActionRefusedError(
            f"L’avenant a changé{NBSP}: vous lisiez la version {revision}, il en est à la version "
            f"{draft.revision}. Relisez-le avant de le figer."
        )
    if missing := missing_to_sign(draft, on=timezone.localdate()):
        raise IncompleteError(missing)
    frozen_rates = rates_as_data(rates_in(draft)) if "rates" in changed(draft) else None
    Draft.objects.filter(pk=draft.pk).update(state=State.TO_SIGN, rates=frozen_rates)
    draft.state, draft.rates = State.TO_SIGN, frozen_rates
    frozen = draft.versions.get(number=draft.revision)
    publish("contracts.amendment_frozen", key=str(frozen.pk), version_id=frozen.pk, by=by.pk)
    return draft


@handles("contracts.amendment_frozen")
def issue_and_open(*, version_id: int, by: int) -> None:
    """Draw the document of a frozen amendment, then call those who sign. Again, nothing more."""
    frozen = DraftVersion.objects.select_related("draft__contract").get(pk=version_id)
    who = User.objects.get(pk=by)
    document = issue_amendment(frozen, by=who)
    with transaction.atomic():
        draft = locked(frozen.draft)
        # Taken back meanwhile: the document stays, nobody is called.
        if draft.state != State.TO_SIGN or draft.revision != frozen.number:
            return
        open_round(
            draft.contract,
            PURPOSE,
            frozen.pk,
            document,
            signatories_of(draft.says),
            by=who,
            title=f"Avenant n°{NBSP}{number_of(draft)} – {draft.contract.title}",
        )


def rounds_of(draft: Draft) -> list[SigningRound]:
    """The rounds of an amendment, the latest first."""
    versions = draft.versions.values("pk")
    mine = draft.contract.signing_rounds.filter(purpose=PURPOSE, target_id__in=versions)
    return list(mine.order_by("-pk"))


def _of_round(signing_round: SigningRound) -> Draft:
    frozen = DraftVersion.objects.select_related("draft").get(pk=signing_round.target_id)
    return locked(frozen.draft)


def put_in_force(signing_round: SigningRound, *, by: User | None) -> None:
    """The last party has signed: the next version of the contract, and its schedule.

    Raises ActionRefusedError, which undoes that signature, when its schedule cannot be signed.
    """
    draft = _of_round(signing_round)
    if draft.state != State.TO_SIGN or draft.based_on is None or draft.effective_on is None:
        raise AlreadyDoneError("Cet avenant n’est plus à signer : rechargez la page.")
    contract, says = draft.contract, draft.says
    latest = last_version(contract)
    if latest is None or latest.pk != draft.based_on_id or contract.state != CaseState.ACCEPTED:
        raise ActionRefusedError(
            "Le contrat a changé depuis que cet avenant est figé : une partie le reprend, puis en "
            "ouvre un autre."
        )
    engaging.amend_contract(
        contract,
        effective_on=draft.effective_on,
        signed_on=signing_round.signed_on or timezone.localdate(),
        by=by or draft.updated_by,
        rates=rates_in(draft),
        terms=says,
        has_money=bool(OF_MONEY & set(changed(draft))),
    )
    if "territory" in changed(draft):
        take_territory(contract, says)
        claim_by_contract(contract, [(one.code, one.part) for one in says.communes])
    Contract.objects.filter(pk=contract.pk).update(
        population=says.population,
        population_year=says.population_year,
        population_source=says.population_source,
        commune_count=len({one.code for one in says.communes}),
    )
    Draft.objects.filter(pk=draft.pk).update(state=State.SIGNED)
    following.tell_in_force(draft, contract.versions.latest("number"))
    publish("contracts.amendment_signed", key=str(draft.pk), draft_id=draft.pk)


def reopen_refused(signing_round: SigningRound, *, by: User | None) -> None:
    """Somebody refused: the parties take the text up again, and read why."""
    draft = _of_round(signing_round)
    if draft.state == State.TO_SIGN:
        _reopen(draft, signing_round.end_reason, by or draft.updated_by)


def _reopen(draft: Draft, reason: str, by: User) -> None:
    Draft.objects.filter(pk=draft.pk).update(state=State.OPEN, rates=None)
    draft.agreements.filter(cleared_at=None).update(
        cleared_at=timezone.now(),
        cleared_by=by,
        cleared_because=f"Texte repris{NBSP}: {reason.rstrip(' .')}"[:300],
    )


@transaction.atomic
def take_back(draft: Draft, *, by: User, reason: str) -> None:
    """A party takes the frozen amendment back before all have signed.

    Raises PermissionDenied, ActionRefusedError without a reason, AlreadyDoneError.
    """
    draft = locked(draft)
    check_commits(draft, by)
    reason = _reason(reason, "Écrivez pourquoi vous reprenez le texte : les parties le liront.")
    if draft.state != State.TO_SIGN:
        raise AlreadyDoneError("Cet avenant n’est plus à signer : rechargez la page.")
    for one in rounds_of(draft):
        if one.is_open:
            cancel_round(one, reason=reason, by=by)
    _reopen(draft, reason, by)


@transaction.atomic
def drop(draft: Draft, *, by: User, reason: str) -> None:
    """A party gives the amendment up: the contract stays as it is, and all read why."""
    draft = locked(draft)
    party = check_commits(draft, by)
    reason = _reason(reason, "Écrivez pourquoi l’avenant est abandonné : les parties le liront.")
    if draft.state != State.OPEN:
        raise ActionRefusedError(CLOSED)
    draft.revision += 1
    draft.state, draft.updated_by, draft.updated_at = State.DROPPED, by, timezone.now()
    draft.save(update_fields=["revision", "state", "updated_by", "updated_at"])
    DraftVersion.objects.create(
        draft=draft,
        number=draft.revision,
        terms=draft.terms,
        note=f"Abandonné{NBSP}: {reason}"[:300],
        party=party,
        by=by,
    )
    following.tell_given_up(draft, party, reason)
    publish("contracts.amendment_dropped", key=str(draft.pk), draft_id=draft.pk)


@records(engaging.KIND, "close")
def drop_what_is_left(contract: Contract, *, log: TransitionLog, actor: User | None) -> None:
    """A contract that has ended leaves nothing to amend: nobody negotiates or signs any more."""
    for draft in contract.drafts.under_way().filter(purpose=Draft.Purpose.AMENDMENT):
        for one in rounds_of(draft):
            if one.is_open:
                cancel_round(one, reason=ENDED_FIRST, by=actor)
        draft.state, draft.updated_at = State.DROPPED, log.at
        draft.save(update_fields=["state", "updated_at"])
        following.tell_given_up(draft, "", ENDED_FIRST)


def _reason(reason: str, wanted: str) -> str:
    reason = reason.replace("\0", "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise ActionRefusedError(wanted)
    return reason


def is_of_another_size(signing_round: SigningRound) -> list[str]:
    """A class that changed since an amendment about it was frozen: it is not signed as it was."""
    frozen = DraftVersion.objects.select_related("draft").get(pk=signing_round.target_id)
    if not {"size", "territory"} & set(frozen.draft.sections):
        return []
    ground = describing.ground_of(signing_round.contract.community)
    if not ground.size or ground.size == frozen.says.size:
        return []
    return [
        (
            f"La CPTS est de taille {ground.size[1:]} aujourd’hui, l’avenant dit la taille "
            f"{frozen.says.size[1:]}{NBSP}: une partie le reprend, puis il est figé à nouveau."
        )
    ]


when_signed(PURPOSE, put_in_force)
when_refused(PURPOSE, reopen_refused)
blocked_when(PURPOSE, is_of_another_size)
