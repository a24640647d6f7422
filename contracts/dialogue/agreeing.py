"""What is retained of each result, and the variable share it gives.

The money itself is worked out by `contracts.funding.schedule`, never here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from contracts.dialogue.dialogues import State, contract_years
from contracts.dialogue.moves import guard, locked, party_of, perform
from contracts.dialogue.typed import check_value, clean_text
from contracts.funding.balances import current_lines
from contracts.funding.schedule import Achievement, Results, Step, at_rate
from contracts.funding.wording import mission_name
from contracts.models import DialogueLine, YearlyDialogue
from contracts.terms import ARS, CPAM
from cpts_portal.words import NBSP
from workflow.services import ActionRefusedError

ZERO: Final = Decimal("0.00")
NO_SCHEDULE: Final = (
    f"Ce contrat n’a pas encore d’échéancier{NBSP}: la part variable sera calculée quand ses "
    "tarifs seront publiés."
)


@dataclass(frozen=True)
class Agreed:
    """What is retained of a line: a value, and a rate only where the rule's own is not taken."""

    value: Decimal | None
    rate: Decimal | None = None
    reason: str = ""


def may_conclude(dialogue: YearlyDialogue, user: User) -> bool:
    """The agency or the fund, once everything has been said."""
    return dialogue.state == State.CONCLUDING and party_of(dialogue, user) in {ARS, CPAM}


@transaction.atomic
def conclude(
    dialogue: YearlyDialogue, agreed: Mapping[int, Agreed], *, by: User, finish: bool = False
) -> None:
    """Write what is retained of each line; `finish` proposes it to the parties.

    Raises PermissionDenied, ActionRefusedError, and IncompleteError with what is missing.
    """
    found = locked(dialogue)
    if not may_conclude(found, by):
        raise PermissionDenied
    for line in found.lines.all():
        if line.pk in agreed:
            _write_agreed(line, agreed[line.pk])
    if finish:
        perform(dialogue, "propose", actor=by, revision=found.revision + 1, proposed_by=by)


def _write_agreed(line: DialogueLine, one: Agreed) -> None:
    reason = clean_text(one.reason)
    if one.value is not None:
        check_value(one.value)
    if one.rate is not None and not 0 <= one.rate <= 1:
        raise ActionRefusedError(f"{line.label}{NBSP}: le taux va de 0 à 100{NBSP}%.")
    if one.rate is not None and not reason:
        raise ActionRefusedError(
            f"{line.label}{NBSP}: écrivez pourquoi ce taux est retenu plutôt que celui de la règle."
        )
    line.agreed_value, line.set_rate = one.value, one.rate
    line.set_reason = reason if one.rate is not None else ""
    line.save(update_fields=["agreed_value", "set_rate", "set_reason"])


@guard("propose")
def missing_to_propose(dialogue: YearlyDialogue) -> list[str]:
    """What the conclusion lacks, as sentences."""
    lines = list(dialogue.lines.all())
    found = []
    for line in lines:
        if line.agreed_rate is not None:
            continue
        if line.agreed_value is None:
            found.append(f"{line.label}{NBSP}: écrivez la valeur retenue.")
        else:
            found.append(
                f"{line.label}{NBSP}: le contrat n’a pas de cible pour cet indicateur, écrivez le "
                "taux retenu et sa raison."
            )
    weights: dict[str, Decimal] = {}
    for line in lines:
        weights[line.mission] = weights.get(line.mission, ZERO) + line.weight
    found += [
        f"{mission_name(mission)}{NBSP}: aucun indicateur n’a de poids, rien ne peut être calculé. "
        "Corrigez les indicateurs par un avenant."
        for mission, weight in weights.items()
        if not weight
    ]
    return found


@dataclass(frozen=True)
class ShareOfMission:
    """The variable share of a mission in a year: at most, and at the rate of its results."""

    mission: str
    ceiling: Decimal
    rate: Decimal | None
    amount: Decimal | None

    @property
    def label(self) -> str:
        return mission_name(self.mission)


def results_of(lines: Iterable[DialogueLine], agreed_on: date) -> dict[str, Results]:
    """What is agreed, mission by mission, for those whose every rate is known."""
    rates: dict[str, list[tuple[Decimal, Decimal | None]]] = {}
    for line in lines:
        rates.setdefault(line.mission, []).append((line.weight, line.agreed_rate))
    return {
        mission: Results(
            agreed_on,
            tuple(Achievement(weight, rate) for weight, rate in found if rate is not None),
        )
        for mission, found in rates.items()
        if all(rate is not None for _, rate in found) and any(weight for weight, _ in found)
    }


def shares_of(
    dialogue: YearlyDialogue, lines: Sequence[DialogueLine]
) -> tuple[list[ShareOfMission], list[str]]:
    """The variable share of each mission, from the rights the schedule in force holds, and what
    keeps it from being known, as sentences."""
    number, schedule = current_lines(dialogue.contract)
    agreed = results_of(lines, timezone.localdate())
    ceilings: dict[str, Decimal] = {}
    amounts: dict[str, Decimal] = {}
    for one in schedule:
        if one.year != dialogue.year or one.step not in {Step.RESULTS, Step.CRISIS}:
            continue
        ceilings[one.mission] = ceilings.get(one.mission, ZERO) + at_rate(one, Fraction(1))
        if one.mission in agreed:
            amount = at_rate(one, agreed[one.mission].rate)
            amounts[one.mission] = amounts.get(one.mission, ZERO) + amount
    found = [
        ShareOfMission(
            mission,
            ceilings.get(mission, ZERO),
            _rate(agreed[mission]) if mission in agreed else None,
            amounts.get(mission, ZERO) if mission in agreed else None,
        )
        for mission in dict.fromkeys(line.mission for line in lines)
    ]
    return found, [] if number else [NO_SCHEDULE]


def _rate(results: Results) -> Decimal:
    exact = results.rate
    return (Decimal(exact.numerator) / exact.denominator).quantize(Decimal("0.0001"))


_INDEMNITIES: Final = """
    SELECT coalesce(sum(amount), 0) FROM contracts_indemnity
     WHERE community_id = %s AND cancelled_at IS NULL AND paid_on >= %s AND paid_on < %s
"""


def indemnities_recorded(dialogue: YearlyDialogue) -> Decimal:
    """What the CPTS recorded as paid to its members in the days of that year of the contract."""
    year = next(
        (one for one in contract_years(dialogue.contract) if one.number == dialogue.year), None
    )
    if year is None:
        return ZERO
    given: list[Any] = [dialogue.contract.community_id, year.starts_on, year.ends_before]
    with connection.cursor() as cursor:
        cursor.execute(_INDEMNITIES, given)
        (total,) = cursor.fetchone()
    return Decimal(total)
