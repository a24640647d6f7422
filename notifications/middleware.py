"""Opening the page of a case that a notification leads to is reading it, whatever the way there."""

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from notifications import services

# What the addresses of a case, of a CPTS or of what is asked about it name it by.
_CASES: Final = ("case", "letter", "project", "public_id")


class ReadWhereItLeadsMiddleware:
    """Mark as read what leads to the page asked for; one statement, and only for somebody who has
    something unread in the role they act in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _args: Any, kwargs: dict[str, Any]
    ) -> None:
        """Before the view, so that the page itself counts what is left."""
        if request.method != "GET" or not any(name in kwargs for name in _CASES):
            return
        bodies: list[int | None] = getattr(request.user, "unread_bodies", None) or []
        acting = getattr(request.user, "acting", None)
        body = acting.organisation_id if acting else None
        if body not in bodies:
            return
        for _ in range(services.mark_read_here(request.path, user=request.user)):  # type: ignore[arg-type]
            if body in bodies:
                bodies.remove(body)
