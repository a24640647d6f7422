"""Amendments: those that national rates bring to all contracts at once."""

from collections.abc import Mapping
from typing import Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from contracts.models.contracts import Contract, ContractVersion
from contracts.models.drafts import Draft
from contracts.models.rates import RateTable


class NationalAmendment(models.Model):
    """Published rates brought to every contract: counted first, then applied, once each.

    `way` says how they come to bind the parties: by the text alone, or by an amendment that each
    contract's parties sign.

    `rates` are all those published when it was prepared, as `contracts.storing` writes them: what
    was counted is what is applied, whatever is published meanwhile. `legal_basis` is the text
    that carries them; it makes them hold without the parties signing again, when it does.
    """

    class Way(models.TextChoices):
        BY_LAW = "by_law", "S’applique de plein droit"
        TO_SIGN = "to_sign", "Chaque contrat reçoit un avenant à signer"

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
    way = models.CharField("effet", max_length=10, choices=Way, default=Way.BY_LAW)
    legal_basis = models.CharField("texte qui porte ces tarifs", max_length=300)
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

    @property
    def is_to_sign(self) -> bool:
        return self.way == self.Way.TO_SIGN

    @property
    def state_label(self) -> str:
        """Its state in words, that depend on its way."""
        if self.is_to_sign and self.status in _TO_SIGN_LABELS:
            return _TO_SIGN_LABELS[self.status]
        return self.get_status_display()


_TO_SIGN_LABELS: Final[Mapping[str, str]] = {
    NationalAmendment.Status.READY: "Prêt à envoyer",
    NationalAmendment.Status.RUNNING: "Avenants en cours d’ouverture",
    NationalAmendment.Status.DONE: "Avenants envoyés à signer",
}


class NationalAmendmentItem(models.Model):
    """A contract in a national amendment: what it changes there, or why it does not apply.

    `before` and `after` are what the schedule plans over the whole contract, in euros.
    """

    class Outcome(models.TextChoices):
        PLANNED = "planned", "À appliquer"
        EXCEPTION = "exception", "Exception"
        TO_SIGN = "to_sign", "À signer"
        APPLIED = "applied", "Appliqué"

    class Reason(models.TextChoices):
        UNSIGNED = "unsigned", "Contrat pas encore signé"
        ENDED = "ended", "Contrat qui finit avant"
        CPOM = "cpom", "CPOM, hors des tarifs de l’accord"
        NO_SCHEDULE = "no_schedule", "Pas d’échéancier"
        NO_RATE = "no_rate", "Tarif manquant ou à confirmer"
        OPEN_AMENDMENT = "open_amendment", "Avenant en cours"
        LATER = "later", "Avenant signé qui prend effet plus tard"
        NO_SIGNER = "no_signer", "Signataire à désigner"
        DROPPED = "dropped", "Avenant abandonné par une partie"
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
    # What its parties are to sign, or signed; the last one, when they gave one up.
    draft = models.OneToOneField(
        Draft, models.PROTECT, null=True, related_name="national_item", verbose_name="avenant"
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
                condition=~Q(outcome="to_sign") | Q(draft__isnull=False),
                name="national_amendment_to_sign_is_a_draft",
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

    @property
    def state_label(self) -> str:
        """Where the contract stands in the amendment, in words."""
        if self.outcome == self.Outcome.TO_SIGN and self.draft is not None:
            if self.draft.state == Draft.State.OPEN:
                return "Texte repris par une partie, en négociation"
            return self.get_outcome_display()
        if self.outcome == self.Outcome.APPLIED and self.draft_id:
            return "Signé de tous"
        if self.outcome == self.Outcome.PLANNED and self.amendment.is_to_sign:
            return "À envoyer"
        if self.reason:
            return f"Exception : {self.get_reason_display().lower()}"
        return self.get_outcome_display()
