"""What a health project holds beside its form, and what its members are given to sign."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from writing.content import Missing, WrittenContent, read_content
from writing.saying import content_as_data, territory_kept

if TYPE_CHECKING:
    from health_projects.models import HealthProject


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a project beside its form, such as its coherence with the plans of the territory.

    `content` is frozen under `key`: plain data, with nothing that changes by itself (no date of
    today). `missing` says what keeps the project from being frozen and deposited.
    """

    key: str
    content: "Callable[[HealthProject], Any]"
    missing: "Callable[[HealthProject], list[Missing]]" = lambda _project: []


_parts: dict[str, Part] = {}


def declare_part(part: Part) -> None:
    """Add a part to every project. Called when Django starts."""
    _parts[part.key] = part


def beside(project: "HealthProject", _content: WrittenContent) -> dict[str, Any]:
    """What the frozen content holds beside the answers."""
    said = {part.key: part.content(project) for part in _parts.values()}
    if project.amends is not None:
        said["amends"] = {
            "reference": project.amends.reference,
            "sections": list(project.amended_sections),
        }
    return said


def missing_beside(project: "HealthProject", _content: WrittenContent) -> list[Missing]:
    """What the parts still lack."""
    return [one for part in _parts.values() for one in part.missing(project)]


def project_content(project: "HealthProject") -> dict[str, Any]:
    """All the project says today, labels included: what is signed, deposited and printed."""
    content = read_content(project)
    return content_as_data(project, content) | (territory_kept(project, content) or {})
