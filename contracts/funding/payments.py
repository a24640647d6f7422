"""What the payer records: each payment once, shared out among what is due."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.core.exceptions import PermissionDenied
from django.core.paginator import Page
from django.db import connection, transaction
from django.db.models import Count, Max, Window
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.funding.totals import ZERO, lock, settle_totals
from contracts.models import (
    Contract,
    Payment,
    PaymentPart,
    ScheduleLine,
)
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.paging import page_of
from cpts_portal.words import NBSP, day, euros
from workflow.services import ActionRefusedError

LONGEST_REFERENCE: Final = 60
PAGE_SIZE: Final = 25


# --- Reading --------------------------------------------------------------------------------------

_PAYMENTS: Final = ComposedObjects(
    lambda: (
        Payment.objects.filter(contract_id=Given("contract"))
        .select_related("recorded_by", "cancelled_by")
        .annotate(total=Window(Count("*")))
        .order_by("-paid_on", "-pk")
    )
)


def read_payments(contract: Contract, asked: str | None) -> tuple[list[Payment], Page[Any]]:
    """A page of the payments of a contract, the latest first, in one query."""

    def read(start: int, count: int) -> list[Payment]:
        return _PAYMENTS.objects(start=start, count=count, contract=contract.pk)

    return page_of(read, asked, PAGE_SIZE)


class Part(NamedTuple):
    """What of a payment went to a mission (empty: the operating grant) and a year, in euros."""

    year: int
    mission: str
    amount: Decimal


def parts_of(payments: Sequence[Payment]) -> dict[int, list[Part]]:
    """The parts of each payment by its number; a payment without any is left out. One query."""
    found: dict[int, list[Part]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT payment_id, year, mission, amount FROM contracts_paymentpart"
            " WHERE payment_id = ANY (%s) ORDER BY id",
            [[one.pk for one in payments]],
        )
        for payment, *part in cursor.fetchall():
            found.setdefault(payment, []).append(Part(*part))
    return found


# --- Recording ------------------------------------------------------------------------------------


def allocate_what_was_paid(contract: Contract) -> None:
    """Share out the payments that came before the schedule; one too large stays unallocated."""
    ledger = ledgers_of([contract.pk])[contract.pk]
    parts: list[PaymentPart] = []
    for payment in contract.payments.standing().filter(parts=None).order_by("paid_on", "pk"):
        with suppress(ActionRefusedError):
            parts += [
                PaymentPart(payment=payment, year=year, mission=mission, amount=amount)
                for (year, mission), amount in ledger.share_out(payment.amount).items()
            ]
    PaymentPart.objects.bulk_create(parts)


def clean_reference(text: str) -> str:
    """A payer's reference as it is kept: no spaces around, single ones inside."""
    return " ".join(text.split())


class PaymentRefusedError(ActionRefusedError):
    """A payment that cannot be: `faults` are the sentences, each with what it is wrong in.

    « paid_on », « reference » or « amount ».
    """

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__(" ".join(sentence for _, sentence in faults))
        self.faults = faults


@transaction.atomic
def record_payment(
    contract: Contract,
    *,
    paid_on: date,
    amount: Decimal,
    reference: str,
    by: User,
    mission: str | None = None,
    year: int | None = None,
) -> Payment:
    """Write down a payment, and to which missions and years it goes: the oldest due first.

    `mission` (empty: the operating grant) and `year` narrow where it may go.
    Raises PermissionDenied, or PaymentRefusedError for a payment that cannot be.
    """
    if not rules.may_record_payments(contract, by):
        raise PermissionDenied
    lock(contract.pk)
    reference = clean_reference(reference)
    if refusals := payment_faults(contract, paid_on, reference):
        raise PaymentRefusedError(*refusals)
    parts = ledgers_of([contract.pk])[contract.pk].share_out(amount, mission=mission, year=year)
    payment = Payment.objects.create(
        contract=contract,
        payer=contract.payer,
        paid_on=paid_on,
        amount=amount,
        reference=reference,
        recorded_by=by,
    )
    PaymentPart.objects.bulk_create(
        PaymentPart(payment=payment, year=number, mission=key, amount=part)
        for (number, key), part in parts.items()
    )
    settle_totals(contract)
    return payment


def record_before_portal(
    contract: Contract, paid: Iterable[tuple[date, Decimal]], *, by: User
) -> list[Payment]:
    """What was paid in all before the contract came to the portal, each sum up to its day.

    Shared out as any payment is. The caller has the contract to itself. Raises ActionRefusedError
    for more than it has to pay.
    """
    made: list[Payment] = []
    parts: list[PaymentPart] = []
    ledger = ledgers_of([contract.pk])[contract.pk]
    for on, amount in sorted(paid):
        payment = Payment(
            contract=contract,
            payer=contract.payer,
            paid_on=on,
            amount=amount,
            reference=f"Avant le portail, {contract.reference}, {on:%d/%m/%Y}",
            is_before_portal=True,
            recorded_by=by,
        )
        made.append(payment)
        parts += [
            PaymentPart(payment=payment, year=number, mission=key, amount=part)
            for (number, key), part in ledger.share_out(amount).items()
        ]
    Payment.objects.bulk_create(made)
    PaymentPart.objects.bulk_create(parts)
    if made:
        settle_totals(contract)
    return made


def payment_faults(contract: Contract, paid_on: date, reference: str) -> list[tuple[str, str]]:
    """What is wrong with a payment but its amount: « paid_on » or « reference », the sentence."""
    known = contract.payments.standing().filter(is_before_portal=True)
    known_until = known.aggregate(last=Max("paid_on"))["last"]
    days = day_faults(contract, paid_on, known_until=known_until)
    found = [("paid_on", sentence) for sentence in days]
    found += [("reference", sentence)] if (sentence := reference_fault(reference)) else []
    if not found:
        twin = (
            Payment.objects.standing()
            .filter(payer=contract.payer, reference__iexact=reference)
            .select_related("contract")
            .first()
        )
        found += [("reference", said_twice(twin))] if twin else []
    return found


def day_faults(contract: Contract, paid_on: date, *, known_until: date | None = None) -> list[str]:
    """What is wrong with the day of a payment, as sentences.

    `known_until`: the day up to which what was paid before the portal is written in one sum.
    """
    found = []
    if known_until and paid_on <= known_until:
        found.append(
            f"Ce qui a été payé jusqu’au {day(known_until)} est déjà compté, en un montant repris "
            "avant le portail. Pour détailler ces paiements, annulez d’abord ce montant."
        )
    if paid_on > timezone.localdate():
        found.append(
            f"Le {day(paid_on)} est à venir{NBSP}: écrivez le jour où le paiement a été fait."
        )
    if contract.signed_on and paid_on < contract.signed_on:
        found.append(
            f"Le contrat a été signé le {day(contract.signed_on)}{NBSP}: rien n’a pu être payé le "
            f"{day(paid_on)}. Vérifiez la date, ou le contrat."
        )
    return found


def reference_fault(reference: str) -> str:
    """What is wrong with a reference, cleaned; empty when nothing is."""
    if not reference:
        return f"La référence manque{NBSP}: écrivez celle de votre paiement."
    if len(reference) > LONGEST_REFERENCE:
        return f"La référence dépasse {LONGEST_REFERENCE} signes{NBSP}: raccourcissez-la."
    return ""


def said_twice(twin: Payment) -> str:
    """That a payment of this reference is known."""
    return (
        f"La référence «{NBSP}{twin.reference}{NBSP}» est déjà celle d’un paiement de "
        f"{euros(twin.amount)} du {day(twin.paid_on)}, contrat {twin.contract.reference}. "
        "Un paiement ne s’enregistre qu’une fois."
    )


class Ledger:
    """What a contract has to pay, line after line, and what was paid: payments are shared out."""

    def __init__(
        self,
        lines: Iterable[tuple[int, str, Decimal]],
        paid: Mapping[tuple[int, str], Decimal],
    ) -> None:
        """`lines` are (year, mission, amount) in the order they fall due."""
        self._lines = list(lines)
        self._paid = dict(paid)

    def share_out(
        self, amount: Decimal, *, mission: str | None = None, year: int | None = None
    ) -> dict[tuple[int, str], Decimal]:
        """The years and missions a payment goes to, the oldest due first; it counts as paid then.

        A contract without lines leaves it unallocated. Raises ActionRefusedError for more than
        what is left to pay.
        """
        if not self._lines:
            return {}
        due: dict[tuple[int, str], Decimal] = {}
        given: dict[tuple[int, str], Decimal] = {}
        left = amount
        for number, key, part in self._lines:
            if (mission is not None and key != mission) or (year is not None and number != year):
                continue
            place = (number, key)
            due[place] = due.get(place, ZERO) + part
            wanted = due[place] - self._paid.get(place, ZERO) - given.get(place, ZERO)
            if wanted > 0 and left > 0:
                share = min(wanted, left)
                given[place] = given.get(place, ZERO) + share
                left -= share
        if left > 0:
            here = "" if mission is None and year is None else " là où vous l’affectez"
            refused = (
                f"Ce paiement dépasse de {euros(left)} ce qui reste à payer{here}{NBSP}: "
                f"{euros(amount - left)}. Vérifiez le montant, le contrat et ce qui a déjà été "
                "enregistré."
            )
            raise PaymentRefusedError(("amount", refused))
        for place, part in given.items():
            self._paid[place] = self._paid.get(place, ZERO) + part
        return given


def ledgers_of(contracts: Iterable[int]) -> dict[int, Ledger]:
    """The ledger of each of these contracts, in two queries."""
    asked = list(contracts)
    lines: dict[int, list[tuple[int, str, Decimal]]] = {pk: [] for pk in asked}
    paid: dict[int, dict[tuple[int, str], Decimal]] = {pk: {} for pk in asked}
    for pk, number, key, part in (
        ScheduleLine.objects.filter(schedule__contract__in=asked, schedule__is_current=True)
        # What results may still lower comes after what is sure, on the same day.
        .order_by("due_on", "is_ceiling", "rank")
        .values_list("schedule__contract_id", "year", "mission", "amount")
    ):
        lines[pk].append((number, key, part))
    for pk, number, key, part in PaymentPart.objects.filter(
        payment__contract__in=asked, payment__cancelled_at__isnull=True
    ).values_list("payment__contract_id", "year", "mission", "amount"):
        paid[pk][number, key] = paid[pk].get((number, key), ZERO) + part
    return {pk: Ledger(lines[pk], paid[pk]) for pk in asked}


@transaction.atomic
def cancel_payment(payment: Payment, reason: str, *, by: User) -> Payment:
    """Take back a payment written by mistake: it stays, crossed out, with who did it and why.

    Raises PermissionDenied, or ActionRefusedError without a reason or for one cancelled already.
    """
    contract = Contract.objects.get(pk=payment.contract_id)
    if not rules.may_record_payments(contract, by):
        raise PermissionDenied
    lock(contract.pk)
    payment = Payment.objects.get(pk=payment.pk)
    if payment.cancelled_at is not None:
        raise ActionRefusedError("Ce paiement est déjà annulé.")
    reason = " ".join(reason.split())
    if not reason or len(reason) > 300:
        raise ActionRefusedError(
            "Écrivez en 300 signes au plus pourquoi ce paiement est annulé : le motif reste "
            "visible."
        )
    payment.cancelled_at, payment.cancelled_by = timezone.now(), by
    payment.cancelled_reason = reason
    payment.save(update_fields=["cancelled_at", "cancelled_by", "cancelled_reason"])
    settle_totals(contract)
    return payment
