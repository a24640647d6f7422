"""Notifications for tests: told by the real door, with a mail of the portal's own."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership, User
from notifications.models import Notification
from notifications.services import About, Told, notify

CASE = UUID("6a1f8a52-64e4-4ae8-9d3c-4d7f4f0c8f01")
LUMBRES = About("CPTS Pays de Lumbres", "LI-32-2026-0001", CASE)


def tell(to: Told | str, **changes: Any) -> Notification:
    """Tell that all opinions are in: a kind everyone may defer."""
    values: dict[str, Any] = {
        "kind": "opinions_settled",
        "key": "settled:1",
        "about": LUMBRES,
        "template": "workflow/opinions_settled",
        "context": {"kind": "lettre d’intention"},
        "path": "/accueil/",
    }
    values |= changes
    told = notify(values.pop("kind"), to=to, **values)
    assert told is not None
    return told


def written_at(notification: Notification, *moment: int) -> Notification:
    """Make it have been written at this moment, Paris time."""
    at = timezone.make_aware(datetime(*moment))  # noqa: DTZ001 - made aware here
    Notification.objects.filter(pk=notification.pk).update(created_at=at)
    notification.created_at = at
    return notification


def acting(held: Membership) -> User:
    """The person of a membership, in that role."""
    person = User.objects.get(pk=held.user_id)
    person.acting = held
    return person
