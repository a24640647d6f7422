from typing import Any

from django.http import HttpRequest

from accounts.middleware import SESSION_HOLDS_ROLES


def acting_role(request: HttpRequest) -> dict[str, Any]:
    """The role shown in the header. Costs no query: the middleware has loaded it."""
    return {
        "acting": getattr(getattr(request, "user", None), "acting", None),
        "holds_roles": hasattr(request, "session")
        and bool(request.session.get(SESSION_HOLDS_ROLES)),
    }
