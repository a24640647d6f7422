"""The stages that decisions open to a CPTS, and what the public reads of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
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
    on: date | None = None,
) -> CommunityStage:
    """Open a stage by the act `reference`, today or on the day it had its effect; the same act
    again opens nothing more.

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
            "opened_on": on or timezone.localdate(),
        },
    )
    return stage


@dataclass(frozen=True)
class PublicStage:
    """A stage as anyone reads it. `next_step`: what it lets the CPTS prepare, while it does."""

    act: str
    opened_on: date
    closed_on: date | None
    next_step: str


def public_stages(stages: Sequence[CommunityStage]) -> list[PublicStage]:
    """The stages in words, in the same order: a recognised CPTS prepares its project no more."""
    recognised = _is_recognised_by(stages)
    return [
        PublicStage(one.act, one.opened_on, one.closed_on, _next_step(one, recognised=recognised))
        for one in stages
    ]


def _next_step(stage: CommunityStage, *, recognised: bool) -> str:
    if stage.closed_on:
        return ""
    if stage.kind == CommunityStage.Kind.CONTRACT:
        return "La CPTS est reconnue depuis cette date"
    return "" if recognised else f"{stage.get_kind_display()} en préparation, depuis cette date"


def public_status(stages: Sequence[CommunityStage]) -> tuple[str, str]:
    """Where a CPTS stands, in a few words, and the tone of the badge that says it."""
    if _is_recognised_by(stages):
        return "CPTS reconnue", "success"
    if any(one.closed_on is None for one in stages):
        return "Projet de santé en préparation", "info"
    return "Aucune étape en cours", ""


def _is_recognised_by(stages: Sequence[CommunityStage]) -> bool:
    return any(one.kind == CommunityStage.Kind.CONTRACT and not one.closed_on for one in stages)


def public_name(community: Community, stage: CommunityStage) -> str:
    """What a CPTS is called in public: as its last act says, or as it was renamed since.

    A name that is only written in a draft is nobody's yet.
    """
    renamed = community.renamings.filter(written_at__date__gte=stage.opened_on).first()
    return renamed.after if renamed else stage.name


@dataclass(frozen=True)
class PublicPaper:
    """A document anyone may read: what it is, since when, where, how heavy in bytes."""

    label: str
    since: date
    url: str
    size: int


_papers: list[Callable[[Community], list[PublicPaper]]] = []


def declare_public_papers(read: Callable[[Community], list[PublicPaper]]) -> None:
    """Show what `read` finds on the public page of every CPTS. Called when Django starts."""
    if read not in _papers:
        _papers.append(read)


def public_papers(community: Community) -> list[PublicPaper]:
    """What anyone may read of a CPTS, as the rooms above say it."""
    return [paper for read in _papers for paper in read(community)]


@dataclass(frozen=True)
class PublicPart:
    """A part of the public page of a CPTS: terms and values, and lists under their own names."""

    title: str
    rows: list[tuple[str, str]]
    lists: list[tuple[str, list[str]]]
    url: str = ""
    url_label: str = ""


_parts: list[Callable[[Community], list[PublicPart]]] = []


def declare_public_parts(read: Callable[[Community], list[PublicPart]]) -> None:
    """Show the parts that `read` makes on the public page. Called when Django starts."""
    if read not in _parts:
        _parts.append(read)


def public_parts(community: Community) -> list[PublicPart]:
    """What else anyone may know of a CPTS, as the rooms above say it."""
    return [part for read in _parts for part in read(community)]


def is_recognised(community: Community) -> bool:
    """Whether its health project is validated, by a decision or by silence, and stands."""
    return community.stages.open().filter(kind=CommunityStage.Kind.CONTRACT).exists()


def close_stage(community: Community, *, reference: str) -> None:
    """Close what the act `reference` had opened: it was withdrawn."""
    community.stages.open().filter(reference=reference).update(closed_on=timezone.localdate())
