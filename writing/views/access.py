"""How every view of a case begins: seeing is a queryset (404), acting is a rule (403)."""

import uuid
from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.text import capfirst

from accounts.models import User
from workflow.reading import read_seen
from writing import rules
from writing.buffer import open_buffer
from writing.kinds import WrittenKind
from writing.models import WrittenCase


def visible_case(
    request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID, *, completing: bool = False
) -> WrittenCase:
    """The case if the person may see it, in one query; else a 404 that says nothing.

    It comes with its CPTS, its region, its office, and `territory_id`, the number of its
    current territory: every page reads it. `completing`: with what its team prepares in answer
    to a request, for the team alone.
    """
    case = read_seen(kind.model, cast(User, request.user), public_id)
    if case is None:
        raise Http404(f"No {kind.kind} {public_id} here, or not one this person may see.")
    if completing:
        open_buffer(case, cast(User, request.user))
    return case


def editable_case(
    request: HttpRequest,
    kind: WrittenKind,
    public_id: uuid.UUID,
    *,
    key: str = "",
    lock: bool = False,
) -> WrittenCase:
    """The case if the person may write it now; PermissionDenied if they may only read.

    `key` is the field or the piece they write. `lock` holds the case's row until the request
    ends: nothing is written behind a deposit.
    """
    user = cast(User, request.user)
    cases = kind.model.objects.visible_to(user).select_related("community", "region")
    if lock:
        cases = cases.select_for_update(of=("case_ptr",))
    case = get_object_or_404(cases, public_id=public_id)
    open_buffer(case, user)
    if not rules.may_write_something(case, user):
        raise PermissionDenied(_why_not(case))
    if key:
        refuse_locked(case, user, [key])
    return case


def refuse_locked(case: WrittenCase, user: User, keys: list[str]) -> None:
    """Raises PermissionDenied when one of these fields is not among those to complete."""
    if any(not rules.may_write(case, user, key) for key in keys):
        raise PermissionDenied(
            f"Cette partie {case.words.of_the} est déposée et n’est pas à compléter. Ouvrez la "
            "demande de compléments pour voir ce qui peut l’être, ou écrivez au bureau."
        )


def _why_not(case: WrittenCase) -> str:
    words = case.words
    if not case.is_deposited or case.buffer is not None:
        return (
            f"Vous pouvez lire {words.this}, pas {words.direct} modifier. "
            "Demandez à un responsable de la CPTS de vous donner le rôle de rédacteur."
        )
    return (
        f"{capfirst(words.this)} est déposé{words.e} : {words.it} ne peut plus être "
        f"modifié{words.e}."
    )
