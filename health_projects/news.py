"""What changes in a CPTS beside its files: the offices that have its last file are told."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from django.utils import timezone

from accounts.models import Organisation
from communities.models import Community, Officer, Renaming
from communities.officers import HELD
from cpts_portal.words import day
from health_projects.amending import validated
from health_projects.models import HealthProject
from outbox.registry import handles
from workflow.models import Case
from workflow.notices import Told, office_of, tell
from workflow.people import members
from workflow.readers import Audience
from workflow.timeline import Line

# Those who make and follow the contract; who only gave an opinion is not told.
_FOLLOWERS: Final = (
    Organisation.Kind.ARS,
    Organisation.Kind.ARS_BRANCH,
    Organisation.Kind.CPAM,
)


@handles("communities.officer_written")
def tell_of_officer(*, officer_id: int, revision: int) -> None:
    """Tell who presides or coordinates now, unless it was written again since."""
    officer = Officer.objects.select_related("community").get(pk=officer_id)
    if officer.revision == revision:
        _tell(officer.community, f"community-officer:{officer.pk}:{revision}", _officer(officer))


@handles("communities.renamed")
def tell_of_renaming(*, renaming_id: int) -> None:
    renamed = Renaming.objects.select_related("community").get(pk=renaming_id)
    said = {
        "news": "la CPTS change d’intitulé",
        "sentence": f"La CPTS « {renamed.before} » s’appelle « {renamed.after} » depuis le "
        f"{day(renamed.on)}. Ce qui a été déposé avant garde l’ancien intitulé.",
    }
    _tell(renamed.community, f"community-renamed:{renamed.pk}", said)


def _officer(officer: Officer) -> dict[str, Any]:
    held = HELD[Officer.Role(officer.role)]
    before = (
        Officer.objects.filter(
            community=officer.community_id, role=officer.role, valid_to__lt=officer.valid_from
        )
        .order_by("-valid_to")
        .first()
    )
    after = f", à la suite de {before.name}" if before else ""
    return {
        "news": f"{held} de la CPTS change",
        "sentence": f"{officer.name} assure {held} de la CPTS depuis le "
        f"{day(officer.valid_from)}{after}.",
        "email": officer.email,
    }


def last_file(community: Community) -> Case | None:
    """The file where the news of a CPTS is told: its project in force, else its last deposit."""
    project = validated(community, timezone.localdate())
    if project is not None:
        return Case.objects.select_related("office", "community").get(pk=project.pk)
    deposited = Case.objects.filter(community=community, deposited_at__isnull=False)
    return deposited.select_related("office", "community").order_by("-deposited_at", "-pk").first()


def _tell(community: Community, key: str, said: Mapping[str, Any]) -> None:
    case = last_file(community)
    if case is None:
        return
    told: list[tuple[Organisation | None, list[Told]]] = [(case.office, office_of(case))]
    desks = case.desks.filter(organisation__kind__in=_FOLLOWERS).exclude(
        organisation=case.office_id
    )
    for desk in desks.select_related("organisation").order_by("pk"):
        follower = desk.organisation
        mailbox: list[Told] = [follower] if follower.email else []
        told.append((follower, list(members(follower, case)) or mailbox))
    for body, people in told:
        tell(
            case,
            "community_changed",
            key=key,
            to=people,
            template="health_projects/community_changed",
            context={"community": community.name, **said},
            body=body,
        )


def lines_of(project: HealthProject) -> Iterator[Line]:
    """The same news in the story of a deposited project, from its deposit on: two queries."""
    if project.deposited_at is None:
        return
    since: date = timezone.localdate(project.deposited_at)
    officers = Officer.objects.filter(community=project.community_id, valid_from__gte=since)
    for officer in officers.order_by("pk"):
        said = f"{officer.get_role_display()} de la CPTS : {officer.name}, depuis le "
        yield Line(officer.written_at, f"{said}{day(officer.valid_from)}", Audience.EVERYONE)
    renamings = Renaming.objects.filter(community=project.community_id, on__gte=since)
    for one in renamings.order_by("pk"):
        said = f"La CPTS s’appelle « {one.after} », et non plus « {one.before} », depuis le "
        yield Line(one.written_at, f"{said}{day(one.on)}", Audience.EVERYONE)
