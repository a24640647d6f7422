"""Error pages that say what happened, why, and what to do."""

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The page stayed open too long, or cookies are refused: nothing was recorded."""
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request could not be read: too large, or not what a browser sends."""
    too_large = isinstance(exception, RequestDataTooBig | TooManyFilesSent | TooManyFieldsSent)
    return render(request, "400.html", {"too_large": too_large}, status=400)
