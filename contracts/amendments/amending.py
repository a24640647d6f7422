"""Typed amendments: the consolidated contract with some sections changed, agreed to, then signed.

An amendment is a draft of its own (`contracts.drafting`): it begins with the whole contract as its
last version says it, only the sections its parties ticked are unlocked, and what changes is always
worked out. Signed by all, it is the next version of the contract, and its schedule is regularised.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from contracts import describing, rules
from contracts.drafts.completeness import signer_faults, unmeasured
from contracts.drafts.concluding import signatories_of
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
from contracts.funding.storing import line_from_row, rates_as_data, rates_from_data
from contracts.holding import take_territory
from contracts.models import (
    Contract,
    ContractVersion,
    Draft,
    DraftVersion,
    NationalAmendment,
    NationalAmendmentItem,
    SigningRound,
)
from contracts.signing.purposes import blocked_when, when_refused, when_signed
from contracts.signing.rounds import cancel_round, open_round
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
from documents.french import french_spaces, long_date
from outbox.registry import handles
from outbox.services import publish
from procedures.rates import RateTable, Share, cpom_rates, current_rates
from workflow.claims import claim_by_contract
from workflow.models import CaseDocument, Snapshot
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError, freeze
from workflow.states import CaseState

PURPOSE: Final = "amendment"
DOCUMENT: Final = "contract_amendment"
LONGEST_REASON: Final = 2_000
# What the schedule is worked out from: an amendment to the rest changes no amount.
OF_MONEY: Final = frozenset({"size", "missions", "duration", "rates"})
State = Draft.State

declare_readers(DOCUMENT, whoever_sees_the_case)


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
        _rates(draft),
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


def _rates(draft: Draft) -> RateTable:
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
    draft = _locked(draft)
    _check_commits(draft, by)
    check_writes(draft, by)
    if section not in SECTIONS:
        raise ActionRefusedError("Cette partie du contrat n’existe pas : rechargez la page.")
    ticked = {*draft.sections, section}
    draft.sections = [key for key in SECTIONS if key in ticked]
    draft.save(update_fields=["sections"])


# --- Freezing, signing ----------------------------------------------------------------------------


@transaction.atomic
def freeze_amendment(draft: Draft, *, by: User, revision: int) -> Draft:
    """Freeze the version all agree on: its document, then its signatures, come after the commit.

    Raises PermissionDenied, IncompleteError with what is missing, ActionRefusedError when the
    draft has changed since the person read `revision`.
    """
    draft = _locked(draft)
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
    frozen_rates = rates_as_data(_rates(draft)) if "rates" in changed(draft) else None
    Draft.objects.filter(pk=draft.pk).update(state=State.TO_SIGN, rates=frozen_rates)
    draft.state, draft.rates = State.TO_SIGN, frozen_rates
    frozen = draft.versions.get(number=draft.revision)
    publish("contracts.amendment_frozen", key=str(frozen.pk), version_id=frozen.pk, by=by.pk)
    return draft


def _locked(draft: Draft) -> Draft:
    found = locked_draft(draft)
    if found.purpose != Draft.Purpose.AMENDMENT:
        raise LookupError(f"draft {draft.pk} is no amendment")
    return found


@handles("contracts.amendment_frozen")
def issue_and_open(*, version_id: int, by: int) -> None:
    """Draw the document of a frozen amendment, then call those who sign. Again, nothing more."""
    frozen = DraftVersion.objects.select_related("draft__contract").get(pk=version_id)
    who = User.objects.get(pk=by)
    document = issue_amendment(frozen, by=who)
    with transaction.atomic():
        draft = _locked(frozen.draft)
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
    return _locked(frozen.draft)


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
        rates=_rates(draft),
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
    NationalAmendmentItem.objects.filter(draft=draft).update(
        outcome=NationalAmendmentItem.Outcome.APPLIED, version=last_version(contract)
    )
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
        cleared_because=f"Texte repris{NBSP}: {reason}"[:300],
    )


@transaction.atomic
def take_back(draft: Draft, *, by: User, reason: str) -> None:
    """A party takes the frozen amendment back before all have signed.

    Raises PermissionDenied, ActionRefusedError without a reason, AlreadyDoneError.
    """
    draft = _locked(draft)
    _check_commits(draft, by)
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
    draft = _locked(draft)
    party = _check_commits(draft, by)
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
    NationalAmendmentItem.objects.filter(draft=draft).update(
        outcome=NationalAmendmentItem.Outcome.EXCEPTION,
        reason=NationalAmendmentItem.Reason.DROPPED,
        detail=f"{PARTY_LABELS[party]}{NBSP}: «{NBSP}{reason}{NBSP}». Reprendre les exceptions "
        "en enverrait un autre.",
    )
    publish("contracts.amendment_dropped", key=str(draft.pk), draft_id=draft.pk)


def _check_commits(draft: Draft, by: User) -> str:
    if not rules.may_commit(draft.contract, by):
        raise PermissionDenied
    still_holds_their_role(by)
    return rules.party_of(draft.contract, by)


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


# --- The document ---------------------------------------------------------------------------------


@transaction.atomic
def issue_amendment(frozen: DraftVersion, *, by: User) -> CaseDocument:
    """Issue the document the parties sign, from the frozen version of the draft; once."""
    draft = frozen.draft
    contract = draft.contract
    snapshot = _snapshot(contract, draft, by)
    number = f"{contract.reference}-A{number_of(draft)}-V{frozen.number}"
    return issue_once(
        snapshot,
        kind=DOCUMENT,
        about=frozen.pk,
        number=number,
        title=f"Avenant n° {number_of(draft)} – {contract.title}",
        template="pdf/amendment.html",
        context=lambda: {
            "amendment": amendment_context(
                draft, frozen.says, number=number, on=timezone.localdate(frozen.at)
            ),
            "created_at": frozen.at.isoformat(),
        },
    )


def _snapshot(contract: Contract, draft: Draft, by: User) -> Snapshot:
    """The contract as it was frozen; one signed elsewhere is frozen by its first amendment."""
    known = Snapshot.objects.filter(case_id=contract.pk).order_by("-version").first()
    if known is not None:
        return known
    content = {
        "title": contract.title,
        "reference": contract.reference,
        "terms": draft.based_on.terms if draft.based_on else {},
        "sections": [],
        "attachments": [],
    }
    return freeze(contract, content, actor=by)


_SHARE_LABELS: Final[Mapping[Share, str]] = {
    Share.OPERATING: "par an",
    Share.FIXED: "part fixe",
    Share.VARIABLE: "part variable, au plus",
    Share.CRISIS: "en cas de crise, au plus",
}


def _rates_that_change(
    draft: Draft, says: ContractTerms, on: date
) -> tuple[list[list[str]], list[str]]:
    """The yearly amounts that are not the same before and after a day, and their sources."""
    if draft.based_on is None or says.form == CPOM:
        return [], []
    was, becomes = rates_from_data(draft.based_on.rates), _rates(draft)
    before, labels = draft.based_on.says, mission_labels()
    rows, sources = [], []
    for mission in ("", *says.mission_starts):
        for share, words in _SHARE_LABELS.items():
            old = was.find(share, before.size, on, mission)
            new = becomes.find(share, says.size, on, mission)
            amounts = [None if one is None else one.amount for one in (old, new)]
            if amounts[0] == amounts[1]:
                continue
            said = ["–" if one is None else euros(one) for one in amounts]
            rows.append([french_spaces(f"{labels.get(mission, mission)}, {words}"), *said])
            sources += [new.source] if new else []
    return rows, list(dict.fromkeys(sources))


def amendment_context(
    draft: Draft, says: ContractTerms, *, number: str, on: date
) -> dict[str, Any]:
    """Context of `pdf/amendment.html`: what changes, from when, and what it does to the money."""
    contract = draft.contract
    before = draft.based_on.says if draft.based_on else says
    changes = difference(before, says, dict(mission_labels()))
    foreseen = foresee(draft, on=on)
    effective = draft.effective_on or on
    national = NationalAmendment.objects.filter(items__draft=draft).first()
    rates, sources = _rates_that_change(draft, says, effective)
    money_rows = [
        [f"Année {year}", euros(was), euros(becomes)]
        for year, was, becomes in (foreseen.years if foreseen else ())
        if was != becomes
    ]
    return {
        "issuer": [one.name for one in says.parties],
        "title": f"Avenant n°{NBSP}{number_of(draft)}",
        "name": french_spaces(contract.title),
        "reference": contract.reference,
        "number": number,
        "running": french_spaces(f"{number} · Avenant · {contract.title}"),
        "object": ", ".join(one.label.lower() for one in changes),
        "legal_basis": french_spaces(national.legal_basis) if national else "",
        "rates": rates,
        "sources": french_spaces(" ; ".join(sources)),
        "effective_on": long_date(effective),
        "signed_on": long_date(contract.signed_on) if contract.signed_on else "",
        "changes": [
            {
                "label": one.label,
                "rows": [
                    [
                        french_spaces(row.label),
                        french_spaces(row.before or "–"),
                        french_spaces(row.after or "–"),
                    ]
                    for row in one.rows
                ],
            }
            for one in changes
        ],
        "money": money_rows,
        "regularisation": euros(foreseen.regularisation)
        if foreseen and foreseen.regularisation
        else "",
        "total": [euros(foreseen.before), euros(foreseen.after)] if foreseen else [],
        "signatures": [
            {
                "organisation": one.name,
                "people": [
                    ", ".join(part for part in (each.name, each.capacity) if part)
                    for each in says.representatives_of(one.role)
                ],
            }
            for one in says.parties
        ],
    }
