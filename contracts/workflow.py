"""The whole state machine of a contract, from its shared draft to its end."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone
from django_fsm import ConcurrentTransitionMixin, transition

from contracts import rules
from workflow.states import CaseState

if TYPE_CHECKING:
    from workflow.models import Case as Base
else:
    Base = models.Model


class ContractWorkflow(ConcurrentTransitionMixin, Base):
    """Transitions of a contract. Only `workflow.services.perform()` calls them."""

    starts_on: date | None
    ends_on: date | None
    signed_on: date | None
    population_year: int | None
    population_source: str

    class Meta:
        abstract = True

    @transition(
        field="state",
        source=CaseState.DRAFT,
        target=CaseState.TO_SIGN,
        permission=rules.may_freeze,  # type: ignore[arg-type]
        conditions=[rules.can_be_frozen],  # type: ignore[list-item]
        custom={"label": "Figer le contrat à signer"},
    )
    def freeze_to_sign(
        self,
        *,
        actor: Any,
        reference: str,
        starts_on: date,
        ends_on: date,
        size: str,
        population: int | None,
        population_year: int | None,
        population_source: str,
        commune_count: int,
    ) -> None:
        """All agree: what they wrote is frozen, numbered, and put before those who sign."""
        self.reference = reference
        self.version += 1
        self.deposited_at = timezone.now()
        self.starts_on = starts_on
        self.ends_on = ends_on
        self.size_class = size
        self.population = population
        self.population_year = population_year
        self.population_source = population_source
        self.commune_count = commune_count

    @transition(
        field="state",
        source=CaseState.TO_SIGN,
        target=CaseState.DRAFT,
        permission=rules.may_reopen,  # type: ignore[arg-type]
        custom={"label": "Rouvrir le projet de contrat"},
    )
    def reopen(self, *, actor: Any) -> None:
        """Somebody refused to sign, or the parties take the text back: the log says why."""
        self.deposited_at = None

    @transition(
        field="state",
        source=CaseState.TO_SIGN,
        target=CaseState.ACCEPTED,
        permission=rules.is_the_portal,  # type: ignore[arg-type]
        custom={"label": "Constater la signature de toutes les parties"},
    )
    def enter_into_force(self, *, actor: Any, signed_on: date) -> None:
        """The last party has signed: the contract binds them, from the day it says."""
        self.signed_on = signed_on

    @transition(
        field="state",
        source=CaseState.DRAFT,
        target=CaseState.WITHDRAWN,
        permission=rules.may_give_up,  # type: ignore[arg-type]
        custom={"label": "Renoncer au contrat"},
    )
    def withdraw(self, *, actor: Any, reference: str) -> None:
        """A party gives the negotiation up; the log holds the reason."""
        self.reference = reference
        self.version = self.version or 1
        self.deposited_at = timezone.now()

    @transition(
        field="state",
        source=CaseState.ACCEPTED,
        target=CaseState.CLOSED,
        permission=rules.may_close,  # type: ignore[arg-type]
        custom={"label": "Mettre fin au contrat"},
    )
    def close(self, *, actor: Any) -> None:
        """The contract has ended, by its last day or before it; the log says how."""
