"""A coordinator withdraws an illegal decision, within four months (CRPA, art. L. 242-1)."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import long_date
from outbox.services import publish
from procedures.decisions import decision_parameters
from workflow import decision_rules as rules
from workflow.approving import full_name
from workflow.decisions import LONGEST_REASON, State, locked_child
from workflow.legal_dates import add_months
from workflow.models import Case, Decision
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, already_done, perform, reopen_clock
from workflow.typed import typed_text


def last_day_to_withdraw(decision: Decision) -> date:
    """Four months after the decision, that day included (CRPA, L. 242-1)."""
    if decision.taken_at is None:
        raise ValueError("Only a decision that was taken is withdrawn.")
    return add_months(
        timezone.localdate(decision.taken_at), decision_parameters().withdrawal_months
    )


def why_not_withdrawn(decision: Decision, *, today: date | None = None) -> str:
    """Why a decision can no longer be withdrawn; empty while it can."""
    last = last_day_to_withdraw(decision)
    if (today or timezone.localdate()) <= last:
        return ""
    return (
        "Une décision, même illégale, ne se retire que dans les quatre mois (CRPA, articles "
        f"L. 242-1 et L. 243-3) : ce délai a pris fin le {long_date(last)}. La décision reste "
        "acquise."
    )


@transaction.atomic
def withdraw(case: Case, *, user: User, reason: str) -> Decision:
    """Withdraw the decision and take the case up again; the decision and its document are kept.

    The request has no answer any more: a new period to answer it begins (decision 4).

    Raises PermissionDenied, AlreadyDoneError, and ActionRefusedError after four months or without
    a reason.
    """
    case = locked_child(case)
    if not rules.may_withdraw_decision(case, user):
        raise PermissionDenied(
            "Seul un coordinateur du bureau en charge, ou de son agence, retire une décision."
        )
    still_holds_their_role(user)
    decision = Decision.objects.standing().filter(case_id=case.pk).first()
    if decision is None:
        raise already_done(case)
    decision.case = case
    if refusal := why_not_withdrawn(decision):
        raise ActionRefusedError(refusal)
    reason = typed_text(
        reason,
        longest=LONGEST_REASON,
        needed="Dites en quoi la décision est illégale, en droit et en fait : sans cela elle ne "
        "peut pas être retirée (CRPA, articles L. 242-1 et L. 211-2).",
    )
    name = full_name(user)
    log = perform(case, "withdraw_decision", actor=user, comment=reason)
    acting = user.acting
    decision.state = State.WITHDRAWN
    decision.withdrawn_at, decision.withdrawn_by = log.at, user
    decision.withdrawal_reason = reason
    decision.withdrawal_content = {
        "text": decision.text,
        "decided_at": decision.taken_at,
        "withdrawn_at": log.at,
        "reason": reason,
        "name": name,
        "capacity": acting.get_role_display() if acting else "",
        "organisation": acting.organisation.name if acting else "",
    }
    decision.save(
        update_fields=[
            "state",
            "withdrawn_at",
            "withdrawn_by",
            "withdrawal_reason",
            "withdrawal_content",
        ]
    )
    reopen_clock(case, actor=user, reason="Décision retirée.")
    publish("decisions.withdrawn", key=str(decision.pk), decision_id=decision.pk)
    return decision
