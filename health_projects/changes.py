"""What differs between two frozen contents of a project, as changes that cost signatures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from health_projects.sheets import Data
from signatures.costs import Change, ChangeKind

Content = Mapping[str, Any]
# Sections of the form whose answers bind in their own way; any other is the frame of the project.
_OF_SECTION: Final = {"governance": ChangeKind.GOVERNANCE}
# Answers that say how to reach somebody, and commit nobody.
_CONTACT: Final = "contact_"
# What of a sheet binds nobody: its place, and how many times it was saved.
_NOT_SIGNED: Final = frozenset({"number", "revision"})


def changes(before: Content, after: Content) -> Sequence[Change]:
    """The changes of one frozen content to another, each with the members it names."""
    return [
        *_members(before, after),
        *sheet_changes(before.get("sheets") or [], after.get("sheets") or []),
        *_territory(before, after),
        *_entity(before, after),
        *_answers(before, after),
        *_files(before, after),
    ]


def sheet_changes(before: Sequence[Data], after: Sequence[Data]) -> list[Change]:
    """Sheets added, changed, taken out, put in another order; each names its own members."""
    old = {sheet["uid"]: sheet for sheet in before}
    new = {sheet["uid"]: sheet for sheet in after}
    found = [
        Change(ChangeKind.SHEET_ADDED, f"Fiche « {sheet['label']} » ajoutée", named_in(sheet))
        for uid, sheet in new.items()
        if uid not in old
    ]
    found += [
        Change(
            ChangeKind.SHEET_CHANGED,
            f"Fiche « {sheet['label']} » modifiée",
            named_in(sheet) | named_in(old[uid]),
        )
        for uid, sheet in new.items()
        if uid in old and _signed(sheet) != _signed(old[uid])
    ]
    found += [
        Change(ChangeKind.SHEET_REMOVED, f"Fiche « {sheet['label']} » retirée", named_in(sheet))
        for uid, sheet in old.items()
        if uid not in new
    ]
    if [uid for uid in old if uid in new] != [uid for uid in new if uid in old]:
        found.append(Change(ChangeKind.LAYOUT, "Ordre des fiches actions"))
    return found


def named_in(sheet: Data) -> frozenset[int]:
    """The members a sheet names: its coordinator and its actors, by primary key."""
    people = [sheet["coordinator"], *sheet["actors"]]
    return frozenset(person["member"] for person in people if person and person["member"])


def _signed(sheet: Data) -> dict[str, Any]:
    """What of a sheet binds those it names: a member is the same under a corrected name."""
    kept = {key: value for key, value in sheet.items() if key not in _NOT_SIGNED}
    for key in ("missions", "themes"):
        kept[key] = [one["key"] for one in sheet[key]]
    kept["coordinator"] = _same(sheet["coordinator"])
    kept["actors"] = [(_same(one), one["line"], one["role"]) for one in sheet["actors"]]
    return kept


def _same(person: Data | None) -> Any:
    return person and (person["member"] or person["name"])


def _members(before: Content, after: Content) -> Iterator[Change]:
    if "members" not in before or "members" not in after:
        return
    old = {one["member"]: one for one in before["members"]}
    new = {one["member"]: one for one in after["members"]}
    added, left = frozenset(new.keys() - old.keys()), frozenset(old.keys() - new.keys())
    if added:
        yield Change(ChangeKind.MEMBER_ADDED, _several(len(added), "nouveau membre"), added)
    if left:
        yield Change(ChangeKind.MEMBER_LEFT, _several(len(left), "membre parti"), left)


def _several(count: int, words: str) -> str:
    many = {"nouveau membre": "nouveaux membres", "membre parti": "membres partis"}
    return f"{count} {many[words] if count > 1 else words}"


def _territory(before: Content, after: Content) -> Iterator[Change]:
    def drawn(content: Content) -> set[tuple[str, str]]:
        lines = content.get("territory") or []
        return {(line["code"], line.get("part_name", "")) for line in lines}

    if drawn(before) != drawn(after):
        yield Change(ChangeKind.TERRITORY, "Communes du territoire")


def _entity(before: Content, after: Content) -> Iterator[Change]:
    old, new = before.get("entity") or {}, after.get("entity") or {}
    # The seat, the file of the statutes and the number that was awaited are kept too: all of it
    # says who carries the CPTS.
    if old != new:
        yield Change(ChangeKind.LEGAL_ENTITY, "Association qui porte la CPTS")


def _answers(before: Content, after: Content) -> Iterator[Change]:
    old, new = _fields(before), _fields(after)
    changed: dict[tuple[ChangeKind, str], None] = {}
    for key in {**old, **new}:
        one, other = old.get(key), new.get(key)
        if (one and one["value"]) == (other and other["value"]):
            continue
        known = other or one
        assert known is not None  # noqa: S101 - the key comes from one of the two
        kind = (
            ChangeKind.CONTACT
            if known["key"].startswith(_CONTACT)
            else _OF_SECTION.get(known["section"], ChangeKind.FRAMEWORK)
        )
        changed[kind, known["label"]] = None
    for kind, label in changed:
        yield Change(kind, label)


def _fields(content: Content) -> dict[str, dict[str, Any]]:
    return {
        field["key"]: {
            "key": field["key"],
            "section": section["key"],
            "label": field["label"] or section["title"],
            "value": field["value"],
        }
        for section in content.get("sections") or []
        for field in section["fields"]
    }


def _files(before: Content, after: Content) -> Iterator[Change]:
    def held(content: Content) -> dict[str, set[str]]:
        return {
            slot["key"]: {file["sha256"] for file in slot["files"]}
            for slot in content.get("attachments") or []
            if "files" in slot
        }

    old, new = held(before), held(after)
    if any(old.get(key, set()) != new.get(key, set()) for key in {**old, **new}):
        yield Change(ChangeKind.CONTENT, "Pièces jointes")
