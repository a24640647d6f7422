"""Pages that are only read need no transaction."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def writes_when_posted(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a view that changes the database only when a form is sent: that is one transaction.

    Reading its page opens none. PostgreSQL gives each statement what is committed when it
    begins, inside a transaction or out of one: a page that only reads would pay for a beginning
    and an end that change nothing of what it says.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method in _READING:
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return transaction.non_atomic_requests(wrapped)
