"""A national amendment: published rates brought to every contract, counted, applied, resumable.

The worker does it by pieces of `CHUNK` contracts, each in one transaction with the row of the
outbox that asked for it: a worker killed in the middle of a piece leaves no trace of it, and the
next one begins it again. A contract has one row in an amendment, and its version hangs on it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from contracts import rules
from contracts.amendments import sending
from contracts.amendments.following import when_given_up, when_in_force
from contracts.amendments.signing import rounds_of
from contracts.funding import engaging, ratebook, totals
from contracts.funding.schedule import Line, amend, compute_schedule, with_rates
from contracts.funding.storing import line_from_row, rates_as_data, rates_from_data
from contracts.models import (
    Contract,
    ContractVersion,
    Draft,
    NationalAmendment,
    NationalAmendmentItem,
    RateTable,
)
from contracts.signing.signers import left_of
from contracts.terms import PARTY_LABELS
from cpts_portal.words import NBSP, day, euros
from notifications.services import About, notify
from outbox.registry import handles
from outbox.services import publish
from procedures import rates as procedure_rates
from workflow.notices import Told, team_of, tell
from workflow.services import ActionRefusedError
from workflow.states import CaseState

logger = logging.getLogger(__name__)

CHUNK: Final = 25
Status = NationalAmendment.Status
Outcome = NationalAmendmentItem.Outcome
Reason = NationalAmendmentItem.Reason
_HANDLER: Final = "contracts.national_step"
# The contracts an amendment has reached: their parties are told.
_REACHED: Final = (Outcome.TO_SIGN, Outcome.APPLIED)


# --- Asking ---------------------------------------------------------------------------------------


def prepare(
    table: RateTable, *, legal_basis: str, by: User, way: str = NationalAmendment.Way.BY_LAW
) -> NationalAmendment:
    """Begin to count what published rates would change; `way` is how they come to bind the parties.

    Raises PermissionDenied, or ActionRefusedError for rates that are not in force or have their
    amendment already.
    """
    if not rules.may_amend_nationally(by):
        raise PermissionDenied
    legal_basis = " ".join(legal_basis.split())
    if not legal_basis or len(legal_basis) > 300:
        raise ActionRefusedError(
            "Écrivez en 300 signes au plus le texte qui porte ces tarifs : sa nature, sa date, sa "
            "publication."
        )
    published = ratebook.published_rates()
    if table.status != RateTable.Status.PUBLISHED or published is None:
        raise ActionRefusedError(
            "Cette table n’est pas publiée : publiez-la avant de préparer son avenant."
        )
    try:
        with transaction.atomic():
            made = NationalAmendment.objects.create(
                table=table,
                effective_on=table.valid_from,
                way=way,
                legal_basis=legal_basis,
                rates=rates_as_data(published),
                created_by=by,
            )
            _ask(made)
    except IntegrityError as refused:
        if "national_amendment_one_for_a_table" not in str(refused):
            raise
        raise ActionRefusedError(
            "Ces tarifs ont déjà leur avenant national : ouvrez-le dans la liste."
        ) from refused
    return made


def start(amendment: NationalAmendment, *, by: User) -> NationalAmendment:
    """Apply what was counted. Raises PermissionDenied, or ActionRefusedError when it cannot be."""
    if not rules.may_amend_nationally(by):
        raise PermissionDenied
    with transaction.atomic():
        amendment = _locked(amendment.pk)
        if amendment.status != Status.READY:
            raise ActionRefusedError(_not_now(amendment))
        if amendment.table.status != RateTable.Status.PUBLISHED:
            raise ActionRefusedError(
                "Une autre table a remplacé celle-ci depuis l’aperçu : abandonnez cet avenant et "
                "préparez celui de la nouvelle table."
            )
        amendment.status, amendment.started_by = Status.RUNNING, by
        amendment.applied_on = timezone.localdate()
        amendment.save(update_fields=["status", "started_by", "applied_on"])
        _ask(amendment)
    return amendment


def try_exceptions_again(amendment: NationalAmendment, *, by: User) -> NationalAmendment:
    """Look again at the contracts that were exceptions, now that something may have changed."""
    if not rules.may_amend_nationally(by):
        raise PermissionDenied
    with transaction.atomic():
        amendment = _locked(amendment.pk)
        if amendment.status != Status.DONE:
            raise ActionRefusedError(_not_now(amendment))
        amendment.items.filter(outcome=Outcome.EXCEPTION).update(
            outcome=Outcome.PLANNED, reason="", detail=""
        )
        amendment.status, amendment.finished_at = Status.RUNNING, None
        amendment.save(update_fields=["status", "finished_at"])
        _ask(amendment)
    return amendment


def abandon(amendment: NationalAmendment, *, by: User) -> None:
    """Give up an amendment that has changed no contract yet."""
    if not rules.may_amend_nationally(by):
        raise PermissionDenied
    with transaction.atomic():
        amendment = _locked(amendment.pk)
        if amendment.status not in {Status.COUNTING, Status.READY}:
            raise ActionRefusedError(_not_now(amendment))
        amendment.status = Status.ABANDONED
        amendment.save(update_fields=["status"])


def _not_now(amendment: NationalAmendment) -> str:
    state = amendment.state_label.lower()
    return f"Cet avenant est {state}{NBSP}: rechargez la page pour voir où il en est."


def _locked(pk: int) -> NationalAmendment:
    found = NationalAmendment.objects.select_for_update(of=("self",)).select_related("table")
    return found.get(pk=pk)


def _ask(amendment: NationalAmendment) -> None:
    """Ask the worker for the next piece. The caller holds the lock."""
    amendment.steps += 1
    amendment.save(update_fields=["steps"])
    publish(_HANDLER, key=f"{amendment.pk}:{amendment.steps}", amendment_id=amendment.pk)


# --- The work -------------------------------------------------------------------------------------


@handles(_HANDLER)
@transaction.atomic
def do_a_piece(*, amendment_id: int) -> None:
    """Count or apply the next contracts, and ask for what is left."""
    amendment = _locked(amendment_id)
    if amendment.status == Status.COUNTING:
        is_over = not _count(amendment)
        if is_over:
            amendment.status = Status.READY
    elif amendment.status == Status.RUNNING:
        is_over = not _apply(amendment)
        if is_over:
            amendment.status, amendment.finished_at = Status.DONE, timezone.now()
            key = f"{amendment.pk}:{amendment.steps}"
            publish("contracts.national_done", key=key, amendment_id=amendment_id)
    else:
        return
    if is_over:
        amendment.save(update_fields=["status", "finished_at"])
    else:
        _ask(amendment)


def _count(amendment: NationalAmendment) -> bool:
    """Whether some contracts were left to count."""
    seen = amendment.items.order_by("-contract_id").values_list("contract_id", flat=True).first()
    contracts = list(
        Contract.objects.filter(pk__gt=seen or 0)
        .exclude(state=CaseState.WITHDRAWN)
        .order_by("pk")[:CHUNK]
    )
    rates = rates_from_data(amendment.rates)
    on = timezone.localdate()
    items = []
    for contract in contracts:
        found = foresee(
            contract, rates, amendment.effective_on, on, is_to_sign=amendment.is_to_sign
        )
        items.append(
            NationalAmendmentItem(
                amendment=amendment,
                contract=contract,
                outcome=Outcome.EXCEPTION if found.reason else Outcome.PLANNED,
                reason=found.reason,
                detail=found.detail,
                before=found.before,
                after=found.after,
            )
        )
    NationalAmendmentItem.objects.bulk_create(items)
    return bool(contracts)


def _apply(amendment: NationalAmendment) -> bool:
    """Whether some contracts were left to amend."""
    waiting = amendment.items.filter(outcome=Outcome.PLANNED).order_by("pk")
    items = list(waiting.select_for_update(of=("self",))[:CHUNK])
    rates = rates_from_data(amendment.rates)
    for item in items:
        try:
            with transaction.atomic():
                _amend(amendment, item, rates)
        except Exception:
            # One contract must not hold up the others; its number alone is logged.
            logger.exception("National amendment %s: contract %s", amendment.pk, item.contract_id)
            item.outcome, item.reason = Outcome.EXCEPTION, Reason.FAILED
            item.version = item.draft = None
            item.detail = (
                "Le portail n’a pas pu modifier ce contrat ; rien n’y a changé. Reprenez les "
                "exceptions, et prévenez l’exploitant si l’erreur revient."
            )
        item.save(
            update_fields=["outcome", "reason", "detail", "before", "after", "version", "draft"]
        )
    return bool(items)


def _amend(
    amendment: NationalAmendment, item: NationalAmendmentItem, rates: procedure_rates.RateTable
) -> None:
    totals.lock(item.contract_id)
    contract = Contract.objects.get(pk=item.contract_id)
    on = amendment.applied_on or timezone.localdate()
    found = foresee(contract, rates, amendment.effective_on, on, is_to_sign=amendment.is_to_sign)
    item.before, item.after = found.before, found.after
    item.reason, item.detail = found.reason, found.detail
    if found.reason:
        item.outcome = Outcome.EXCEPTION
        return
    by = amendment.started_by or amendment.created_by
    if amendment.is_to_sign:
        item.draft = sending.send(
            contract,
            rates,
            effective_on=amendment.effective_on,
            legal_basis=amendment.legal_basis,
            by=by,
        )
        item.outcome = Outcome.TO_SIGN
        # An exception looked at again tells of its new draft.
        key = f"{item.pk}:{item.draft.pk}"
        publish("contracts.tell_national", key=key, item_id=item.pk)
        return
    item.version = engaging.apply_rates(
        contract, rates, effective_on=amendment.effective_on, signed_on=on, by=by
    )
    item.outcome = Outcome.APPLIED
    publish("contracts.tell_national", key=str(item.pk), item_id=item.pk)


# --- What became of the amendment of a contract ---------------------------------------------------


def _note_signed(draft: Draft, version: ContractVersion) -> None:
    NationalAmendmentItem.objects.filter(draft=draft).update(
        outcome=Outcome.APPLIED, version=version
    )


def _note_given_up(draft: Draft, party: str, reason: str) -> None:
    """An exception: of a party that would not have it, or of a contract that has ended."""
    why, detail = Reason.ENDED, reason
    if party:
        why = Reason.DROPPED
        detail = (
            f"{PARTY_LABELS[party]}{NBSP}: «{NBSP}{reason}{NBSP}». Reprendre les exceptions "
            "en enverrait un autre."
        )
    NationalAmendmentItem.objects.filter(draft=draft).update(
        outcome=Outcome.EXCEPTION, reason=why, detail=detail
    )


when_in_force(_note_signed)
when_given_up(_note_given_up)


# --- One contract ---------------------------------------------------------------------------------


class Foreseen(NamedTuple):
    """What rates change in a contract, in euros over its whole length; or why they do not."""

    before: Decimal | None = None
    after: Decimal | None = None
    reason: str = ""
    detail: str = ""
    lines_before: tuple[Line, ...] = ()
    lines_after: tuple[Line, ...] = ()


def foresee(
    contract: Contract,
    rates: procedure_rates.RateTable,
    effective_on: date,
    on: date,
    *,
    is_to_sign: bool = False,
) -> Foreseen:
    """What a contract would become at these rates from a day on, were they applied on `on`.

    With `is_to_sign`, what keeps its parties from signing them is a reason too.
    """
    if refused := _stands_aside(contract, effective_on):
        return refused
    found = _at_these_rates(contract, rates, effective_on, on)
    if is_to_sign and not found.reason and (why := sending.hindrance(contract, effective_on)):
        return Foreseen(found.before, None, *why)
    return found


def _at_these_rates(
    contract: Contract, rates: procedure_rates.RateTable, effective_on: date, on: date
) -> Foreseen:
    current = contract.schedules.current().first()
    if current is None:
        return Foreseen(
            reason=Reason.NO_SCHEDULE,
            detail=(
                "Signé hors portail avec des tarifs inconnus : la CPAM établit d’abord son "
                "échéancier avec les tarifs publiés."
            ),
        )
    lines = tuple(line_from_row(one) for one in current.lines.all())
    before = _total(lines)
    engagement = engaging.engagement_of(contract)
    terms = with_rates(engagement.terms, effective_on, rates)
    worked_out = compute_schedule(replace(engagement, terms=terms))
    if worked_out.problems:
        return Foreseen(before, None, Reason.NO_RATE, " ".join(worked_out.problems))
    after = amend(lines, worked_out.lines, max(on, current.as_of))
    if _amounts(after) == _amounts(lines):
        return Foreseen(
            before,
            before,
            Reason.UNCHANGED,
            "Les tarifs de sa taille et de ses missions sont les mêmes : aucun avenant à faire.",
            lines,
            lines,
        )
    return Foreseen(before, _total(after), "", "", lines, after)


def _stands_aside(contract: Contract, effective_on: date) -> Foreseen | None:
    if not contract.is_signed or contract.ends_on is None:
        return Foreseen(
            reason=Reason.UNSIGNED,
            detail="Le contrat n’est pas encore signé : il le sera aux tarifs publiés ce jour-là.",
        )
    if contract.form == Contract.Form.CPOM:
        return Foreseen(
            reason=Reason.CPOM,
            detail="Un CPOM a ses propres montants : ces tarifs ne le concernent pas.",
        )
    if contract.state == CaseState.CLOSED or contract.ends_on < effective_on:
        return Foreseen(
            reason=Reason.ENDED,
            detail=(
                f"Le contrat finit le {day(contract.ends_on)}, avant le {day(effective_on)}."
                if contract.ends_on < effective_on
                else f"Le contrat a pris fin le {day(contract.ends_on)}."
            ),
        )
    if contract.drafts.under_way().filter(purpose=Draft.Purpose.AMENDMENT).exists():
        return Foreseen(
            reason=Reason.OPEN_AMENDMENT,
            detail=(
                "Un avenant est en cours entre les parties : une fois signé ou abandonné, reprenez "
                "les exceptions."
            ),
        )
    return None


def _total(lines: Sequence[Line]) -> Decimal:
    return sum((one.amount for one in lines), start=Decimal("0.00"))


def _amounts(lines: Sequence[Line]) -> list[tuple[date, tuple[int, str, str], Decimal]]:
    return sorted((one.due_on, one.key, one.amount) for one in lines)


class Change(NamedTuple):
    """What a contract plans for one of its years and one mission, before and after, in euros."""

    year: int
    mission: str
    before: Decimal
    after: Decimal


def read_items(
    amendment: NationalAmendment, outcome: str, reason: str, region: str
) -> QuerySet[NationalAmendmentItem]:
    """The contracts of an amendment by name, filtered; an empty filter keeps everything."""
    found = amendment.items.select_related("contract__region", "draft")
    if outcome in Outcome.values:
        found = found.filter(outcome=outcome)
    if reason in Reason.values:
        found = found.filter(reason=reason)
    if region:
        found = found.filter(contract__region=region)
    return found.order_by("contract__title", "pk")


def changes_of(item: NationalAmendmentItem) -> list[Change]:
    """Year by year and mission by mission, what an amendment changes in a contract.

    Of one that is applied: from the schedule it found to the one it left.
    """
    if item.version_id:
        made = item.contract.schedules.filter(version=item.version_id).order_by("number")[0]
        found = item.contract.schedules.get(number=made.number - 1)
        before = [line_from_row(one) for one in found.lines.all()]
        after = [line_from_row(one) for one in made.lines.all()]
    else:
        rates = rates_from_data(item.amendment.rates)
        on = item.amendment.applied_on or timezone.localdate()
        foreseen = _at_these_rates(item.contract, rates, item.amendment.effective_on, on)
        before, after = list(foreseen.lines_before), list(foreseen.lines_after)
    return _changes(before, after)


def _changes(before: Sequence[Line], after: Sequence[Line]) -> list[Change]:
    sums: dict[tuple[int, str], list[Decimal]] = {}
    for rank, lines in enumerate((before, after)):
        for one in lines:
            sums.setdefault((one.year, one.mission), [Decimal(0), Decimal(0)])[rank] += one.amount
    return [
        Change(year, mission, *found)
        for (year, mission), found in sums.items()
        if found[0] != found[1]
    ]


class Signing(NamedTuple):
    """Who signed the amendment of a contract, and whose signature is awaited, in words."""

    done: tuple[str, ...]
    waiting: tuple[str, ...]


def signing_of(item: NationalAmendmentItem) -> Signing | None:
    """Who signed the amendment of a contract, and who has not; None before they are called."""
    if item.draft is None:
        return None
    rounds = rounds_of(item.draft)
    if not rounds:
        return None
    signers = {
        one.pk: f"{one.name} pour {one.get_party_display()}"
        for one in rounds[0].signers.order_by("position", "pk")
    }
    left = {one.pk for one in left_of(rounds[0])}
    return Signing(
        tuple(said for pk, said in signers.items() if pk not in left),
        tuple(said for pk, said in signers.items() if pk in left),
    )


# --- Telling --------------------------------------------------------------------------------------


@handles("contracts.tell_national")
def tell_team(*, item_id: int) -> None:
    """Tell the team of a CPTS what the national amendment changes in its contract."""
    item = NationalAmendmentItem.objects.select_related(
        "amendment__table", "contract__community", "contract__office"
    ).get(pk=item_id)
    contract = item.contract
    tell(
        contract,
        "contract_amended",
        key=f"national:{item.pk}:{item.draft_id}" if item.draft_id else f"national:{item.pk}",
        to=team_of(contract),
        template="contracts/national_team_to_sign" if item.draft_id else "contracts/national_team",
        context={
            "label": item.amendment.table.label,
            "effective_on": day(item.amendment.effective_on),
            "legal_basis": item.amendment.legal_basis,
            "before": euros(item.before or Decimal(0)),
            "after": euros(item.after or Decimal(0)),
        },
        path=reverse("amendments:amendment", args=[contract.public_id, item.draft_id])
        if item.draft_id
        else reverse("contract-desk:contract", args=[contract.public_id]),
    )


@handles("contracts.national_done")
def tell_offices(*, amendment_id: int) -> None:
    """Tell each CPAM and agency, once, how many of its contracts were amended, or are to be."""
    amendment = NationalAmendment.objects.select_related("table").get(pk=amendment_id)
    # Looking at the exceptions again for nothing tells nobody anything new.
    key = f"national-done:{amendment.pk}:{amendment.items.filter(outcome__in=_REACHED).count()}"
    for body, count in _counts_by_office(amendment):
        people: list[Told] = list(_people_of(body)) or [body]
        for person in people:
            notify(
                "contract_amended",
                key=key,
                to=person,
                about=About(name=body.name),
                template="contracts/national_office_to_sign"
                if amendment.is_to_sign
                else "contracts/national_office",
                context={
                    "label": amendment.table.label,
                    "effective_on": day(amendment.effective_on),
                    "legal_basis": amendment.legal_basis,
                    "contracts": f"{count}{NBSP}contrat{'s' if count > 1 else ''}",
                },
                path=reverse("contracts:board"),
                body=body,
            )


def _people_of(body: Organisation) -> QuerySet[User]:
    held = Membership.objects.filter(organisation=body, is_active=True, role__in=rules.WRITERS)
    return User.objects.filter(memberships__in=held, is_active=True).distinct().order_by("pk")


def _counts_by_office(amendment: NationalAmendment) -> list[tuple[Organisation, int]]:
    counts: dict[int, int] = {}
    reached = amendment.items.filter(outcome__in=_REACHED)
    for pair in reached.values_list("contract__cpam_id", "contract__ars_id"):
        for pk in {one for one in pair if one}:
            counts[pk] = counts.get(pk, 0) + 1
    bodies = Organisation.objects.filter(pk__in=counts).order_by("pk")
    return [(body, counts[body.pk]) for body in bodies]


# --- Reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegionSum:
    """A région in an amendment: its contracts to apply or applied, and what they plan, in euros."""

    code: str
    name: str
    contracts: int
    exceptions: int
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


_BY_REGION: Final = """
    SELECT region.code, region.name, count(*) FILTER (WHERE item.outcome <> 'exception'),
           count(*) FILTER (WHERE item.outcome = 'exception'),
           coalesce(sum(item.before) FILTER (WHERE item.outcome <> 'exception'), 0),
           coalesce(sum(item.after) FILTER (WHERE item.outcome <> 'exception'), 0)
      FROM contracts_nationalamendmentitem AS item
      JOIN workflow_case AS one ON one.id = item.contract_id
      JOIN territories_region AS region ON region.code = one.region_id
     WHERE item.amendment_id = %s
     GROUP BY region.code, region.name ORDER BY region.name
"""


def sums_by_region(amendment: NationalAmendment) -> list[RegionSum]:
    """Each région, the whole country last when there are several; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_REGION, [amendment.pk])
        found = [RegionSum(*row) for row in cursor.fetchall()]
    if len(found) < 2:
        return found
    whole = RegionSum(
        "",
        "France",
        sum(one.contracts for one in found),
        sum(one.exceptions for one in found),
        sum((one.before for one in found), Decimal(0)),
        sum((one.after for one in found), Decimal(0)),
    )
    return [*found, whole]


def counts_of(amendment: NationalAmendment) -> Mapping[str, int]:
    """How many contracts have each outcome, and each reason; in one query."""
    counts: dict[str, int] = dict.fromkeys([*Outcome.values, *Reason.values], 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT outcome, reason, count(*) FROM contracts_nationalamendmentitem"
            " WHERE amendment_id = %s GROUP BY outcome, reason",
            [amendment.pk],
        )
        for outcome, reason, count in cursor.fetchall():
            counts[outcome] += count
            if reason:
                counts[reason] += count
    return counts


@dataclass(frozen=True)
class Progress:
    """How far the work is: contracts done, out of how many, and a sentence."""

    done: int
    total: int
    label: str


def progress_of(amendment: NationalAmendment, counts: Mapping[str, int]) -> Progress:
    """While counting the total is that of all contracts; then that of the amendment."""
    seen = sum(counts[one] for one in Outcome.values)
    if amendment.status == Status.COUNTING:
        total = Contract.objects.exclude(state=CaseState.WITHDRAWN).count()
        return Progress(seen, total, f"Contrats examinés{NBSP}: {seen} sur {total}")
    done = seen - counts[Outcome.PLANNED]
    if amendment.status == Status.DONE and amendment.is_to_sign:
        sent = counts[Outcome.TO_SIGN] + counts[Outcome.APPLIED]
        signed = counts[Outcome.APPLIED]
        return Progress(signed, sent, f"Avenants signés{NBSP}: {signed} sur {sent}")
    return Progress(done, seen, f"Contrats traités{NBSP}: {done} sur {seen}")


EXPORT_HEADINGS: Final = ("Contrat", "CPTS", "Région", "Motif", "Précision")


def exported_exceptions(amendment: NationalAmendment) -> list[list[str]]:
    """The contracts the amendment does not reach, as lines of a file."""
    found = (
        amendment.items.filter(outcome=Outcome.EXCEPTION)
        .select_related("contract__region")
        .order_by("contract__region__name", "contract__title", "pk")
    )
    return [
        [
            one.contract.reference or "",
            one.contract.title,
            one.contract.region.name,
            one.get_reason_display(),
            one.detail,
        ]
        for one in found
    ]
