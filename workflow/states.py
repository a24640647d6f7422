"""States shared by filed cases."""

from django.db import models


class CaseState(models.TextChoices):
    DRAFT = "draft", "Brouillon"
    DEPOSITED = "deposited", "Déposé"
