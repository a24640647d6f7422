"""Where a contract stands: what is awaited, of whom, by when; the nearest first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from contracts.dialogue.telling import next_step
from contracts.drafts.drafting import agreements_of
from contracts.endings.ending import awaited_observations
from contracts.funding.balances import Account
from contracts.missions.calendar import MissionDates, read_calendar
from contracts.models import (
    Contract,
    ContractVersion,
    Draft,
    RoundSigner,
    SigningRound,
    Termination,
    YearlyDialogue,
)
from contracts.models.missions import MissionStep
from contracts.signing import signers
from contracts.terms import PARTY_LABELS
from cpts_portal.addresses import address
from cpts_portal.composed import Composed, ComposedObjects, Given
from cpts_portal.words import NBSP, day, euros
from workflow.states import CaseState

# When the end of a contract begins to be spoken of: its renewal is asked a year before.
END_IN_SIGHT: Final = timedelta(days=365)
# Documents to sign, or signed, shown at once: no contract comes near.
ROUNDS_SHOWN: Final = 50
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


@dataclass(frozen=True)
class Standing:
    """A contract in force: what is awaited, its last version, its rounds, the latest first."""

    dues: list[Due]
    version: ContractVersion | None
    rounds: list[SigningRound]


_CONTRACT: Final = Given("contract")
_ROUNDS: Final = ComposedObjects(
    lambda: SigningRound.objects.filter(contract_id=_CONTRACT).order_by("-opened_at", "-pk")
)
_UNSIGNED: Final = Composed(
    lambda: signers.unsigned(
        RoundSigner.objects.filter(
            round__contract_id=_CONTRACT, round__state=SigningRound.State.OPEN
        )
    ).values_list("round_id", "party")
)
_DIALOGUES: Final = ComposedObjects(
    lambda: YearlyDialogue.objects.open().filter(contract_id=_CONTRACT).order_by("year")
)
_AMENDMENTS: Final = ComposedObjects(
    lambda: Draft.objects.filter(
        contract_id=_CONTRACT, purpose=Draft.Purpose.AMENDMENT, state=Draft.State.OPEN
    )
)
_TERMINATIONS: Final = ComposedObjects(
    lambda: Termination.objects.filter(contract_id=_CONTRACT, state=Termination.State.NOTIFIED)
)


def dues_of(contract: Contract, account: Account, today: date) -> list[Due]:
    """What is awaited in a contract, what has no day first, then by day."""
    return read_standing(contract, account, today).dues


def read_standing(contract: Contract, account: Account, today: date) -> Standing:
    """Where a contract stands, in a constant number of queries."""
    missions, version = read_calendar(contract)
    rounds: list[SigningRound] = _ROUNDS.objects(contract=contract.pk, count=ROUNDS_SHOWN)
    found = [*_signatures(contract, rounds)]
    if contract.state == CaseState.ACCEPTED:
        found += [*_dialogues(contract), *_missions(contract, missions, today)]
        found += [*_payments(contract, account, today), *_end(contract, today)]
        found += [*_amendments(contract), *_terminations(contract)]
    found.sort(key=lambda one: (one.on is not None, one.on or today))
    return Standing(found, version, rounds)


def _signatures(contract: Contract, rounds: Sequence[SigningRound]) -> Iterator[Due]:
    parties: dict[int, dict[str, None]] = {}
    for number, party in _UNSIGNED.rows(contract=contract.pk):
        parties.setdefault(number, {})[PARTY_LABELS[party]] = None
    for one in reversed(rounds):
        if one.is_open:
            yield Due(
                ", ".join(parties.get(one.pk, ())) or EVERYONE,
                f"Signer «{NBSP}{one.title}{NBSP}»",
                address("contracts:round", contract.public_id, one.public_id),
            )


def _dialogues(contract: Contract) -> Iterator[Due]:
    for one in _DIALOGUES.objects(contract=contract.pk):
        yield Due(
            _DIALOGUE_OF.get(YearlyDialogue.State(one.state), EVERYONE),
            f"{one.full}{NBSP}: {next_step(one)}",
            address("contracts:dialogue", contract.public_id, one.year),
            one.answer_by if one.state == YearlyDialogue.State.ANSWERING else None,
        )


def _missions(contract: Contract, missions: Sequence[MissionDates], today: date) -> Iterator[Due]:
    verbs = {MissionStep.Step.STARTED: "démarrer", MissionStep.Step.DEPLOYED: "déployer"}
    url = address("contracts:missions", contract.public_id)
    for one in missions:
        if one.is_unknown:
            verb = "déployée" if one.started_on else "démarrée"
            yield Due("CPTS", f"Dire depuis quand la mission est {verb}{NBSP}: {one.label}", url)
        for step, limit in one.awaited[:1]:
            yield Due(
                "CPTS",
                f"Mission à {verbs[step]}{NBSP}: {one.label}",
                url,
                limit,
                limit < today,
            )


def _payments(contract: Contract, account: Account, today: date) -> Iterator[Due]:
    who = "CPAM" if contract.cpam_id else "ARS"
    url = address("contracts:money", contract.public_id)
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
            address("endings:hub", contract.public_id),
            contract.ends_on,
        )


def _amendments(contract: Contract) -> Iterator[Due]:
    for draft in _AMENDMENTS.objects(contract=contract.pk):
        draft.contract = contract
        waited = [one.label for one in agreements_of(draft) if not one.stands]
        yield Due(
            " et ".join(waited) or EVERYONE,
            "Avenant en négociation" + (f"{NBSP}: marquer son accord" if waited else ", à figer"),
            address("amendments:amendment", contract.public_id, draft.pk),
        )


def _terminations(contract: Contract) -> Iterator[Due]:
    for one in _TERMINATIONS.objects(contract=contract.pk):
        one.contract = contract
        waited = awaited_observations(one)
        yield Due(
            " et ".join(waited) or PARTY_LABELS[one.party],
            "Résiliation notifiée" + (f"{NBSP}: répondre" if waited else f"{NBSP}: décider"),
            address("endings:termination", contract.public_id, one.pk),
            one.observations_until if waited else None,
        )
