"""Who sits on a committee: adding a member, ending a seat. A past session keeps its members."""

from datetime import date

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import Organisation, User
from committees import rules
from committees.models import Seat
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError

_WHO = "Le secrétaire ou le président du comité tient la liste de ses membres."


@transaction.atomic
def add_seat(
    body: Organisation, *, actor: User, name: str, capacity: str, email: str, since: date
) -> Seat:
    """Seat a member. Raises PermissionDenied, or ActionRefusedError with the sentence to show."""
    _check(body, actor)
    email = email.strip().lower()
    if body.seats.filter(email=email, until=None).exists():
        raise ActionRefusedError(
            "Cette adresse est déjà celle d’un membre du comité : chacun reçoit sa convocation à "
            "la sienne."
        )
    return Seat.objects.create(
        body=body, name=name.strip(), capacity=capacity.strip(), email=email, since=since
    )


@transaction.atomic
def end_seat(seat: Seat, *, actor: User, until: date) -> Seat:
    """End a seat on a day, included. Raises PermissionDenied or ActionRefusedError."""
    _check(seat.body, actor)
    if until < seat.since:
        raise ActionRefusedError(
            f"Ce membre siège depuis le {seat.since:%d/%m/%Y} : choisissez ce jour ou un suivant."
        )
    seat.until = until
    seat.save()
    return seat


def _check(body: Organisation, actor: User) -> None:
    """Lock the committee: two seats of one address are never added at once."""
    Organisation.objects.select_for_update().get(pk=body.pk)
    if not rules.may_run(body.pk, actor):
        raise PermissionDenied(_WHO)
    still_holds_their_role(actor)
