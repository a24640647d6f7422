"""What a health project holds beside its form, and what its members are given to sign."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from procedures.schema import FieldKind
from workflow.models import Snapshot
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


# The part that each field kept as rows is frozen in; the coherence has no field to ask for.
_PART_OF: Final = {
    FieldKind.ACTION_SHEETS.value: "sheets",
    FieldKind.LEGAL_ENTITY.value: "entity",
    FieldKind.MEMBERS.value: "members",
}


def project_content(
    project: "HealthProject",
    *,
    completed: Collection[str] | None = None,
    held: WrittenContent | None = None,
) -> dict[str, Any]:
    """All the project says today, labels included: what is signed, deposited and printed.

    `completed`: the keys of what an answer to the office changes. What is kept as rows, on pages
    of its own, and is not among them stays as it was deposited. `held`: what the project holds,
    when it was read already.
    """
    content = held or read_content(project)
    said = content_as_data(project, content) | (territory_kept(project, content) or {})
    if completed is None:
        return said
    last = Snapshot.objects.filter(case_id=project.pk).order_by("-version").first()
    return said if last is None else said | _kept(said, last.content, completed)


def _kept(
    said: Mapping[str, Any], before: Mapping[str, Any], completed: Collection[str]
) -> dict[str, Any]:
    """The parts, and the fields that say them, as they were in the version before."""
    deposited = {field["key"]: field for one in before["sections"] for field in one["fields"]}
    kept = {part: before[part] for part in _parts if part in before}
    sections = []
    for section in said["sections"]:
        fields = []
        for field in section["fields"]:
            part = _PART_OF.get(field["kind"])
            is_kept = part and field["key"] not in completed
            if part and not is_kept:
                kept.pop(part, None)
            fields.append(deposited.get(field["key"], field) if is_kept else field)
        sections.append({**section, "fields": fields})
    return {**kept, "sections": sections}
