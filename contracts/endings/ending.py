"""How a contract ends: renewed, at its last day, by a party, or with the CPTS itself.

Whatever ends it, it stays in force until its last day; the sweep of the next day closes it, and
everything it held stays readable.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.drafts.drafting import draft_of, locked_draft, write_version
from contracts.drafts.opening import Recognition, open_contract, read_opening
from contracts.funding import balances, engaging, totals
from contracts.funding.schedule import Line, amend, compute_schedule, five_years, until
from contracts.funding.storing import line_from_row
from contracts.models import (
    Contract,
    Draft,
    Observation,
    Renewal,
    RenewalAnswer,
    ReorganisedCommunity,
    Termination,
)
from contracts.terms import CPAM, CPTS, PARTIES_OF, PARTY_LABELS, ContractTerms
from contracts.versions import terms_on
from cpts_portal.words import NBSP, day, euros
from documents.french import french_spaces
from outbox.services import publish
from workflow.claims import let_go
from workflow.legal_dates import add_months
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, AlreadyDoneError, next_reference, perform
from workflow.states import CaseState

FILE: Final = settings.BASE_DIR / "fixtures" / "contracts" / "endings.toml"
LONGEST_TEXT: Final = 4_000
LONGEST_COMMENT: Final = 1_000
ZERO: Final = Decimal("0.00")
_DAY: Final = timedelta(days=1)
State = Termination.State
Ground = Termination.Ground
Wish = RenewalAnswer.Wish


# --- The rules ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EndingRules:
    """Delays counted in months or days, and whether a source confirms them."""

    renewal_months: tuple[int, ...]
    observation_days: int
    notice_months: Mapping[str, int]
    unconfirmed: tuple[str, ...]


@lru_cache
def ending_rules() -> EndingRules:
    """Those of `fixtures/contracts/endings.toml`, which says where each comes from."""
    read = tomllib.loads(FILE.read_text())
    notices: Mapping[str, Any] = read["notice"]
    said = {
        "le préavis": all(one["confirmed"] for one in notices.values()),
        "le délai d’observations": read["observations"]["confirmed"],
    }
    return EndingRules(
        tuple(sorted(read["renewal"]["months"], reverse=True)),
        read["observations"]["days"],
        {party: one["months"] for party, one in notices.items()},
        tuple(name for name, confirmed in said.items() if not confirmed),
    )


def earliest_end(party: str, notified_on: date) -> date:
    """The first last day a party may ask for, once its notice has run."""
    return add_months(notified_on, ending_rules().notice_months[party])


# --- The money ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class EndForeseen:
    """What an early end brings, in euros. `sure` leaves out what results are still to bring."""

    planned_before: Decimal
    planned: Decimal
    sure: Decimal
    paid: Decimal

    @property
    def to_pay(self) -> Decimal:
        """What is left to pay, the shares that depend on results apart."""
        return max(self.sure - self.paid, ZERO)

    @property
    def to_repay(self) -> Decimal:
        """What was paid beyond what the shorter contract is worth."""
        return max(self.paid - self.sure, ZERO)


def foresee_end(contract: Contract, last_day: date, *, on: date) -> EndForeseen | None:
    """The money of a contract that would end on a day, were it decided on `on`.

    None for a contract without a schedule.
    """
    current = contract.schedules.current().first()
    if current is None:
        return None
    lines = [line_from_row(one) for one in current.lines.all()]
    whole = engaging.engagement_of(contract)
    shorter = replace(whole, ends_on=last_day, terms=until(whole.terms, last_day))
    after = amend(lines, compute_schedule(shorter).lines, max(on, current.as_of))
    paid = balances.account_of(contract, on=on).paid
    sure = _sum([one for one in after if not one.is_ceiling])
    return EndForeseen(_sum(lines), _sum(after), sure, paid)


def _sum(lines: Sequence[Line]) -> Decimal:
    return sum((one.amount for one in lines), ZERO)


# --- Renewal --------------------------------------------------------------------------------------


@transaction.atomic
def answer_renewal(renewal: Renewal, wish: str, comment: str, *, by: User) -> RenewalAnswer:
    """Say what a party wishes. Raises PermissionDenied, or ActionRefusedError."""
    contract = _held(renewal.contract_id, by)
    if contract.state != CaseState.ACCEPTED:
        raise ActionRefusedError("Ce contrat n’est plus en vigueur : il n’y a rien à renouveler.")
    comment = comment.strip()
    if len(comment) > LONGEST_COMMENT:
        raise ActionRefusedError(
            f"La précision dépasse {LONGEST_COMMENT} signes{NBSP}: raccourcissez-la."
        )
    if wish == Wish.EXPIRE and not comment:
        raise ActionRefusedError(
            "Dites pourquoi le contrat devrait finir à son terme : les deux autres parties le "
            "liront."
        )
    answer = RenewalAnswer.objects.create(
        renewal=renewal, party=rules.party_of(contract, by), wish=wish, comment=comment, by=by
    )
    publish("contracts.renewal_answered", key=str(answer.pk), answer_id=answer.pk)
    return answer


@transaction.atomic
def renew(renewal: Renewal, *, by: User) -> Contract:
    """Open the contract that follows, written from the consolidated one; the one open already.

    It begins the day after the last day, for five years, with what the parties had: missions,
    indicators, clauses, people. The territory, the population, the class, the sheets and the
    rates are those of today. Raises PermissionDenied, or ActionRefusedError.
    """
    contract = _held(renewal.contract_id, by)
    renewal = Renewal.objects.select_for_update().get(pk=renewal.pk)
    if renewal.successor is not None:
        return renewal.successor
    if contract.state != CaseState.ACCEPTED or contract.ends_on != renewal.ends_on:
        raise ActionRefusedError(
            "Ce contrat n’a plus la fin que visait ce renouvellement : rechargez la page."
        )
    if why_not := read_opening(contract.community).why_not:
        raise ActionRefusedError(why_not)
    made = open_contract(
        contract.community,
        by=by,
        form=contract.form,
        cpam=contract.cpam,
        recognised=_known(contract) if by.acting is not None else None,
    )
    draft = draft_of(made)
    before = terms_on(contract, renewal.ends_on)
    if draft is not None and before is not None and draft.revision == 1:
        write_version(
            locked_draft(draft),
            renewed_terms(before, draft.says, renewal.ends_on),
            by=by,
            party=rules.party_of(contract, by),
            note=f"Repris du contrat {contract.reference}, qui finit le {day(renewal.ends_on)}",
        )
    renewal.successor = made
    renewal.save(update_fields=["successor"])
    return made


def _known(contract: Contract) -> Recognition:
    """A CPTS under contract was recognised, even before the portal."""
    return Recognition(
        contract.signed_on or timezone.localdate(), f"Contrat {contract.reference} en vigueur"
    )


def renewed_terms(before: ContractTerms, today: ContractTerms, last_day: date) -> ContractTerms:
    """The terms of the contract that follows: `before` consolidated, on the ground of `today`."""
    starts_on = last_day + _DAY
    return replace(
        today,
        representatives=before.representatives,
        missions=tuple(
            replace(one, starts_on=starts_on, deployed_on=None) for one in before.missions
        ),
        indicators=before.indicators,
        bank=before.bank,
        clauses=before.clauses,
        starts_on=starts_on,
        ends_on=five_years(starts_on),
    )


def wishes_of(renewal: Renewal) -> list[tuple[str, RenewalAnswer | None]]:
    """Each party in words, and the last it answered; one query."""
    last = {one.party: one for one in renewal.answers.select_related("by")}
    parties = PARTIES_OF[renewal.contract.form]
    return [(PARTY_LABELS[party], last.get(party)) for party in parties]


# --- Termination ----------------------------------------------------------------------------------


def notify_termination(
    contract: Contract, *, ground: str, reason: str, ends_on: date, by: User
) -> Termination:
    """A party tells the others that it ends the contract: its letter, its notice, its reasons.

    Raises PermissionDenied, or ActionRefusedError with what is wrong.
    """
    try:
        with transaction.atomic():
            return _notify(contract, ground, reason.strip(), ends_on, by)
    except IntegrityError as refused:
        if "termination_one_under_way" not in str(refused):
            raise
        raise ActionRefusedError(
            "Une résiliation est déjà en cours pour ce contrat : ouvrez-la."
        ) from refused


def _notify(contract: Contract, ground: str, reason: str, ends_on: date, by: User) -> Termination:
    contract = _held(contract.pk, by)
    party = rules.party_of(contract, by)
    today = timezone.localdate()
    for refusal in termination_faults(contract, party, ground, reason, ends_on):
        raise ActionRefusedError(refusal)
    found = Termination.objects.create(
        contract=contract,
        party=party,
        ground=ground,
        reason=reason,
        notified_on=today,
        observations_until=today + timedelta(days=ending_rules().observation_days),
        ends_on=ends_on,
        opened_by=by,
    )
    number = next_reference("RES", contract.region_id)
    found.letters = {"notice": _notice_letter(found, number)}
    found.save(update_fields=["letters"])
    publish("contracts.termination_letter", key=f"{found.pk}:notice", termination_id=found.pk)
    return found


def termination_faults(
    contract: Contract, party: str, ground: str, reason: str, ends_on: date
) -> list[str]:
    """What keeps a termination from being notified, as sentences."""
    found = []
    if contract.state != CaseState.ACCEPTED or contract.ends_on is None:
        return ["Ce contrat n’est pas en vigueur : il ne peut pas être résilié."]
    if ground == Ground.VOLUNTARY and party != CPTS:
        found.append("Seule la CPTS peut renoncer au contrat : choisissez un autre motif.")
    if not reason or len(reason) > LONGEST_TEXT:
        found.append(
            f"Exposez le motif, en {LONGEST_TEXT} signes au plus{NBSP}: les autres parties y "
            "répondent."
        )
    first = earliest_end(party, timezone.localdate())
    if ends_on < first:
        months = ending_rules().notice_months[party]
        found.append(
            f"Le préavis est de {months}{NBSP}mois{NBSP}: le dernier jour est le {day(first)} au "
            "plus tôt. Pour finir avant, il faut un avenant de durée signé de toutes les parties."
        )
    elif ends_on >= contract.ends_on:
        found.append(
            f"Le contrat finit de lui-même le {day(contract.ends_on)}{NBSP}: choisissez un jour "
            "qui le précède."
        )
    if contract.starts_on and ends_on < contract.starts_on:
        found.append(
            f"Le contrat prend effet le {day(contract.starts_on)}{NBSP}: il ne peut pas finir "
            "avant."
        )
    return found


@transaction.atomic
def observe(termination: Termination, text: str, *, by: User) -> Observation:
    """What a party has to say of a termination under way, the one that asked for it included."""
    found = _open(termination, by)
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise ActionRefusedError(f"Écrivez vos observations, en {LONGEST_TEXT} signes au plus.")
    party = rules.party_of(found.contract, by)
    if timezone.localdate() > found.observations_until and party != found.party:
        raise ActionRefusedError(
            f"Le délai d’observations est passé depuis le {day(found.observations_until)}{NBSP}: "
            "écrivez à la partie qui décide."
        )
    made = Observation.objects.create(termination=found, party=party, text=text, by=by)
    publish("contracts.termination_observed", key=str(made.pk), observation_id=made.pk)
    return made


def awaited_observations(termination: Termination) -> list[str]:
    """The other parties, in words, that may still answer and have not."""
    if timezone.localdate() > termination.observations_until:
        return []
    wrote = {one.party for one in termination.observations.all()}
    parties = PARTIES_OF[termination.contract.form]
    return [PARTY_LABELS[one] for one in parties if one not in {*wrote, termination.party}]


@transaction.atomic
def decide(termination: Termination, *, decision: str, ends_on: date, by: User) -> Termination:
    """The party that asked for the end decides it, once the others have had their say.

    The contract's last day changes and its schedule is settled to the day.
    """
    found = _open(termination, by)
    contract = found.contract
    if rules.party_of(contract, by) != found.party:
        raise PermissionDenied("La partie qui a notifié la résiliation la décide.")
    if waited := awaited_observations(found):
        raise ActionRefusedError(
            f"{' et '.join(waited)}{NBSP}: observations attendues jusqu’au "
            f"{day(found.observations_until)}. Décidez après ce jour, ou une fois qu’elles sont "
            "données."
        )
    decision = _text(decision, "Écrivez la décision et ce qui la motive")
    if ends_on < found.ends_on:
        raise ActionRefusedError(
            f"La fin notifiée est le {day(found.ends_on)}{NBSP}: la décision peut la reporter, pas "
            "l’avancer."
        )
    if (
        contract.drafts.under_way()
        .filter(purpose=Draft.Purpose.AMENDMENT, state=Draft.State.TO_SIGN)
        .exists()
    ):
        raise ActionRefusedError(
            "Un avenant est à signer pour ce contrat : attendez sa signature, ou rouvrez-le, puis "
            "décidez."
        )
    today = timezone.localdate()
    foreseen = foresee_end(contract, ends_on, on=today)
    engaging.end_contract(contract, ends_on, as_of=today, by=by)
    found.state, found.decision, found.ends_on = State.CONFIRMED, decision, ends_on
    found.decided_on, found.decided_by = today, by
    found.letters["decision"] = _decision_letter(found, foreseen)
    found.save()
    publish("contracts.termination_letter", key=f"{found.pk}:decision", termination_id=found.pk)
    return found


@transaction.atomic
def withdraw(termination: Termination, reason: str, *, by: User) -> Termination:
    """The party that asked for the end gives it up."""
    found = _open(termination, by)
    if rules.party_of(found.contract, by) != found.party:
        raise PermissionDenied("La partie qui a notifié la résiliation peut l’abandonner.")
    found.decision = _text(reason, "Dites pourquoi la résiliation est abandonnée")
    found.state, found.decided_on, found.decided_by = State.WITHDRAWN, timezone.localdate(), by
    found.save()
    publish("contracts.termination_withdrawn", key=str(found.pk), termination_id=found.pk)
    return found


def _text(text: str, wanted: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_TEXT:
        raise ActionRefusedError(f"{wanted}, en {LONGEST_TEXT} signes au plus.")
    return text


def _open(termination: Termination, by: User) -> Termination:
    contract = _held(termination.contract_id, by)
    found = Termination.objects.get(pk=termination.pk)
    found.contract = contract
    if found.state != State.NOTIFIED:
        raise AlreadyDoneError(
            f"Cette résiliation est déjà {found.get_state_display().lower()}{NBSP}: rechargez la "
            "page."
        )
    return found


def _held(pk: int, by: User) -> Contract:
    """The contract, locked, for somebody who speaks for one of its parties."""
    totals.lock(pk)
    contract = Contract.objects.select_related("community", "ars", "cpam").get(pk=pk)
    if not rules.may_commit(contract, by):
        raise PermissionDenied(
            "Un responsable de la CPTS, un agent de l’ARS ou de la CPAM du contrat peut le faire."
        )
    still_holds_their_role(by)
    return contract


# --- Letters --------------------------------------------------------------------------------------


def name_of(contract: Contract, party: str) -> str:
    """The party as letters name it."""
    if party == CPTS:
        return contract.title
    body = contract.cpam if party == CPAM else contract.ars
    return body.name if body else PARTY_LABELS[party]


def _letter(found: Termination, number: str, title: str) -> dict[str, Any]:
    contract = found.contract
    others = [one for one in PARTIES_OF[contract.form] if one != found.party]
    return {
        "number": number,
        "title": title,
        "author": name_of(contract, found.party),
        "to": [name_of(contract, one) for one in others],
        "reference": contract.reference or "",
        "project": contract.title,
        "created_at": timezone.now().isoformat(),
    }


def _notice_letter(found: Termination, number: str) -> dict[str, Any]:
    contract = found.contract
    return _letter(found, number, "Notification de résiliation") | {
        "subject": f"Résiliation du contrat {contract.reference}",
        "facts": [
            ["Motif", found.get_ground_display()],
            ["Notifiée le", day(found.notified_on)],
            ["Observations jusqu’au", day(found.observations_until)],
            ["Dernier jour demandé", day(found.ends_on)],
        ],
        "paragraphs": [
            (
                f"{name_of(contract, found.party)} notifie aux autres parties son intention de "
                f"mettre fin au contrat signé le {day(contract.signed_on or found.notified_on)}, "
                f"qui court jusqu’au {day(contract.ends_on or found.ends_on)}."
            ),
            (
                "Chaque partie peut présenter ses observations sur le portail jusqu’au "
                f"{day(found.observations_until)}. La décision est prise ensuite."
            ),
        ],
        "reasons": [french_spaces(one) for one in found.reason.splitlines() if one.strip()],
        "signed": f"{found.opened_by}, le {day(found.notified_on)}",
    }


def _decision_letter(found: Termination, foreseen: EndForeseen | None) -> dict[str, Any]:
    contract = found.contract
    number = f"{found.letters['notice']['number']}-D"
    facts = [
        ["Motif", found.get_ground_display()],
        ["Notifiée le", day(found.notified_on)],
        ["Décidée le", day(found.decided_on or found.notified_on)],
        ["Dernier jour du contrat", day(found.ends_on)],
    ]
    if foreseen is not None:
        facts += money_facts(foreseen)
    said = [
        f"{PARTY_LABELS[one.party]}, le {day(timezone.localdate(one.at))}{NBSP}: "
        f"{french_spaces(' '.join(one.text.split()))}"
        for one in found.observations.all()
    ]
    return _letter(found, number, "Résiliation du contrat") | {
        "is_decision": True,
        "subject": f"Fin du contrat {contract.reference} le {day(found.ends_on)}",
        "facts": facts,
        "paragraphs": [
            (
                f"Le contrat prend fin le {day(found.ends_on)} au soir. Les montants sont comptés "
                "au jour près jusqu’à cette date."
            ),
            *(said or ["Aucune observation n’a été présentée."]),
        ],
        "reasons": [french_spaces(one) for one in found.decision.splitlines() if one.strip()],
        "signed": f"{found.decided_by}, le {day(found.decided_on or found.notified_on)}",
    }


def money_facts(foreseen: EndForeseen) -> list[list[str]]:
    """The money of an early end in words: each label and its amount."""
    return [
        ["Prévu jusqu’au terme signé, au plus", euros(foreseen.planned_before)],
        ["Prévu jusqu’à cette fin, au plus", euros(foreseen.planned)],
        ["Versé", euros(foreseen.paid)],
        ["Reste à verser, hors part variable", euros(foreseen.to_pay)],
        ["À reverser par la CPTS", euros(foreseen.to_repay)],
    ]


# --- The sweep ------------------------------------------------------------------------------------


def follow_ends(*, today: date | None = None) -> None:
    """Open the campaigns that are due, remind of those without a sequel, close what has ended.

    Run again, it does nothing more.
    """
    today = today or timezone.localdate()
    open_campaigns(today)
    remind(today)
    expire(today)


def open_campaigns(today: date) -> list[Renewal]:
    """One for each contract in force whose last day is near, and which nobody has terminated."""
    limit = add_months(today, ending_rules().renewal_months[0])
    near = Contract.objects.filter(
        state=CaseState.ACCEPTED, ends_on__gte=today, ends_on__lte=limit, agreed_ends_on=None
    ).order_by("pk")
    made = []
    for contract in near.iterator():
        with transaction.atomic():
            renewal, created = Renewal.objects.get_or_create(
                contract=contract, ends_on=contract.ends_on
            )
            if created:
                publish(
                    "contracts.renewal_due", key=f"{renewal.pk}:0", renewal_id=renewal.pk, step=0
                )
                made.append(renewal)
    return made


def remind(today: date) -> None:
    """Tell the parties again, at each later term, of a contract that nothing follows yet."""
    for step, months in enumerate(ending_rules().renewal_months[1:], start=1):
        waiting = Renewal.objects.filter(
            successor=None,
            contract__state=CaseState.ACCEPTED,
            contract__agreed_ends_on=None,
            ends_on__gte=today,
            ends_on__lte=add_months(today, months),
        )
        for pk, opened_at, ends_on in waiting.values_list("pk", "opened_at", "ends_on"):
            # One opened late has just told them.
            if add_months(timezone.localdate(opened_at), months) > ends_on:
                continue
            with transaction.atomic():
                publish("contracts.renewal_due", key=f"{pk}:{step}", renewal_id=pk, step=step)


def expire(today: date) -> int:
    """Close the contracts whose last day has passed; how many."""
    over = Contract.objects.filter(state=CaseState.ACCEPTED, ends_on__lt=today).order_by("pk")
    closed = 0
    for contract in over:
        with transaction.atomic():
            how = "fin anticipée" if contract.agreed_ends_on else "arrivé à son terme"
            try:
                perform(contract, "close", actor=None, comment=f"Dernier jour passé{NBSP}: {how}.")
            except AlreadyDoneError:
                continue
            if _is_gone(contract, today):
                let_go(contract.community)
            publish("contracts.contract_ended", key=str(contract.pk), contract_id=contract.pk)
            closed += 1
    return closed


def _is_gone(contract: Contract, today: date) -> bool:
    """Whether its CPTS stopped with it: merged into another, split or dissolved."""
    sides = ReorganisedCommunity.objects.filter(
        community=contract.community_id, reorganisation__effective_on__lte=today
    )
    latest = sides.order_by("-reorganisation").values_list("reorganisation", flat=True).first()
    found = set(sides.filter(reorganisation=latest).values_list("side", flat=True))
    return found == {ReorganisedCommunity.Side.BEFORE}
