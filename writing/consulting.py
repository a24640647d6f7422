"""A case among the bodies of its circuit: asked at the deposit, handed over, withdrawn."""

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.organisations import office_for, regional_agency
from outbox.registry import handles
from outbox.services import publish
from procedures.circuit import Body, Silence
from workflow.clock import EventKind
from workflow.complement_ending import abandon_requests
from workflow.consultations import LONGEST_COMMENT, open_plan, revoke_all
from workflow.decisions import drop_open_decision
from workflow.kinds import child_of
from workflow.models import Case, CaseDesk, TransitionLog
from workflow.services import ActionRefusedError, end_clock, perform, record_clock_event
from workflow.states import OPEN_STATES, CaseState
from workflow.synthesis import close_synthesis
from writing import rules
from writing.models import WrittenCase


@handles("writing.consult")
def consult(*, case_id: int) -> None:
    """Ask the bodies the circuit names. Running it again, or after a withdrawal, does nothing."""
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case_id)
        case = cast(WrittenCase, child_of(locked))
        if not rules.circuit(case).expects_opinions:
            if case.state in OPEN_STATES:
                open_plan(case)
        elif case.state == CaseState.DEPOSITED:
            perform(case, "start_consultation", actor=None)


def ask_the_bodies(case: WrittenCase, **_given: Any) -> None:
    open_plan(case)


def find_who_examines(case: WrittenCase, **_data: Any) -> dict[str, Any]:
    """The office the synthesis goes to: the agency, or its office where most people live."""
    rule = rules.circuit(case).synthesis
    if rule is None or rule.transmitted_to == Body.ARS:
        return {"office_id": regional_agency(case.region_id).pk}
    inside = Organisation.objects.filter(
        kind=Organisation.Kind.ARS_BRANCH,
        region_id=case.region_id,
        department_id__in=case.department_codes,
    )
    served = set(inside.values_list("department_id", flat=True))
    code = next((one for one in case.department_codes if one in served), "")
    return {"office_id": office_for(case.region_id, code).pk}


def hand_over(case: WrittenCase, *, actor: User, **_given: Any) -> None:
    """Freeze the synthesis and change desks: who gathered the opinions keeps the case in view."""
    desks = CaseDesk.objects.filter(case_id=case.pk)
    former = desks.get(kind=CaseDesk.Kind.IN_CHARGE)
    close_synthesis(case, office_id=former.organisation_id, actor=actor)
    former.kind = CaseDesk.Kind.INFORMED
    former.save(update_fields=["kind"])
    CaseDesk.objects.update_or_create(
        case_id=case.pk,
        organisation_id=cast(int, case.office_id),
        defaults={"kind": CaseDesk.Kind.IN_CHARGE},
    )
    if rules.circuit(case).period.silence == Silence.ACCEPTANCE:
        # It accepts from the day the administration that decides has the file (CRPA, L. 114-3).
        record_clock_event(
            case,
            EventKind.RESTART,
            effective_on=timezone.localdate(),
            actor=actor,
            reason="Transmission à l’administration qui décide.",
        )


def close_opinions(case: WrittenCase, *, actor: User, **_given: Any) -> None:
    close_synthesis(case, office_id=cast(int, case.office_id), actor=actor)


def settle_by_silence(case: WrittenCase, **_given: Any) -> None:
    """The clock stops, and opinions no longer asked for are not awaited."""
    end_clock(case, actor=None, reason="Le silence a valu acceptation.")
    revoke_all(case, reason="Le silence a valu acceptation.")
    drop_open_decision(case)
    abandon_requests(case, actor=None, reason="Le silence a valu acceptation.")


def withdraw(case: WrittenCase, *, actor: User, reason: str) -> TransitionLog:
    """Give the case up before a decision. The reason is kept in the log.

    Raises ActionRefusedError without a reason, and whatever `perform()` raises.
    """
    if not rules.may_withdraw(case, actor):
        raise PermissionDenied(
            f"Seul un responsable de la CPTS retire {case.words.the}, en son nom."
        )
    reason = reason.replace("\0", "").strip()
    if not reason:
        raise ActionRefusedError(
            f"Dites pourquoi vous retirez {case.words.the} : le bureau qui l’examine lira cette "
            "raison."
        )
    if len(reason) > LONGEST_COMMENT:
        raise ActionRefusedError(
            f"La raison compte {len(reason)} caractères ; {LONGEST_COMMENT} au plus. "
            "Raccourcissez-la."
        )
    return perform(case, "withdraw", actor=actor, comment=reason)


def stop_asking(case: WrittenCase, *, log: TransitionLog, actor: User) -> None:
    """The clock stops; nobody is asked for an opinion, nor to sign, on a case given up."""
    end_clock(case, actor=actor, reason=f"La CPTS a retiré {case.words.its}.")
    revoke_all(case, reason="La CPTS a retiré son dossier.")
    drop_open_decision(case)
    publish("writing.withdrawn", key=str(log.pk), log_id=log.pk)
    abandon_requests(case, actor=actor, reason="La CPTS a retiré son dossier.")
