"""The people behind the parties of a contract: who is told."""

from django.db.models import Q

from accounts.models import Membership, Organisation, User
from contracts.models import Contract
from workflow.notices import Told, team_of

__all__ = ["parties_of", "people_of", "team_of"]
_ROLES = (Membership.Role.AGENT, Membership.Role.COORDINATOR, Membership.Role.SIGNATORY)


def people_of(body: Organisation, departments: list[str] | None = None) -> list[User]:
    """Those who act for an agency or a CPAM, inside their perimeter; none for an empty desk."""
    held = Membership.objects.filter(organisation=body, is_active=True, role__in=_ROLES)
    if departments is not None:
        held = held.filter(Q(department=None) | Q(department__in=departments))
    return list(User.objects.filter(memberships__in=held, is_active=True).distinct().order_by("pk"))


def parties_of(contract: Contract) -> list[tuple[Organisation | None, list[Told]]]:
    """The team, the agency and the CPAM when there is one, each with who is told for it.

    An organisation that nobody represents is told by its mailbox.
    """
    found: list[tuple[Organisation | None, list[Told]]] = [(None, list(team_of(contract)))]
    for body in (contract.ars, contract.cpam):
        if body is not None:
            people: list[Told] = list(people_of(body, contract.department_codes)) or [body]
            found.append((body, people))
    return found
