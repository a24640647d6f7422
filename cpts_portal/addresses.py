"""Addresses of pages about one thing, which a page has by the dozen: reversing each is dear."""

from functools import cache
from uuid import UUID

from django.urls import reverse

_NOBODY = UUID(int=0)


def address(view: str, public_id: UUID) -> str:
    """As `reverse` gives it, for a view whose only argument is the public number of a thing."""
    before, after = around(view)
    return f"{before}{public_id}{after}"


@cache
def around(view: str) -> tuple[str, str]:
    """What is before and after the number in the addresses of a view."""
    before, after = reverse(view, args=[_NOBODY]).split(str(_NOBODY))
    return before, after
