"""What a change of year means for a case: a dated row, that somebody acknowledges."""

from django.db import models
from django.db.models import F, Q

from accounts.models import Organisation, User
from territories.models import Vintage
from workflow.models.cases import Case


class YearEffectQuerySet(models.QuerySet["YearEffect"]):
    def alerts(self) -> "YearEffectQuerySet":
        """Those an office has to know of: a filed or decided case of another size, or whose
        communes are no longer what they were.
        """
        return self.exclude(stage=YearEffect.Stage.DRAFT).exclude(
            size_before=F("size_after"), communes=[]
        )

    def unread(self) -> "YearEffectQuerySet":
        """The alerts that nobody has acknowledged yet."""
        return self.alerts().filter(acknowledged_at=None)


class YearEffect(models.Model):
    """How the communes, the population and the size of one case changed with one load.

    The case itself keeps its communes, its population and its size: those are of its deposit.
    """

    class Stage(models.TextChoices):
        DRAFT = "draft", "brouillon"
        FILED = "filed", "à l’étude"
        DECIDED = "decided", "validée"

    vintage = models.ForeignKey(
        Vintage, models.CASCADE, related_name="effects", verbose_name="millésime"
    )
    case = models.ForeignKey(
        Case, models.CASCADE, related_name="year_effects", verbose_name="dossier"
    )
    stage = models.CharField("stade", max_length=10, choices=Stage)
    # Legal population of the territory, in inhabitants, known figures only.
    population_before = models.PositiveIntegerField("population d’avant")
    population_after = models.PositiveIntegerField("population d’après")
    size_before = models.CharField("taille d’avant", max_length=2, blank=True)
    size_after = models.CharField("taille d’après", max_length=2, blank=True)
    # What became of its communes, as `territories.succession.Change.as_data` writes it.
    communes = models.JSONField("communes", default=list, blank=True)
    acknowledged_at = models.DateTimeField("lu le", null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="lu par"
    )
    body = models.ForeignKey(
        Organisation,
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="pour le bureau",
    )

    objects = YearEffectQuerySet.as_manager()

    class Meta:
        verbose_name = "effet d’un millésime"
        verbose_name_plural = "effets des millésimes"
        constraints = [
            models.UniqueConstraint(fields=["vintage", "case"], name="year_effect_once"),
            models.CheckConstraint(
                condition=Q(
                    acknowledged_at__isnull=True, acknowledged_by__isnull=True, body__isnull=True
                )
                | Q(
                    ~Q(stage="draft"),
                    acknowledged_at__isnull=False,
                    acknowledged_by__isnull=False,
                    body__isnull=False,
                ),
                name="year_effect_acknowledged_by_somebody",
            ),
        ]
        indexes = [models.Index(fields=["case", "vintage"], name="year_effect_of_case")]

    def __str__(self) -> str:
        return f"{self.case}, {self.vintage}"

    @property
    def difference(self) -> int:
        return self.population_after - self.population_before

    @property
    def changes_class(self) -> bool:
        return self.size_before != self.size_after

    @property
    def is_alert(self) -> bool:
        return self.stage != self.Stage.DRAFT and (self.changes_class or bool(self.communes))
