"""How the missions of a contract in force go, as the CPTS declares it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from contracts.models.contracts import Contract
from documents.models import Attachment


class MissionStepQuerySet(models.QuerySet["MissionStep"]):
    def standing(self) -> "MissionStepQuerySet":
        """Those that were not taken back."""
        return self.filter(withdrawn_at__isnull=True)


class MissionStep(models.Model):
    """What a CPTS declared of a mission: that it started, or is wholly in place, since a day."""

    class Step(models.TextChoices):
        STARTED = "started", "Démarrage"
        DEPLOYED = "deployed", "Déploiement complet"

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="mission_steps")
    mission = models.SlugField("mission", max_length=30)
    step = models.CharField("étape", max_length=10, choices=Step)
    on = models.DateField("depuis le")
    # What shows it: a sentence, a file, or both.
    note = models.TextField("ce qui le montre", blank=True)
    proof = models.ForeignKey(
        Attachment, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="preuve"
    )
    # What the file looked like when whoever sent it confirmed that it names no patient.
    confirmed_no_patient = models.CharField("confirmé sans patient", max_length=300, blank=True)
    declared_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    declared_at = models.DateTimeField("déclaré le", default=timezone.now)
    withdrawn_at = models.DateTimeField("retiré le", null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="retiré par"
    )

    objects = MissionStepQuerySet.as_manager()

    class Meta:
        verbose_name = "étape d’une mission"
        verbose_name_plural = "étapes des missions"
        ordering = ["contract", "mission", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "mission", "step"],
                condition=Q(withdrawn_at__isnull=True),
                name="mission_step_declared_once",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="mission_step_withdrawn_by_someone",
            ),
            models.CheckConstraint(
                condition=~Q(note="") | Q(proof__isnull=False), name="mission_step_is_shown"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.mission} {self.step} {self.on}"
