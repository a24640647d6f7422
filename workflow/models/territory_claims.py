"""Which commune each filed or decided case holds, and what was settled where two hold the same."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from territories.models import Commune
from workflow.models.cases import Case


class TerritoryClaim(models.Model):
    """One line of the territory of a case, as last deposited.

    Kept so that the overlap of one territory with every other is read from one index. The
    database refuses two decided cases on one whole commune, unless an arbitration says how they
    share it.
    """

    class Stage(models.TextChoices):
        FILED = "filed", "à l’étude"
        DECIDED = "decided", "décidé"
        # Withdrawn, refused, closed: no overlap with it, but a reopened case holds it again.
        RELEASED = "released", "libéré"

    case = models.ForeignKey(
        Case, models.CASCADE, related_name="claims", verbose_name="dossier", db_index=False
    )
    # The CPTS's own cases never overlap each other.
    community = models.ForeignKey(
        Community, models.CASCADE, related_name="+", verbose_name="CPTS", db_index=False
    )
    commune = models.ForeignKey(
        Commune, models.PROTECT, related_name="+", verbose_name="commune", db_index=False
    )
    # Normalised name of the part; empty for the whole commune.
    part_key = models.CharField("partie", max_length=130, blank=True)
    population = models.PositiveIntegerField("habitants", null=True, blank=True)
    stage = models.CharField("stade", max_length=10, choices=Stage, default=Stage.FILED)
    arbitration = models.ForeignKey(
        "Arbitration",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="claims",
        verbose_name="arbitrage",
    )

    class Meta:
        verbose_name = "commune d’un dossier"
        verbose_name_plural = "communes des dossiers"
        constraints = [
            models.UniqueConstraint(
                fields=["case", "commune", "part_key"], name="territory_claim_once"
            ),
            models.UniqueConstraint(
                fields=["commune"],
                condition=Q(stage="decided", part_key="", arbitration__isnull=True),
                name="territory_claim_one_decided_without_arbitration",
                violation_error_message=(
                    "Une autre CPTS validée a déjà cette commune, et aucun arbitrage ne dit "
                    "comment elles la partagent."
                ),
            ),
        ]
        indexes = [
            # All that an overlap reads: the query never opens the table.
            models.Index(
                fields=["commune"],
                include=["case", "community", "part_key", "population", "stage"],
                condition=~Q(stage="released"),
                name="territory_claim_overlap",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.commune_id} {self.part_key}".strip()


class Arbitration(models.Model):
    """What the offices settled where the territories of two cases meet."""

    class Outcome(models.TextChoices):
        SHARED = "shared", "Commune partagée entre les deux CPTS"
        GIVEN = "given", "Commune rattachée à une seule CPTS"
        ACCEPTED = "accepted", "Chevauchement accepté"

    case = models.ForeignKey(
        Case, models.CASCADE, related_name="arbitrations", verbose_name="dossier"
    )
    other = models.ForeignKey(
        Case, models.CASCADE, related_name="arbitrations_elsewhere", verbose_name="autre dossier"
    )
    communes = ArrayField(models.CharField(max_length=5), verbose_name="communes")
    outcome = models.CharField("arbitrage", max_length=10, choices=Outcome)
    given_to = models.ForeignKey(
        Case,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="rattachée à",
    )
    reason = models.TextField("motif")
    author = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="auteur")
    body = models.ForeignKey(
        Organisation, models.RESTRICT, related_name="+", verbose_name="pour le bureau"
    )
    at = models.DateTimeField("le", default=timezone.now)
    # A later arbitration on the same communes takes its place; it stays readable.
    replaced_at = models.DateTimeField("remplacé le", null=True, blank=True)

    class Meta:
        verbose_name = "arbitrage"
        ordering = ["-at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(case=F("other")), name="arbitration_between_two_cases"
            ),
            models.CheckConstraint(
                condition=Q(reason__regex=r"\S"),
                name="arbitration_says_why",
                violation_error_message="Un arbitrage est motivé.",
            ),
            models.CheckConstraint(
                condition=Q(communes__len__gte=1), name="arbitration_names_communes"
            ),
            models.CheckConstraint(
                condition=Q(outcome="given", given_to__isnull=False)
                | Q(~Q(outcome="given"), given_to__isnull=True),
                name="arbitration_given_to_one",
            ),
        ]
        indexes = [models.Index(fields=["other"], name="arbitration_other")]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}, {self.case} et {self.other}"
