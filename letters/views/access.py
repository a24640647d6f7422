"""How every view of a letter begins: seeing is a queryset (404), acting is a rule (403)."""

import uuid
from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts.models import User
from letters import rules
from letters.models import LetterOfIntent
from workflow.reading import read_seen


def visible_letter(request: HttpRequest, public_id: uuid.UUID) -> LetterOfIntent:
    """The letter if the person may see it, in one query; else a 404 that says nothing.

    It comes with its CPTS, its region, its office, and `territory_id`, the number of its
    current territory: every page reads it.
    """
    letter = read_seen(LetterOfIntent, cast(User, request.user), public_id)
    if letter is None:
        raise Http404("Cette lettre n’existe pas, ou la personne ne la voit pas.")
    return letter


def editable_letter(
    request: HttpRequest, public_id: uuid.UUID, *, lock: bool = False
) -> LetterOfIntent:
    """The letter if the person may write it now; PermissionDenied if they may only read.

    `lock` holds the case's row until the request ends: nothing is written behind a deposit.
    """
    letters = LetterOfIntent.objects.visible_to(request.user).select_related("community", "region")
    if lock:
        letters = letters.select_for_update(of=("case_ptr",))
    letter = get_object_or_404(letters, public_id=public_id)
    if not rules.may_edit(letter, cast(User, request.user)):
        raise PermissionDenied(
            "Cette lettre est déposée : elle ne peut plus être modifiée."
            if letter.is_deposited
            else "Vous pouvez lire cette lettre, pas la modifier. "
            "Demandez à un responsable de la CPTS de vous donner le rôle de rédacteur."
        )
    return letter
