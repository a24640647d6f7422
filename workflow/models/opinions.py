"""What is asked of bodies about a case, what they answer, and what it amounts to."""

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Organisation, User
from notifications.models import Notification
from workflow.models.cases import Case
from workflow.opinion_states import (
    ConsultationAction,
    ConsultationState,
    NoticeKind,
    Position,
)
from workflow.querysets import ConsultationQuerySet, OpinionQuerySet, SynthesisQuerySet


class Consultation(models.Model):
    """What is asked of one body about one case, and until when."""

    class Kind(models.TextChoices):
        EXPECTED = "expected", "Avis attendu"
        INFORMATION = "information", "Pour information"

    class Silence(models.TextChoices):
        NO_OPINION = "no_opinion", "Sans avis"
        DEEMED_GIVEN = "deemed_given", "Réputé rendu"

    State = ConsultationState

    case = models.ForeignKey(
        Case, models.CASCADE, related_name="consultations", verbose_name="dossier"
    )
    body = models.ForeignKey(
        Organisation, models.PROTECT, related_name="consultations", verbose_name="organisme"
    )
    kind = models.CharField("nature", max_length=12, choices=Kind)
    # Key of the line of the circuit it comes from.
    line = models.SlugField("ligne du circuit", max_length=60)
    stage = models.PositiveSmallIntegerField("étape", default=1)
    grid = models.SlugField("grille", max_length=60, blank=True)
    silence = models.CharField("sens du silence", max_length=12, choices=Silence, blank=True)
    days = models.PositiveSmallIntegerField("délai en jours", null=True, blank=True)
    state = models.CharField(
        "état", max_length=10, choices=ConsultationState, default=ConsultationState.WAITING
    )
    # How many times it was asked: reminders begin again with each.
    round = models.PositiveSmallIntegerField("demande n°", default=1)
    requested_at = models.DateTimeField("demandé le", null=True, blank=True)
    # Last day to answer, included.
    due_on = models.DateField("attendu le", null=True, blank=True)
    revoked_at = models.DateTimeField("retirée le", null=True, blank=True)
    # Nobody: the portal, when the case itself was withdrawn.
    revoked_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="retirée par"
    )
    revocation_reason = models.TextField("motif du retrait", blank=True)

    objects = ConsultationQuerySet.as_manager()

    class Meta:
        verbose_name = "consultation"
        ordering = ["stage", "body__name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "body"],
                condition=~Q(state="revoked"),
                name="consultation_one_per_body",
                violation_error_message="Cet organisme est déjà consulté sur ce dossier.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ConsultationState.values),
                name="consultation_known_state",
            ),
            models.CheckConstraint(
                condition=(
                    Q(kind="information", state__in=["waiting", "informed", "revoked"])
                    & Q(days__isnull=True, due_on__isnull=True, grid="", silence="")
                )
                | (
                    Q(kind="expected", days__isnull=False, days__gte=1)
                    & ~Q(state="informed")
                    & ~Q(silence="")
                ),
                name="consultation_information_awaits_nothing",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "informed", "revoked"])
                | Q(requested_at__isnull=False, due_on__isnull=False),
                name="consultation_requested_is_dated_and_due",
            ),
            models.CheckConstraint(
                condition=Q(~Q(state="revoked"), revoked_at__isnull=True, revocation_reason="")
                | (Q(state="revoked", revoked_at__isnull=False) & ~Q(revocation_reason="")),
                name="consultation_revoked_is_dated_and_reasoned",
                violation_error_message="Le retrait d’une demande a une date et un motif.",
            ),
        ]
        indexes = [
            models.Index(fields=["body", "state", "due_on"], name="consultation_body_desk"),
            models.Index(
                fields=["due_on"], name="consultation_due", condition=Q(state="requested")
            ),
            models.Index(
                fields=["due_on"], name="consultation_overdue", condition=Q(state="silent")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.body} · {self.case}"

    @property
    def is_expected(self) -> bool:
        return self.kind == self.Kind.EXPECTED


class Opinion(models.Model):
    """What a body thinks of a case: drafted by a member, given when its president validates.

    One is current for each consultation; those before it are kept. It names the version of
    the case it was written on.
    """

    Position = Position

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="opinions", verbose_name="consultation"
    )
    is_current = models.BooleanField("en vigueur", default=True)
    position = models.CharField("position", max_length=30, choices=Position, blank=True)
    text = models.TextField("texte", blank=True)
    reserves = ArrayField(models.TextField(), default=list, blank=True, verbose_name="réserves")
    # By criterion of the grid: {"missions": {"mark": 2, "comment": "…"}}.
    marks = models.JSONField("notes", default=dict, blank=True)
    version_read = models.PositiveSmallIntegerField("version lue")
    # Counts the changes: a save and a validation say which one they start from.
    revision = models.PositiveIntegerField("révision", default=1)
    drafted_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="rédigé par"
    )
    drafted_at = models.DateTimeField("rédigé le", default=timezone.now)
    submitted_at = models.DateTimeField("soumis le", null=True, blank=True)
    returned_at = models.DateTimeField("renvoyé le", null=True, blank=True)
    returned_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="renvoyé par"
    )
    return_comment = models.TextField("motif du renvoi", blank=True)
    validated_at = models.DateTimeField("rendu le", null=True, blank=True)
    validated_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="rendu par"
    )
    # The mandate the validator held, when they are not the president.
    mandate = models.ForeignKey(
        "Mandate", models.PROTECT, null=True, blank=True, related_name="+", verbose_name="mandat"
    )
    # What it said in words when it was given: its official document is made from it alone.
    content = models.JSONField("contenu", null=True, blank=True, encoder=DjangoJSONEncoder)
    # Given after its deadline or after the decision: kept, shown as such, not counted.
    is_late = models.BooleanField("hors délai", default=False)
    # May be read by the team and by the other bodies, once the synthesis has left.
    communicable = models.BooleanField("communicable", default=False)

    objects = OpinionQuerySet.as_manager()

    class Meta:
        verbose_name = "avis"
        verbose_name_plural = "avis"
        ordering = ["consultation", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation"],
                condition=Q(is_current=True),
                name="opinion_one_current",
            ),
            models.CheckConstraint(
                condition=Q(position__in=["", *Position.values]), name="opinion_known_position"
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=True, validated_by__isnull=True)
                | (Q(validated_at__isnull=False, validated_by__isnull=False) & ~Q(position="")),
                name="opinion_given_is_dated_signed_and_takes_a_position",
                violation_error_message="Un avis rendu a une date, un auteur et une position.",
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=True)
                | ~Q(position="favourable_with_reserves")
                | Q(reserves__len__gte=1),
                name="opinion_with_reserves_lists_them",
                violation_error_message="Un avis avec réserves énonce au moins une réserve.",
            ),
            models.CheckConstraint(
                condition=Q(returned_at__isnull=True, returned_by__isnull=True, return_comment="")
                | (Q(returned_at__isnull=False, returned_by__isnull=False) & ~Q(return_comment="")),
                name="opinion_returned_with_a_reason",
                violation_error_message="Un projet d’avis est renvoyé avec un motif.",
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=False) | Q(is_late=False, communicable=False),
                name="opinion_draft_is_neither_late_nor_communicable",
            ),
            models.CheckConstraint(
                condition=Q(is_current=True) | Q(validated_at__isnull=False),
                name="opinion_replaced_was_given",
            ),
            models.CheckConstraint(
                condition=Q(validated_at__isnull=True, content__isnull=True)
                | Q(validated_at__isnull=False, content__isnull=False),
                name="opinion_given_is_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consultation} : {self.get_position_display() or 'projet'}"

    @property
    def is_given(self) -> bool:
        return self.validated_at is not None

    @property
    def is_counted(self) -> bool:
        return self.is_given and self.is_current and not self.is_late

    def is_on_older_version(self, case: Case) -> bool:
        """Whether the case was deposited again since this opinion read it."""
        return self.version_read < case.version


class Mandate(models.Model):
    """The right to validate a body's opinions in the president's place, from a day to a day."""

    body = models.ForeignKey(
        Organisation, models.PROTECT, related_name="mandates", verbose_name="organisme"
    )
    holder = models.ForeignKey(
        User, models.RESTRICT, related_name="mandates", verbose_name="mandataire"
    )
    given_by = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="donné par")
    given_at = models.DateTimeField("donné le", default=timezone.now)
    valid_from = models.DateField("à partir du")
    valid_to = models.DateField("jusqu’au")
    revoked_at = models.DateTimeField("retiré le", null=True, blank=True)

    class Meta:
        verbose_name = "mandat"
        ordering = ["-valid_from", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_to__gte=F("valid_from")), name="mandate_dates_in_order"
            ),
        ]
        indexes = [models.Index(fields=["body", "holder"], name="mandate_holder")]

    def __str__(self) -> str:
        return f"{self.holder} pour {self.body}"


class ConflictDeclaration(models.Model):
    """What a member of a body said of their ties with a case: none, or they step aside."""

    class Outcome(models.TextChoices):
        NONE = "none", "Aucun conflit d’intérêts"
        WITHDRAWN = "withdrawn", "Se déporte"

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="declarations", verbose_name="consultation"
    )
    user = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="par")
    outcome = models.CharField("déclaration", max_length=10, choices=Outcome)
    # What made the portal ask, as it was shown.
    suspicion = models.TextField("constat du portail", blank=True)
    reason = models.TextField("explication", blank=True)
    declared_at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "déclaration de conflit d’intérêts"
        verbose_name_plural = "déclarations de conflit d’intérêts"
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "user"], name="conflict_declaration_once"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="none", reason=""),
                name="conflict_declaration_none_says_why",
                violation_error_message="Expliquez pourquoi il n’y a pas de conflit d’intérêts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} : {self.get_outcome_display()}"


class ConsultationLog(models.Model):
    """One line for each thing done to a consultation; no actor means the portal itself."""

    Action = ConsultationAction

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="logs", verbose_name="consultation"
    )
    action = models.CharField("action", max_length=20, choices=ConsultationAction)
    actor = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="auteur"
    )
    comment = models.TextField("commentaire", blank=True)
    # The deadline as this line left it.
    due_on = models.DateField("attendu le", null=True, blank=True)
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal d’une consultation"
        verbose_name_plural = "journal des consultations"
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["consultation", "at"], name="consultation_log_order")]

    def __str__(self) -> str:
        return f"{self.consultation_id} {self.action}"


class ConsultationNotice(models.Model):
    """One message to one person about a consultation: when, why, and what became of it."""

    Kind = NoticeKind

    consultation = models.ForeignKey(
        Consultation, models.CASCADE, related_name="notices", verbose_name="consultation"
    )
    kind = models.CharField("motif", max_length=12, choices=NoticeKind)
    # Names the cause among those of its kind: « 1 » for a first request, « 1:7 » for its
    # reminder at seven days.
    cause = models.CharField("cause", max_length=40)
    recipient = models.EmailField("destinataire")
    notification = models.ForeignKey(
        Notification,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="notification",
    )
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "message d’une consultation"
        verbose_name_plural = "messages des consultations"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "kind", "cause", "recipient"],
                name="consultation_notice_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consultation_id} {self.kind} {self.recipient}"

    @property
    def result(self) -> str:
        """What became of the message, in words."""
        return self.notification.delivery_in_words if self.notification else "résultat effacé"


class Synthesis(models.Model):
    """What the opinions amount to, written by the office in charge, frozen when it leaves."""

    case = models.OneToOneField(
        Case, models.CASCADE, related_name="synthesis", verbose_name="dossier"
    )
    # In charge when it was written: it reads the opinions after it has handed the case over.
    office = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="bureau"
    )
    text = models.TextField("texte", blank=True)
    revision = models.PositiveIntegerField("révision", default=1)
    written_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="rédigée par"
    )
    written_at = models.DateTimeField("rédigée le", default=timezone.now)
    # The table by body and the merged reserves, as they were when it left.
    content = models.JSONField("contenu", null=True, blank=True, encoder=DjangoJSONEncoder)
    transmitted_at = models.DateTimeField("transmise le", null=True, blank=True)
    transmitted_by = models.ForeignKey(
        User,
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="transmise par",
    )

    objects = SynthesisQuerySet.as_manager()

    class Meta:
        verbose_name = "synthèse des avis"
        verbose_name_plural = "synthèses des avis"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    transmitted_at__isnull=True,
                    transmitted_by__isnull=True,
                    content__isnull=True,
                )
                | Q(
                    transmitted_at__isnull=False,
                    transmitted_by__isnull=False,
                    content__isnull=False,
                ),
                name="synthesis_transmitted_is_dated_signed_and_frozen",
            ),
        ]

    def __str__(self) -> str:
        return f"Synthèse des avis, {self.case}"
