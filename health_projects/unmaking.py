"""A validation by silence is withdrawn: only if it is illegal, within four months, the CPTS heard.

CRPA, L. 242-1 (an implicit decision that creates rights is one like any other), L. 211-2 (the
reasons are given) and L. 122-1 (who it is for has been able to answer first).
"""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from communities.stages import close_stage
from cpts_portal.words import long_date
from health_projects.models import HealthProject
from health_projects.opening import ACCEPTED, UNDER_WAY
from health_projects.services import KIND
from outbox.services import publish
from procedures.decisions import decision_parameters
from workflow.approving import full_name
from workflow.decision_rules import may_withdraw_decision
from workflow.decisions import LONGEST_REASON
from workflow.effects import records
from workflow.legal_dates import add_months
from workflow.models import Case, TransitionLog
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, already_done, perform, reopen_clock
from workflow.states import CaseState


class WithdrawalError(ActionRefusedError):
    """What was typed does not do; `field` is where."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def certificate_number(project: HealthProject) -> str:
    """The number of the certificate of silence; a second validation by silence has another."""
    rank = validations_by_silence(project)
    return f"{project.reference}-ATT" + (str(rank) if rank > 1 else "")


def validations_by_silence(project: HealthProject) -> int:
    """How many times silence has validated a project: more than once after a withdrawal."""
    logs = TransitionLog.objects.filter(case_id=project.pk, transition="accept_tacitly")
    return logs.count()


def last_day_to_withdraw(validated_on: date) -> date:
    """Four months after the day silence had its effect, that day included."""
    return add_months(validated_on, decision_parameters().withdrawal_months)


def why_not_withdrawn(project: HealthProject, *, today: date | None = None) -> list[str]:
    """Why a validation by silence can no longer be withdrawn, as sentences; empty while it can."""
    if project.state != CaseState.TACITLY_ACCEPTED or project.validated_on is None:
        return ["Ce projet n’est pas validé par le silence : il n’y a rien à retirer."]
    last = last_day_to_withdraw(project.validated_on)
    if (today or timezone.localdate()) > last:
        return [
            (
                "Une validation par silence, même illégale, ne se retire que dans les quatre mois "
                f"(CRPA, article L. 242-1) : ce délai a pris fin le {long_date(last)}. Le "
                "projet reste validé."
            )
        ]
    if project.amendments.filter(state__in=(*UNDER_WAY, *ACCEPTED)).exists():
        return [
            (
                "Un avenant repose sur ce projet : la CPTS le retire d’abord, ou sa validation est "
                "retirée."
            )
        ]
    return []


@transaction.atomic
def withdraw_silence(
    project: HealthProject, *, user: User, reason: str, heard_on: date, observations: str
) -> TransitionLog:
    """Withdraw what silence has validated and take the project up again.

    `heard_on` is the day the CPTS was asked for its observations, `observations` what it said;
    empty when it said nothing. A whole period begins, as for a decision withdrawn (decision 6).

    Raises PermissionDenied, AlreadyDoneError, IncompleteError after four months, and
    WithdrawalError for what was typed.
    """
    Case.objects.select_for_update().get(pk=project.pk)
    project = HealthProject.objects.select_related("community", "office").get(pk=project.pk)
    if not may_withdraw_decision(project, user):
        raise PermissionDenied(
            "Seul un coordinateur du bureau en charge, ou de son agence, retire une validation par "
            "silence."
        )
    still_holds_their_role(user)
    if project.state != CaseState.TACITLY_ACCEPTED or project.validated_on is None:
        raise already_done(project)
    reason = _text(reason, "reason")
    if not reason:
        raise WithdrawalError(
            "Dites en quoi la validation est illégale, en droit et en fait : sans cela elle ne "
            "peut pas être retirée (CRPA, articles L. 242-1 et L. 211-2).",
            "reason",
        )
    if not project.validated_on <= heard_on < timezone.localdate():
        raise WithdrawalError(
            "La CPTS présente ses observations après la validation et avant le retrait (CRPA, "
            "article L. 122-1) : écrivez le jour où vous les lui avez demandées, au plus tard "
            "hier.",
            "heard_on",
        )
    said = _text(observations, "observations") or "aucune observation reçue."
    full_name(user)
    heard = f"Observations demandées à la CPTS le {long_date(heard_on)} : {said}"
    return perform(project, "withdraw_silence", actor=user, comment=f"{reason}\n\n{heard}")


@records(KIND, "withdraw_silence")
def take_back_what_silence_opened(
    project: HealthProject, *, log: TransitionLog, actor: User
) -> None:
    """The stage it had opened is closed, a whole period begins; everyone is told."""
    close_stage(project.community, reference=certificate_number(project))
    reopen_clock(project, actor=actor, reason="Validation par silence retirée.")
    publish("health_projects.silence_withdrawn", key=str(log.pk), log_id=log.pk)


def _text(text: str, field: str) -> str:
    text = text.replace("\0", "").strip()
    if len(text) > LONGEST_REASON:
        raise WithdrawalError(
            f"Ce texte compte {len(text)} caractères ; il en accepte {LONGEST_REASON} au plus. "
            "Raccourcissez-le.",
            field,
        )
    return text
