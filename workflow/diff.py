"""What changed between two deposits of a case, read from their frozen contents alone.

Pure functions on the JSON of two snapshots, of any kind of case: sections of fields, the lines
of a territory, attachments. What a content does not hold is taken as empty.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any, Final

# Beyond this many words the two texts are shown whole, without marks inside.
MOST_WORDS: Final = 2_500
# Two names more alike than this are one, mended.
SAME_NAME: Final = 0.6

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Words:
    """A run of words of one side; `changed`: the other side does not have it."""

    text: str
    changed: bool


@dataclass(frozen=True)
class RowChange:
    """A row of a table. `before` and `after` are its cells; empty where it was not."""

    kind: str  # « added », « removed » or « changed »
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def cells(self) -> list[tuple[str, str, bool]]:
        """Each cell as (before, after, whether it differs)."""
        width = max(len(self.before), len(self.after))
        before = [*self.before, *[""] * (width - len(self.before))]
        after = [*self.after, *[""] * (width - len(self.after))]
        return [(old, new, old != new) for old, new in zip(before, after, strict=True)]


@dataclass(frozen=True)
class FieldChange:
    """A field whose answer changed: running text on both sides, or rows of a table."""

    key: str
    label: str
    before: tuple[Words, ...] = ()
    after: tuple[Words, ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[RowChange, ...] = ()
    is_table: bool = False


@dataclass(frozen=True)
class SectionChange:
    title: str
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True)
class CommuneChange:
    """A commune, or a part of one, that entered or left the territory."""

    name: str
    code: str
    population: int | None


@dataclass(frozen=True)
class Figure:
    """A number of the whole territory, before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class TerritoryChange:
    added: tuple[CommuneChange, ...] = ()
    removed: tuple[CommuneChange, ...] = ()
    figures: tuple[Figure, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.figures)


@dataclass(frozen=True)
class FilesChange:
    """The files of one place that came and went; `said` is what changed of an announced piece."""

    label: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    said: tuple[str, str] | None = None


@dataclass(frozen=True)
class Comparison:
    sections: tuple[SectionChange, ...] = ()
    territory: TerritoryChange = field(default_factory=TerritoryChange)
    files: tuple[FilesChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.sections or self.territory or self.files)


def compare(before: Content, after: Content) -> Comparison:
    """All that differs between two frozen contents of the same case."""
    return Comparison(
        sections=_sections(before, after),
        territory=_territory(before, after),
        files=_files(before, after),
    )


# --- Fields -----------------------------------------------------------------------------------


def _sections(before: Content, after: Content) -> tuple[SectionChange, ...]:
    old = {f["key"]: f for section in before.get("sections", []) for f in section["fields"]}
    new = {f["key"] for section in after.get("sections", []) for f in section["fields"]}
    changes = []
    for section in after.get("sections", []):
        fields = [_field(old.get(f["key"]), f) for f in section["fields"]]
        if changed := tuple(one for one in fields if one):
            changes.append(SectionChange(section["title"], changed))
    # A field that the form no longer had at the second deposit.
    for section in before.get("sections", []):
        gone = [_field(f, None) for f in section["fields"] if f["key"] not in new]
        if changed := tuple(one for one in gone if one):
            changes.append(SectionChange(section["title"], changed))
    return tuple(changes)


def _field(before: Content | None, after: Content | None) -> FieldChange | None:
    known = after or before or {}
    old, new = (before or {}).get("display"), (after or {}).get("display")
    if (old or {}) == (new or {}) or (old is None and new is None):
        return None
    key, label = str(known.get("key", "")), str(known.get("label", ""))
    if (old or {}).get("header") or (new or {}).get("header"):
        rows = _rows(_table(old), _table(new))
        header = tuple((new or old or {}).get("header", ()))
        return FieldChange(key, label, header=header, rows=rows, is_table=True) if rows else None
    left, right = _text(old), _text(new)
    if left == right:
        return None
    return FieldChange(key, label, *_marked(left, right))


def _text(display: Content | None) -> str:
    if not display:
        return ""
    lines = [*display.get("lines", ())]
    lines += [box["label"] for box in display.get("boxes", ()) if box["ticked"]]
    lines += [f"{label}\u00a0: {value}" for label, value in display.get("pairs", ())]
    return "\n".join(str(line) for line in lines)


def _table(display: Content | None) -> list[tuple[str, ...]]:
    rows = (display or {}).get("rows", ())
    return [tuple(_cell(cell) for cell in row) for row in rows]


def _cell(cell: Content) -> str:
    ticked = [box["label"] for box in cell.get("boxes", ()) if box["ticked"]]
    return "\n".join(str(line) for line in [*cell.get("lines", ()), *ticked])


def _rows(before: list[tuple[str, ...]], after: list[tuple[str, ...]]) -> tuple[RowChange, ...]:
    """The rows that came, went or changed. A row keeps its identity by its first cell."""
    changes: list[RowChange] = []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            changes += _block(before[i1:i2], after[j1:j2])
    return tuple(changes)


def _block(old: Sequence[tuple[str, ...]], new: Sequence[tuple[str, ...]]) -> list[RowChange]:
    left = list(old)
    changes = []
    for row in new:
        twin = next((one for one in left if one[:1] == row[:1]), None)
        twin = twin or next((one for one in left if _alike(one, row, new)), None)
        if twin is None:
            changes.append(RowChange("added", after=row))
            continue
        left.remove(twin)
        if twin != row:
            changes.append(RowChange("changed", before=twin, after=row))
    return [*(RowChange("removed", before=row) for row in left), *changes]


def _alike(old: tuple[str, ...], row: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> bool:
    """Whether a row is the old one with its name mended: no other row bears that name."""
    if not old or not row or any(one[:1] == old[:1] for one in others):
        return False
    return SequenceMatcher(None, old[0], row[0]).ratio() > SAME_NAME


def _marked(before: str, after: str) -> tuple[tuple[Words, ...], tuple[Words, ...]]:
    """The two texts, with the words that only one of them has marked."""
    old, new = re.findall(r"\s+|\S+", before), re.findall(r"\s+|\S+", after)
    if not old or not new or len(old) + len(new) > MOST_WORDS:
        left = (Words(before, changed=True),) if before else ()
        return left, ((Words(after, changed=True),) if after else ())
    left_words: list[Words] = []
    right_words: list[Words] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if i2 > i1:
            left_words.append(Words("".join(old[i1:i2]), changed=tag != "equal"))
        if j2 > j1:
            right_words.append(Words("".join(new[j1:j2]), changed=tag != "equal"))
    return tuple(left_words), tuple(right_words)


# --- Territory ------------------------------------------------------------------------------------


def _territory(before: Content, after: Content) -> TerritoryChange:
    old, new = _lines(before), _lines(after)
    return TerritoryChange(
        added=tuple(new[key] for key in new if _moved(key, new, old)),
        removed=tuple(old[key] for key in old if _moved(key, old, new)),
        figures=_figures(before.get("summary") or {}, after.get("summary") or {}),
    )


_Lines = Mapping[tuple[str, str], CommuneChange]


def _moved(key: tuple[str, str], here: _Lines, there: _Lines) -> bool:
    """Whether a line is on this side only.

    A commune whose population alone moved is no change; a part with another figure is one.
    """
    if key not in there:
        return True
    return bool(key[1]) and here[key] != there[key]


def _lines(content: Content) -> dict[tuple[str, str], CommuneChange]:
    """The lines of a territory by code and part."""
    found = {}
    for line in content.get("territory", []):
        part = line.get("part_name") or ""
        name = f"{line['name']} – {part}" if part else str(line["name"])
        population = line.get("part_population") if part else line.get("population")
        found[(str(line["code"]), part)] = CommuneChange(name, str(line["code"]), population)
    return found


_FIGURES: Final = (
    ("commune_count", "Communes"),
    ("population", "Population"),
    ("size_class", "Taille"),
    ("declared_population", "Population déclarée"),
    ("declared_population_reason", "Motif de la population déclarée"),
)


def _figures(before: Content, after: Content) -> tuple[Figure, ...]:
    return tuple(
        Figure(label, _shown(before.get(key)), _shown(after.get(key)))
        for key, label in _FIGURES
        if (before.get(key) or "") != (after.get(key) or "")
    )


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u00a0")
    return str(value) if value else "–"


# --- Attachments ----------------------------------------------------------------------------------


def _files(before: Content, after: Content) -> tuple[FilesChange, ...]:
    old = {slot["key"]: slot for slot in before.get("attachments", [])}
    new = {slot["key"]: slot for slot in after.get("attachments", [])}
    changes = []
    for key in dict.fromkeys([*old, *new]):
        left, right = old.get(key, {}), new.get(key, {})
        here = {file["sha256"]: file["name"] for file in right.get("files", [])}
        there = {file["sha256"]: file["name"] for file in left.get("files", [])}
        said = (left.get("deferred") or "", right.get("deferred") or "")
        change = FilesChange(
            label=str((right or left)["label"]),
            added=tuple(name for digest, name in here.items() if digest not in there),
            removed=tuple(name for digest, name in there.items() if digest not in here),
            said=said if said[0] != said[1] else None,
        )
        if change.added or change.removed or change.said:
            changes.append(change)
    return tuple(changes)
