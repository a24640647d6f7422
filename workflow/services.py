"""The only door through which a case changes state, and what every filed case shares."""

import hashlib
import json
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final, TypeVar

from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone
from django_fsm import Transition, TransitionNotAllowed

from accounts.models import User
from cpts_portal.words import day_and_hour
from workflow import claims, effects, rules
from workflow.clock import (
    Clock,
    ClockState,
    Event,
    EventKind,
    check_correction,
    check_sequence,
    read_clock,
)
from workflow.clock_rules import clock_rule
from workflow.models import Case, ClockEvent, ReferenceCounter, Snapshot, TransitionLog
from workflow.search import index_case

AnyCase = TypeVar("AnyCase", bound=Case)


class ActionRefusedError(Exception):
    """The action cannot be done now; `message` says why and what to do, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AlreadyDoneError(ActionRefusedError):
    """Somebody moved the case first: a second click, or another person at the same time."""


class IncompleteError(ActionRefusedError):
    """Something is missing; `missing` is the list the page shows."""

    def __init__(self, missing: list[Any]) -> None:
        super().__init__("L’action n’a pas été faite : il manque des éléments.")
        self.missing = missing


def perform(
    case: AnyCase, name: str, *, actor: User | None, comment: str = "", **data: Any
) -> TransitionLog:
    """Move a case: lock, permission, guards, transition, save, log, and what goes with it.

    All of it commits together or not at all. `data` goes to the transition, with what the
    case's preparation adds to it. The case passed in becomes the locked row. No actor: the
    portal itself.

    Raises PermissionDenied when the actor may not, AlreadyDoneError when the case has left
    the state the action starts from, IncompleteError when a guard finds something missing.
    """
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        locked = type(case)._base_manager.select_related("community").get(pk=case.pk)
        move = _transition(locked, name)
        if move is None:
            raise already_done(locked)
        if not move.has_perm(locked, actor):  # type: ignore[arg-type]
            raise PermissionDenied(name)
        missing = locked.missing_for(name)
        if missing:
            raise IncompleteError(missing)
        data = effects.prepare(locked, name, actor=actor, data=data)
        from_state, from_version = locked.state, locked.version
        try:
            getattr(locked, name)(actor=actor, **data)
        except TransitionNotAllowed as refused:
            # Nothing is missing, so somebody else has done it.
            raise already_done(locked) from refused
        locked.updated_at = timezone.now()
        locked.save()
        log = TransitionLog.objects.create(
            case_id=locked.pk,
            transition=name,
            from_state=from_state,
            to_state=locked.state,
            actor=actor,
            body=actor.acting.organisation if actor and actor.acting else None,
            comment=comment,
            version=locked.version,
        )
        effects.record(locked, log, actor=actor)
        _follow_territory(locked, from_state, from_version)
    # Not refresh_from_db(): django-fsm's lifts the protection of `state` for the whole process
    # while it reads, so that two deposits ending together would break each other.
    case.__dict__.update(locked.__dict__)
    return log


def _follow_territory(case: Case, from_state: str, from_version: int) -> None:
    """Bring the communes the case holds in step with it.

    Raises ActionRefusedError where another decided CPTS holds one of them without arbitration.
    """
    try:
        with transaction.atomic():
            claims.follow(case, from_state=from_state, from_version=from_version)
    except IntegrityError as refused:
        if "territory_claim_one_decided_without_arbitration" not in str(refused):
            raise
        raise ActionRefusedError(
            "Une autre CPTS vient d’être validée sur une des communes de ce territoire, et aucun "
            "arbitrage ne dit comment elles la partagent. Écrivez l’arbitrage dans l’onglet "
            "«\u00a0Territoire\u00a0», puis recommencez."
        ) from refused


def _transition(case: Case, name: str) -> Transition | None:
    """The named transition if the case stands where it starts, else None.

    Raises LookupError for a name the machine does not know.
    """
    known = [t for t in case.get_all_state_transitions() if t.name == name]  # type: ignore[attr-defined]
    if not known:
        raise LookupError(f"{type(case).__name__} has no transition {name!r}")
    return next((t for t in known if t.source == case.state), None)


def already_done(case: Case) -> AlreadyDoneError:
    """What to tell a person whose action somebody has done before them."""
    last = case.transition_logs.select_related("actor").last()
    if last is None:
        return AlreadyDoneError("Cette action n’est plus possible : le dossier a changé d’état.")
    return already_done_by(last.actor, last.at)


def already_done_by(who: User | None, at: datetime) -> AlreadyDoneError:
    """What to tell a person whom somebody else, or the portal, has forestalled."""
    when = day_and_hour(at)
    return AlreadyDoneError(f"Action déjà effectuée par {who or 'le portail'}, le {when}.")


def next_reference(prefix: str, region_code: str) -> str:
    """The next number of this kind, region and year, such as « LI-76-2026-0001 ».

    Call it in the transaction that uses the number: the counter's row stays locked until
    then, so a rolled-back deposit leaves no hole and two deposits never share a number.
    """
    year = timezone.localdate().year
    key = {"prefix": prefix, "region_id": region_code, "year": year}
    ReferenceCounter.objects.bulk_create([ReferenceCounter(**key)], ignore_conflicts=True)
    counter = ReferenceCounter.objects.select_for_update().get(**key)
    ReferenceCounter.objects.filter(pk=counter.pk).update(last=F("last") + 1)
    return f"{prefix}-{region_code}-{year}-{counter.last + 1:04d}"


def canonical_json(content: dict[str, Any]) -> str:
    """The one text of a content: what its hash is made from."""
    return json.dumps(
        content, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of a content, as a snapshot bears it."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def freeze(case: Case, content: dict[str, Any], *, actor: User) -> Snapshot:
    """Store the whole content of a case as deposited, with the hash of its canonical JSON.

    From then on the case is found by what it says.
    """
    canonical = canonical_json(content)
    snapshot = Snapshot.objects.create(
        case_id=case.pk,
        version=case.version,
        content=json.loads(canonical),
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        created_by=actor,
    )
    index_case(case, snapshot.content)
    return snapshot


# --- The clock --------------------------------------------------------------------------

LONGEST_REASON = 2_000


def clock_of(case: Case, *, today: date | None = None) -> Clock:
    """The clock of a case as its ledger stands now, read on the day `today`.

    One query, or none when `clock_events` was prefetched, and one for the office.
    """
    return read_clock(
        _events(case),
        clock_rule(case),
        today=today or timezone.localdate(),
        department_code=working_department(case),
    )


# Written by hand: each page of a deposited case reads it.
_EVENTS: Final = """
    SELECT id, kind, effective_on, until, cancels_id FROM workflow_clockevent
     WHERE case_id = %s ORDER BY effective_on, id
"""


def _events(case: Case) -> list[Event]:
    if "clock_events" in getattr(case, "_prefetched_objects_cache", {}):
        return [row.as_event() for row in case.clock_events.all()]
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [case.pk])
        return [
            Event(id=pk, kind=EventKind(kind), effective_on=day, until=until, cancels=cancels)
            for pk, kind, day, until, cancels in cursor.fetchall()
        ]


def working_department(case: Case) -> str:
    """Where the people in charge work, as far as is known: it decides their holidays."""
    here = case.office.department_id if case.office else None
    return here or next(iter(case.department_codes), "")


def record_clock_event(
    case: Case,
    kind: EventKind,
    *,
    effective_on: date,
    actor: User | None,
    reason: str = "",
    until: date | None = None,
) -> ClockEvent:
    """Write one line of the ledger, under the case's lock. No actor: the portal itself.

    Whoever calls it has checked that the actor may do what the event comes from.

    Raises ActionRefusedError when the event makes no sense among the others.
    """
    event = Event(kind=EventKind(kind), effective_on=effective_on, until=until)
    with transaction.atomic():
        locked = Case.objects.select_for_update().get(pk=case.pk)
        refusals = check_sequence(
            _ledger(locked), event, rule=clock_rule(locked), today=timezone.localdate()
        )
        if refusals:
            raise ActionRefusedError(" ".join(refusals))
        entered = _write(locked, event, actor=actor, reason=_reason(reason))
        project_clock(case)
    return entered


def end_clock(
    case: Case, *, actor: User | None, reason: str = "", on: date | None = None
) -> ClockEvent | None:
    """Stop the clock of a case: it is decided, withdrawn or closed. The caller holds the lock.

    `on` is the day it takes effect, today unless told otherwise; `reason` is read by the lead.
    Nothing is written for a clock that has not started, or has ended already.

    Raises ActionRefusedError for a day to come.
    """
    clock = clock_of(case)
    if clock.state in {ClockState.NOT_STARTED, ClockState.ENDED}:
        return None
    return record_clock_event(
        case,
        EventKind.END,
        effective_on=on or timezone.localdate(),
        actor=actor,
        reason=reason,
    )


def reopen_clock(case: Case, *, actor: User | None, reason: str = "") -> ClockEvent | None:
    """A decision is withdrawn: a whole period begins today. The caller holds the lock.

    Nothing is written for a clock that had not ended.
    """
    if clock_of(case).state != ClockState.ENDED:
        return None
    return record_clock_event(
        case, EventKind.REOPEN, effective_on=timezone.localdate(), actor=actor, reason=reason
    )


def correct_clock_event(
    event: ClockEvent, *, actor: User, reason: str, replacement: Event | None = None
) -> ClockEvent:
    """Take a mistaken line out of the computation by a counter-event, which is returned.

    `replacement` is written with it, for the same reason: a start on another day, for instance,
    without which what follows would hang in the air.

    Raises PermissionDenied unless the actor is a coordinator of a desk of the case, and
    ActionRefusedError without a reason, for a line corrected already, or when the rest of the
    ledger would make no sense.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().get(pk=event.case_id)
        if not rules.may_correct_clock(case, actor):
            raise PermissionDenied("Seul un coordinateur d’un bureau du dossier corrige son délai.")
        reason = _reason(reason)
        if not reason:
            raise ActionRefusedError(
                "Écrivez le motif de la correction : elle reste dans le registre, à votre nom."
            )
        mistake = event.as_event()
        refusals = check_correction(
            _ledger(case),
            mistake,
            rule=clock_rule(case),
            today=timezone.localdate(),
            replacement=replacement,
        )
        if refusals:
            raise ActionRefusedError(" ".join(refusals))
        counter = replace(mistake, id=None, cancels=mistake.id)
        correction = _write(case, counter, actor=actor, reason=reason)
        if replacement is not None:
            _write(case, replacement, actor=actor, reason=reason)
        project_clock(case)
        return correction


def project_clock(case: Case) -> bool:
    """Copy onto the case what its ledger says, for the lists; returns whether it had changed.

    The case passed in is brought up to date too: saving it later does not undo the copy. The
    caller holds the lock on the case.
    """
    ledger = ClockEvent.objects.filter(case_id=case.pk)
    clock = read_clock(
        (row.as_event() for row in ledger), clock_rule(case), today=timezone.localdate()
    )
    waits = clock.state in {ClockState.RUNNING, ClockState.SUSPENDED}
    says = {
        "clock_state": clock.state,
        "deadline_on": clock.deadline if waits else None,
        "suspended_until": clock.suspended_until if waits else None,
    }
    changed = Case.objects.filter(pk=case.pk).exclude(**says).update(**says)
    for name, value in says.items():
        setattr(case, name, value)
    return bool(changed)


def _ledger(case: Case) -> list[Event]:
    return [row.as_event() for row in case.clock_events.all()]


def _reason(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_REASON:
        raise ActionRefusedError(
            f"Le motif compte {len(text)} caractères ; il en accepte {LONGEST_REASON} au plus. "
            "Raccourcissez-le."
        )
    return text


def _write(case: Case, event: Event, *, actor: User | None, reason: str) -> ClockEvent:
    return ClockEvent.objects.create(
        case=case,
        kind=event.kind,
        effective_on=event.effective_on,
        until=event.until,
        cancels_id=event.cancels,
        reason=reason,
        entered_by=actor,
        body=actor.acting.organisation if actor and actor.acting else None,
    )
