"""What follows a decision: reserves to lift, aids to pay, the meeting of the territory."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from documents.models import Attachment
from workflow.models.cases import Case
from workflow.models.decisions import Decision


class Reserve(models.Model):
    """A condition a decision sets. It stays open until an agent lifts it, with its proof."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="reserves", verbose_name="dossier")
    decision = models.ForeignKey(
        Decision, models.PROTECT, related_name="open_reserves", verbose_name="décision"
    )
    rank = models.PositiveSmallIntegerField("rang")
    text = models.TextField("réserve")
    opened_at = models.DateTimeField("énoncée le", default=timezone.now)
    # What the team says it has done; an agent judges it.
    answer = models.TextField("réponse de l’équipe", blank=True)
    answered_at = models.DateTimeField("répondue le", null=True, blank=True)
    answered_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="répondue par"
    )
    declined_at = models.DateTimeField("réponse écartée le", null=True, blank=True)
    decline_reason = models.TextField("motif", blank=True)
    lifted_at = models.DateTimeField("levée le", null=True, blank=True)
    lifted_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="levée par"
    )
    body = models.ForeignKey(
        Organisation, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="pour"
    )
    proof = models.TextField("preuve", blank=True)

    class Meta:
        verbose_name = "réserve"
        ordering = ["decision", "rank"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "rank"], name="reserve_rank_unique"),
            models.CheckConstraint(condition=Q(text__regex=r"\S"), name="reserve_says_something"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, proof="")
                | Q(lifted_at__isnull=False, lifted_by__isnull=False, proof__regex=r"\S"),
                name="reserve_lifted_is_dated_signed_and_proved",
                violation_error_message="Une réserve se lève avec une date, un auteur, une preuve.",
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, answer="")
                | Q(answered_at__isnull=False, answered_by__isnull=False, answer__regex=r"\S"),
                name="reserve_answer_is_dated_and_signed",
            ),
            models.CheckConstraint(
                condition=Q(declined_at__isnull=True, decline_reason="")
                | Q(declined_at__isnull=False, decline_reason__regex=r"\S"),
                name="reserve_answer_declined_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.decision_id} réserve {self.rank}"

    @property
    def is_open(self) -> bool:
        return self.lifted_at is None

    @property
    def awaits_judgment(self) -> bool:
        """The team has answered, and nobody has judged the answer yet."""
        return self.is_open and self.answered_at is not None and self.declined_at is None


class Grant(models.Model):
    """An aid granted to a CPTS. A mistake is cancelled, with its reason, never erased."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="grants", verbose_name="dossier")
    # Key of the aid in the circuit of the procedure, which gives its source.
    key = models.SlugField("aide", max_length=60)
    label = models.CharField("nature", max_length=200)
    amount = models.DecimalField("montant (euros)", max_digits=11, decimal_places=2)
    # Why it differs from what the procedure provides.
    deviation = models.TextField("motif de l’écart", blank=True)
    source = models.TextField("source")
    granted_on = models.DateField("accordée le")
    granted_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="accordée par"
    )
    body = models.ForeignKey(Organisation, models.RESTRICT, related_name="+", verbose_name="pour")
    paid_on = models.DateField("versée le", null=True, blank=True)
    paid_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="noté par"
    )
    cancelled_at = models.DateTimeField("annulée le", null=True, blank=True)
    cancelled_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="annulée par"
    )
    cancel_reason = models.TextField("motif de l’annulation", blank=True)

    class Meta:
        verbose_name = "aide accordée"
        verbose_name_plural = "aides accordées"
        ordering = ["granted_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="grant_amount_positive"),
            models.UniqueConstraint(
                fields=["case", "key"],
                condition=Q(cancelled_at__isnull=True),
                name="grant_once_per_case",
                violation_error_message="Cette aide est déjà accordée pour ce dossier.",
            ),
            models.CheckConstraint(
                condition=Q(paid_on__isnull=True, paid_by__isnull=True)
                | Q(paid_on__isnull=False, paid_by__isnull=False),
                name="grant_paid_is_dated_and_signed",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True, cancel_reason="")
                | Q(
                    cancelled_at__isnull=False,
                    cancelled_by__isnull=False,
                    cancel_reason__regex=r"\S",
                ),
                name="grant_cancelled_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True) | Q(paid_on__isnull=True),
                name="grant_paid_is_not_cancelled",
                violation_error_message="Une aide versée ne s’annule pas.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.amount}"


class InformationMeeting(models.Model):
    """The meeting that presents an accepted project to the professionals of its territory."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="meetings", verbose_name="dossier")
    starts_at = models.DateTimeField("début")
    ends_at = models.DateTimeField("fin")
    place = models.TextField("lieu")
    # Counts the changes told to the guests (RFC 5545, SEQUENCE).
    sequence = models.PositiveSmallIntegerField("envoi n°", default=0)
    called_at = models.DateTimeField("invitations parties le", null=True, blank=True)
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="préparée par"
    )
    cancelled_at = models.DateTimeField("annulée le", null=True, blank=True)
    cancel_reason = models.TextField("motif de l’annulation", blank=True)
    held_on = models.DateField("tenue le", null=True, blank=True)
    minutes = models.OneToOneField(
        Attachment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="meeting",
        verbose_name="compte rendu",
    )

    class Meta:
        verbose_name = "réunion d’information"
        verbose_name_plural = "réunions d’information"
        ordering = ["starts_at", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("starts_at")), name="meeting_ends_after_it_starts"
            ),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(cancelled_at__isnull=True, held_on__isnull=True),
                name="meeting_one_planned",
                violation_error_message="Une réunion est déjà prévue pour ce dossier.",
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancel_reason="")
                | Q(cancelled_at__isnull=False, cancel_reason__regex=r"\S", held_on__isnull=True),
                name="meeting_cancelled_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.starts_at}"


class MeetingGuest(models.Model):
    """Someone invited to a meeting, or to whom it is announced."""

    meeting = models.ForeignKey(InformationMeeting, models.CASCADE, related_name="guests")
    email = models.EmailField("adresse électronique")
    name = models.CharField("nom", max_length=200, blank=True)
    organisation = models.CharField("organisme", max_length=200, blank=True)

    class Meta:
        verbose_name = "invité"
        ordering = ["organisation", "name", "email"]
        constraints = [
            models.UniqueConstraint(fields=["meeting", "email"], name="meeting_guest_once"),
        ]

    def __str__(self) -> str:
        return self.name or self.email
