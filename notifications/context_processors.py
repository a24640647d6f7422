from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from cpts_portal.words import NBSP

# More than these are not counted, in all roles together.
MOST_COUNTED: Final = 100


@dataclass(frozen=True)
class Unread:
    """How many notifications a person has not read: in the role they act in, and in others."""

    here: int = 0
    elsewhere: int = 0

    @property
    def figure(self) -> str:
        return str(self.here) if self.here < MOST_COUNTED else f"{MOST_COUNTED - 1}+"

    @property
    def label(self) -> str:
        return f"non lue{'s' if self.here > 1 else ''}"

    @property
    def elsewhere_label(self) -> str:
        several = "s" if self.elsewhere > 1 else ""
        return f"{self.elsewhere}{NBSP}notification{several} non lue{several}"


def unread(request: HttpRequest) -> dict[str, Any]:
    """What the header counts. Costs no query: see `notifications.backends`."""
    user = getattr(request, "user", None)
    acting = getattr(user, "acting", None)
    bodies: list[int | None] = getattr(user, "unread_bodies", None) or []
    here = bodies.count(acting.organisation_id if acting else None)
    return {"unread": Unread(here, len(bodies) - here)}
