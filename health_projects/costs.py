"""What a change costs in signatures, said before it is saved: see `signatures.costs`."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import transaction

from communities.models import Community
from health_projects.changes import changes, sheet_changes
from health_projects.models import HealthProject
from health_projects.sheets import Data, sheets_as_data
from signatures.campaigns import signed_in
from signatures.costs import Cost, cost_of
from signatures.models import Campaign

Saved = TypeVar("Saved")
_State = Campaign.State


def signed_campaign(project: HealthProject) -> Campaign | None:
    """The last campaign whose signatures stand: open, or closed. None: nothing was signed."""
    return (
        Campaign.objects.filter(case_id=project.pk, state__in=(_State.OPEN, _State.CLOSED))
        .select_related("snapshot", "community")
        .order_by("-opened_at", "-pk")
        .first()
    )


def unless_it_costs(
    project: HealthProject, write: Callable[[], Saved], *, accepted: bool
) -> tuple[Saved | None, Cost | None]:
    """Write, unless that asks members to sign again and the person has not accepted it yet.

    Gives what was written; or None, and what it would cost.
    """
    campaign = signed_campaign(project)
    if campaign is None:
        return write(), None
    before = sheets_as_data(project)
    with transaction.atomic():
        saved = write()
        cost = _cost(campaign, before, sheets_as_data(project))
        if cost.again and not accepted:
            # Undone: the person is first told what it costs.
            transaction.set_rollback(True)
            return None, cost
    return saved, None


def of_removal(project: HealthProject, sheet: Data) -> Cost | None:
    """What taking this sheet out costs; None when nothing was signed."""
    campaign = signed_campaign(project)
    if campaign is None:
        return None
    before = sheets_as_data(project)
    return _cost(campaign, before, [one for one in before if one["uid"] != sheet["uid"]])


def _cost(campaign: Campaign, before: Sequence[Data], after: Sequence[Data]) -> Cost:
    """The cost of one step: who must already sign again for an earlier one is not counted."""
    signed = frozenset(signed_in(campaign))
    content = campaign.snapshot.content
    so_far = cost_of(changes(content, {**content, "sheets": before}), signed).again
    return cost_of(sheet_changes(before, after), signed - so_far)


def entity_warning(community: Community) -> str:
    """What changing the association costs a project that is being signed; empty for nothing."""
    project = HealthProject.objects.filter(community=community, state="draft").first()
    campaign = signed_campaign(project) if project else None
    count = len(signed_in(campaign)) if campaign else 0
    if not count:
        return ""
    who = "le membre qui a" if count == 1 else f"les {count} membres qui ont"
    return (
        f"Changer l’association redemande leur signature à tous : {who} déjà signé le projet de "
        "santé devront signer la nouvelle version."
    )
