"""The letter of intent: a case, and what is its own."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from letters.workflow import LetterWorkflow
from territories.models import Territory
from writing.models import WrittenCase, written_commitment


class LetterOfIntent(LetterWorkflow, WrittenCase):
    """A letter of intent. Its answers, attachments, log and documents hang from the case."""

    # The referent's explicit commitment to work on the missions (instruction 2019/218).
    commits_to_missions = models.BooleanField("engagement sur les missions", default=False)
    # Where a region also wants paper, the day the lead says the letter was posted.
    posted_on = models.DateField("postée le", null=True, blank=True)

    class Meta:
        verbose_name = "lettre d’intention"
        verbose_name_plural = "lettres d’intention"
        constraints = [
            written_commitment("commits_to_missions", name="letter_commitment_is_signed")
        ]


class TerritoryVariant(models.Model):
    """A territory the team tries beside the one of its letter. Nobody else ever sees it."""

    letter = models.ForeignKey(
        LetterOfIntent, models.CASCADE, related_name="variants", verbose_name="lettre"
    )
    name = models.CharField("nom", max_length=80)
    territory = models.OneToOneField(
        Territory, models.CASCADE, related_name="variant", verbose_name="territoire"
    )
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="créée par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)

    class Meta:
        verbose_name = "variante du territoire"
        verbose_name_plural = "variantes du territoire"
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                "letter",
                Lower("name"),
                name="territory_variant_name_unique",
                violation_error_message="Une variante de cette lettre porte déjà ce nom.",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"), name="territory_variant_has_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name
