from typing import Any

from django.http import HttpRequest


def acting_role(request: HttpRequest) -> dict[str, Any]:
    """The role shown in the header. Costs no query: the middleware has loaded it."""
    return {"acting": getattr(request.user, "acting", None) if hasattr(request, "user") else None}
