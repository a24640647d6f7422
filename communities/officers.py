"""Who presides and coordinates a CPTS, and what it is called: each change is dated and told.

None of it needs an amendment to the health project. The office that has its last file is told
(`communities.officer_written`, `communities.renamed`), and reads it in the story of that file.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from communities import rules
from communities.models import Community, Officer, Renaming
from cpts_portal.words import day
from outbox.services import publish

Role = Officer.Role
# How each role is named in the middle of a sentence, and the person who holds it.
HELD: Final = {Role.PRESIDENT: "la présidence", Role.COORDINATOR: "la coordination"}


class OfficerError(ValueError):
    """A change is refused; `message` says why, in French; `field` is where."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.message, self.field = message, field


@dataclass(frozen=True)
class Held:
    """A role of a CPTS: who holds it today, and who did before, the last first."""

    role: Officer.Role
    current: Officer | None
    before: list[Officer]


def read_officers(community: Community, *, on: date | None = None) -> list[Held]:
    """Each role with who holds it on a day, today when none is given: one query."""
    on = on or timezone.localdate()
    rows = list(community.officers.select_related("written_by"))
    found = []
    for role in Role:
        held = [one for one in rows if one.role == role]
        current = next(
            (
                one
                for one in held
                if one.valid_from <= on and (one.valid_to is None or one.valid_to >= on)
            ),
            None,
        )
        found.append(Held(role, current, [one for one in held if one is not current]))
    return found


@transaction.atomic
def appoint(
    community: Community, role: Officer.Role, *, name: str, email: str, on: date, by: User
) -> Officer:
    """Somebody holds a role of the CPTS from a day; who held it stops the day before.

    On the very day the present holder began, it corrects what was written of them. Raises
    PermissionDenied, and OfficerError for a day to come, or before the present holder began.
    """
    _require(community, by)
    name, email = " ".join(name.split())[:150], email.strip()
    if not name:
        raise OfficerError("Écrivez le prénom et le nom de la personne.", "name")
    _check_day(on)
    Community.objects.select_for_update().get(pk=community.pk)
    last = community.officers.filter(role=role).order_by("-valid_from").first()
    if last is not None and (last.name, last.email) == (name, email) and last.valid_to is None:
        raise OfficerError(
            f"{last.name} exerce déjà cette fonction depuis le {day(last.valid_from)} : il n’y a "
            "rien à changer.",
            "name",
        )
    if last is not None and on < last.valid_from:
        raise OfficerError(
            f"{last.name} exerce cette fonction depuis le {day(last.valid_from)} : la personne "
            "suivante commence après cette date.",
            "on",
        )
    if last is not None and on == last.valid_from:
        last.name, last.email, last.written_by = name, email, by
        last.written_at, last.revision = timezone.now(), last.revision + 1
        last.save()
        return _told(last)
    if last is not None and (last.valid_to is None or last.valid_to >= on):
        last.valid_to = on - timedelta(days=1)
        last.save(update_fields=["valid_to"])
    return _told(
        Officer.objects.create(
            community=community, role=role, name=name, email=email, valid_from=on, written_by=by
        )
    )


@transaction.atomic
def rename(community: Community, name: str, *, on: date, by: User) -> Renaming:
    """The CPTS takes another name from a day. What was deposited keeps the name it had.

    Raises PermissionDenied, and OfficerError for the same name, or for a day to come.
    """
    _require(community, by)
    name = " ".join(name.split())[:200]
    if not name:
        raise OfficerError("Écrivez le nouvel intitulé de la CPTS.", "name")
    _check_day(on)
    current = Community.objects.select_for_update().get(pk=community.pk)
    if name == current.name:
        raise OfficerError(
            "C’est déjà l’intitulé de la CPTS : écrivez le nouveau, ou revenez sans rien changer.",
            "name",
        )
    last = current.renamings.first()
    if last is not None and on < last.on:
        raise OfficerError(
            f"La CPTS a pris son intitulé actuel le {day(last.on)} : le nouveau vient après.", "on"
        )
    renamed = record_renaming(current, name, on=on, by=by)
    community.name = name
    return renamed


def record_renaming(community: Community, name: str, *, on: date, by: User | None) -> Renaming:
    """Write the new name and its trace, and tell of it. The caller has checked who may."""
    renamed = Renaming.objects.create(
        community=community, before=community.name, after=name, on=on, written_by=by
    )
    Community.objects.filter(pk=community.pk).update(name=name)
    community.name = name
    publish("communities.renamed", key=str(renamed.pk), renaming_id=renamed.pk)
    return renamed


def _told(officer: Officer) -> Officer:
    publish(
        "communities.officer_written",
        key=f"{officer.pk}:{officer.revision}",
        officer_id=officer.pk,
        revision=officer.revision,
    )
    return officer


def _require(community: Community, user: User) -> None:
    if not rules.may_write_legal_entity(community, user):
        raise PermissionDenied(
            "Seuls les responsables et les rédacteurs de la CPTS écrivent qui la préside, qui la "
            "coordonne et comment elle s’appelle."
        )


def _check_day(on: date) -> None:
    if on > timezone.localdate():
        raise OfficerError(
            "Cette date est à venir : écrivez le jour où le changement a pris effet, au plus tard "
            "aujourd’hui.",
            "on",
        )
