"""A letter among the bodies of its circuit: asked at the deposit, handed over, withdrawn."""

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.organisations import office_for, regional_agency
from letters.models import LetterOfIntent
from letters.services import KIND
from outbox.registry import handles
from outbox.services import publish
from procedures.circuit import Body, Silence
from workflow.clock import EventKind
from workflow.complements import abandon_requests
from workflow.consultations import LONGEST_COMMENT, open_plan, revoke_all
from workflow.decisions import drop_open_decision
from workflow.effects import prepares, records
from workflow.models import Case, CaseDesk, TransitionLog
from workflow.services import ActionRefusedError, end_clock, perform, record_clock_event
from workflow.states import OPEN_STATES, CaseState
from workflow.synthesis import close_synthesis
from writing import rules


@handles("letters.consult")
def consult(*, letter_id: int) -> None:
    """Ask the bodies the circuit names. Running it again, or after a withdrawal, does nothing."""
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=letter_id)
        letter = LetterOfIntent.objects.get(pk=letter_id)
        if not rules.circuit(letter).expects_opinions:
            if letter.state in OPEN_STATES:
                open_plan(letter)
        elif letter.state == CaseState.DEPOSITED:
            perform(letter, "start_consultation", actor=None)


@records(KIND, "start_consultation")
def ask_the_bodies(letter: LetterOfIntent, *, log: TransitionLog, actor: None) -> None:  # noqa: ARG001
    open_plan(letter)


@prepares(KIND, "transmit")
def find_who_examines(letter: LetterOfIntent, **_data: Any) -> dict[str, Any]:
    """The office the synthesis goes to: the agency, or its office where most people live."""
    rule = rules.circuit(letter).synthesis
    if rule is None or rule.transmitted_to == Body.ARS:
        return {"office_id": regional_agency(letter.region_id).pk}
    inside = Organisation.objects.filter(
        kind=Organisation.Kind.ARS_BRANCH,
        region_id=letter.region_id,
        department_id__in=letter.department_codes,
    )
    served = set(inside.values_list("department_id", flat=True))
    code = next((one for one in letter.department_codes if one in served), "")
    return {"office_id": office_for(letter.region_id, code).pk}


@records(KIND, "transmit")
def hand_over(letter: LetterOfIntent, *, log: TransitionLog, actor: User) -> None:  # noqa: ARG001
    """Freeze the synthesis and change desks: who gathered the opinions keeps the letter in view."""
    desks = CaseDesk.objects.filter(case_id=letter.pk)
    former = desks.get(kind=CaseDesk.Kind.IN_CHARGE)
    close_synthesis(letter, office_id=former.organisation_id, actor=actor)
    former.kind = CaseDesk.Kind.INFORMED
    former.save(update_fields=["kind"])
    CaseDesk.objects.update_or_create(
        case_id=letter.pk,
        organisation_id=cast(int, letter.office_id),
        defaults={"kind": CaseDesk.Kind.IN_CHARGE},
    )
    if rules.circuit(letter).period.silence == Silence.ACCEPTANCE:
        # It accepts from the day the administration that decides has the file (CRPA, L. 114-3).
        record_clock_event(
            letter,
            EventKind.RESTART,
            effective_on=timezone.localdate(),
            actor=actor,
            reason="Transmission à l’administration qui décide.",
        )


@records(KIND, "end_consultation")
def close_opinions(letter: LetterOfIntent, *, log: TransitionLog, actor: User) -> None:  # noqa: ARG001
    close_synthesis(letter, office_id=cast(int, letter.office_id), actor=actor)


@records(KIND, "accept_tacitly")
def settle_by_silence(letter: LetterOfIntent, *, log: TransitionLog, actor: None) -> None:  # noqa: ARG001
    """The clock stops, and opinions no longer asked for are not awaited."""
    end_clock(letter, actor=None, reason="Le silence a valu acceptation.")
    revoke_all(letter, reason="Le silence a valu acceptation.")
    drop_open_decision(letter)
    abandon_requests(letter, actor=None, reason="Le silence a valu acceptation.")


def withdraw(letter: LetterOfIntent, *, actor: User, reason: str) -> TransitionLog:
    """Give the letter up before a decision. The reason is kept in the log.

    Raises ActionRefusedError without a reason, and whatever `perform()` raises.
    """
    if not rules.may_withdraw(letter, actor):
        raise PermissionDenied("Seul un responsable de la CPTS retire la lettre, en son nom.")
    reason = reason.replace("\0", "").strip()
    if not reason:
        raise ActionRefusedError(
            "Dites pourquoi vous retirez la lettre : le bureau qui l’examine lira cette raison."
        )
    if len(reason) > LONGEST_COMMENT:
        raise ActionRefusedError(
            f"La raison compte {len(reason)} caractères ; {LONGEST_COMMENT} au plus. "
            "Raccourcissez-la."
        )
    return perform(letter, "withdraw", actor=actor, comment=reason)


@records(KIND, "withdraw")
def stop_asking(letter: LetterOfIntent, *, log: TransitionLog, actor: User) -> None:
    """The clock stops; nobody is asked for an opinion, nor to sign, on a letter given up."""
    end_clock(letter, actor=actor, reason="La CPTS a retiré sa lettre.")
    revoke_all(letter, reason="La CPTS a retiré son dossier.")
    drop_open_decision(letter)
    publish("letters.withdrawn", key=str(log.pk), log_id=log.pk)
    abandon_requests(letter, actor=actor, reason="La CPTS a retiré son dossier.")
