"""Where a contract stands: what is awaited, of whom, by when; the nearest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.urls import reverse

from contracts.dialogue.telling import next_step
from contracts.drafts.drafting import agreements_of
from contracts.endings.ending import awaited_observations
from contracts.funding.balances import Account
from contracts.missions import calendar
from contracts.models import Contract, Draft, SigningRound, Termination, YearlyDialogue
from contracts.models.missions import MissionStep
from contracts.signing import signers
from contracts.terms import PARTY_LABELS
from cpts_portal.words import NBSP, day, euros
from workflow.states import CaseState

# When the end of a contract begins to be spoken of: its renewal is asked a year before.
END_IN_SIGHT: Final = timedelta(days=365)
_DIALOGUE_OF: Final = {
    YearlyDialogue.State.DECLARING: "CPTS",
    YearlyDialogue.State.REVIEWING: "ARS et CPAM",
    YearlyDialogue.State.ANSWERING: "CPTS",
    YearlyDialogue.State.CONCLUDING: "ARS ou CPAM",
}
EVERYONE: Final = "Toutes les parties"


@dataclass(frozen=True)
class Due:
    """Something awaited. `on` is the last day, None when none is set."""

    who: str
    what: str
    url: str
    on: date | None = None
    is_late: bool = False


def dues_of(contract: Contract, account: Account, today: date) -> list[Due]:
    """What is awaited in a contract, what has no day first, then by day."""
    found = [*_signatures(contract)]
    if contract.state == CaseState.ACCEPTED:
        found += [*_dialogues(contract), *_missions(contract, today)]
        found += [*_payments(contract, account, today), *_end(contract, today)]
        found += [*_amendments(contract), *_terminations(contract)]
    return sorted(found, key=lambda one: (one.on is not None, one.on or today))


def _signatures(contract: Contract) -> Iterator[Due]:
    for one in contract.signing_rounds.filter(state=SigningRound.State.OPEN):
        parties = dict.fromkeys(PARTY_LABELS[signer.party] for signer in signers.left_of(one))
        yield Due(
            ", ".join(parties) or EVERYONE,
            f"Signer «{NBSP}{one.title}{NBSP}»",
            reverse("contracts:round", args=[contract.public_id, one.public_id]),
        )


def _dialogues(contract: Contract) -> Iterator[Due]:
    for one in contract.dialogues.open().order_by("year"):
        yield Due(
            _DIALOGUE_OF.get(YearlyDialogue.State(one.state), EVERYONE),
            f"{one.full}{NBSP}: {next_step(one)}",
            reverse("contracts:dialogue", args=[contract.public_id, one.year]),
            one.answer_by if one.state == YearlyDialogue.State.ANSWERING else None,
        )


def _missions(contract: Contract, today: date) -> Iterator[Due]:
    verbs = {MissionStep.Step.STARTED: "démarrer", MissionStep.Step.DEPLOYED: "déployer"}
    for one in calendar.calendar_of(contract):
        for step, limit in one.awaited[:1]:
            yield Due(
                "CPTS",
                f"Mission à {verbs[step]}{NBSP}: {one.label}",
                reverse("contracts:missions", args=[contract.public_id]),
                limit,
                limit < today,
            )


def _payments(contract: Contract, account: Account, today: date) -> Iterator[Due]:
    who = "CPAM" if contract.cpam_id else "ARS"
    url = reverse("contracts:money", args=[contract.public_id])
    if account.left > 0:
        yield Due(who, f"Payer ce qui est échu{NBSP}: {euros(account.left)}", url, is_late=True)
    coming = [line for line in account.lines if line.due_on > today and line.amount > 0]
    if coming:
        first = min(line.due_on for line in coming)
        amounts = [line for line in coming if line.due_on == first]
        total = sum((line.amount for line in amounts), start=amounts[0].amount * 0)
        most = " au plus" if any(line.is_ceiling for line in amounts) else ""
        yield Due(who, f"Prochain versement{NBSP}: {euros(total)}{most}", url, first)


def _end(contract: Contract, today: date) -> Iterator[Due]:
    if contract.ends_on and contract.ends_on - today <= END_IN_SIGHT:
        yield Due(
            EVERYONE,
            f"Le contrat finit le {day(contract.ends_on)}{NBSP}: dire si on le renouvelle",
            reverse("endings:hub", args=[contract.public_id]),
            contract.ends_on,
        )


def _amendments(contract: Contract) -> Iterator[Due]:
    for draft in contract.drafts.filter(purpose=Draft.Purpose.AMENDMENT, state=Draft.State.OPEN):
        draft.contract = contract
        waited = [one.label for one in agreements_of(draft) if not one.stands]
        yield Due(
            " et ".join(waited) or EVERYONE,
            "Avenant en négociation" + (f"{NBSP}: marquer son accord" if waited else ", à figer"),
            reverse("amendments:amendment", args=[contract.public_id, draft.pk]),
        )


def _terminations(contract: Contract) -> Iterator[Due]:
    for one in contract.terminations.filter(state=Termination.State.NOTIFIED):
        one.contract = contract
        waited = awaited_observations(one)
        yield Due(
            " et ".join(waited) or PARTY_LABELS[one.party],
            "Résiliation notifiée" + (f"{NBSP}: répondre" if waited else f"{NBSP}: décider"),
            reverse("endings:termination", args=[contract.public_id, one.pk]),
            one.observations_until if waited else None,
        )
