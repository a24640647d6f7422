"""How the letter's own views begin, as `writing.views.access` does for every written case."""

import uuid
from typing import cast

from django.http import HttpRequest

from letters.models import LetterOfIntent
from letters.services import KIND
from writing.kinds import written
from writing.views import access


def visible_letter(
    request: HttpRequest, public_id: uuid.UUID, *, completing: bool = False
) -> LetterOfIntent:
    """The letter if the person may see it, in one query; else a 404."""
    seen = access.visible_case(request, written(KIND), public_id, completing=completing)
    return cast(LetterOfIntent, seen)


def editable_letter(
    request: HttpRequest, public_id: uuid.UUID, *, key: str = "", lock: bool = False
) -> LetterOfIntent:
    """The letter if the person may write it now; PermissionDenied if they may only read."""
    found = access.editable_case(request, written(KIND), public_id, key=key, lock=lock)
    return cast(LetterOfIntent, found)
