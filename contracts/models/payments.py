"""What the CPAM paid: never rewritten, cancelled with a reason; and the sums the desks show."""

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils import timezone

from accounts.models import Organisation, User
from contracts.models.contracts import Contract

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

# Above what a contract is ever paid at once: a slip of the hand.
MOST_PAYMENT = Decimal(10_000_000)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def visible_to(self, user: "User | AnonymousUser") -> "PaymentQuerySet":
        """Those of the contracts the person may see."""
        return self.filter(contract__in=Contract.objects.visible_to(user).values("pk"))

    def standing(self) -> "PaymentQuerySet":
        """Those that are not cancelled."""
        return self.filter(cancelled_at__isnull=True)


class Payment(models.Model):
    """A sum that a CPAM paid to a CPTS. Its reference is the CPAM's own, once."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="payments")
    payer = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name="CPAM")
    paid_on = models.DateField("payé le")
    amount = models.DecimalField("montant", max_digits=12, decimal_places=2)
    reference = models.CharField("référence", max_length=60)
    # All that was paid up to that day, for a contract signed before the portal.
    is_before_portal = models.BooleanField("avant le portail", default=False)
    recorded_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="enregistré par"
    )
    recorded_at = models.DateTimeField("enregistré le", default=timezone.now)
    cancelled_at = models.DateTimeField("annulé le", null=True, blank=True)
    cancelled_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="annulé par"
    )
    cancelled_reason = models.CharField("motif de l’annulation", max_length=300, blank=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = "paiement"
        ordering = ["-paid_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, amount__lte=MOST_PAYMENT),
                name="payment_possible_amount",
                violation_error_message="Un paiement va de 0,01 à 10 000 000 €.",
            ),
            models.CheckConstraint(
                condition=Q(reference__regex=r"^\S(.*\S)?$"), name="payment_has_a_reference"
            ),
            models.UniqueConstraint(
                "payer",
                Upper("reference"),
                condition=Q(cancelled_at__isnull=True),
                name="payment_reference_once",
                violation_error_message="Cette CPAM a déjà un paiement de cette référence.",
            ),
            models.CheckConstraint(
                condition=Q(
                    cancelled_at__isnull=True, cancelled_by__isnull=True, cancelled_reason=""
                )
                | (
                    Q(cancelled_at__isnull=False, cancelled_by__isnull=False)
                    & ~Q(cancelled_reason="")
                ),
                name="payment_cancelled_by_someone_for_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["contract", "-paid_on", "-id"], name="payment_of_a_contract"),
            models.Index(fields=["payer", "-paid_on", "-id"], name="payment_of_a_payer"),
        ]

    def __str__(self) -> str:
        return self.reference


class PaymentPart(models.Model):
    """What of a payment goes to a mission and a year of the contract. The rest goes nowhere yet."""

    payment = models.ForeignKey(Payment, models.CASCADE, related_name="parts")
    year = models.PositiveSmallIntegerField("année du contrat")
    mission = models.CharField("mission", max_length=30, blank=True)
    amount = models.DecimalField("montant", max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = "part d’un paiement"
        verbose_name_plural = "parts des paiements"
        constraints = [
            models.UniqueConstraint(
                fields=["payment", "year", "mission"], name="payment_part_once"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_part_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} {self.mission} {self.year}"


class ContractYear(models.Model):
    """What a contract engages and what was paid in a civil year: the sums of its lines.

    Written with each schedule and each payment by `contracts.funding.totals.settle_totals`.
    """

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="money_years")
    year = models.PositiveSmallIntegerField("année civile")
    engaged = models.DecimalField("engagé", max_digits=12, decimal_places=2)
    paid = models.DecimalField("payé", max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = "année d’un contrat"
        verbose_name_plural = "années des contrats"
        constraints = [
            models.UniqueConstraint(fields=["contract", "year"], name="contract_year_once"),
        ]
        indexes = [
            models.Index(
                fields=["year", "contract"], include=["engaged", "paid"], name="contract_year_sums"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.year}"


class ContractDebt(models.Model):
    """What is owed on a contract from a day until another: what has fallen due by then for sure,
    less what was paid. A day without one owes nothing.

    Written beside `ContractYear`: the lines of a thousand contracts took longer to add up than
    all the rest of a desk.
    """

    # The constraint below is its index.
    contract = models.ForeignKey(
        Contract, models.CASCADE, related_name="debts", db_index=False, verbose_name="contrat"
    )
    since = models.DateField("depuis le")
    # The next day something falls due; None: nothing more will.
    until = models.DateField("jusqu’au, exclu", null=True)
    amount = models.DecimalField("reste dû", max_digits=12, decimal_places=2)

    class Meta:
        verbose_name = "reste dû d’un contrat"
        verbose_name_plural = "restes dus des contrats"
        constraints = [
            models.UniqueConstraint(fields=["contract", "since"], name="contract_debt_once_a_day"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="contract_debt_is_owed"),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=F("since")),
                name="contract_debt_days_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.since}"


class PaymentImport(models.Model):
    """A file of payments that was read and waits to be confirmed: nothing of it is written yet."""

    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="payment_imports", verbose_name="CPAM"
    )
    file_name = models.CharField("fichier", max_length=150)
    # Each is `contracts.importing.Row` as JSON.
    rows = models.JSONField("lignes lues", default=list)
    ignored = models.JSONField("colonnes ignorées", default=list)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    created_at = models.DateTimeField("lu le", default=timezone.now)
    closed_at = models.DateTimeField("clos le", null=True, blank=True)

    class Meta:
        verbose_name = "import de paiements"
        verbose_name_plural = "imports de paiements"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(closed_at__isnull=True),
                name="payment_import_one_waiting",
                violation_error_message="Un import attend déjà d’être confirmé.",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name
