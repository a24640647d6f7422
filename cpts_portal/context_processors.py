from typing import Any

from django.conf import settings
from django.http import HttpRequest

from workflow.opinion_rules import gives_opinions


def portal(request: HttpRequest) -> dict[str, Any]:
    """Who runs this portal, as every page says it. Costs no query."""
    return {
        "portal": {
            "operator": settings.PORTAL_OPERATOR,
            "contact_email": settings.PORTAL_CONTACT_EMAIL,
            "demo": settings.DEMO,
        },
        "gives_opinions": gives_opinions(getattr(request, "user", None)),
    }
