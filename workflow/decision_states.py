"""The words of decisions: where one stands."""

from typing import Final

from django.db import models


class DecisionState(models.TextChoices):
    """Where a decision stands."""

    DRAFT = "draft", "En préparation"
    PROPOSED = "proposed", "À signer"
    TAKEN = "taken", "Prise"
    WITHDRAWN = "withdrawn", "Retirée"
    DROPPED = "dropped", "Abandonnée"  # the case was withdrawn or closed meanwhile


# Known only to those who prepare and sign it.
UNBORN: Final = (DecisionState.DRAFT, DecisionState.PROPOSED)
EXISTING: Final = (DecisionState.TAKEN, DecisionState.WITHDRAWN)
