"""What the office in charge asks the team to complete, and what the team prepares in answer.

The items of a request hold the team's answer until it deposits it: nobody else reads them, and
what was deposited stays as it is meanwhile.
"""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from documents.models import Attachment
from territories.models import Territory
from workflow.models.cases import Case
from workflow.querysets import ARS_KINDS, writes_the_case

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class CompletionState(models.TextChoices):
    DRAFT = "draft", "En préparation"
    SENT = "sent", "Envoyée"
    ANSWERED = "answered", "Réponse déposée"
    CANCELLED = "cancelled", "Annulée"
    ABANDONED = "abandoned", "Sans suite"


class CompletionRequestQuerySet(models.QuerySet["CompletionRequest"]):
    def visible_to(self, user: "User | AnonymousUser") -> "CompletionRequestQuerySet":
        """The requests a person may read in the role they act in.

        The team and the agencies on whose desk the case is: those that were sent. The office
        in charge, and the office that asked: theirs, drafts included. Nobody else.
        """
        if not isinstance(user, User):
            return self.none()
        sent = ~Q(state=CompletionState.DRAFT)
        if user.acting is None:
            return self.filter(sent, case__community__team_members__user=user)
        body = user.acting.organisation_id
        found = self.filter(case__desks__organisation=body)
        if user.acting.department_id:
            found = found.filter(case__department_codes__contains=[user.acting.department_id])
        mine = Q(office=body) & ~Q(writes_the_case(user, "case"))
        allowed = mine | (Q(case__office=body) & sent)
        if user.acting.organisation.kind in ARS_KINDS:
            allowed |= sent
        return found.filter(allowed)

    def open(self) -> "CompletionRequestQuerySet":
        """Sent, and waiting for its answer."""
        return self.filter(state=CompletionState.SENT)


class CompletionRequest(models.Model):
    """A request for missing items, in preparation or sent; one at a time for a case."""

    State = CompletionState

    case = models.ForeignKey(
        Case, models.CASCADE, related_name="completion_requests", verbose_name="dossier"
    )
    number = models.PositiveSmallIntegerField("numéro")
    state = models.CharField(
        "état", max_length=10, choices=CompletionState, default=CompletionState.DRAFT
    )
    office = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="demandée par"
    )
    message = models.TextField("message", blank=True)
    # Last day to answer, included.
    due_on = models.DateField("à rendre avant le", null=True, blank=True)
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="préparée par"
    )
    created_at = models.DateTimeField("préparée le", default=timezone.now)
    sent_at = models.DateTimeField("envoyée le", null=True, blank=True)
    sent_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="envoyée par"
    )
    # Answered, cancelled, or left without an answer when the case ended.
    ended_at = models.DateTimeField("close le", null=True, blank=True)
    ended_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="close par"
    )
    end_reason = models.TextField("motif", blank=True)
    # The version of the case it was asked about, and the one that answers it.
    version = models.PositiveSmallIntegerField("version lue", default=0)
    answered_version = models.PositiveSmallIntegerField("version déposée", null=True, blank=True)
    # The team's copy of the territory, where the territory is asked for.
    territory = models.OneToOneField(
        Territory,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="completion_request",
        verbose_name="territoire préparé",
    )

    objects = CompletionRequestQuerySet.as_manager()

    class Meta:
        verbose_name = "demande de compléments"
        verbose_name_plural = "demandes de compléments"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["case", "number"], name="completion_request_number"),
            models.UniqueConstraint(
                fields=["case"],
                condition=Q(state__in=["draft", "sent"]),
                name="completion_request_one_at_a_time",
                violation_error_message="Une demande de compléments est déjà en cours.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=CompletionState.values), name="completion_request_known_state"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", sent_at__isnull=True, sent_by__isnull=True)
                | (
                    ~Q(state="draft")
                    & Q(sent_at__isnull=False, sent_by__isnull=False, due_on__isnull=False)
                ),
                name="completion_request_sent_is_dated_signed_and_due",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "sent"], ended_at__isnull=True)
                | Q(state__in=["answered", "cancelled", "abandoned"], ended_at__isnull=False),
                name="completion_request_ended_is_dated",
            ),
            models.CheckConstraint(
                condition=Q(state="answered", answered_version__isnull=False)
                | (~Q(state="answered") & Q(answered_version__isnull=True)),
                name="completion_request_answer_is_a_version",
            ),
            models.CheckConstraint(
                condition=~Q(state="cancelled") | ~Q(end_reason=""),
                name="completion_request_cancelled_with_a_reason",
                violation_error_message="Une annulation est motivée.",
            ),
        ]
        indexes = [
            models.Index(fields=["due_on"], name="completion_due", condition=Q(state="sent"))
        ]

    def __str__(self) -> str:
        return f"Demande n° {self.number}, {self.case}"

    @property
    def is_draft(self) -> bool:
        return self.state == CompletionState.DRAFT

    @property
    def is_open(self) -> bool:
        return self.state == CompletionState.SENT


class CompletionItem(models.Model):
    """One thing to complete: a field, a document or the territory; and the team's answer to it."""

    class Kind(models.TextChoices):
        FIELD = "field", "champ"
        ATTACHMENT = "attachment", "document"
        TERRITORY = "territory", "territoire"

    class Reason(models.TextChoices):
        MISSING = "missing", "Manquant"
        UNCLEAR = "unclear", "À préciser"
        OUTDATED = "outdated", "Périmé"

    request = models.ForeignKey(CompletionRequest, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField("rang", default=0)
    # Which field or attachment slot of the procedure, and what it was called when asked.
    key = models.SlugField("champ", max_length=60)
    kind = models.CharField("nature", max_length=10, choices=Kind)
    label = models.TextField("intitulé")
    reason = models.CharField("motif", max_length=10, choices=Reason)
    comment = models.TextField("précision", blank=True)
    blocking = models.BooleanField("indispensable", default=True)
    lifted_at = models.DateTimeField("levé le", null=True, blank=True)
    lifted_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="levé par"
    )
    lift_reason = models.TextField("motif de la levée", blank=True)
    # The team's answer, private until it is deposited. `revision` counts its changes: 0, none.
    value = models.JSONField("réponse", null=True, blank=True, encoder=DjangoJSONEncoder)
    revision = models.PositiveIntegerField("révision", default=0)
    removed = ArrayField(models.UUIDField(), default=list, blank=True)
    note = models.TextField("mot de l’équipe", blank=True)
    updated_at = models.DateTimeField("modifié le", null=True, blank=True)
    updated_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="modifié par"
    )

    class Meta:
        verbose_name = "point d’une demande"
        verbose_name_plural = "points d’une demande"
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "key"],
                name="completion_item_once",
                violation_error_message="Ce point est déjà dans la demande.",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["missing", "unclear", "outdated"]),
                name="completion_item_known_reason",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lift_reason="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lift_reason="")),
                name="completion_item_lifted_is_dated_signed_and_reasoned",
                violation_error_message="La levée d’un point a un auteur et un motif.",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def count_change(self) -> None:
        """Note that what the item asks for, and does not hold itself, has changed."""
        CompletionItem.objects.filter(pk=self.pk).update(revision=models.F("revision") + 1)

    @property
    def is_lifted(self) -> bool:
        return self.lifted_at is not None


class BufferedFile(models.Model):
    """A file the team has joined in answer, not deposited yet."""

    item = models.ForeignKey(CompletionItem, models.CASCADE, related_name="files")
    attachment = models.OneToOneField(Attachment, models.PROTECT, related_name="buffered")

    class Meta:
        verbose_name = "fichier en attente de dépôt"
        verbose_name_plural = "fichiers en attente de dépôt"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.item_id} {self.attachment_id}"


class CompletionAction(models.TextChoices):
    SENT = "sent", "Demande envoyée"
    EXTENDED = "extended", "Date limite reportée"
    LIFTED = "lifted", "Point levé"
    REMINDED = "reminded", "Rappel envoyé à l’équipe"
    OVERDUE = "overdue", "Date limite passée sans réponse"
    ANSWERED = "answered", "Réponse déposée"
    CANCELLED = "cancelled", "Demande annulée"
    ABANDONED = "abandoned", "Dossier clos, retiré ou accepté sans réponse"


class CompletionLog(models.Model):
    """One line for each thing done to a request; no actor means the portal itself."""

    Action = CompletionAction

    request = models.ForeignKey(CompletionRequest, models.CASCADE, related_name="logs")
    action = models.CharField("action", max_length=10, choices=CompletionAction)
    actor = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="auteur"
    )
    comment = models.TextField("commentaire", blank=True)
    # The last day to answer as this line left it.
    due_on = models.DateField("à rendre avant le", null=True, blank=True)
    # Names the cause of what the portal does by itself: it does it once.
    cause = models.CharField("cause", max_length=40, blank=True)
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "ligne du journal d’une demande"
        verbose_name_plural = "journal des demandes de compléments"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "action", "cause"],
                condition=~Q(cause=""),
                name="completion_log_once",
            ),
        ]
        indexes = [models.Index(fields=["request", "at"], name="completion_log_order")]

    def __str__(self) -> str:
        return f"{self.request_id} {self.action}"
