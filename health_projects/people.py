"""The members of a project as its frozen content and its PDF give them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from health_projects.models import HealthProject


def members_as_data(project: "HealthProject") -> list[dict[str, Any]]:
    """Those who are members today, by name: who they are, and nothing to reach them by."""
    members = project.community.members.current().order_by("sort_key", "pk")
    return [
        {
            "member": one.pk,
            "name": one.person,
            "what": one.what,
            "structure": one.structure_name,
            "is_structure": one.is_structure,
        }
        for one in members
    ]


def printed_members(members: Sequence[Mapping[str, Any]], *, is_public: bool) -> Any:
    """What the PDF prints of them; the public copy counts professions and names structures."""
    if not members:
        return None
    counts: dict[str, int] = {}
    for one in members:
        counts[one["what"]] = counts.get(one["what"], 0) + 1
    return {
        "professionals": [] if is_public else [one for one in members if not one["is_structure"]],
        "structures": [one for one in members if one["is_structure"]],
        "counts": sorted(counts.items()),
        "is_public": is_public,
    }
