"""The whole state machine of a letter of intent."""

from typing import Any

from django.db import models
from django.utils import timezone
from django_fsm import ConcurrentTransitionMixin, transition

from letters import rules
from workflow.states import CaseState


class LetterWorkflow(ConcurrentTransitionMixin, models.Model):
    """Transitions of a letter. Only `workflow.services.perform()` calls them."""

    class Meta:
        abstract = True

    @transition(
        field="state",
        source=CaseState.DRAFT,
        target=CaseState.DEPOSITED,
        permission=rules.may_deposit,
        conditions=[rules.is_complete],
        custom={"label": "Déposer la lettre"},
    )
    def deposit(self, *, actor: Any, reference: str, office_id: int, **_data: Any) -> None:
        """The owner files the letter: numbered, dated, on the desk of an office."""
        self.reference = reference
        self.office_id = office_id
        self.deposited_at = timezone.now()
        self.version += 1
