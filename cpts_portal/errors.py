"""Error pages that say what happened, why, and what to do."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The page stayed open too long, or cookies are refused: nothing was recorded."""
    return render(request, "403_csrf.html", status=403)
