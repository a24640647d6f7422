"""Signing in as Django and allauth do; reading the person brings their unread notifications.

Each page shows how many there are: counted with the query that reads the person, they cost no
other one.
"""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef

from accounts.models import User
from notifications.context_processors import MOST_COUNTED
from notifications.models import Notification


class _WithUnread(ModelBackend):
    def get_user(self, user_id: Any) -> User | None:
        unread = Notification.objects.filter(user=OuterRef("pk"), read_at=None).order_by()
        people = User.objects.annotate(
            unread_bodies=ArraySubquery(unread.values("body_id")[:MOST_COUNTED])
        )
        person = people.filter(pk=user_id).first()
        return person if person and self.user_can_authenticate(person) else None


class PasswordBackend(_WithUnread):
    """Django's."""


class AddressBackend(_WithUnread, AuthenticationBackend):
    """allauth's."""
