"""What the team and the office in charge say of each plan of the territory: GHT, CLS, PTSM, PRS."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from health_projects.models.case import HealthProject
from workflow.querysets import ARS_KINDS, writes_the_case

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class CoherenceNoteQuerySet(models.QuerySet["CoherenceNote"]):
    def visible_to(self, user: "User | AnonymousUser") -> "CoherenceNoteQuerySet":
        """The notes a person may read in the role they act in.

        The team's: whoever sees the project. The office's: the office in charge and the agencies
        on whose desk the project is, but for whoever writes the project with its team.
        """
        if not isinstance(user, User):
            return self.none()
        if user.acting is None:
            return self.filter(
                side=CoherenceNote.Side.TEAM, project__community__team_members__user=user
            )
        body = user.acting.organisation_id
        found = self.filter(project__desks__organisation=body)
        if user.acting.department_id:
            found = found.filter(project__department_codes__contains=[user.acting.department_id])
        office = ~Q(writes_the_case(user, "project"))
        if user.acting.organisation.kind not in ARS_KINDS:
            office &= Q(project__office=body)
        return found.filter(Q(side=CoherenceNote.Side.TEAM) | office)


class CoherenceNote(models.Model):
    """What one side says of one plan. The team's is public to whoever reads the project; the
    office's is for the offices alone."""

    class Side(models.TextChoices):
        TEAM = "team", "l’équipe"
        OFFICE = "office", "le bureau"

    class Finding(models.TextChoices):
        COHERENT = "coherent", "Examiné : cohérent"
        TO_DISCUSS = "to_discuss", "Examiné : à discuter"
        NOT_APPLICABLE = "not_applicable", "Sans objet sur ce territoire"

    project = models.ForeignKey(HealthProject, models.CASCADE, related_name="coherence_notes")
    framework = models.SlugField("cadre", max_length=60)
    side = models.CharField("de la part de", max_length=6, choices=Side)
    finding = models.CharField("constat", max_length=14, choices=Finding)
    comment = models.TextField("commentaire", blank=True, max_length=2_000)
    reference = models.CharField("document de référence", max_length=300, blank=True)
    revision = models.PositiveIntegerField("révision", default=1)
    # For which body an office's note was written: nobody's, for the team.
    body = models.ForeignKey(
        Organisation, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="pour"
    )
    updated_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="modifié par"
    )
    updated_at = models.DateTimeField("modifié le", default=timezone.now)

    objects = CoherenceNoteQuerySet.as_manager()

    class Meta:
        verbose_name = "cohérence avec un plan du territoire"
        verbose_name_plural = "cohérence avec les plans du territoire"
        constraints = [
            models.UniqueConstraint(
                fields=["project", "framework", "side"], name="coherence_note_one_per_side"
            ),
            models.CheckConstraint(
                condition=Q(side="team", body__isnull=True) | Q(side="office", body__isnull=False),
                name="coherence_note_of_an_office_names_it",
            ),
            models.CheckConstraint(
                condition=~Q(finding="to_discuss") | Q(comment__regex=r"\S"),
                name="coherence_note_to_discuss_says_what",
                violation_error_message="Dites ce qui est à discuter.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project_id} {self.framework} {self.side}"
