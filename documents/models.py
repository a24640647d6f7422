"""Files: attachments as people upload them, and official documents that never change."""

import uuid

from django.db import models
from django.utils import timezone

from accounts.models import User
from cpts_portal.rows import is_sha256


def attachment_path(attachment: "Attachment", _filename: str) -> str:
    """A storage name that says nothing of the person or the file."""
    return f"attachments/{attachment.pk}"


def official_document_path(document: "OfficialDocument", _filename: str) -> str:
    return f"official/{document.created_at:%Y}/{document.pk}.pdf"


class Attachment(models.Model):
    """A file a person uploaded, its type read from its content, not from its name."""

    class Scan(models.TextChoices):
        NOT_SCANNED = "not_scanned", "non analysé"
        CLEAN = "clean", "sain"
        INFECTED = "infected", "infecté"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file = models.FileField("fichier", upload_to=attachment_path)
    name = models.CharField("nom du fichier", max_length=150)
    content_type = models.CharField("type", max_length=100)
    size = models.PositiveIntegerField("taille en octets")
    sha256 = models.CharField("empreinte SHA-256", max_length=64)
    scan = models.CharField("antivirus", max_length=15, choices=Scan, default=Scan.NOT_SCANNED)
    uploaded_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="envoyé par"
    )
    uploaded_at = models.DateTimeField("envoyé le", default=timezone.now)

    class Meta:
        verbose_name = "pièce jointe"
        verbose_name_plural = "pièces jointes"

    def __str__(self) -> str:
        return self.name


class OfficialDocument(models.Model):
    """An official act as issued: rendered once from a snapshot, numbered, hashed, kept.

    The file is never rendered again: a second download is the same bytes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField("nature", max_length=40)
    number = models.CharField("numéro", max_length=60, unique=True)
    title = models.CharField("titre", max_length=250)
    file = models.FileField("fichier", upload_to=official_document_path)
    size = models.PositiveIntegerField("taille en octets")
    sha256 = models.CharField("empreinte SHA-256", max_length=64)
    created_at = models.DateTimeField("établi le", default=timezone.now)

    class Meta:
        verbose_name = "document officiel"
        verbose_name_plural = "documents officiels"
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(condition=is_sha256("sha256"), name="official_document_hashed"),
        ]

    def __str__(self) -> str:
        return self.number
