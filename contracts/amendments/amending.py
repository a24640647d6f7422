"""Typed amendments: the consolidated contract with some sections changed, agreed to, then signed.

An amendment is a draft of its own (`contracts.drafting`): it begins with the whole contract as its
last version says it, only the sections its parties ticked are unlocked, and what changes is always
worked out. Signed by all, it is the next version of the contract, and its schedule is regularised.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from accounts.models import User
from contracts import rules
from contracts.drafts.completeness import signer_faults, unmeasured
from contracts.drafts.drafting import (
    CLOSED,
    agreements_of,
    check_writes,
    locked_draft,
    rates_for,
    unanswered,
)
from contracts.funding import engaging, totals
from contracts.funding.engaging import named
from contracts.funding.ratebook import mission_labels
from contracts.funding.schedule import Line, MissionStart, Terms, amend, compute_schedule
from contracts.funding.storing import line_from_row, rates_from_data
from contracts.models import (
    Contract,
    ContractVersion,
    Draft,
    DraftVersion,
)
from contracts.terms import (
    CPOM,
    PARTIES_OF,
    PARTY_LABELS,
    SECTIONS,
    ContractTerms,
    SectionDifference,
    changed_sections,
    difference,
)
from contracts.versions import last_version
from cpts_portal.words import NBSP, day, euros
from outbox.services import publish
from procedures.rates import RateTable, cpom_rates, current_rates
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError
from workflow.states import CaseState

PURPOSE: Final = "amendment"
# What the schedule is worked out from: an amendment to the rest changes no amount.
OF_MONEY: Final = frozenset({"size", "missions", "duration", "rates"})
State = Draft.State


# --- Opening --------------------------------------------------------------------------------------


def open_amendment(
    contract: Contract, *, sections: Collection[str], effective_on: date, by: User
) -> Draft:
    """Open an amendment on the contract as its last version says it.

    Raises PermissionDenied, or ActionRefusedError: no section, a day that cannot be, a contract
    that is not in force, another amendment under way.
    """
    try:
        with transaction.atomic():
            return _open(contract.pk, sections, effective_on, by)
    except IntegrityError as refused:
        if "draft_one_under_way" not in str(refused):
            raise
        raise ActionRefusedError(
            "Un avenant est déjà en cours pour ce contrat : terminez-le ou abandonnez-le avant "
            "d’en commencer un autre."
        ) from refused


def _open(pk: int, sections: Collection[str], effective_on: date, by: User) -> Draft:
    totals.lock(pk)
    contract = Contract.objects.select_related("community", "ars", "cpam").get(pk=pk)
    if not rules.may_commit(contract, by):
        raise PermissionDenied(
            "Un responsable de la CPTS, un agent de l’ARS ou de la CPAM prépare un avenant."
        )
    still_holds_their_role(by)
    base = last_version(contract)
    for refusal in opening_faults(contract, base, sections, effective_on):
        raise ActionRefusedError(refusal)
    if base is None:
        raise ActionRefusedError("Ce contrat n’a pas de version signée : rien ne peut l’amender.")
    draft = Draft.objects.create(
        contract=contract,
        purpose=Draft.Purpose.AMENDMENT,
        based_on=base,
        sections=[key for key in SECTIONS if key in sections],
        effective_on=effective_on,
        terms=base.terms,
        opened_by=by,
        updated_by=by,
    )
    DraftVersion.objects.create(
        draft=draft,
        number=1,
        terms=draft.terms,
        note="Avenant ouvert sur le contrat consolidé",
        party=rules.party_of(contract, by),
        by=by,
    )
    publish("contracts.amendment_opened", key=str(draft.pk), draft_id=draft.pk)
    return draft


def opening_faults(
    contract: Contract,
    base: ContractVersion | None,
    sections: Collection[str],
    effective_on: date,
) -> list[str]:
    """What keeps an amendment from being opened, as sentences."""
    if contract.state != CaseState.ACCEPTED or base is None or contract.ends_on is None:
        return ["Ce contrat n’est pas en vigueur : il ne peut pas être modifié par avenant."]
    found = []
    if contract.agreed_ends_on is not None:
        found.append(
            f"La fin de ce contrat est décidée pour le {day(contract.ends_on)}{NBSP}: il ne se "
            "modifie plus."
        )
    if not set(sections) & set(SECTIONS):
        found.append("Cochez au moins une partie du contrat que l’avenant modifie.")
    if effective_on < base.effective_on:
        found.append(engaging.too_early(base))
    if effective_on > contract.ends_on:
        found.append(
            f"Le contrat finit le {day(contract.ends_on)}{NBSP}: l’avenant prend effet ce jour-là "
            "au plus tard. Corrigez la date."
        )
    return found


def amendments_of(contract: Contract) -> list[Draft]:
    """Every amendment of a contract, the latest first; one query."""
    mine = contract.drafts.filter(purpose=Draft.Purpose.AMENDMENT)
    return list(mine.select_related("based_on", "opened_by").order_by("-pk"))


def number_of(draft: Draft) -> int:
    """« Avenant n° 2 »: the place it takes among the versions of the contract."""
    return draft.based_on.number if draft.based_on else 0


# --- What it changes ------------------------------------------------------------------------------


def changes_of(draft: Draft) -> tuple[SectionDifference, ...]:
    """What the amendment changes in the contract it was opened on, section by section."""
    if draft.based_on is None:
        return ()
    return difference(draft.based_on.says, draft.says, dict(mission_labels()))


@dataclass(frozen=True)
class MoneyForeseen:
    """What an amendment changes in the schedule, in euros; `problems` keep it from being signed."""

    before: Decimal
    after: Decimal
    regularisation: Decimal
    years: tuple[tuple[int, Decimal, Decimal], ...]
    problems: tuple[str, ...]


def foresee(draft: Draft, *, on: date) -> MoneyForeseen | None:
    """The money of the contract once the amendment is signed on a day.

    None when it changes nothing that the schedule is worked out from, or there is no schedule.
    """
    if not OF_MONEY & set(changed(draft)):
        return None
    contract = draft.contract
    current = contract.schedules.current().first()
    if current is None:
        return None
    lines = [line_from_row(one) for one in current.lines.all()]
    engagement = engaging.engagement_of(contract)
    says = draft.says
    added = Terms(
        draft.effective_on or on,
        says.size,
        tuple(MissionStart(key, start) for key, start in says.mission_starts.items()),
        rates_in(draft),
    )
    wanted = replace(
        engagement,
        ends_on=says.ends_on or engagement.ends_on,
        terms=(*(one for one in engagement.terms if one.effective_on < added.effective_on), added),
    )
    worked_out = compute_schedule(wanted)
    as_of = max(on, current.as_of)
    after = amend(lines, worked_out.lines, as_of) if not worked_out.problems else ()
    new = [one for one in after if one not in lines and one.step == "regularisation"]
    return MoneyForeseen(
        _sum(lines), _sum(after), _sum(new), _by_year(lines, after), worked_out.problems
    )


def rates_in(draft: Draft) -> RateTable:
    """Those of the contract, or those published once the amendment takes them; once it is frozen,
    those it was frozen with."""
    if draft.rates is not None:
        return rates_from_data(draft.rates)
    if "rates" in changed(draft):
        return rates_for(draft.says)
    if draft.based_on is None:
        raise ValueError(f"draft {draft.pk} is no amendment")
    return rates_from_data(draft.based_on.rates)


def changed(draft: Draft) -> tuple[str, ...]:
    """The sections the amendment really changes."""
    if draft.based_on is None:
        return ()
    return changed_sections(draft.based_on.says, draft.says)


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((one.amount for one in lines), Decimal("0.00"))


def _by_year(
    before: Sequence[Line], after: Sequence[Line]
) -> tuple[tuple[int, Decimal, Decimal], ...]:
    was, becomes = _yearly(before), _yearly(after)
    zero = Decimal("0.00")
    return tuple(
        (year, was.get(year, zero), becomes.get(year, zero)) for year in sorted({*was, *becomes})
    )


def _yearly(lines: Sequence[Line]) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for one in lines:
        sums[one.year] = sums.get(one.year, Decimal("0.00")) + one.amount
    return sums


def missing_to_sign(draft: Draft, *, on: date) -> list[str]:
    """What keeps an amendment from being frozen and signed, as sentences."""
    found = []
    if draft.based_on is None or draft.state != State.OPEN:
        return [CLOSED]
    latest = last_version(draft.contract)
    if latest is not None and latest.pk != draft.based_on_id:
        found.append(
            "Le contrat a changé depuis l’ouverture de cet avenant : abandonnez-le et ouvrez-en "
            "un autre sur le contrat d’aujourd’hui."
        )
    sections = changed(draft)
    if not sections:
        found.append("L’avenant ne change encore rien : modifiez une des parties cochées.")
    found += [
        f"«{NBSP}{SECTIONS[one]}{NBSP}» a changé sans être cochée{NBSP}: rendez-lui ce qu’elle "
        "disait."
        for one in sections
        if one not in draft.sections
    ]
    says, before = draft.says, draft.based_on.says
    if says.starts_on != before.starts_on:
        found.append("Le premier jour d’un contrat signé ne change pas : remettez-le.")
    if "rates" in sections:
        found += _rates_faults(says)
    foreseen = foresee(draft, on=on)
    found += foreseen.problems if foreseen else ()
    found += _unmeasured(says, before)
    found += unanswered(draft)
    found += [
        f"{PARTY_LABELS[one]}{NBSP}: personne ne signe pour cette partie. Cochez «{NBSP}"
        f"{SECTIONS['representatives']}{NBSP}» et désignez son signataire."
        for one in PARTIES_OF[draft.contract.form]
        if not says.representatives_of(one)
    ]
    found += signer_faults(says, on)
    found += [
        f"{one.label}{NBSP}: son accord sur la version {draft.revision} n’est pas marqué."
        for one in agreements_of(draft)
        if not one.stands
    ]
    return found


def _rates_faults(says: ContractTerms) -> list[str]:
    """What keeps the rates that an amendment takes from being signed today."""
    if says.form == CPOM:
        most = cpom_rates().rates[0].amount
        if says.yearly_amount is None or not 0 < says.yearly_amount <= most:
            return [f"Écrivez l’aide annuelle du CPOM{NBSP}: {euros(most)} au plus."]
        return []
    published = named(current_rates())
    if says.rates == published:
        return []
    return [
        (
            f"L’avenant cite les tarifs «{NBSP}{says.rates}{NBSP}», ceux du portail sont "
            f"«{NBSP}{published}{NBSP}»{NBSP}: reprenez-les."
        )
    ]


def _unmeasured(says: ContractTerms, before: ContractTerms) -> list[str]:
    """Missions the amendment would leave without indicator: those it adds, or strips of theirs.

    A contract signed elsewhere may name none: what the amendment leaves as it was is not asked.
    """
    labels, already = mission_labels(), unmeasured(before)
    ticks = f"cochez «{NBSP}{SECTIONS['indicators']}{NBSP}» et choisissez-en un au moins."
    return [
        f"{labels.get(key, key)}{NBSP}: aucun indicateur ne suit cette mission, {ticks}"
        for key in unmeasured(says)
        if key not in already
    ]


@transaction.atomic
def tick_too(draft: Draft, section: str, *, by: User) -> None:
    """Open one more section of the contract to an amendment; the text does not change by it.

    Raises PermissionDenied, ActionRefusedError once it is frozen or for an unknown section.
    """
    draft = locked(draft)
    check_commits(draft, by)
    check_writes(draft, by)
    if section not in SECTIONS:
        raise ActionRefusedError("Cette partie du contrat n’existe pas : rechargez la page.")
    ticked = {*draft.sections, section}
    draft.sections = [key for key in SECTIONS if key in ticked]
    draft.save(update_fields=["sections"])


def locked(draft: Draft) -> Draft:
    """The amendment, held until the transaction ends. Raises LookupError for another draft."""
    found = locked_draft(draft)
    if found.purpose != Draft.Purpose.AMENDMENT:
        raise LookupError(f"draft {draft.pk} is no amendment")
    return found


def check_commits(draft: Draft, by: User) -> str:
    """The party the person engages. Raises PermissionDenied when they engage none."""
    if not rules.may_commit(draft.contract, by):
        raise PermissionDenied
    still_holds_their_role(by)
    return rules.party_of(draft.contract, by)
