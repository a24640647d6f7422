"""Which commune each filed or decided case holds, and what was settled where two hold the same."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q
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


class TerritoryPeriod(models.Model):
    """What a case held, from when to when: who covered what on a day gone by is read here.

    One row for each change of its territory or of its stage; none while it holds nothing. The
    one without an end says the same as the claims; that of a contract in force, the communes its
    parties have signed for, whichever case of the CPTS claims them.
    """

    class Stage(models.TextChoices):
        FILED = "filed", "à l’étude"
        DECIDED = "decided", "décidé"
        CONTRACTED = "contracted", "sous contrat"

    case = models.ForeignKey(
        Case, models.CASCADE, related_name="territory_periods", verbose_name="dossier"
    )
    stage = models.CharField("stade", max_length=10, choices=Stage)
    # INSEE codes, as they were on that day.
    whole = ArrayField(models.CharField(max_length=5), default=list, verbose_name="en entier")
    parts = ArrayField(models.CharField(max_length=5), default=list, verbose_name="par parties")
    department_codes = ArrayField(
        models.CharField(max_length=3), default=list, verbose_name="départements"
    )
    since = models.DateTimeField("depuis le", default=timezone.now)
    until = models.DateTimeField("jusqu’au", null=True, blank=True)

    class Meta:
        verbose_name = "territoire d’un dossier dans le temps"
        verbose_name_plural = "territoires des dossiers dans le temps"
        constraints = [
            ExclusionConstraint(
                name="territory_period_one_at_a_time",
                expressions=[
                    (F("case"), RangeOperators.EQUAL),
                    (
                        Func(
                            F("since"),
                            F("until"),
                            function="TSTZRANGE",
                            output_field=DateTimeRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")),
                name="territory_period_dates_in_order",
            ),
            models.CheckConstraint(
                condition=Q(whole__len__gte=1) | Q(parts__len__gte=1),
                name="territory_period_holds_something",
            ),
        ]
        # Read far more often than written: what waits to be sorted in would be read at each look.
        indexes = [
            GinIndex("whole", name="territory_period_whole", fastupdate=False),
            GinIndex("parts", name="territory_period_parts", fastupdate=False),
            GinIndex("department_codes", name="territory_period_departments", fastupdate=False),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.stage} depuis {self.since:%d/%m/%Y}"


class CoverageRevision(models.Model):
    """How many transactions have changed who covers what: one row, written by the database.

    What was worked out under a number is good as long as the number stands. A trigger on the
    periods counts when the transaction commits, so that a number is never seen before what it
    counts.
    """

    revision = models.BigIntegerField("révision", default=0)
    # The transaction that counted last: it counts once, however many rows it changes.
    changed_in = models.BigIntegerField("transaction", default=0)

    class Meta:
        verbose_name = "révision de la couverture"
        verbose_name_plural = "révisions de la couverture"

    def __str__(self) -> str:
        return str(self.revision)


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
