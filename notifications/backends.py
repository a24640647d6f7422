"""Signing in as Django and allauth do; reading the person brings their unread notifications.

Each page shows how many there are: counted with the query that reads the person, they cost no
other one.
"""

from typing import Any, Final

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.backends import ModelBackend
from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField
from django.db.models.expressions import RawSQL

from accounts.models import User
from notifications.context_processors import MOST_COUNTED

# Written by hand, and once: Django took ten times longer to write it than to run it.
_PEOPLE: Final = User.objects.annotate(
    unread_bodies=RawSQL(
        "ARRAY(SELECT unread.body_id FROM notifications_notification unread "
        "WHERE unread.user_id = accounts_user.id AND unread.read_at IS NULL LIMIT %s)",
        [MOST_COUNTED],
        output_field=ArrayField(BigIntegerField()),
    )
)


class _WithUnread(ModelBackend):
    def get_user(self, user_id: Any) -> User | None:
        try:
            person = _PEOPLE.get(pk=user_id)
        except User.DoesNotExist:
            return None
        return person if self.user_can_authenticate(person) else None


class PasswordBackend(_WithUnread):
    """Django's."""


class AddressBackend(_WithUnread, AuthenticationBackend):
    """allauth's."""
