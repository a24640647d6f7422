"""Where a CPTS stands, who goes with it, and what they say to one another."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community


class StepTick(models.Model):
    """A step somebody says is done. Unticked, the line stays: who, when."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="step_ticks")
    step = models.SlugField("étape", max_length=60)
    ticked_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="coché par")
    ticked_at = models.DateTimeField("coché le", default=timezone.now)
    unticked_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="décoché par"
    )
    unticked_at = models.DateTimeField("décoché le", null=True, blank=True)

    class Meta:
        verbose_name = "étape cochée"
        verbose_name_plural = "étapes cochées"
        constraints = [
            models.UniqueConstraint(
                fields=["community", "step"],
                condition=Q(unticked_at__isnull=True),
                name="step_tick_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(unticked_at__isnull=True, unticked_by__isnull=True)
                | Q(unticked_at__gte=F("ticked_at"), unticked_by__isnull=False),
                name="step_tick_undone_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.community} : {self.step}"


class Accompaniment(models.Model):
    """An organisation the team has invited to see where it stands, until it ends it."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="accompaniments")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, related_name="accompaniments", verbose_name="organisme"
    )
    invited_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="invité par"
    )
    invited_at = models.DateTimeField("invité le", default=timezone.now)
    ended_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="arrêté par"
    )
    ended_at = models.DateTimeField("arrêté le", null=True, blank=True)

    class Meta:
        verbose_name = "accompagnement"
        ordering = ["-invited_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["community", "organisation"],
                condition=Q(ended_at__isnull=True),
                name="accompaniment_one_at_a_time",
                violation_error_message="Cet organisme vous accompagne déjà.",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__gte=F("invited_at"), ended_by__isnull=False),
                name="accompaniment_ended_by_someone",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organisation", "-invited_at", "id"],
                name="accompaniment_desk",
                condition=Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.organisation} · {self.community}"


class HelpRequest(models.Model):
    """What a team asks of who accompanies it, and what was answered."""

    class Kind(models.TextChoices):
        METHOD = "method", "Méthode"
        LEGAL = "legal", "Juridique"
        LOGISTIC = "logistic", "Logistique"
        FINANCIAL = "financial", "Financière"

    community = models.ForeignKey(Community, models.CASCADE, related_name="help_requests")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="help_requests")
    kind = models.CharField("aide", max_length=10, choices=Kind)
    text = models.TextField("demande")
    asked_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    asked_at = models.DateTimeField("demandée le", default=timezone.now)
    answer = models.TextField("réponse", blank=True)
    answered_by = models.ForeignKey(User, models.RESTRICT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField("répondue le", null=True, blank=True)

    class Meta:
        verbose_name = "demande d’aide"
        verbose_name_plural = "demandes d’aide"
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, answer="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
                name="help_request_answered_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()


class Appointment(models.Model):
    """A meeting of a team with who accompanies it."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    community = models.ForeignKey(Community, models.CASCADE, related_name="appointments")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="appointments")
    subject = models.CharField("objet", max_length=150)
    starts_at = models.DateTimeField("début")
    ends_at = models.DateTimeField("fin")
    place = models.CharField("lieu", max_length=300)
    # Counts the changes: a calendar follows them.
    sequence = models.PositiveSmallIntegerField("changements", default=0)
    made_by = models.ForeignKey(User, models.RESTRICT, related_name="+")
    made_at = models.DateTimeField("prévu le", default=timezone.now)
    cancelled_at = models.DateTimeField("annulé le", null=True, blank=True)

    class Meta:
        verbose_name = "rendez-vous"
        verbose_name_plural = "rendez-vous"
        ordering = ["-starts_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_it_starts"
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Note(models.Model):
    """A note of the team, or of an organisation that goes with it; shared with the other or not.

    `organisation` is the other side of a shared note, and the author's side when it is theirs.
    """

    community = models.ForeignKey(Community, models.CASCADE, related_name="roadmap_notes")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    by_team = models.BooleanField("écrite par l’équipe")
    is_shared = models.BooleanField("partagée", default=False)
    text = models.TextField("note")
    author = models.ForeignKey(User, models.RESTRICT, related_name="+")
    written_at = models.DateTimeField("écrite le", default=timezone.now)

    class Meta:
        verbose_name = "note"
        ordering = ["-written_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(by_team=True) | Q(organisation__isnull=False),
                name="roadmap_note_has_a_side",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:40]
