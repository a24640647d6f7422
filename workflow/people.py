"""The people behind a body or an office: who holds a role now, and who is written to."""

from collections.abc import Collection

from django.core.exceptions import PermissionDenied
from django.db.models import Q

from accounts.models import Membership, Organisation, User
from workflow.models import Case


def members(body: Organisation, case: Case, roles: Collection[str] = ()) -> list[User]:
    """Those who act for a body on this case: in force, active, inside their perimeter."""
    held = Membership.objects.filter(
        Q(department=None) | Q(department__in=case.department_codes),
        organisation=body,
        is_active=True,
    )
    if roles:
        held = held.filter(role__in=roles)
    return list(User.objects.filter(memberships__in=held, is_active=True).distinct().order_by("pk"))


def still_holds_their_role(user: User) -> None:
    """Read the role again: it may have been ended since the page was opened.

    Raises PermissionDenied when it was.
    """
    if user.acting is None:
        return
    held = Membership.objects.filter(
        pk=user.acting.pk, role=user.acting.role, is_active=True, user__is_active=True
    )
    if not held.exists():
        raise PermissionDenied(
            f"Votre rôle dans {user.acting.organisation} a pris fin : ce que vous aviez écrit "
            "reste à cet organisme. Rapprochez-vous de son coordinateur."
        )
