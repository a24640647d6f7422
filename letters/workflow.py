"""The whole state machine of a letter of intent."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone
from django_fsm import ConcurrentTransitionMixin, transition

from letters import rules
from workflow.states import CaseState

if TYPE_CHECKING:
    from workflow.models import Case as Base
else:
    Base = models.Model


class LetterWorkflow(ConcurrentTransitionMixin, Base):
    """Transitions of a letter. Only `workflow.services.perform()` calls them."""

    class Meta:
        abstract = True

    @transition(
        field="state",
        source=CaseState.DRAFT,
        target=CaseState.DEPOSITED,
        permission=rules.may_deposit,  # type: ignore[arg-type]
        conditions=[rules.is_complete],  # type: ignore[list-item]
        custom={"label": "Déposer la lettre"},
    )
    def deposit(
        self,
        *,
        actor: Any,
        reference: str,
        office_id: int,
        population: int,
        commune_count: int,
        size_class: str,
        department_codes: list[str],
        commits_to_missions: bool,
        signatory_name: str,
        signed_at_place: str,
    ) -> None:
        """The owner files the letter: numbered, dated, measured, on the desk of an office."""
        self.reference = reference
        self.office_id = office_id
        self.population = population
        self.commune_count = commune_count
        self.size_class = size_class
        self.department_codes = department_codes
        self.commits_to_missions = commits_to_missions
        self.signatory_name = signatory_name
        self.signed_at_place = signed_at_place
        self.deposited_at = timezone.now()
        self.version += 1
