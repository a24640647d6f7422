"""Asking bodies for their opinion: the plan of a circuit, its deadlines, its reminders.

Every function that changes something locks the case first, then reads what it changes: two
people, or a person and the worker, never act on the same consultation at once.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Organisation, User
from procedures import registry
from procedures.circuit import Circuit, PlannedConsultation, Scope
from workflow import opinion_rules as rules
from workflow.consultation_mails import (
    tell_body,
    tell_coordinators_who_is_missing,
    tell_office_all_is_in,
)
from workflow.models import Case, CaseDesk, Consultation, ConsultationLog
from workflow.opinion_states import AWAITED, ConsultationAction, ConsultationState, NoticeKind
from workflow.people import members, still_holds_their_role
from workflow.services import ActionRefusedError, already_done_by
from workflow.states import CONSULTING_STATES, OPEN_STATES
from workflow.typed import DayRefusedError, check_due, typed_text

logger = logging.getLogger(__name__)

LONGEST_COMMENT: Final = 2_000
# How long after the last reminder the portal still looks for one it could not send.
REMINDER_GRACE: Final = timedelta(days=14)

State = ConsultationState
Action = ConsultationAction


def circuit_of(case: Case) -> Circuit:
    """The circuit the case began with, in the version it began with."""
    return registry.get(case.procedure_key, case.procedure_version).circuit


# --- The plan ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """What keeps a consultation from being answered, and whose it is."""

    who: str
    reason: str


def bodies_of(line: PlannedConsultation, case: Case) -> list[Organisation]:
    """The organisations a line of the plan means for this case."""
    found = Organisation.objects.filter(kind=line.body)
    if line.scope == Scope.REGION:
        found = found.filter(region_id=case.region_id, department=None)
    else:
        found = found.filter(department__in=case.department_codes)
    if line.organisations:
        found = found.filter(code__in=line.organisations)
    return list(found.order_by("department_id", "name", "pk"))


@transaction.atomic
def open_plan(case: Case, circuit: Circuit | None = None) -> list[Consultation]:
    """Write what the circuit asks of each body, and send the first stage.

    Running it again adds nothing: a body already asked is left alone. Whoever coordinates the
    case is told at once of the bodies that nobody can answer for.
    """
    case = _locked_case(case.pk)
    circuit = circuit or circuit_of(case)
    asked = set(case.consultations.live().values_list("body_id", flat=True))
    created: list[Consultation] = []
    gaps: list[Gap] = []
    for line in circuit.consultations:
        bodies = bodies_of(line, case)
        if line.is_expected and not bodies:
            gaps.append(Gap(line.label, "aucun organisme ne correspond dans le portail"))
        for body in bodies:
            if body.pk not in asked:
                asked.add(body.pk)
                created.append(_planned(line, body, case))
    Consultation.objects.bulk_create(created)
    for consultation in created:
        if reason := _nobody_to_answer(consultation, case):
            gaps.append(Gap(consultation.body.name, reason))
            _log(consultation, Action.NO_MEMBER, comment=reason)
    if gaps:
        tell_coordinators_who_is_missing(case, [(gap.who, gap.reason) for gap in gaps])
    _advance(case)
    return created


def _planned(line: PlannedConsultation, body: Organisation, case: Case) -> Consultation:
    return Consultation(
        case=case,
        body=body,
        kind=line.kind.value,
        line=line.key,
        stage=line.stage,
        grid=line.grid,
        silence=line.silence.value if line.silence else "",
        days=line.days,
    )


def _nobody_to_answer(consultation: Consultation, case: Case) -> str:
    """Why nobody can give this opinion today; empty when somebody can."""
    if not consultation.is_expected:
        return ""
    kind = consultation.body.kind
    if not members(consultation.body, case, rules.DRAFTERS[kind]):
        return "aucun de ses membres n’a de compte pour donner un avis"
    if not validators(consultation, case):
        validator = rules.validator_word(kind)
        return f"personne ne peut y valider un avis : ni {validator}, ni mandataire"
    return ""


def validators(consultation: Consultation, case: Case) -> list[User]:
    """Those who may give the body's opinion today: by their role, or by a mandate in force."""
    body = consultation.body
    today = timezone.localdate()
    by_role = members(body, case, [rules.VALIDATORS[body.kind]])
    holders = set(
        body.mandates.filter(
            revoked_at__isnull=True, valid_from__lte=today, valid_to__gte=today
        ).values_list("holder_id", flat=True)
    )
    drafters = members(body, case, rules.DRAFTERS[body.kind]) if holders else []
    known = {user.pk for user in by_role}
    return by_role + [user for user in drafters if user.pk in holders and user.pk not in known]


def _advance(case: Case) -> None:
    """Send the next stage once nothing is awaited before it; say so when all is in."""
    while True:
        awaited = list(
            case.consultations.filter(state__in=AWAITED).select_related("body").order_by("stage")
        )
        waiting = [one for one in awaited if one.state == State.WAITING]
        if not waiting or any(
            one.state == State.REQUESTED and one.stage < waiting[0].stage for one in awaited
        ):
            break
        for consultation in waiting:
            if consultation.stage == waiting[0].stage:
                _send(consultation, case)
    if not awaited:
        _all_is_in(case)


def _all_is_in(case: Case) -> None:
    last = (
        ConsultationLog.objects.filter(
            consultation__case=case,
            action__in=(Action.VALIDATED, Action.FELL_SILENT, Action.REVOKED),
        )
        .order_by("pk")
        .last()
    )
    if last is not None and case.state in CONSULTING_STATES:
        tell_office_all_is_in(case, cause=str(last.pk))


def _send(consultation: Consultation, case: Case) -> None:
    """Put the case on the body's desk and write to its members."""
    now = timezone.now()
    consultation.requested_at = now
    if consultation.is_expected:
        consultation.state = State.REQUESTED
        consultation.due_on = timezone.localdate(now) + timedelta(days=consultation.days or 0)
    else:
        consultation.state = State.INFORMED
    consultation.save()
    expected = consultation.is_expected
    # A body that already sees the case, informed or in charge, keeps its desk as it is.
    CaseDesk.objects.get_or_create(
        case_id=case.pk,
        organisation_id=consultation.body_id,
        defaults={"kind": CaseDesk.Kind.CONSULTED if expected else CaseDesk.Kind.INFORMED},
    )
    _log(consultation, Action.REQUESTED if expected else Action.INFORMED)
    tell_body(
        consultation,
        case,
        NoticeKind.REQUEST if expected else NoticeKind.INFORMATION,
        cause=str(consultation.round),
    )


# --- What the office in charge does -----------------------------------------------------------


@transaction.atomic
def extend(
    consultation: Consultation, *, user: User, due_on: date, comment: str = ""
) -> Consultation:
    """Give a body more time, before or after its deadline has passed.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    _check_follower(case, user)
    _refuse_unless(consultation, (State.REQUESTED, State.SILENT))
    if given := consultation.opinions.current().filter(validated_at__isnull=False).first():
        raise ActionRefusedError(
            f"Cet organisme a rendu son avis le {timezone.localdate(given.validated_at):%d/%m/%Y}. "
            "Pour un nouvel avis, redemandez-le."
        )
    check_due(due_on, who="l’organisme")
    if consultation.due_on and due_on <= consultation.due_on:
        raise DayRefusedError(
            f"L’avis est déjà attendu pour le {consultation.due_on:%d/%m/%Y}. "
            "Choisissez une date plus tardive."
        )
    consultation.state = State.REQUESTED
    consultation.due_on = due_on
    consultation.save()
    _log(
        consultation,
        Action.EXTENDED,
        actor=user,
        comment=typed_text(comment, longest=LONGEST_COMMENT),
    )
    tell_body(consultation, case, NoticeKind.EXTENSION, cause=f"{due_on:%Y%m%d}")
    return consultation


@transaction.atomic
def ask_again(
    consultation: Consultation, *, user: User, due_on: date, comment: str
) -> Consultation:
    """Ask a body for a new opinion; the one it gave, if any, is kept and no longer counts.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    _check_follower(case, user)
    _refuse_unless(consultation, (State.GIVEN, State.SILENT))
    check_due(due_on, who="l’organisme")
    comment = typed_text(
        comment,
        longest=LONGEST_COMMENT,
        needed="Dites à l’organisme pourquoi un nouvel avis est demandé.",
    )
    consultation.opinions.current().filter(validated_at__isnull=False).update(is_current=False)
    consultation.state = State.REQUESTED
    consultation.round += 1
    consultation.requested_at = timezone.now()
    consultation.due_on = due_on
    consultation.save()
    _log(consultation, Action.ASKED_AGAIN, actor=user, comment=comment)
    tell_body(
        consultation, case, NoticeKind.REQUEST, cause=str(consultation.round), comment=comment
    )
    return consultation


@transaction.atomic
def revoke(consultation: Consultation, *, user: User, reason: str) -> Consultation:
    """Stop asking a body that has not answered: it no longer sees the case.

    Raises PermissionDenied, or ActionRefusedError with the sentence to show.
    """
    consultation, case = locked(consultation)
    _check_follower(case, user)
    _refuse_unless(consultation, (State.WAITING, State.REQUESTED, State.SILENT, State.INFORMED))
    if consultation.opinions.filter(validated_at__isnull=False).exists():
        raise ActionRefusedError(
            "Cet organisme a rendu un avis : il reste au dossier, la demande ne peut plus être "
            "retirée."
        )
    reason = typed_text(
        reason,
        longest=LONGEST_COMMENT,
        needed="Dites à l’organisme pourquoi son avis n’est plus demandé.",
    )
    _revoke(consultation, case, user=user, reason=reason)
    _advance(case)
    return consultation


def revoke_all(case: Case, *, reason: str) -> None:
    """Stop asking everybody who has not answered: the case itself was withdrawn.

    The caller holds the lock on the case.
    """
    open_ones = case.consultations.filter(
        state__in=(State.WAITING, State.REQUESTED, State.SILENT)
    ).exclude(opinions__validated_at__isnull=False)
    for consultation in open_ones.select_related("body"):
        _revoke(consultation, case, user=None, reason=reason)


def _revoke(consultation: Consultation, case: Case, *, user: User | None, reason: str) -> None:
    was_sent = consultation.requested_at is not None
    consultation.state = State.REVOKED
    consultation.revoked_at = timezone.now()
    consultation.revoked_by = user
    consultation.revocation_reason = reason
    consultation.save()
    CaseDesk.objects.filter(
        case_id=case.pk, organisation_id=consultation.body_id, kind=CaseDesk.Kind.CONSULTED
    ).delete()
    _log(consultation, Action.REVOKED, actor=user, comment=reason)
    if was_sent:
        tell_body(
            consultation, case, NoticeKind.REVOCATION, cause=str(consultation.round), comment=reason
        )


# --- Time ---------------------------------------------------------------------------------------


def close_the_silent(*, today: date | None = None, case: Case | None = None) -> int:
    """Note the silence of the bodies whose last day has passed; how many were noted.

    In every case, or in the one given.
    """
    today = today or timezone.localdate()
    due = Consultation.objects.filter(state=State.REQUESTED, due_on__lt=today)
    if case is not None:
        due = due.filter(case_id=case.pk)
    return sum(
        _each(due.order_by("due_on", "pk").values_list("pk", flat=True), _note_silence, today)
    )


def _note_silence(consultation_id: int, today: date) -> bool:
    consultation, case = locked(Consultation.objects.get(pk=consultation_id))
    if consultation.state != State.REQUESTED or (consultation.due_on or today) >= today:
        return False
    fall_silent(consultation)
    _advance(case)
    return True


def fall_silent(consultation: Consultation) -> None:
    """The deadline has passed without an opinion; what it means was said when it was asked."""
    consultation.state = State.SILENT
    consultation.save()
    meaning = Consultation.Silence(consultation.silence).label
    _log(consultation, Action.FELL_SILENT, comment=f"Silence au terme du délai : {meaning.lower()}")


def send_reminders(*, today: date | None = None) -> int:
    """Remind bodies before and after their deadline; how many bodies were written to.

    It can run as often as one likes: each reminder has one cause per request and deadline.
    After a stop of several days only the most pressing one is sent.
    """
    today = today or timezone.localdate()
    settings = [p.circuit.reminders for p in registry.all_procedures()]
    furthest = max((day for one in settings for day in one.before), default=0)
    longest = max((day for one in settings for day in one.after), default=0)
    near = Q(state=State.REQUESTED, due_on__gte=today, due_on__lte=today + timedelta(days=furthest))
    over = Q(
        state=State.SILENT,
        due_on__lt=today,
        due_on__gte=today - timedelta(days=longest) - REMINDER_GRACE,
    )
    waited_for = Consultation.objects.filter(near | over, case__state__in=CONSULTING_STATES)
    return sum(_each(waited_for.order_by("pk").values_list("pk", flat=True), _remind, today))


def _remind(consultation_id: int, today: date) -> bool:
    consultation, case = locked(Consultation.objects.get(pk=consultation_id))
    due_on, asked_at = consultation.due_on, consultation.requested_at
    if due_on is None or asked_at is None or consultation.state not in OPEN_FOR_REMINDERS:
        return False
    reminders = circuit_of(case).reminders
    left = (due_on - today).days
    if left >= 0:
        # Whoever was asked a week ago is not reminded of a fortnight.
        allowed = (due_on - timezone.localdate(asked_at)).days
        reached = [day for day in reminders.before if left <= day < allowed]
        kind, day = NoticeKind.REMINDER, min(reached, default=None)
    else:
        if consultation.opinions.current().filter(validated_at__isnull=False).exists():
            return False
        reached = [day for day in reminders.after if -left >= day]
        kind, day = NoticeKind.OVERDUE, max(reached, default=None)
    if day is None:
        return False
    cause = f"{consultation.round}:{due_on:%Y%m%d}:{day}"
    return bool(tell_body(consultation, case, kind, cause=cause))


OPEN_FOR_REMINDERS: Final = (State.REQUESTED, State.SILENT)


def _each(ids: Iterable[int], act: Any, today: date) -> list[bool]:
    """Do one after the other, each in its transaction: one that fails holds up no other."""
    outcomes = []
    for pk in list(ids):
        try:
            with transaction.atomic():
                outcomes.append(act(pk, today))
        except Exception:
            logger.exception("Consultation %s could not be dealt with", pk)
    return outcomes


# --- Shared --------------------------------------------------------------------------------------


def _locked_case(pk: int) -> Case:
    Case.objects.select_for_update().get(pk=pk)
    return Case.objects.select_related("office", "region").get(pk=pk)


def locked(consultation: Consultation) -> tuple[Consultation, Case]:
    """The consultation as it stands now, and its case, locked until the transaction ends."""
    case = _locked_case(consultation.case_id)
    fresh = Consultation.objects.select_related("body").get(pk=consultation.pk)
    fresh.case = case
    return fresh, case


def log_action(
    consultation: Consultation, action: str, *, actor: User | None = None, comment: str = ""
) -> ConsultationLog:
    """Write one line of a consultation's log."""
    return ConsultationLog.objects.create(
        consultation=consultation,
        action=action,
        actor=actor,
        comment=comment,
        due_on=consultation.due_on,
    )


_log = log_action


def advance(case: Case) -> None:
    """Send the next stage if it may leave. The caller holds the lock on the case."""
    _advance(case)


def _check_follower(case: Case, user: User) -> None:
    if not rules.may_follow_consultations(case, user):
        raise PermissionDenied("Seul le bureau en charge du dossier conduit ses consultations.")
    still_holds_their_role(user)
    if case.state not in CONSULTING_STATES:
        raise ActionRefusedError(
            "Ce dossier n’est plus à l’étape des avis : les consultations ne changent plus."
            if case.state not in OPEN_STATES
            else "Les avis ne sont pas encore demandés sur ce dossier."
        )


def _refuse_unless(consultation: Consultation, allowed: Sequence[str]) -> None:
    """Raises AlreadyDoneError when the consultation has left the states the action starts from."""
    if consultation.state in allowed:
        return
    last = consultation.logs.select_related("actor").last()
    if last is None:
        raise ActionRefusedError(
            f"{consultation.body} n’a pas encore été consulté : son étape n’a pas commencé."
        )
    raise already_done_by(last.actor, last.at)
