"""States shared by filed cases."""

from typing import Final

from django.db import models


class CaseState(models.TextChoices):
    DRAFT = "draft", "Brouillon"
    DEPOSITED = "deposited", "Déposé"
    IN_CONSULTATION = "in_consultation", "Avis demandés"
    UNDER_REVIEW = "under_review", "En cours d’instruction"
    COMPLETION_REQUESTED = "completion_requested", "Compléments demandés"
    DECISION_PROPOSED = "decision_proposed", "Décision proposée"
    # Frozen, and being signed by its parties: a contract.
    TO_SIGN = "to_sign", "À signer"
    ACCEPTED = "accepted", "Accepté"
    TACITLY_ACCEPTED = "tacitly_accepted", "Accepté par silence"
    REFUSED = "refused", "Refusé"
    WITHDRAWN = "withdrawn", "Retiré"
    CLOSED = "closed", "Clos sans suite"


# Deposited, and neither decided nor withdrawn nor closed.
OPEN_STATES: Final = (
    CaseState.DEPOSITED,
    CaseState.IN_CONSULTATION,
    CaseState.UNDER_REVIEW,
    CaseState.COMPLETION_REQUESTED,
    CaseState.DECISION_PROPOSED,
)
# While a body may be asked, asked again, given more time or no longer asked.
CONSULTING_STATES: Final = (CaseState.IN_CONSULTATION, CaseState.UNDER_REVIEW)
