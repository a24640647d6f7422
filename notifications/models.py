"""What each person was told: a line of their notification centre, and what became of its mail."""

from typing import TYPE_CHECKING, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from cpts_portal.words import day
from notifications.kinds import INTERNAL, KINDS, Cadence
from notifications.schedule import next_digest_day
from outbox.models import FAILED, Mail

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.models import AnonymousUser

WAITING_FOR_A_DIGEST: Final = Q(
    cadence__in=(Cadence.DAILY, Cadence.WEEKLY), digested_at__isnull=True, read_at__isnull=True
)


class NotificationQuerySet(models.QuerySet["Notification"]):
    def visible_to(self, user: "User | AnonymousUser") -> "NotificationQuerySet":
        """What a person was told in the role they act in, and nothing of their other roles."""
        if not isinstance(user, User):
            return self.none()
        return self.filter(user=user, body=user.acting.organisation_id if user.acting else None)

    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at__isnull=True)

    def of_case(self, case: "UUID", *, body: Organisation) -> "NotificationQuerySet":
        """Whom the portal wrote to about a case, for the office in charge of it.

        What goes on inside another body stays there.
        """
        return self.filter(Q(body=body) | ~Q(kind__in=INTERNAL), case=case)

    def failed(self) -> "NotificationQuerySet":
        """Those whose mail was refused for good, or came back."""
        return self.filter(Q(mail__refused_at__isnull=False) | Q(mail__bounced_at__isnull=False))

    def waiting_for_a_digest(self, cadence: Cadence) -> "NotificationQuerySet":
        return self.filter(WAITING_FOR_A_DIGEST, cadence=cadence)


class Notification(models.Model):
    """One thing told to one person, or to the mailbox of an organisation."""

    # Names the cause: the same one is never told twice to the same recipient.
    key = models.CharField("cause", max_length=150)
    kind = models.CharField("nature", max_length=30)
    recipient = models.EmailField("destinataire")
    user = models.ForeignKey(
        User,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="notifications",
        verbose_name="personne",
    )
    # In whose name the person is told; nobody: in their own, as a member of a CPTS's team.
    body = models.ForeignKey(
        Organisation,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="organisme",
    )
    # The case's public identifier, and its name as mails say it: cases live above this app.
    case = models.UUIDField("dossier", null=True, blank=True)
    about = models.CharField("intitulé du dossier", max_length=200, blank=True)
    title = models.CharField("titre", max_length=250)
    action = models.CharField("libellé du lien", max_length=100)
    path = models.CharField("adresse sur le portail", max_length=300)
    cadence = models.CharField("courriel", max_length=10, choices=Cadence)
    mail = models.ForeignKey(
        Mail,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="notifications",
        verbose_name="courriel",
    )
    created_at = models.DateTimeField("le", default=timezone.now)
    digested_at = models.DateTimeField("mis au récapitulatif le", null=True, blank=True)
    read_at = models.DateTimeField("lu le", null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = "notification"
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["key", "recipient"], name="notification_once"),
            models.CheckConstraint(
                condition=Q(user__isnull=False) | Q(cadence=Cadence.NOW, read_at__isnull=True),
                name="notification_mailbox_is_written_to_at_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "body"],
                name="notification_unread",
                condition=Q(read_at__isnull=True),
            ),
            models.Index(fields=["user", "body", "-created_at"], name="notification_centre"),
            models.Index(fields=["case", "-created_at"], name="notification_case"),
            models.Index(
                fields=["cadence", "created_at"],
                name="notification_to_digest",
                condition=WAITING_FOR_A_DIGEST,
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def kind_label(self) -> str:
        return KINDS[self.kind].label if self.kind in KINDS else self.kind

    @property
    def has_failed(self) -> bool:
        return self.mail is not None and self.mail.delivery in FAILED

    @property
    def delivery_in_words(self) -> str:
        """What became of its mail: « envoyé », « dans le récapitulatif du 23 novembre 2026 »…"""
        if self.mail is not None:
            return self.mail.delivery_in_words
        if self.cadence == Cadence.NONE:
            return "sur le portail seulement"
        if self.cadence == Cadence.NOW or self.digested_at:
            return "résultat effacé"
        if self.read_at:
            return "lu sur le portail"
        sent_on = next_digest_day(Cadence(self.cadence), self.created_at)
        return f"dans le récapitulatif du {day(sent_on)}"


class Choice(models.Model):
    """When a person wants to be mailed about a kind of thing; without one, the kind's default."""

    user = models.ForeignKey(User, models.CASCADE, related_name="notification_choices")
    kind = models.CharField("nature", max_length=30)
    cadence = models.CharField("courriel", max_length=10, choices=Cadence)

    class Meta:
        verbose_name = "choix de courriel"
        verbose_name_plural = "choix de courriels"
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notification_choice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.kind}"
