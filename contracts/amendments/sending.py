"""New rates that the parties are to sign: for one contract, its amendment opened and frozen.

Nobody negotiates it: the text is that of the published rates, so no agreement is marked before.
Its document and its round of signatures come after the commit, as for any frozen amendment.
"""

from dataclasses import replace
from datetime import date
from typing import NamedTuple

from accounts.models import User
from contracts.amendments.amending import opening_faults
from contracts.drafts.concluding import signatories_of
from contracts.funding.engaging import named, too_early
from contracts.funding.storing import rates_as_data
from contracts.models import Contract, Draft, DraftVersion, NationalAmendmentItem
from contracts.signing.rounds import missing_signers
from contracts.terms import to_data
from contracts.versions import last_version
from cpts_portal.words import day
from outbox.services import publish
from procedures.rates import RateTable

Reason = NationalAmendmentItem.Reason
_SECTIONS = ("rates",)


class Hindrance(NamedTuple):
    """Why a contract cannot be sent its amendment, in a sentence that says what to do."""

    reason: str
    detail: str


def hindrance(contract: Contract, effective_on: date) -> Hindrance | None:
    """What keeps the parties of a contract from signing rates that take effect on a day."""
    base = last_version(contract)
    if base is not None and effective_on < base.effective_on:
        return Hindrance(Reason.LATER, too_early(base))
    if contract.agreed_ends_on is not None and contract.ends_on is not None:
        return Hindrance(
            Reason.ENDED,
            f"La fin de ce contrat est décidée pour le {day(contract.ends_on)} : il ne se "
            "modifie plus.",
        )
    if faults := opening_faults(contract, base, _SECTIONS, effective_on):
        return Hindrance(Reason.ENDED, " ".join(faults))
    if base is None:
        raise ValueError(f"contract {contract.pk} is signed without a version")
    if missing := missing_signers(contract, signatories_of(base.says)):
        return Hindrance(
            Reason.NO_SIGNER,
            f"{' '.join(missing)} Un avenant entre les parties désigne ses représentants ; "
            "reprenez ensuite les exceptions.",
        )
    return None


def send(
    contract: Contract, rates: RateTable, *, effective_on: date, legal_basis: str, by: User
) -> Draft:
    """Open and freeze the amendment that brings these rates. The caller holds the lock, and has
    found no hindrance.
    """
    base = last_version(contract)
    if base is None:
        raise ValueError(f"contract {contract.pk} is signed without a version")
    terms = to_data(replace(base.says, rates=named(rates)))
    draft = Draft.objects.create(
        contract=contract,
        purpose=Draft.Purpose.AMENDMENT,
        based_on=base,
        sections=list(_SECTIONS),
        effective_on=effective_on,
        state=Draft.State.TO_SIGN,
        terms=terms,
        rates=rates_as_data(rates),
        opened_by=by,
        updated_by=by,
    )
    frozen = DraftVersion.objects.create(
        draft=draft,
        number=draft.revision,
        terms=terms,
        sections=list(_SECTIONS),
        note=f"Avenant national : {legal_basis}"[:300],
        by=by,
    )
    publish("contracts.amendment_frozen", key=str(frozen.pk), version_id=frozen.pk, by=by.pk)
    return draft
