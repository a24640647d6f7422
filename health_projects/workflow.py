"""The whole state machine of a health project, and of an amendment to one."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone
from django_fsm import ConcurrentTransitionMixin, transition

from health_projects.rules import can_be_frozen, can_be_taken_back, may_freeze
from workflow import complement_rules, desk_rules
from workflow.states import OPEN_STATES, CaseState
from writing import rules

if TYPE_CHECKING:
    from workflow.models import Case as Base
else:
    Base = models.Model


class HealthProjectWorkflow(ConcurrentTransitionMixin, Base):
    """Transitions of a health project. Only `workflow.services.perform()` calls them."""

    # The day it was validated: that of the decision, or that on which silence had its effect.
    validated_on: date | None

    class Meta:
        abstract = True

    @transition(
        field="state",
        source=CaseState.DRAFT,
        target=CaseState.DRAFT,
        permission=may_freeze,  # type: ignore[arg-type]
        conditions=[can_be_frozen],  # type: ignore[list-item]
        custom={"label": "Figer une version à signer"},
    )
    def freeze_version(self, *, actor: Any, reference: str) -> None:
        """The owner freezes what the members are asked to sign: numbered, not yet deposited."""
        self.reference = reference
        self.version += 1

    @transition(
        field="state",
        source=CaseState.DRAFT,
        target=CaseState.DEPOSITED,
        permission=rules.may_deposit,  # type: ignore[arg-type]
        conditions=[rules.is_complete],  # type: ignore[list-item]
        custom={"label": "Déposer le projet"},
    )
    def deposit(
        self,
        *,
        actor: Any,
        office_id: int,
        population: int,
        commune_count: int,
        size_class: str,
        department_codes: list[str],
        commits: bool,
        signatory_name: str,
        signed_at_place: str,
    ) -> None:
        """The owner files the version that the members signed: dated, measured, on a desk."""
        self.office_id = office_id
        self.population = population
        self.commune_count = commune_count
        self.size_class = size_class
        self.department_codes = department_codes
        self.commits = commits
        self.signatory_name = signatory_name
        self.signed_at_place = signed_at_place
        self.deposited_at = timezone.now()

    @transition(
        field="state",
        source=CaseState.DEPOSITED,
        target=CaseState.IN_CONSULTATION,
        permission=rules.may_start_consultation,  # type: ignore[arg-type]
        custom={"label": "Demander les avis"},
    )
    def start_consultation(self, *, actor: Any) -> None:
        """The portal asks the bodies that the circuit names, as soon as it is deposited."""

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
        """An agent of the office in charge examines the project, or gives it to a colleague."""
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
        """Somebody of the office in charge follows the project from now on, or nobody."""
        self.instructor_id = instructor_id

    @transition(
        field="state",
        source=CaseState.IN_CONSULTATION,
        target=CaseState.IN_CONSULTATION,
        permission=complement_rules.may_request,  # type: ignore[arg-type]
        custom={"label": "Demander des compléments"},
    )
    @transition(
        field="state",
        source=CaseState.UNDER_REVIEW,
        target=CaseState.COMPLETION_REQUESTED,
        permission=complement_rules.may_request,  # type: ignore[arg-type]
        custom={"label": "Demander des compléments"},
    )
    def request_completion(self, *, actor: Any) -> None:
        """The office asks for what it cannot do without; the opinions, if any, go on meanwhile."""

    @transition(
        field="state",
        source=CaseState.IN_CONSULTATION,
        target=CaseState.IN_CONSULTATION,
        permission=complement_rules.may_request,  # type: ignore[arg-type]
        custom={"label": "Demander des précisions facultatives"},
    )
    @transition(
        field="state",
        source=CaseState.UNDER_REVIEW,
        target=CaseState.UNDER_REVIEW,
        permission=complement_rules.may_request,  # type: ignore[arg-type]
        custom={"label": "Demander des précisions facultatives"},
    )
    def request_details(self, *, actor: Any) -> None:
        """The office asks for what it can do without: nothing waits for it."""

    @transition(
        field="state",
        source=CaseState.COMPLETION_REQUESTED,
        target=CaseState.UNDER_REVIEW,
        permission=complement_rules.may_request,  # type: ignore[arg-type]
        custom={"label": "Reprendre l’instruction"},
    )
    def resume_review(self, *, actor: Any) -> None:
        """Nothing indispensable is asked any more."""

    @transition(
        field="state",
        source=CaseState.COMPLETION_REQUESTED,
        target=CaseState.UNDER_REVIEW,
        permission=complement_rules.may_answer,  # type: ignore[arg-type]
        conditions=[rules.is_answered],  # type: ignore[list-item]
        custom={"label": "Déposer les compléments"},
    )
    @transition(
        field="state",
        source=CaseState.IN_CONSULTATION,
        target=CaseState.IN_CONSULTATION,
        permission=complement_rules.may_answer,  # type: ignore[arg-type]
        conditions=[rules.is_answered],  # type: ignore[list-item]
        custom={"label": "Déposer les compléments"},
    )
    @transition(
        field="state",
        source=CaseState.UNDER_REVIEW,
        target=CaseState.UNDER_REVIEW,
        permission=complement_rules.may_answer,  # type: ignore[arg-type]
        conditions=[rules.is_answered],  # type: ignore[list-item]
        custom={"label": "Déposer les compléments"},
    )
    def answer_completion(
        self,
        *,
        actor: Any,
        population: int,
        commune_count: int,
        size_class: str,
        department_codes: list[str],
    ) -> None:
        """The owner deposits a new version, measured again; its number and its office stay."""
        self.population = population
        self.commune_count = commune_count
        self.size_class = size_class
        self.department_codes = department_codes
        self.version += 1

    @transition(
        field="state",
        source=[
            CaseState.IN_CONSULTATION,
            CaseState.UNDER_REVIEW,
            CaseState.COMPLETION_REQUESTED,
        ],
        target=CaseState.CLOSED,
        permission=complement_rules.may_request,  # type: ignore[arg-type]
        conditions=[rules.may_be_closed],  # type: ignore[list-item]
        custom={"label": "Clore sans suite"},
    )
    def close(self, *, actor: Any) -> None:
        """An agent closes a project that was not completed in time; the log holds the reason."""

    @transition(
        field="state",
        source=list(OPEN_STATES),
        target=CaseState.TACITLY_ACCEPTED,
        permission=rules.may_accept_tacitly,  # type: ignore[arg-type]
        conditions=[rules.silence_has_accepted],  # type: ignore[list-item]
        custom={"label": "Constater la validation par silence"},
    )
    def accept_tacitly(self, *, actor: Any, validated_on: date) -> None:
        """The portal records what silence has done: the project is deemed validated."""
        self.validated_on = validated_on

    @transition(
        field="state",
        source=list(OPEN_STATES),
        target=CaseState.WITHDRAWN,
        permission=rules.may_withdraw,  # type: ignore[arg-type]
        custom={"label": "Retirer le projet"},
    )
    def withdraw(self, *, actor: Any) -> None:
        """The lead gives the project up before it is decided; the log holds the reason."""

    # --- The decision: see workflow/decisions.py -----------------------------------------------

    @transition(
        field="state",
        source=CaseState.UNDER_REVIEW,
        target=CaseState.DECISION_PROPOSED,
        permission=rules.may_propose,  # type: ignore[arg-type]
        conditions=[rules.can_be_proposed],  # type: ignore[list-item]
        custom={"label": "Proposer la décision"},
    )
    def propose_decision(self, *, actor: Any) -> None:
        """The instructor puts a text before those who sign."""

    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.DECISION_PROPOSED,
        permission=rules.may_propose,  # type: ignore[arg-type]
        conditions=[rules.can_be_proposed],  # type: ignore[list-item]
        custom={"label": "Modifier la décision proposée"},
    )
    def revise_proposal(self, *, actor: Any) -> None:
        """The text changes: what was approved of it no longer counts."""

    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_propose,  # type: ignore[arg-type]
        custom={"label": "Reprendre la proposition"},
    )
    def take_back_proposal(self, *, actor: Any) -> None:
        """The instructor takes the text back before it is signed."""

    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_sign,  # type: ignore[arg-type]
        custom={"label": "Renvoyer la proposition"},
    )
    def send_back_proposal(self, *, actor: Any) -> None:
        """A signatory returns the text; the log holds what to change."""

    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.DECISION_PROPOSED,
        permission=rules.may_sign,  # type: ignore[arg-type]
        conditions=[rules.nothing_stops_a_decision],  # type: ignore[list-item]
        custom={"label": "Approuver le texte, un autre organisme devant encore le faire"},
    )
    def approve_decision(self, *, actor: Any) -> None:
        """One of the bodies that decide together has signed; another has not yet."""

    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.ACCEPTED,
        permission=rules.may_sign,  # type: ignore[arg-type]
        conditions=[rules.is_signed_to_accept],  # type: ignore[list-item]
        custom={"label": "Signer la validation"},
    )
    def accept(self, *, actor: Any, validated_on: date) -> None:
        """The agency has signed: the project is validated."""
        self.validated_on = validated_on

    @transition(
        field="state",
        source=CaseState.DECISION_PROPOSED,
        target=CaseState.REFUSED,
        permission=rules.may_sign,  # type: ignore[arg-type]
        conditions=[rules.is_signed_to_refuse],  # type: ignore[list-item]
        custom={"label": "Signer l’opposition"},
    )
    def refuse(self, *, actor: Any) -> None:
        """The agency has signed its opposition, on one of the grounds the law gives."""

    @transition(
        field="state",
        source=[CaseState.ACCEPTED, CaseState.REFUSED],
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_withdraw_decision,  # type: ignore[arg-type]
        custom={"label": "Retirer la décision et rouvrir le dossier"},
    )
    def withdraw_decision(self, *, actor: Any) -> None:
        """An illegal decision is withdrawn within four months; the project is examined again."""
        self.validated_on = None

    @transition(
        field="state",
        source=CaseState.TACITLY_ACCEPTED,
        target=CaseState.UNDER_REVIEW,
        permission=rules.may_withdraw_decision,  # type: ignore[arg-type]
        conditions=[can_be_taken_back],  # type: ignore[list-item]
        custom={"label": "Retirer la validation par silence"},
    )
    def withdraw_silence(self, *, actor: Any) -> None:
        """An illegal validation by silence is withdrawn within four months; the log says why."""
        self.validated_on = None
