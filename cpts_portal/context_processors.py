from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(_request: HttpRequest) -> dict[str, Any]:
    """Who runs this portal, as every page says it. Costs no query."""
    return {
        "portal": {
            "operator": settings.PORTAL_OPERATOR,
            "contact_email": settings.PORTAL_CONTACT_EMAIL,
            "demo": settings.DEMO,
        }
    }
