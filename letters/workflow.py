"""The whole state machine of a letter of intent."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone
from django_fsm import ConcurrentTransitionMixin, transition

from letters import rules
from workflow import desk_rules
from workflow.states import OPEN_STATES, CaseState

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

    @transition(
        field="state",
        source=CaseState.DEPOSITED,
        target=CaseState.IN_CONSULTATION,
        permission=rules.may_start_consultation,  # type: ignore[arg-type]
        custom={"label": "Demander les avis"},
    )
    def start_consultation(self, *, actor: Any) -> None:
        """The portal asks the bodies that the circuit names, as soon as the letter is deposited."""

    @transition(
        field="state",
        source=CaseState.IN_CONSULTATION,
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_transmit,  # type: ignore[arg-type]
        conditions=[rules.opinions_are_in],  # type: ignore[list-item]
        custom={"label": "Transmettre à l’ARS avec la synthèse des avis"},
    )
    def transmit(self, *, actor: Any, office_id: int) -> None:
        """The body that gathered the opinions hands the letter over to whoever examines it."""
        self.office_id = office_id
        self.instructor_id = None

    @transition(
        field="state",
        source=CaseState.IN_CONSULTATION,
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_end_consultation,  # type: ignore[arg-type]
        conditions=[rules.opinions_are_in],  # type: ignore[list-item]
        custom={"label": "Clore les avis et instruire"},
    )
    def end_consultation(self, *, actor: Any) -> None:
        """The office that asked for the opinions goes on with them."""
        self.instructor_id = actor.pk

    @transition(
        field="state",
        source=[CaseState.DEPOSITED, CaseState.UNDER_REVIEW],
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_take_up,  # type: ignore[arg-type]
        conditions=[rules.has_no_instructor],  # type: ignore[list-item]
        custom={"label": "Prendre en charge"},
    )
    def take_up(self, *, actor: Any, instructor_id: int | None = None) -> None:
        """An agent of the office in charge examines the letter, or gives it to a colleague."""
        self.instructor_id = instructor_id or actor.pk

    @transition(
        field="state",
        source=CaseState.IN_CONSULTATION,
        target=CaseState.IN_CONSULTATION,
        permission=desk_rules.may_assign,  # type: ignore[arg-type]
        custom={"label": "Confier à un collègue"},
    )
    @transition(
        field="state",
        source=CaseState.UNDER_REVIEW,
        target=CaseState.UNDER_REVIEW,
        permission=desk_rules.may_assign,  # type: ignore[arg-type]
        custom={"label": "Confier à un collègue"},
    )
    @transition(
        field="state",
        source=CaseState.COMPLETION_REQUESTED,
        target=CaseState.COMPLETION_REQUESTED,
        permission=desk_rules.may_assign,  # type: ignore[arg-type]
        custom={"label": "Confier à un collègue"},
    )
    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.DECISION_PROPOSED,
        permission=desk_rules.may_assign,  # type: ignore[arg-type]
        custom={"label": "Confier à un collègue"},
    )
    def assign(self, *, actor: Any, instructor_id: int | None = None) -> None:
        """Somebody of the office in charge follows the letter from now on, or nobody."""
        self.instructor_id = instructor_id

    @transition(
        field="state",
        source=list(OPEN_STATES),
        target=CaseState.TACITLY_ACCEPTED,
        permission=rules.may_accept_tacitly,  # type: ignore[arg-type]
        conditions=[rules.silence_has_accepted],  # type: ignore[list-item]
        custom={"label": "Constater l’acceptation par silence"},
    )
    def accept_tacitly(self, *, actor: Any) -> None:
        """The portal records what silence has done, where the procedure says it accepts."""

    @transition(
        field="state",
        source=list(OPEN_STATES),
        target=CaseState.WITHDRAWN,
        permission=rules.may_withdraw,  # type: ignore[arg-type]
        custom={"label": "Retirer la lettre"},
    )
    def withdraw(self, *, actor: Any) -> None:
        """The lead gives the letter up before it is decided; the log holds the reason."""
