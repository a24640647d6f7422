"""The health project as a case: a first project, or an amendment that changes one in force."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from health_projects.workflow import HealthProjectWorkflow
from letters.models import LetterOfIntent
from workflow.models import Case, CaseQuerySet


class HealthProject(HealthProjectWorkflow, Case):
    """A health project. Its answers, attachments, log and documents hang from the case."""

    # The accepted letter it begins with; nothing for a CPTS born before the portal.
    letter = models.ForeignKey(
        LetterOfIntent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="health_projects",
        verbose_name="lettre d’intention",
    )
    # The project in force that an amendment changes, and the sections its team has ticked.
    amends = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="amendments",
        verbose_name="projet modifié",
    )
    amended_sections = ArrayField(
        models.SlugField(), default=list, blank=True, verbose_name="parties modifiées"
    )
    # In the name of the members: that this is the project they read and signed.
    commits = models.BooleanField("engagement au nom des membres", default=False)
    signatory_name = models.CharField("nom du signataire", max_length=150, blank=True)
    signed_at_place = models.CharField("fait à", max_length=100, blank=True)
    # What the deposit added to the frozen content: the office, the day silence would validate…
    filing = models.JSONField("dépôt", null=True, blank=True, encoder=DjangoJSONEncoder)
    # The day it was validated: that of the decision, or that on which silence had its effect.
    validated_on = models.DateField("validé le", null=True, blank=True)

    objects = CaseQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = "projet de santé"
        verbose_name_plural = "projets de santé"
        constraints = [
            models.CheckConstraint(
                condition=Q(commits=False, signatory_name="", signed_at_place="")
                | (Q(commits=True) & ~Q(signatory_name="") & ~Q(signed_at_place="")),
                name="health_project_commitment_is_signed",
            ),
            models.CheckConstraint(
                condition=Q(amends__isnull=True, amended_sections=[])
                | Q(amends__isnull=False) & ~Q(amends=F("pk")),
                name="health_project_amends_another",
            ),
        ]

    def missing_for(self, transition: str) -> list[Any]:
        """What is missing before `transition`, as sentences: an empty list means go."""
        from health_projects.missing import missing_before  # noqa: PLC0415 - it reads this model

        return missing_before(self, transition)
