"""From the draft all agree on to what they sign: frozen, taken back, given up.

Everything frozen is in the snapshot: the terms, the rates, the model of the articles. The
document and the schedule come from it alone.
"""

from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts.drafts import drafting
from contracts.drafts.drafting import draft_of, locked_draft
from contracts.funding.engaging import KIND
from contracts.funding.storing import rates_as_data
from contracts.models import Contract, Draft
from contracts.terms import to_data
from contracts.texts import text_model
from outbox.services import publish
from workflow.effects import prepares, records
from workflow.models import Snapshot, TransitionLog
from workflow.services import ActionRefusedError, freeze, next_reference, perform

PREFIX: Final = "CT"


@transaction.atomic
def freeze_contract(contract: Contract, *, by: User, revision: int) -> TransitionLog:
    """Freeze the version all agree on, to be signed.

    Raises PermissionDenied, IncompleteError with what is missing, ActionRefusedError when the
    draft has changed since the person read `revision`, AlreadyDoneError.
    """
    draft = _open_draft(contract)
    if draft is not None and draft.revision != revision:
        raise ActionRefusedError(
            f"Le projet a changé : vous lisiez la version {revision}, il en est à la version "
            f"{draft.revision}. Relisez-le avant de le figer."
        )
    return perform(contract, "freeze_to_sign", actor=by)


def _open_draft(contract: Contract) -> Draft | None:
    draft = draft_of(contract)
    return locked_draft(draft) if draft and draft.state == Draft.State.OPEN else None


@prepares(KIND, "freeze_to_sign")
def measure(contract: Contract, **_data: Any) -> dict[str, Any]:
    """What the contract takes from its draft, and its number."""
    draft = _open_draft(contract)
    if draft is None:
        raise ActionRefusedError(drafting.CLOSED)
    terms = draft.says
    return {
        "reference": contract.reference or next_reference(PREFIX, contract.region_id),
        "starts_on": terms.starts_on,
        "ends_on": terms.ends_on,
        "size": terms.size,
        "population": terms.population,
        "population_year": terms.population_year,
        "population_source": terms.population_source,
        "commune_count": len({one.code for one in terms.communes}),
    }


@records(KIND, "freeze_to_sign")
def keep_what_is_signed(contract: Contract, *, log: TransitionLog, actor: User) -> None:
    """The content is frozen; its document, then its signatures, come after the commit."""
    draft = _open_draft(contract)
    if draft is None:
        raise ActionRefusedError(drafting.CLOSED)
    model = text_model(contract.form)
    snapshot = freeze(
        contract,
        {
            "title": contract.title,
            "reference": contract.reference,
            "form": contract.form,
            "ans_code": draft.says.ans_code,
            "draft": draft.pk,
            "revision": draft.revision,
            "terms": to_data(draft.says),
            "rates": rates_as_data(drafting.rates_for(draft.says)),
            "model": {"key": model.key, "version": model.version, "title": model.title},
            "frozen_at": log.at.isoformat(),
            # What the shared pages compare between versions of any case.
            "sections": [],
            "attachments": [],
        },
        actor=actor,
    )
    Draft.objects.filter(pk=draft.pk).update(state=Draft.State.TO_SIGN)
    publish("contracts.frozen", key=str(snapshot.pk), snapshot_id=snapshot.pk)


def frozen_version(contract: Contract) -> Snapshot | None:
    """What is being signed, or was; None before the first time the draft is frozen."""
    return Snapshot.objects.filter(case_id=contract.pk, version=contract.version).first()


# --- Back to the draft ----------------------------------------------------------------------------


@records(KIND, "reopen")
def open_the_draft_again(contract: Contract, *, log: TransitionLog, actor: User | None) -> None:
    """The draft is written again; nobody agrees to it any more, and all read why."""
    draft = contract.drafts.filter(
        purpose=Draft.Purpose.CONTRACT, state=Draft.State.TO_SIGN
    ).first()
    if draft is None:
        return
    Draft.objects.filter(pk=draft.pk).update(state=Draft.State.OPEN)
    draft.agreements.filter(cleared_at=None).update(
        cleared_at=timezone.now(),
        cleared_by=actor or draft.updated_by,
        cleared_because=f"Texte repris : {log.comment.rstrip(' .')}"[:300],
    )
    publish("contracts.draft_reopened", key=str(log.pk), log_id=log.pk)


# --- Given up -------------------------------------------------------------------------------------


def give_up(contract: Contract, *, by: User, reason: str) -> TransitionLog:
    """A party renounces the contract before it is frozen; the others read why.

    Raises PermissionDenied, ActionRefusedError without a reason, AlreadyDoneError.
    """
    reason = reason.strip()
    if not reason:
        raise ActionRefusedError("Écrivez pourquoi vous renoncez : les autres parties le liront.")
    return perform(contract, "withdraw", actor=by, comment=reason[:2_000])


@prepares(KIND, "withdraw")
def number_it(contract: Contract, **_data: Any) -> dict[str, Any]:
    return {"reference": contract.reference or next_reference(PREFIX, contract.region_id)}


@records(KIND, "withdraw")
def drop_the_draft(contract: Contract, *, log: TransitionLog, **_given: Any) -> None:
    contract.drafts.filter(state__in=Draft.UNDER_WAY).update(state=Draft.State.DROPPED)
    publish("contracts.given_up", key=str(log.pk), log_id=log.pk)
