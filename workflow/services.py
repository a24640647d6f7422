"""The only door through which a case changes state, and what every filed case shares."""

import hashlib
import json
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format
from django_fsm import Transition

from accounts.models import User
from workflow import effects
from workflow.models import Case, ReferenceCounter, Snapshot, TransitionLog

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
    case: AnyCase, name: str, *, actor: User, comment: str = "", **data: Any
) -> TransitionLog:
    """Move a case: lock, permission, guards, transition, save, log, and what goes with it.

    All of it commits together or not at all. `data` goes to the transition, with what the
    case's preparation adds to it. The case passed in becomes the locked row.

    Raises PermissionDenied when the actor may not, AlreadyDoneError when the case has left
    the state the action starts from, IncompleteError when a guard finds something missing.
    """
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=case.pk)
        locked = type(case)._base_manager.select_related("community").get(pk=case.pk)
        move = _transition(locked, name)
        if move is None:
            raise already_done(locked)
        if not move.has_perm(locked, actor):
            raise PermissionDenied(name)
        missing = locked.missing_for(name)
        if missing:
            raise IncompleteError(missing)
        data = effects.prepare(locked, name, actor=actor, data=data)
        from_state = locked.state
        getattr(locked, name)(actor=actor, **data)
        locked.updated_at = timezone.now()
        locked.save()
        log = TransitionLog.objects.create(
            case_id=locked.pk,
            transition=name,
            from_state=from_state,
            to_state=locked.state,
            actor=actor,
            body=actor.acting.organisation if actor.acting else None,
            comment=comment,
            version=locked.version,
        )
        effects.record(locked, log, actor=actor)
    # Not refresh_from_db(): django-fsm's lifts the protection of `state` for the whole process
    # while it reads, so that two deposits ending together would break each other.
    case.__dict__.update(locked.__dict__)
    return log


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
    when = date_format(timezone.localtime(last.at), "j F Y à H:i")
    return AlreadyDoneError(f"Action déjà effectuée par {last.actor or 'le portail'}, le {when}.")


def next_reference(prefix: str, region_code: str) -> str:
    """The next number of this kind, region and year, such as « LI-76-2026-0001 ».

    Call it in the transaction that uses the number: the counter's row stays locked until
    then, so a rolled-back deposit leaves no hole and two deposits never share a number.
    """
    year = timezone.localdate().year
    key = {"prefix": prefix, "region_id": region_code, "year": year}
    ReferenceCounter.objects.bulk_create([ReferenceCounter(**key)], ignore_conflicts=True)
    counter = ReferenceCounter.objects.select_for_update().get(**key)
    ReferenceCounter.objects.filter(pk=counter.pk).update(last=F("last") + 1)
    return f"{prefix}-{region_code}-{year}-{counter.last + 1:04d}"


def freeze(case: Case, content: dict[str, Any], *, actor: User) -> Snapshot:
    """Store the whole content of a case as deposited, with the hash of its canonical JSON."""
    canonical = json.dumps(
        content, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return Snapshot.objects.create(
        case_id=case.pk,
        version=case.version,
        content=json.loads(canonical),
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        created_by=actor,
    )
