"""A file of contracts signed before the portal: its rows, what each would do, what it did."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from contracts.models.contracts import Contract
from documents.models import Attachment
from territories.models import Region

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ExistingImportQuerySet(models.QuerySet["ExistingImport"]):
    def visible_to(self, user: "User | AnonymousUser") -> "ExistingImportQuerySet":
        """All of them for the national administrator; those of their région for a coordinator."""
        from contracts.rules import region_imported_by  # noqa: PLC0415 - rules know no model

        region = region_imported_by(user)
        if region is None:
            return self.none()
        return self.filter(region=region) if region else self.all()


class ExistingImport(models.Model):
    """A file that was read. Nothing of it is taken over before somebody starts it."""

    # None: of the national administrator, for every région.
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="région"
    )
    file_name = models.CharField("fichier", max_length=150)
    ignored = models.JSONField("colonnes laissées de côté", default=list)
    # Whether the presidents of what is taken over are invited to the portal.
    invites = models.BooleanField("invite les présidents", default=False)
    created_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    created_at = models.DateTimeField("lu le", default=timezone.now)
    started_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="lancé par"
    )
    started_at = models.DateTimeField("lancé le", null=True, blank=True)
    finished_at = models.DateTimeField("terminé le", null=True, blank=True)
    # What its rows said of people was forgotten that day.
    emptied_at = models.DateTimeField("détail effacé le", null=True, blank=True)

    objects = ExistingImportQuerySet.as_manager()

    class Meta:
        verbose_name = "reprise de contrats existants"
        verbose_name_plural = "reprises de contrats existants"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(started_at__isnull=True, started_by__isnull=True)
                | Q(started_at__isnull=False, started_by__isnull=False),
                name="existing_import_started_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(started_at__isnull=False),
                name="existing_import_started_before_it_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.file_name


class ExistingRow(models.Model):
    """A line of the file. `values` is what it would write, `contract` what it has written."""

    class Status(models.TextChoices):
        READY = "ready", "Prête"
        # Perhaps a CPTS that the portal knows: a person decides.
        DOUBTFUL = "doubtful", "À décider"
        WRONG = "wrong", "À corriger"
        KNOWN = "known", "Déjà sur le portail"
        DONE = "done", "Reprise"
        # What was ready no longer was when its turn came.
        REFUSED = "refused", "Refusée"

    class Choice(models.TextChoices):
        SKIP = "", "Ne pas reprendre"
        JOIN = "join", "C’est cette CPTS"
        CREATE = "create", "C’est une autre CPTS"

    source = models.ForeignKey(ExistingImport, models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField("ligne")
    name = models.CharField("CPTS", max_length=200, blank=True)
    status = models.CharField("état", max_length=10, choices=Status)
    choice = models.CharField("choix", max_length=10, choices=Choice, blank=True)
    cells = models.JSONField("cases", default=dict)
    values = models.JSONField("valeurs", default=dict)
    faults = models.JSONField("à corriger", default=list)
    notices = models.JSONField("remarques", default=list)
    # What tells the CPTS from every other: its RNA, SIREN or FINESS, else its name and place.
    key = models.CharField("clé", max_length=300, blank=True)
    # The CPTS it may be before it is taken over, the one it has become after.
    community = models.ForeignKey(
        Community, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="CPTS"
    )
    contract = models.OneToOneField(
        Contract, models.PROTECT, null=True, blank=True, related_name="existing_row"
    )

    class Meta:
        verbose_name = "ligne d’une reprise"
        verbose_name_plural = "lignes d’une reprise"
        ordering = ["source", "number"]
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="existing_row_once"),
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(status="done"),
                name="existing_row_taken_over_once",
                violation_error_message="Cette CPTS vient d’être reprise par un autre import.",
            ),
            models.CheckConstraint(
                condition=Q(status="done", contract__isnull=False)
                | (~Q(status="done") & Q(contract__isnull=True)),
                name="existing_row_done_has_a_contract",
            ),
        ]
        indexes = [models.Index(fields=["source", "status", "number"], name="existing_row_status")]

    def __str__(self) -> str:
        return f"{self.source_id} ligne {self.number}"


class ContractScan(models.Model):
    """The scan of a contract signed on paper, outside the portal."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="scans")
    attachment = models.OneToOneField(
        Attachment, models.PROTECT, related_name="contract_scan", verbose_name="fichier"
    )
    added_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    added_at = models.DateTimeField("ajouté le", default=timezone.now)

    class Meta:
        verbose_name = "contrat numérisé"
        verbose_name_plural = "contrats numérisés"
        ordering = ["added_at", "pk"]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.attachment_id}"
