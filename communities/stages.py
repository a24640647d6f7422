"""The stages that decisions open to a CPTS, and what the public reads of them."""

from typing import Any

from django.utils import timezone

from communities.models import Community, CommunityStage


def open_stage(
    community: Community,
    *,
    name: str,
    act: str,
    reference: str,
    population: int,
    commune_count: int,
    size_class: str,
    carried: dict[str, Any],
    kind: str = CommunityStage.Kind.HEALTH_PROJECT,
) -> CommunityStage:
    """Open a stage today by the act `reference`; the same act again opens nothing more.

    When it is open already by another act, that one stands.
    """
    known = community.stages.open().filter(kind=kind).first()
    if known is not None:
        return known
    stage, _created = CommunityStage.objects.get_or_create(
        reference=reference,
        defaults={
            "community": community,
            "kind": kind,
            "name": name,
            "act": act,
            "population": population,
            "commune_count": commune_count,
            "size_class": size_class,
            "carried": carried,
        },
    )
    return stage


def close_stage(community: Community, *, reference: str) -> None:
    """Close what the act `reference` had opened: it was withdrawn."""
    community.stages.open().filter(reference=reference).update(closed_on=timezone.localdate())
