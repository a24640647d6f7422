"""How every view of a letter begins: seeing is a queryset (404), acting is a rule (403)."""

import uuid
from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts.models import User
from letters import rules
from letters.buffer import open_buffer
from letters.models import LetterOfIntent
from workflow.reading import read_seen


def visible_letter(
    request: HttpRequest, public_id: uuid.UUID, *, completing: bool = False
) -> LetterOfIntent:
    """The letter if the person may see it, in one query; else a 404 that says nothing.

    It comes with its CPTS, its region, its office, and `territory_id`, the number of its
    current territory: every page reads it. `completing`: with what its team prepares in answer
    to a request, for the team alone.
    """
    letter = read_seen(LetterOfIntent, cast(User, request.user), public_id)
    if letter is None:
        raise Http404("Cette lettre n’existe pas, ou la personne ne la voit pas.")
    if completing:
        open_buffer(letter, cast(User, request.user))
    return letter


def editable_letter(
    request: HttpRequest, public_id: uuid.UUID, *, key: str = "", lock: bool = False
) -> LetterOfIntent:
    """The letter if the person may write it now; PermissionDenied if they may only read.

    `key` is the field or the piece they write. `lock` holds the case's row until the request
    ends: nothing is written behind a deposit.
    """
    user = cast(User, request.user)
    letters = LetterOfIntent.objects.visible_to(user).select_related("community", "region")
    if lock:
        letters = letters.select_for_update(of=("case_ptr",))
    letter = get_object_or_404(letters, public_id=public_id)
    open_buffer(letter, user)
    if not rules.may_write_something(letter, user):
        raise PermissionDenied(_why_not(letter))
    if key:
        refuse_locked(letter, user, [key])
    return letter


def refuse_locked(letter: LetterOfIntent, user: User, keys: list[str]) -> None:
    """Raises PermissionDenied when one of these fields is not among those to complete."""
    if any(not rules.may_write(letter, user, key) for key in keys):
        raise PermissionDenied(
            "Cette partie de la lettre est déposée et n’est pas à compléter. Ouvrez la demande de "
            "compléments pour voir ce qui peut l’être, ou écrivez au bureau."
        )


def _why_not(letter: LetterOfIntent) -> str:
    if not letter.is_deposited or letter.buffer is not None:
        return (
            "Vous pouvez lire cette lettre, pas la modifier. "
            "Demandez à un responsable de la CPTS de vous donner le rôle de rédacteur."
        )
    return "Cette lettre est déposée : elle ne peut plus être modifiée."
