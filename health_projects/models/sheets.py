"""Action sheets: what a CPTS undertakes to do, and with whom; and the models a region shares."""

import uuid
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone

from accounts.models import Organisation, User
from health_projects.models.case import HealthProject
from members.models import Member
from territories.models import Region

# Two printed pages: more is an annex.
LONGEST_TEXT: Final = 4_000
# The texts of a sheet, in the order of the form.
TEXTS: Final = (
    "issue",
    "general_objective",
    "specific_objectives",
    "actions",
    "calendar",
    "evaluation",
    "means",
)


class ActionSheet(models.Model):
    """One action of a health project, in the nine headings that regions ask for.

    A sheet keeps its `uid` from a project to the amendment that starts from it: what changed is
    read by it.
    """

    class IssueKind(models.TextChoices):
        NEED = "need", "Un besoin de santé de la population"
        ORGANISATION = "organisation", "L’organisation des soins"
        BOTH = "both", "Un besoin de santé et l’organisation des soins"

    project = models.ForeignKey(HealthProject, models.CASCADE, related_name="sheets")
    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    position = models.PositiveSmallIntegerField("rang")
    label = models.CharField("libellé", max_length=200)
    issue_kind = models.CharField(
        "nature de la problématique", max_length=12, choices=IssueKind, blank=True
    )
    issue = models.TextField("problématique", blank=True)
    general_objective = models.TextField("objectif général", blank=True)
    specific_objectives = models.TextField("objectifs spécifiques", blank=True)
    actions = models.TextField("actions", blank=True)
    # Held to be a member of this CPTS by a trigger of the database.
    coordinator = models.ForeignKey(
        Member,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="coordinated_sheets",
        verbose_name="coordinateur",
    )
    starts_on = models.DateField("début prévu", null=True, blank=True)
    ends_on = models.DateField("fin prévue", null=True, blank=True)
    calendar = models.TextField("calendrier", blank=True)
    evaluation = models.TextField("critères d’évaluation", blank=True)
    means = models.TextField("moyens", blank=True)
    # Keys of the procedure's missions and themes.
    missions = ArrayField(models.SlugField(max_length=60), default=list, blank=True)
    themes = ArrayField(models.SlugField(max_length=60), default=list, blank=True)
    # Counts its changes: a form says from which one it started.
    revision = models.PositiveIntegerField("révision", default=1)
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="créée par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)
    updated_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="modifiée par"
    )
    updated_at = models.DateTimeField("modifiée le", default=timezone.now)

    class Meta:
        verbose_name = "fiche action"
        verbose_name_plural = "fiches actions"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["project", "uid"], name="action_sheet_once"),
            # Two sheets change places in one transaction.
            models.UniqueConstraint(
                fields=["project", "position"],
                name="action_sheet_one_per_position",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(
                condition=Q(label__regex=r"\S"), name="action_sheet_has_a_label"
            ),
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True)
                | Q(ends_on__isnull=True)
                | Q(ends_on__gte=F("starts_on")),
                name="action_sheet_dates_in_order",
                violation_error_message="La fin ne peut pas précéder le début.",
            ),
            *(
                models.CheckConstraint(
                    condition=LessThanOrEqual(Length(name), LONGEST_TEXT),
                    name=f"action_sheet_{name}_is_bounded",
                )
                for name in TEXTS
            ),
        ]

    def __str__(self) -> str:
        return self.label


class SheetActor(models.Model):
    """Who takes part in an action: a member of the CPTS, or a partner named freely."""

    class Line(models.TextChoices):
        FIRST_LINE = "first_line", "Professionnel de premier recours"
        SECOND_LINE = "second_line", "Professionnel de second recours"
        STRUCTURE = "structure", "Structure sanitaire, médico-sociale ou sociale"
        PREVENTION = "prevention", "Acteur de la prévention"
        OTHER = "other", "Autre partenaire"

    sheet = models.ForeignKey(ActionSheet, models.CASCADE, related_name="actors")
    position = models.PositiveSmallIntegerField("rang")
    member = models.ForeignKey(
        Member, models.PROTECT, null=True, blank=True, related_name="sheet_roles"
    )
    name = models.CharField("nom du partenaire", max_length=200, blank=True)
    line = models.CharField("titre", max_length=12, choices=Line)
    role = models.CharField("rôle dans l’action", max_length=300, blank=True)

    class Meta:
        verbose_name = "acteur d’une fiche action"
        verbose_name_plural = "acteurs des fiches actions"
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=Q(member__isnull=False, name="")
                | Q(member__isnull=True, name__regex=r"\S"),
                name="sheet_actor_is_a_member_or_a_name",
            ),
            models.UniqueConstraint(
                fields=["sheet", "member"],
                name="sheet_actor_member_once",
                violation_error_message="Ce membre est déjà parmi les acteurs de la fiche.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.member)


class SheetModelQuerySet(models.QuerySet["SheetModel"]):
    def standing(self) -> "SheetModelQuerySet":
        """Those still offered."""
        return self.filter(withdrawn_at__isnull=True)


class SheetModel(models.Model):
    """A sheet an office shares as a model with the teams of its region: it names nobody."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="+", verbose_name="région")
    title = models.CharField("libellé", max_length=200)
    # What a sheet begins with: its texts, its missions and themes, its kinds of actors.
    content = models.JSONField("contenu", default=dict)
    office = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="publié par le bureau"
    )
    published_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="publié par"
    )
    published_at = models.DateTimeField("publié le", default=timezone.now)
    withdrawn_at = models.DateTimeField("retiré le", null=True, blank=True)
    # How many sheets began with it.
    used = models.PositiveIntegerField("reprises", default=0)

    objects = SheetModelQuerySet.as_manager()

    class Meta:
        verbose_name = "modèle de fiche action"
        verbose_name_plural = "modèles de fiches actions"
        ordering = ["title", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(title__regex=r"\S"), name="sheet_model_has_a_title"),
        ]
        indexes = [models.Index(fields=["region", "title"], name="sheet_model_list")]

    def __str__(self) -> str:
        return self.title

    @property
    def data(self) -> dict[str, Any]:
        return dict(self.content)
