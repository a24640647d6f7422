"""Amendments: those that national rates bring to all contracts at once."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from contracts.models.contracts import Contract, ContractVersion
from contracts.models.rates import RateTable


class NationalAmendment(models.Model):
    """Published rates brought to every contract: counted first, then applied, once each.

    `rates` are all those published when it was prepared, as `contracts.storing` writes them: what
    was counted is what is applied, whatever is published meanwhile. `legal_basis` is the text
    that makes them hold without the parties signing again.
    """

    class Status(models.TextChoices):
        COUNTING = "counting", "Aperçu en préparation"
        READY = "ready", "Prêt à appliquer"
        RUNNING = "running", "En cours d’application"
        DONE = "done", "Appliqué"
        ABANDONED = "abandoned", "Abandonné"

    table = models.ForeignKey(
        RateTable, models.PROTECT, related_name="amendments", verbose_name="table de tarifs"
    )
    effective_on = models.DateField("prend effet le")
    legal_basis = models.CharField("texte qui l’impose", max_length=300)
    rates = models.JSONField("tarifs")
    status = models.CharField("état", max_length=10, choices=Status, default=Status.COUNTING)
    # How many pieces of work were asked of the worker: each is asked once.
    steps = models.PositiveIntegerField("étapes", default=0)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    created_at = models.DateTimeField("préparé le", default=timezone.now)
    started_by = models.ForeignKey(
        User, models.RESTRICT, null=True, related_name="+", verbose_name="appliqué par"
    )
    # The day what had fallen due stopped changing, whenever the work ends.
    applied_on = models.DateField("appliqué le", null=True)
    finished_at = models.DateTimeField("terminé le", null=True)

    class Meta:
        verbose_name = "avenant national"
        verbose_name_plural = "avenants nationaux"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["table"],
                condition=~Q(status="abandoned"),
                name="national_amendment_one_for_a_table",
                violation_error_message="Ces tarifs ont déjà leur avenant national.",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["running", "done"])
                | Q(started_by__isnull=False, applied_on__isnull=False),
                name="national_amendment_started_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(legal_basis=""), name="national_amendment_has_a_legal_basis"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table.label}, à partir du {self.effective_on:%d/%m/%Y}"


class NationalAmendmentItem(models.Model):
    """A contract in a national amendment: what it changes there, or why it does not apply.

    `before` and `after` are what the schedule plans over the whole contract, in euros.
    """

    class Outcome(models.TextChoices):
        PLANNED = "planned", "À appliquer"
        EXCEPTION = "exception", "Exception"
        APPLIED = "applied", "Appliqué"

    class Reason(models.TextChoices):
        UNSIGNED = "unsigned", "Contrat pas encore signé"
        ENDED = "ended", "Contrat qui finit avant"
        CPOM = "cpom", "CPOM, hors des tarifs de l’accord"
        NO_SCHEDULE = "no_schedule", "Pas d’échéancier"
        NO_RATE = "no_rate", "Tarif manquant ou à confirmer"
        OPEN_AMENDMENT = "open_amendment", "Avenant en cours"
        UNCHANGED = "unchanged", "Aucun montant ne change"
        FAILED = "failed", "Erreur du portail"

    amendment = models.ForeignKey(NationalAmendment, models.CASCADE, related_name="items")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="national_amendments")
    outcome = models.CharField("état", max_length=10, choices=Outcome)
    reason = models.CharField("motif", max_length=15, choices=Reason, blank=True)
    # The reason for this contract, and what to do.
    detail = models.TextField("précision", blank=True)
    before = models.DecimalField("avant", max_digits=12, decimal_places=2, null=True)
    after = models.DecimalField("après", max_digits=12, decimal_places=2, null=True)
    version = models.OneToOneField(
        ContractVersion, models.PROTECT, null=True, related_name="national_item"
    )

    class Meta:
        verbose_name = "contrat d’un avenant national"
        verbose_name_plural = "contrats d’un avenant national"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["amendment", "contract"], name="national_amendment_each_contract_once"
            ),
            models.CheckConstraint(
                condition=Q(outcome="applied", version__isnull=False)
                | (~Q(outcome="applied") & Q(version__isnull=True)),
                name="national_amendment_applied_is_a_version",
            ),
            models.CheckConstraint(
                condition=Q(outcome="exception") ^ Q(reason=""),
                name="national_amendment_exception_has_a_reason",
            ),
        ]
        indexes = [
            models.Index(fields=["amendment", "outcome", "id"], name="national_items_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.amendment_id} {self.contract_id}"
