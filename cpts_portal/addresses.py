"""Addresses of pages about one thing, which a page has by the dozen: reversing each is dear."""

from collections.abc import Hashable
from functools import cache, lru_cache
from uuid import UUID

from django.urls import reverse

_NOBODY, _NEITHER = UUID(int=0), UUID(int=1)


def address(view: str, *parts: Hashable) -> str:
    """As `reverse` gives it: it never changes while a process runs.

    Raises NoReverseMatch as `reverse` does. `{% address %}` is the same in a template.
    """
    match parts:
        case (UUID() as public_id,):
            before, after = around(view)
            return f"{before}{public_id}{after}"
        case (UUID() as public_id, UUID() as second, *rest):
            before, between, after = _around_both(view, *rest)
            return f"{before}{public_id}{between}{second}{after}"
        case (UUID() as public_id, *rest):
            before, after = _around(view, *rest)
            return f"{before}{public_id}{after}"
    return _remembered(view, *parts)


@lru_cache(maxsize=16_384)
def _remembered(view: str, *parts: Hashable) -> str:
    return reverse(view, args=parts)


@lru_cache(maxsize=16_384)
def _around(view: str, *rest: Hashable) -> tuple[str, str]:
    before, after = reverse(view, args=[_NOBODY, *rest]).split(str(_NOBODY))
    return before, after


@lru_cache(maxsize=4_096)
def _around_both(view: str, *rest: Hashable) -> tuple[str, str, str]:
    whole = reverse(view, args=[_NOBODY, _NEITHER, *rest])
    before, after = whole.split(str(_NOBODY))
    between, after = after.split(str(_NEITHER))
    return before, between, after


@cache
def around(view: str) -> tuple[str, str]:
    """What is before and after the number of a thing in the addresses of a view about it alone."""
    before, after = reverse(view, args=[_NOBODY]).split(str(_NOBODY))
    return before, after
