"""The shared draft: changed by any party, one change at a time, agreed to by each, then frozen.

Each change is a version that is kept. A change clears every agreement, and says which. Two people
who change different sections do not disturb each other; the second to change the same one is told.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Value, When
from django.utils import timezone

from accounts.models import User
from contracts import describing, rules
from contracts.drafts.completeness import Lack, Surroundings, lacks
from contracts.funding.engaging import named
from contracts.missions.calendar import limits
from contracts.models import Contract, Draft, DraftAgreement, DraftVersion
from contracts.terms import (
    CPOM,
    PARTIES_OF,
    PARTY_LABELS,
    SECTIONS,
    ContractTerms,
    changed_sections,
    from_data,
    to_data,
    with_section,
)
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.words import NBSP, day_and_hour, euros
from outbox.services import publish
from procedures.rates import RatesError, RateTable, cpom_rates, current_rates
from workflow.models import Case as AnyCase
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError

CLOSED: Final = (
    "Ce projet n’est plus en négociation : il est figé, signé ou abandonné. Rechargez la page."
)


class StaleDraftError(ActionRefusedError):
    """Somebody changed the same section since the person read it; `theirs` is the version now."""

    def __init__(self, section: str, version: DraftVersion) -> None:
        self.version = version
        self.theirs: ContractTerms = version.says
        super().__init__(
            f"{version.by} a modifié «{NBSP}{SECTIONS[section]}{NBSP}» le "
            f"{day_and_hour(version.at)}, après que vous l’avez ouverte : rien n’est enregistré. "
            "Ce qui est écrit maintenant est montré à côté de votre texte ; reprenez-le, puis "
            "enregistrez."
        )


_DRAFTS: Final = ComposedObjects(
    lambda: (
        Draft.objects.filter(contract_id=Given("contract"), purpose=Given("purpose"))
        .select_related("updated_by")
        .order_by(
            Case(When(state__in=Draft.UNDER_WAY, then=Value(0)), default=Value(1)),
            "-pk",
        )
    )
)


def draft_of(contract: Contract, purpose: str = Draft.Purpose.CONTRACT) -> Draft | None:
    """The draft under way for a contract, else the last one; None when there is none."""
    found: list[Draft] = _DRAFTS.objects(contract=contract.pk, purpose=str(purpose), count=1)
    return found[0] if found else None


def locked_draft(draft: Draft) -> Draft:
    """The draft under its lock, the case's first. The contract comes with it."""
    AnyCase.objects.select_for_update().get(pk=draft.contract_id)
    return (
        Draft.objects.select_for_update(of=("self",))
        .select_related("contract__community", "contract__ars", "contract__cpam")
        .get(pk=draft.pk)
    )


def check_writes(draft: Draft, by: User) -> str:
    """The party for which the person writes this draft; raises PermissionDenied for none, and
    ActionRefusedError once it is no longer under negotiation."""
    party = rules.party_of(draft.contract, by)
    if not party or party not in PARTIES_OF[draft.contract.form]:
        raise PermissionDenied("Seules les parties au contrat écrivent son projet.")
    still_holds_their_role(by)
    if draft.state != Draft.State.OPEN:
        raise ActionRefusedError(CLOSED)
    return party


# --- Changing -------------------------------------------------------------------------------------


@transaction.atomic
def save_section(
    draft: Draft,
    section: str,
    asked: ContractTerms,
    *,
    by: User,
    base_revision: int,
    note: str = "",
) -> Draft:
    """Write one section as `asked` has it; the other sections of `asked` are not read.

    `base_revision` is the version the person read. Nothing is written when nothing changes.
    Raises StaleDraftError when somebody changed that section since, PermissionDenied, and
    ActionRefusedError once the draft is frozen.
    """
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    check_ticked(draft, section)
    now = draft.says
    wanted = with_section(now, section, asked)
    if wanted == now:
        return draft
    since = draft.versions.filter(number__gt=base_revision, sections__contains=[section])
    if latest := since.select_related("by").order_by("-number").first():
        raise StaleDraftError(section, latest)
    return write_version(draft, wanted, by=by, party=party, note=note)


def check_ticked(draft: Draft, section: str) -> None:
    """An amendment changes what its parties ticked, and nothing else."""
    if draft.purpose == Draft.Purpose.AMENDMENT and section not in draft.sections:
        raise ActionRefusedError(
            f"L’avenant ne porte pas sur «{NBSP}{SECTIONS[section]}{NBSP}» : cochez d’abord cette "
            "partie parmi celles qu’il modifie."
        )


def write_version(
    draft: Draft, wanted: ContractTerms, *, by: User, party: str, note: str = ""
) -> Draft:
    """Keep the draft as it becomes, and clear what was agreed on it. The caller holds the lock."""
    now = draft.says
    sections = list(changed_sections(now, wanted)) or [
        key for key in SECTIONS if with_section(now, key, wanted) != now
    ]
    draft.terms = to_data(wanted)
    draft.revision += 1
    draft.updated_at, draft.updated_by = timezone.now(), by
    draft.save(update_fields=["terms", "revision", "updated_at", "updated_by"])
    DraftVersion.objects.create(
        draft=draft,
        number=draft.revision,
        terms=draft.terms,
        sections=sections,
        note=note[:300] or _said(sections),
        party=party,
        by=by,
        at=draft.updated_at,
    )
    _clear_agreements(draft, by=by, because=_said(sections))
    return draft


def _said(sections: list[str]) -> str:
    names = ", ".join(SECTIONS[one].lower() for one in sections)
    return f"Modifié{NBSP}: {names}"[:300]


def _clear_agreements(draft: Draft, *, by: User, because: str) -> None:
    standing = draft.agreements.filter(cleared_at=None)
    cleared = list(standing.values_list("pk", flat=True))
    standing.update(cleared_at=timezone.now(), cleared_by=by, cleared_because=because)
    for pk in cleared:
        publish("contracts.agreement_cleared", key=str(pk), agreement_id=pk)


@transaction.atomic
def refresh_ground(draft: Draft, *, by: User) -> Draft:
    """Take the territory of the CPTS again, with its population and its class, as they are today.

    Raises as `save_section` does.
    """
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    ground = describing.ground_of(draft.contract.community)
    wanted = replace(
        draft.says,
        communes=ground.communes,
        territory_year=ground.year,
        population=ground.population,
        population_year=ground.population_year,
        population_source=ground.population_source,
        # A CPOM pays the same for every size: it says none.
        size="" if draft.says.form == CPOM else ground.size,
    )
    for section in changed_sections(draft.says, wanted):
        check_ticked(draft, section)
    if wanted == draft.says:
        return draft
    note = "Territoire, population et taille repris de la CPTS"
    return write_version(draft, wanted, by=by, party=party, note=note)


@transaction.atomic
def refresh_parties(draft: Draft, *, by: User) -> Draft:
    """Take the parties again as the portal knows them today; a number typed here stays when the
    portal knows none. Raises as `save_section` does."""
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    check_ticked(draft, "parties")
    contract, now = draft.contract, draft.says
    known = describing.parties_of(
        contract.community, ars=contract.ars, cpam=contract.cpam, on=timezone.localdate()
    )
    wanted = []
    for one in known:
        before = now.party(one.role)
        kept = before or one
        wanted.append(
            replace(
                one,
                finess=one.finess or kept.finess,
                rna=one.rna or kept.rna,
                siret=one.siret or kept.siret,
            )
        )
    changed = replace(now, parties=tuple(wanted))
    if changed == now:
        return draft
    note = "Parties reprises de ce que le portail sait d’elles"
    return write_version(draft, changed, by=by, party=party, note=note)


@transaction.atomic
def refresh_rates(draft: Draft, *, by: User) -> Draft:
    """Cite the rates that the portal publishes today. Raises as `save_section` does."""
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    check_ticked(draft, "rates")
    wanted = replace(draft.says, rates=named(current_rates()))
    if wanted == draft.says:
        return draft
    return write_version(draft, wanted, by=by, party=party, note="Tarifs repris du portail")


# --- Agreeing -------------------------------------------------------------------------------------


@transaction.atomic
def mark_agreement(draft: Draft, *, by: User, revision: int) -> DraftAgreement:
    """The person's party agrees to the version it read; marked again, nothing changes.

    Raises PermissionDenied, ActionRefusedError when the draft has changed since.
    """
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    if not rules.may_commit(draft.contract, by):
        raise PermissionDenied("Seul un responsable de la CPTS marque son accord.")
    if revision != draft.revision:
        raise ActionRefusedError(
            f"Le projet a changé : vous lisiez la version {revision}, il en est à la version "
            f"{draft.revision}. Relisez-le avant de marquer votre accord."
        )
    known = draft.agreements.filter(party=party, cleared_at=None).first()
    if known is not None:
        return known
    agreed = DraftAgreement.objects.create(draft=draft, party=party, revision=revision, by=by)
    publish("contracts.agreement_marked", key=str(agreed.pk), agreement_id=agreed.pk)
    return agreed


@transaction.atomic
def take_agreement_back(draft: Draft, *, by: User) -> None:
    """The person's party no longer agrees, until it marks it again. Raises as `mark_agreement`."""
    draft = locked_draft(draft)
    party = check_writes(draft, by)
    if not rules.may_commit(draft.contract, by):
        raise PermissionDenied("Seul un responsable de la CPTS retire son accord.")
    draft.agreements.filter(party=party, cleared_at=None).update(
        cleared_at=timezone.now(), cleared_by=by, cleared_because="Accord retiré par la partie"
    )


@dataclass(frozen=True)
class Agreement:
    """Where a party stands on the draft: who agreed and when, or why it no longer does."""

    party: str
    label: str
    by: User | None = None
    at: datetime | None = None
    # Why the last agreement was cleared, by whom and when, while it has not been marked again.
    cleared_because: str = ""
    cleared_by: User | None = None
    cleared_at: datetime | None = None

    @property
    def stands(self) -> bool:
        return self.by is not None


_AGREEMENTS: Final = ComposedObjects(
    lambda: DraftAgreement.objects.filter(draft_id=Given("draft")).select_related(
        "by", "cleared_by"
    )
)


def agreements_of(draft: Draft) -> list[Agreement]:
    """Each party in the order of the contract: one query."""
    last: dict[str, DraftAgreement] = {}
    for one in _AGREEMENTS.objects(draft=draft.pk):
        last[one.party] = one
    found = []
    for party in PARTIES_OF[draft.contract.form]:
        label, known = PARTY_LABELS[party], last.get(party)
        if known is None:
            found.append(Agreement(party, label))
        elif known.cleared_at is None:
            found.append(Agreement(party, label, known.by, known.at))
        else:
            found.append(
                Agreement(
                    party,
                    label,
                    cleared_because=known.cleared_because,
                    cleared_by=known.cleared_by,
                    cleared_at=known.cleared_at,
                )
            )
    return found


# --- Before freezing ------------------------------------------------------------------------------


def rates_for(terms: ContractTerms) -> RateTable:
    """The rates that these terms would be signed at today."""
    if terms.form != CPOM:
        return current_rates()
    try:
        return cpom_rates(terms.yearly_amount)
    except RatesError:
        # Beyond the most it may be: `lacks_of` says so.
        return cpom_rates()


def surroundings(contract: Contract, terms: ContractTerms, *, ground: bool = True) -> Surroundings:
    """What a draft of this contract is read against, today; not its territory without `ground`."""
    return Surroundings(
        rates=rates_for(terms),
        ground=describing.ground_of(
            contract.community, territory_id=getattr(contract, "territory_id", None)
        )
        if ground
        else None,
        today=timezone.localdate(),
        limits=tuple(
            (mission, one.start_months)
            for (form, mission), one in limits().items()
            if form == contract.form
        ),
    )


# What the territory of the CPTS as it is today may find wanting.
_OF_THE_GROUND: Final = frozenset({"territory", "size"})


def lacks_in(draft: Draft, section: str) -> list[Lack]:
    """What one section lacks: the territory of the CPTS is read only for those it is in."""
    found = _lacks(draft, ground=section in _OF_THE_GROUND)
    return [one for one in found if one.section == section]


def lacks_of(draft: Draft) -> list[Lack]:
    """What the terms of a draft lack before they can be frozen."""
    return _lacks(draft, ground=True)


def _lacks(draft: Draft, *, ground: bool) -> list[Lack]:
    terms = draft.says
    around = surroundings(draft.contract, terms, ground=ground)
    found = list(lacks(terms, around))
    most = cpom_rates().rates[0].amount
    if terms.form == CPOM and (terms.yearly_amount is None or terms.yearly_amount > most):
        found.append(
            Lack(
                "rates",
                f"Écrivez l’aide annuelle du CPOM : {euros(most)} au plus.",
            )
        )
    if terms.form != CPOM and terms.rates != named(around.rates):
        found.append(
            Lack(
                "rates",
                (
                    f"Le projet cite les tarifs «{NBSP}{terms.rates}{NBSP}», ceux du portail sont "
                    f"«{NBSP}{named(around.rates)}{NBSP}» : reprenez-les."
                ),
            )
        )
    return found


def missing_to_freeze(contract: Contract) -> list[str]:
    """What keeps the draft of a contract from being frozen to sign, as sentences."""
    draft = draft_of(contract)
    if draft is None or draft.state != Draft.State.OPEN:
        return ["Ce contrat n’a pas de projet en négociation : ouvrez-en un."]
    found = [one.sentence for one in lacks_of(draft)]
    found += _same_address(draft.says) + unanswered(draft)
    found += [
        f"{one.label} : son accord sur la version {draft.revision} n’est pas marqué."
        for one in agreements_of(draft)
        if not one.stands
    ]
    return found


def unanswered(draft: Draft) -> list[str]:
    """The proposals that wait for an answer, as a sentence; none when there are none."""
    count = draft.proposals.filter(state="pending").count()
    if not count:
        return []
    said = (
        "1 proposition attend une réponse : acceptez-la ou écartez-la d’abord."
        if count == 1
        else f"{count} propositions attendent une réponse : acceptez-les ou écartez-les d’abord."
    )
    return [said]


def _same_address(terms: ContractTerms) -> list[str]:
    """Two parties may not name the same address: each signer is called, and known, by theirs."""
    accounts = [one.user for one in terms.representatives if one.user]
    emails = dict(User.objects.filter(pk__in=accounts).values_list("pk", "email"))
    known: dict[str, str] = {}
    found = []
    for one in terms.representatives:
        address = (emails.get(one.user or 0) or one.email).strip().lower()
        if address and known.get(address, one.party) != one.party:
            found.append(
                f"{one.name} signerait pour deux parties à la même adresse : donnez une autre "
                "adresse, ou désignez une autre personne."
            )
        known.setdefault(address, one.party)
    return found


def version_terms(draft: Draft, number: int) -> ContractTerms | None:
    """What a numbered version said; None when there is no such version."""
    data = draft.versions.filter(number=number).values_list("terms", flat=True).first()
    return None if data is None else from_data(data)
