"""The health project as a case: a first project, or an amendment that changes one in force."""

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from health_projects.workflow import HealthProjectWorkflow
from letters.models import LetterOfIntent
from writing.content import Missing
from writing.models import WrittenCase, written_commitment


class HealthProject(HealthProjectWorkflow, WrittenCase):
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
    # What the deposit added to the frozen content: the office, the day silence would validate…
    filing = models.JSONField("dépôt", null=True, blank=True, encoder=DjangoJSONEncoder)
    # The day it was validated: that of the decision, or that on which silence had its effect.
    validated_on = models.DateField("validé le", null=True, blank=True)

    class Meta:
        verbose_name = "projet de santé"
        verbose_name_plural = "projets de santé"
        constraints = [
            written_commitment("commits", name="health_project_commitment_is_signed"),
            models.CheckConstraint(
                condition=Q(amends__isnull=True, amended_sections=[])
                | Q(amends__isnull=False) & ~Q(amends=F("pk")),
                name="health_project_amends_another",
            ),
        ]

    @property
    def names_its_cpts(self) -> bool:
        """Not while it only proposes to change a project in force: once it is validated."""
        return self.amends_id is None

    def missing_for(self, transition: str) -> list[Missing]:
        """What is missing before `transition`, as sentences; those of a deposit name a field."""
        from health_projects.signing import missing_to_freeze, missing_to_sign  # noqa: PLC0415 - they read this model

        if transition == "withdraw_silence":
            from health_projects.unmaking import why_not_withdrawn  # noqa: PLC0415 - they read this model

            return [Missing(one) for one in why_not_withdrawn(self)]
        if transition == "freeze_version":
            return missing_to_freeze(self)
        if transition == "deposit":
            return super().missing_for(transition) or missing_to_sign(self)
        return super().missing_for(transition)
