"""The decision on a case: an instructor proposes, each body that decides approves the same text,
and only then it exists. Here: what is proposed, by whom it is signed, what it waits for.
"""

from typing import Any, Final

from workflow.decision_states import DecisionState
from workflow.kinds import child_of
from workflow.models import Approval, Case, Decision, DecisionParty
from workflow.services import already_done
from workflow.states import CaseState

LONGEST_REASON: Final = 5_000
State = DecisionState


def open_decision(case: Case) -> Decision | None:
    """The decision being written or signed, if any."""
    return (
        Decision.objects.filter(case_id=case.pk, state__in=(State.DRAFT, State.PROPOSED))
        .select_related("written_by", "returned_by", "case")
        .first()
    )


def standing_approvals(decision: Decision) -> list[Approval]:
    """The signatures under the text as it stands, in the order they were given."""
    return list(
        Approval.objects.filter(
            party__decision=decision, voided_at__isnull=True, text_sha256=decision.text_sha256
        ).select_related("party__organisation", "approved_by", "delegation")
    )


def unsigned_parties(decision: Decision) -> list[DecisionParty]:
    signed = {one.party_id for one in standing_approvals(decision)}
    return [one for one in parties_of(decision) if one.pk not in signed]


def parties_of(decision: Decision) -> list[DecisionParty]:
    """Those who sign the text as it stands; a body that no longer does keeps its past approval."""
    named = {one["code"] for one in (decision.text or {}).get("deciders", [])}
    parties = decision.parties.select_related("organisation")
    return [one for one in parties if one.organisation.code in named]


def drop_open_decision(case: Case) -> None:
    """Nobody signs a decision on a case that was withdrawn or closed. The caller holds the lock."""
    Decision.objects.filter(case_id=case.pk, state__in=(State.DRAFT, State.PROPOSED)).update(
        state=State.DROPPED
    )


def locked_child(case: Case) -> Any:
    """The case as an instance of its own kind, as it stands now, locked."""
    Case.objects.select_for_update().get(pk=case.pk)
    return child_of(Case.objects.get(pk=case.pk))


def proposed_decision(case: Case) -> Decision:
    """The decision waiting for signatures. Raises AlreadyDoneError when there is none."""
    decision = open_decision(case)
    if (
        case.state != CaseState.DECISION_PROPOSED
        or decision is None
        or decision.state != State.PROPOSED
    ):
        raise already_done(case)
    decision.case = case
    return decision
