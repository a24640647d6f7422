"""Acting in a role: chosen by the person, shown on every page, never assumed silently."""

from typing import Any, Final, NamedTuple

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.middleware import SESSION_HOLDS_ROLES, SESSION_KEY
from accounts.models import Membership, User
from cpts_portal.composed import Composed, Given


class HeldRole(NamedTuple):
    """A role a person holds, its organisation, the département it is limited to, by name."""

    pk: int
    label: str
    organisation: str
    department: str


_HELD: Final = Composed(
    lambda: Membership.objects.filter(user=Given("person"), is_active=True).values_list(
        "pk", "role", "organisation__name", "department__name", "department_id"
    )
)


def held_roles(user: User) -> list[HeldRole]:
    """The roles a person may act in, in the order of their organisations: one query."""
    return [
        HeldRole(pk, Membership.Role(role).label, organisation, f"{name} ({code})" if code else "")
        for pk, role, organisation, name, code in _HELD.rows(person=user.pk)
    ]


def switch(request: HttpRequest, membership: Membership | None) -> None:
    """Act in one of the person's own memberships, or in their own name (None) from now on."""
    if membership is None:
        request.session.pop(SESSION_KEY, None)
    else:
        if membership.user_id != request.user.pk or not membership.is_active:
            raise ValueError("A person acts only in a role of their own that is in force.")
        request.session[SESSION_KEY] = membership.pk
        request.session[SESSION_HOLDS_ROLES] = True
    # What the session may do has changed: a key noted before the switch opens nothing after it.
    request.session.cycle_key()
    if isinstance(request.user, User):
        request.user.acting = membership


def remember(request: HttpRequest, *, holds_roles: bool) -> None:
    """Keep in the session whether the header should offer the switch."""
    if bool(request.session.get(SESSION_HOLDS_ROLES)) != holds_roles:
        request.session[SESSION_HOLDS_ROLES] = holds_roles


@receiver(user_logged_in)
def begin_in_a_role(*, request: HttpRequest | None, user: User, **_kwargs: Any) -> None:
    """Someone who holds a role opens the portal in it: their work is the desk's.

    The header says so on every page and offers the way back to one's own name.
    """
    if request is None or not hasattr(request, "session"):
        return
    first = user.memberships.filter(is_active=True).order_by("created_at", "pk").first()
    if first is not None:
        request.session[SESSION_KEY] = first.pk
        request.session[SESSION_HOLDS_ROLES] = True
