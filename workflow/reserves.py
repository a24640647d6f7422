"""The conditions a decision sets: open until an agent lifts each of them, with its proof.

Every function that changes something locks the case first, then reads what it changes.
"""

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from workflow import followup_rules as rules
from workflow.approving import declare_after_approval
from workflow.decision_states import DecisionState
from workflow.models import Case, Decision, Reserve
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, already_done_by
from workflow.typed import typed_text

LONGEST_TEXT: Final = 5_000


def open_reserves(case: Case, decision: Decision, **_given: Any) -> None:
    """Open the reserves of a decision that has just been taken. The caller holds the lock."""
    if decision.reserves and not decision.open_reserves.exists():
        Reserve.objects.bulk_create(
            Reserve(case_id=case.pk, decision=decision, rank=rank, text=text)
            for rank, text in enumerate(decision.reserves, 1)
        )


def reserves_of(case: Case) -> QuerySet[Reserve]:
    """Those of the decision that stands; a decision withdrawn takes its reserves with it."""
    return Reserve.objects.filter(case=case.pk, decision__state=DecisionState.TAKEN).select_related(
        "lifted_by", "answered_by", "body"
    )


def reserves_to_carry(case: Case) -> list[str]:
    """The texts of those still open: they follow into the health project."""
    return list(reserves_of(case).filter(lifted_at=None).values_list("text", flat=True))


@transaction.atomic
def answer_reserve(reserve: Reserve, *, user: User, text: str) -> Reserve:
    """The team says what it has done about a reserve.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    reserve, case = _locked(reserve)
    if not rules.may_answer_reserves(case, user):
        raise PermissionDenied("Un responsable ou un rédacteur de la CPTS répond aux réserves.")
    _refuse_lifted(reserve)
    reserve.answer = typed_text(
        text, longest=LONGEST_TEXT, needed="Écrivez ce que votre équipe a fait : le bureau le lira."
    )
    reserve.answered_at = timezone.now()
    reserve.answered_by = user
    reserve.declined_at = None
    reserve.decline_reason = ""
    reserve.save()
    return reserve


@transaction.atomic
def decline_answer(reserve: Reserve, *, actor: User, reason: str) -> Reserve:
    """The office says why an answer does not lift the reserve.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    reserve = _for_the_office(reserve, actor)
    if not reserve.awaits_judgment:
        raise ActionRefusedError(
            "L’équipe n’a pas répondu à cette réserve, ou sa réponse est déjà jugée : rechargez la "
            "page."
        )
    reserve.decline_reason = typed_text(
        reason, longest=LONGEST_TEXT, needed="Dites à l’équipe ce qui manque encore."
    )
    reserve.declined_at = timezone.now()
    reserve.save()
    return reserve


@transaction.atomic
def lift_reserve(reserve: Reserve, *, actor: User, proof: str) -> Reserve:
    """An agent lifts a reserve and says what proves it.

    Raises PermissionDenied, AlreadyDoneError, or ActionRefusedError with the sentence to show.
    """
    reserve = _for_the_office(reserve, actor)
    reserve.proof = typed_text(
        proof,
        longest=LONGEST_TEXT,
        needed="Écrivez la preuve qui lève la réserve : elle reste au dossier.",
    )
    reserve.lifted_at = timezone.now()
    reserve.lifted_by = actor
    reserve.body = actor.acting.organisation if actor.acting else None
    reserve.save()
    return reserve


def _for_the_office(reserve: Reserve, actor: User) -> Reserve:
    reserve, case = _locked(reserve)
    if not rules.may_follow_up(case, actor):
        raise PermissionDenied("Un agent du bureau en charge suit les réserves.")
    still_holds_their_role(actor)
    _refuse_lifted(reserve)
    return reserve


def _locked(reserve: Reserve) -> tuple[Reserve, Case]:
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("community")
        .get(pk=reserve.case_id)
    )
    current = reserves_of(case).filter(pk=reserve.pk).first()
    if current is None:
        raise ActionRefusedError(
            "La décision qui portait cette réserve a été retirée : il n’y a plus rien à lever."
        )
    return current, case


def _refuse_lifted(reserve: Reserve) -> None:
    if reserve.lifted_at:
        raise already_done_by(reserve.lifted_by, reserve.lifted_at)


def carried(case: Case) -> dict[str, Any]:
    """What the next file of the CPTS begins with."""
    return {"reserves": reserves_to_carry(case)}


declare_after_approval(open_reserves)
