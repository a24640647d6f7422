"""What the team of a case and the office in charge write to each other, and who has read it."""

import uuid
from typing import TYPE_CHECKING, Final

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Lower
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.viewers import Viewer, viewer_of
from documents.models import Attachment
from workflow.models.cases import Case

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

LONGEST_MESSAGE: Final = 20_000


class Side(models.TextChoices):
    """Which of the two a person writes or reads for."""

    TEAM = "team", "l’équipe"
    OFFICE = "office", "le bureau"

    @property
    def other(self) -> "Side":
        return Side.OFFICE if self == Side.TEAM else Side.TEAM


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: "User | AnonymousUser") -> "MessageQuerySet":
        """The messages a person reads in the role they act in: see docs/decisions/0007-messages.md.

        - The team: all those of its cases.
        - The office in charge: all those of the case, so that nothing is asked twice.
        - An office that had the case before: those of its own time.

        Bodies, offices that are only informed and administrators read none.
        """
        if not isinstance(user, User):
            return self.none()
        return self.seen_by(viewer_of(user))

    def seen_by(self, viewer: Viewer) -> "MessageQuerySet":
        """The same, for a statement that is composed once."""
        if viewer.body is None:
            return self.filter(case__community__team_members__user=viewer.person)
        found = self.filter(case__desks__organisation=viewer.body)
        if viewer.department is not None:
            found = found.filter(case__department_codes__contains=[viewer.department])
        return found.filter(Q(case__office=viewer.body) | Q(office=viewer.body))

    def awaiting_answer(self) -> "MessageQuerySet":
        """Those whose sender still waits for an answer."""
        return self.filter(answer_expected=True, settled_at__isnull=True)


class Message(models.Model):
    """One message of the thread of a case. What was sent never changes; its question is settled."""

    Side = Side

    case = models.ForeignKey(Case, models.CASCADE, related_name="messages", verbose_name="dossier")
    side = models.CharField("écrit par", max_length=6, choices=Side)
    # In charge when the message was sent, whoever wrote it: it reads it after a hand-over.
    office = models.ForeignKey(
        Organisation, models.PROTECT, related_name="+", verbose_name="bureau en charge"
    )
    author = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="auteur")
    subject = models.CharField("objet", max_length=150, blank=True)
    text = models.TextField("texte")
    sent_at = models.DateTimeField("envoyé le", default=timezone.now)
    # Comes from the form that sent it: the same one sent twice is one message.
    submission = models.UUIDField("envoi", default=uuid.uuid4, editable=False)
    answer_expected = models.BooleanField("réponse attendue", default=False)
    # Last day, included.
    answer_by = models.DateField("réponse attendue avant le", null=True, blank=True)
    settled_at = models.DateTimeField("réglé le", null=True, blank=True)
    settled_by = models.ForeignKey(
        User, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="réglé par"
    )
    # The message that answers it; none when the sender no longer waits.
    settled_with = models.ForeignKey(
        "self",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="answers",
        verbose_name="réponse",
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = "message"
        ordering = ["-sent_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "author", "submission"], name="message_once"),
            models.CheckConstraint(condition=Q(side__in=Side.values), name="message_known_side"),
            models.CheckConstraint(
                condition=Q(LessThanOrEqual(Length("text"), LONGEST_MESSAGE)) & ~Q(text=""),
                name="message_says_something_and_not_too_much",
                violation_error_message="Un message a un texte, de 20 000 caractères au plus.",
            ),
            models.CheckConstraint(
                condition=Q(answer_expected=True)
                | Q(answer_by__isnull=True, settled_at__isnull=True),
                name="message_only_a_question_has_a_term",
            ),
            models.CheckConstraint(
                condition=Q(
                    settled_at__isnull=True, settled_by__isnull=True, settled_with__isnull=True
                )
                | Q(settled_at__isnull=False, settled_by__isnull=False),
                name="message_settled_is_dated_and_signed",
            ),
        ]
        indexes = [
            models.Index(fields=["case", "-sent_at"], name="message_thread"),
            models.Index(
                fields=["case", "side"],
                name="message_open_question",
                condition=Q(answer_expected=True, settled_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.side} {self.sent_at:%Y-%m-%d}"

    @property
    def is_awaiting(self) -> bool:
        return self.answer_expected and self.settled_at is None


class MessageRead(models.Model):
    """Who opened a message, for which side, and when for the first time."""

    message = models.ForeignKey(
        Message, models.CASCADE, related_name="reads", verbose_name="message"
    )
    user = models.ForeignKey(User, models.RESTRICT, related_name="+", verbose_name="lu par")
    side = models.CharField("pour", max_length=6, choices=Side)
    # None: a member of the team.
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    at = models.DateTimeField("le", default=timezone.now)

    class Meta:
        verbose_name = "lecture d’un message"
        verbose_name_plural = "lectures des messages"
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["message", "user", "side"], name="message_read_once"),
            models.CheckConstraint(
                condition=Q(side=Side.TEAM, organisation__isnull=True)
                | Q(side=Side.OFFICE, organisation__isnull=False),
                name="message_read_for_the_team_or_for_an_office",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.user_id}"


class MessageDraft(models.Model):
    """What a person has begun to write on a case, in one role: nobody else reads it."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="message_drafts")
    author = models.ForeignKey(User, models.CASCADE, related_name="+")
    # None: in their own name.
    organisation = models.ForeignKey(
        Organisation, models.CASCADE, null=True, blank=True, related_name="+"
    )
    subject = models.CharField("objet", max_length=150, blank=True)
    text = models.TextField("texte", blank=True)
    answer_expected = models.BooleanField("réponse attendue", default=False)
    answer_by = models.DateField("réponse attendue avant le", null=True, blank=True)
    saved_at = models.DateTimeField("enregistré le", default=timezone.now)

    class Meta:
        verbose_name = "brouillon de message"
        verbose_name_plural = "brouillons de messages"
        constraints = [
            models.UniqueConstraint(
                fields=["case", "author", "organisation"],
                nulls_distinct=False,
                name="message_draft_one_per_role",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_id} {self.author_id}"


class MessageFile(models.Model):
    """A file that goes with a message, or that waits in a draft for the message to be sent."""

    message = models.ForeignKey(
        Message, models.CASCADE, null=True, blank=True, related_name="files"
    )
    draft = models.ForeignKey(
        MessageDraft, models.CASCADE, null=True, blank=True, related_name="files"
    )
    attachment = models.OneToOneField(
        Attachment, models.PROTECT, related_name="message_link", verbose_name="fichier"
    )

    class Meta:
        verbose_name = "fichier d’un message"
        verbose_name_plural = "fichiers des messages"
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(message__isnull=True, draft__isnull=False)
                | Q(message__isnull=False, draft__isnull=True),
                name="message_file_sent_or_in_a_draft",
            ),
        ]

    def __str__(self) -> str:
        return str(self.attachment)


class MessageTemplate(models.Model):
    """A text an office keeps to begin its messages with; `workflow.message_templates` reads it."""

    organisation = models.ForeignKey(
        Organisation,
        models.CASCADE,
        related_name="message_templates",
        verbose_name="organisme",
    )
    name = models.CharField("nom", max_length=100)
    subject = models.CharField("objet", max_length=150, blank=True)
    text = models.TextField("texte")
    updated_at = models.DateTimeField("modifié le", default=timezone.now)
    updated_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="modifié par"
    )

    class Meta:
        verbose_name = "modèle de message"
        verbose_name_plural = "modèles de messages"
        ordering = [Lower("name"), "pk"]
        constraints = [
            models.UniqueConstraint(
                "organisation",
                Lower("name"),
                name="message_template_name_once",
                violation_error_message="Un modèle de votre organisme porte déjà ce nom.",
            ),
        ]

    def __str__(self) -> str:
        # The administration names what hangs from a person or an organisation: never the text.
        return f"modèle n° {self.pk}"
