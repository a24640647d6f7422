"""What must happen after a commit, written in the same transaction as its cause.

A broker that is down, a worker that is killed or a database that restarts loses nothing:
a row stays until a worker has delivered it, and `deduplication_key` makes sure the same
cause is never written twice.
"""

from typing import Final

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Delivery(models.TextChoices):
    """What became of a mail, as far as mail servers have said."""

    QUEUED = "queued", "en attente"
    RETRYING = "retrying", "pas encore parti, nouvel essai prévu"
    SENT = "sent", "envoyé"
    REFUSED = "refused", "refusé"
    BOUNCED = "bounced", "revenu"


FAILED: Final = frozenset({Delivery.REFUSED, Delivery.BOUNCED})


class OutboxEvent(models.Model):
    """A piece of work to do after commit: a handler's name and the ids it needs, nothing more."""

    handler = models.CharField("traitement", max_length=100)
    payload = models.JSONField("identifiants", default=dict)
    deduplication_key = models.CharField("clé d’unicité", max_length=200, unique=True)
    created_at = models.DateTimeField("créé le", default=timezone.now)
    available_at = models.DateTimeField("à traiter à partir de", default=timezone.now)
    # While a worker does it, for the page of whoever waits; a killed one leaves it as it was.
    started_at = models.DateTimeField("commencé le", null=True, blank=True)
    done_at = models.DateTimeField("traité le", null=True, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    last_error = models.TextField("dernière erreur", blank=True)

    class Meta:
        verbose_name = "tâche à effectuer"
        verbose_name_plural = "tâches à effectuer"
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["available_at"],
                name="outbox_event_pending",
                condition=Q(done_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.handler} ({self.deduplication_key})"


class Mail(models.Model):
    """One message to one recipient, written once and sent once.

    `deduplication_key` names the cause and the recipient: writing it twice is refused by the
    database, so nobody is mailed twice for the same thing.
    """

    deduplication_key = models.CharField("clé d’unicité", max_length=250, unique=True)
    recipient = models.EmailField("destinataire")
    subject = models.CharField("objet", max_length=250)
    text_body = models.TextField("texte")
    html_body = models.TextField("version HTML", blank=True)
    # Storage names of files to attach, with the name the reader sees: [[name, label], …]
    attachments = models.JSONField("pièces jointes", default=list, blank=True)
    created_at = models.DateTimeField("créé le", default=timezone.now)
    available_at = models.DateTimeField("à envoyer à partir de", default=timezone.now)
    # While a worker is sending it: nobody else does. A killed worker's claim runs out.
    claimed_until = models.DateTimeField("en cours d’envoi jusqu’à", null=True, blank=True)
    sent_at = models.DateTimeField("envoyé le", null=True, blank=True)
    # For good (5xx): it is not tried again.
    refused_at = models.DateTimeField("refusé le", null=True, blank=True)
    # Accepted first, then sent back by a later server.
    bounced_at = models.DateTimeField("revenu le", null=True, blank=True)
    failure = models.CharField("raison du refus ou du retour", max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    last_error = models.TextField("dernière erreur", blank=True)

    class Meta:
        verbose_name = "courriel"
        verbose_name_plural = "courriels"
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(refused_at__isnull=True),
                name="mail_sent_or_refused",
            ),
            models.CheckConstraint(
                condition=Q(bounced_at__isnull=True) | Q(sent_at__isnull=False),
                name="mail_comes_back_once_sent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["available_at"],
                name="outbox_mail_pending",
                condition=Q(sent_at__isnull=True, refused_at__isnull=True),
            ),
            models.Index(fields=["recipient", "-id"], name="outbox_mail_recipient"),
            models.Index(
                fields=["id"],
                name="outbox_mail_failed",
                condition=Q(refused_at__isnull=False) | Q(bounced_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def delivery(self) -> Delivery:
        if self.refused_at:
            return Delivery.REFUSED
        if self.bounced_at:
            return Delivery.BOUNCED
        if self.sent_at:
            return Delivery.SENT
        return Delivery.RETRYING if self.last_error else Delivery.QUEUED

    @property
    def delivery_in_words(self) -> str:
        """« envoyé », « refusé : adresse inconnue »…"""
        words = str(self.delivery.label)
        return f"{words} : {self.failure}" if self.failure else words
