"""Whether an amendment changes a part of the project that its team has not ticked.

The reader of an amendment trusts the list of what it modifies: whatever the nature of a part, a
change outside that list keeps the amendment from being frozen.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from communities import legal
from health_projects.changes import sheet_changes
from procedures.schema import Field, FieldKind
from territories.services import territory_as_data
from workflow.models import Answer, Snapshot
from writing.content import Missing, territory_of
from writing.files import held_files

if TYPE_CHECKING:
    from health_projects.models import HealthProject
    from writing.content import WrittenContent

# Beyond, the list is no longer read.
_MOST: Final = 20


def unticked(project: "HealthProject", content: "WrittenContent") -> list[Missing]:
    """What an amendment changes outside the parts its team has ticked: each is to be ticked.

    Answers, and all that is kept as rows: territory, action sheets, association, members, pieces
    that a section asks for. What no section holds (other pieces, coherence) cannot be ticked: the
    difference shows it. Nothing for a first project, and no query for what is ticked.
    """
    if project.amends_id is None:
        return []
    ticked = set(project.amended_sections)
    sections = [one for one in content.procedure.sections if one.key not in ticked]
    before = _Before(project.amends_id)
    return [
        Missing(
            f"La partie « {section.title} » a changé sans être cochée parmi celles que l’avenant "
            f"modifie{said} : cochez-la, ou rendez-lui ce qu’elle disait.",
            section.key,
            field.key,
        )
        for section in sections
        for field in section.fields
        for said in _changed(project, content, field, before)
    ][:_MOST]


class _Before:
    """What the amended project said, each part read when it is first compared."""

    def __init__(self, case_id: int) -> None:
        self._case_id = case_id
        self._answers: Mapping[str, Any] | None = None
        self._parts: dict[str, Any] = {}

    def answer(self, key: str) -> Any:
        if self._answers is None:
            rows = Answer.objects.filter(case=self._case_id)
            self._answers = dict(rows.values_list("key", "value"))
        return self._answers.get(key)

    def part(self, name: str) -> Any:
        """A part of its last frozen content: the whole of it would be long to read."""
        if name not in self._parts:
            last = Snapshot.objects.filter(case=self._case_id).order_by("-version")
            self._parts[name] = last.values_list(f"content__{name}", flat=True)[0]
        return self._parts[name]


def _changed(
    project: "HealthProject", content: "WrittenContent", field: Field, before: _Before
) -> list[str]:
    """Nothing when a field says what it said; else what to add to the sentence, maybe nothing."""
    if field.is_answer:
        value = content.answers.get(field.key)
        # A name the CPTS has taken by itself, told at once, is no change of the amendment.
        is_known = field.key == "title" and value == project.community.name
        return [] if is_known or value == before.answer(field.key) else [""]
    differs = _DIFFERS.get(field.kind)
    return differs(project, content, field, before) if differs else []


def _territory(
    project: "HealthProject",
    content: "WrittenContent",
    _field: Field,
    before: _Before,
) -> list[str]:
    def drawn(lines: Any) -> set[tuple[str, str]]:
        return {(line["code"], line.get("part_name", "")) for line in lines or ()}

    # Communes that have merged are the same territory, until the team accepts the new year.
    if content.territory.is_behind:
        return []
    same = drawn(before.part("territory")) == drawn(territory_as_data(territory_of(project)))
    return [] if same else [""]


def _population(
    _project: "HealthProject",
    content: "WrittenContent",
    _field: Field,
    before: _Before,
) -> list[str]:
    declared = (before.part("summary") or {}).get("declared_population")
    return [] if declared == content.territory.declared_population else [""]


def _sheets(
    _project: "HealthProject",
    content: "WrittenContent",
    field: Field,
    before: _Before,
) -> list[str]:
    found = sheet_changes(before.part("sheets") or [], content.own[field.key].sheets)
    return [f" ({', '.join(one.label for one in found)})"] if found else []


def _entity(
    _project: "HealthProject",
    content: "WrittenContent",
    field: Field,
    before: _Before,
) -> list[str]:
    return [] if (before.part("entity") or {}) == legal.as_data(content.own[field.key]) else [""]


def _members(
    project: "HealthProject",
    _content: "WrittenContent",
    _field: Field,
    before: _Before,
) -> list[str]:
    old = {one["member"] for one in before.part("members") or ()}
    new = set(project.community.members.current().values_list("pk", flat=True))
    joined, left = len(new - old), len(old - new)
    said = [
        *([f"{joined} {'nouveaux membres' if joined > 1 else 'nouveau membre'}"] if joined else []),
        *([f"{left} {'membres partis' if left > 1 else 'membre parti'}"] if left else []),
    ]
    return [f" ({', '.join(said)})"] if said else []


def _pieces(
    project: "HealthProject",
    _content: "WrittenContent",
    field: Field,
    before: _Before,
) -> list[str]:
    old = {
        file["sha256"]
        for slot in before.part("attachments") or ()
        if slot["key"] == field.key
        for file in slot["files"]
    }
    new = {file.sha256 for file in held_files(project) if file.slot == field.key}
    return [] if old == new else [""]


_DIFFERS: Final[dict[FieldKind, Callable[..., list[str]]]] = {
    FieldKind.TERRITORY: _territory,
    FieldKind.POPULATION: _population,
    FieldKind.ACTION_SHEETS: _sheets,
    FieldKind.LEGAL_ENTITY: _entity,
    FieldKind.MEMBERS: _members,
    FieldKind.ATTACHMENT: _pieces,
}
