"""What becomes of communes from one year to another: pure arithmetic on two lists.

A commune out of force is followed by the one that the new files name for its code; a new commune
is preceded by the one that the old files named for its code. Both ways of a year are read alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from territories.normalise import normalise


class ChangeKind(StrEnum):
    MERGED = "fusions"
    SPLIT = "scissions"
    RENUMBERED = "codes"
    REDRAWN = "recompositions"
    CREATED = "nouvelles"
    RETIRED = "disparues"
    RENAMED = "noms"
    DEPARTMENT = "departements"
    INTERCOMMUNALITY = "epci"
    POPULATION = "population"


# What changes the communes of a territory, and not only what is said of them.
STRUCTURAL = frozenset(
    {ChangeKind.MERGED, ChangeKind.SPLIT, ChangeKind.RENUMBERED, ChangeKind.REDRAWN}
)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A commune or an arrondissement in one year; `population` in inhabitants, None: unknown."""

    code: str
    name: str
    department: str = ""
    siren: str = ""
    population: int | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happens to communes: those of before, and those of after."""

    kind: ChangeKind
    before: tuple[Place, ...]
    after: tuple[Place, ...]

    def __str__(self) -> str:
        return f"{joined(self.before)} → {joined(self.after)}"

    def as_data(self) -> dict[str, Any]:
        """Names and codes alone, to be kept."""
        return {
            "kind": self.kind.value,
            "before": [[place.code, place.name] for place in self.before],
            "after": [[place.code, place.name] for place in self.after],
        }


def joined(places: Sequence[Place]) -> str:
    """« A (1), B (2) et C (3) »."""
    words = [str(place) for place in places]
    return f"{', '.join(words[:-1])} et {words[-1]}" if len(words) > 1 else "".join(words)


Links = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class YearChanges:
    """Two years side by side. `links` gives, for each code that takes part in a structural
    change, what it becomes; a code that is not there stays what it was.
    """

    before: Mapping[str, Place]
    after: Mapping[str, Place]
    changes: tuple[Change, ...]
    links: Links

    def of(self, kind: ChangeKind) -> list[Change]:
        return [change for change in self.changes if change.kind == kind]

    @property
    def step(self) -> "Step":
        """What a territory needs to follow this change."""
        return Step(
            self.links,
            {old: self.before[old].name for old in self.links},
            {new: self.after[new].name for news in self.links.values() for new in news},
        )


def read_changes(
    before: Mapping[str, Place],
    after: Mapping[str, Place],
    *,
    former_before: Mapping[str, str],
    former_after: Mapping[str, str],
) -> YearChanges:
    """Compare two years. `former_*` give the commune a former code belongs to in that year."""
    groups, created, retired = _groups(before, after, former_before, former_after)
    changes: list[Change] = []
    links: dict[str, tuple[str, ...]] = {}
    for olds, news, group_links in groups:
        kind = _kind(olds, news)
        changes.append(Change(kind, tuple(before[c] for c in olds), tuple(after[c] for c in news)))
        links |= group_links
    changes += [Change(ChangeKind.CREATED, (), (after[code],)) for code in created]
    changes += [Change(ChangeKind.RETIRED, (before[code],), ()) for code in retired]
    told = {code for olds, news, _ in groups for code in (*olds, *news)}
    for code, old in before.items():
        new = after.get(code)
        if new is None or code in told:
            continue
        pair = ((old,), (new,))
        if old.name != new.name:
            changes.append(Change(ChangeKind.RENAMED, *pair))
        if old.department != new.department:
            changes.append(Change(ChangeKind.DEPARTMENT, *pair))
        if old.siren != new.siren:
            changes.append(Change(ChangeKind.INTERCOMMUNALITY, *pair))
        if old.population != new.population:
            changes.append(Change(ChangeKind.POPULATION, *pair))
    order = list(ChangeKind)
    changes.sort(key=lambda one: (order.index(one.kind), one.before or one.after))
    return YearChanges(before, after, tuple(changes), links)


_Group = tuple[tuple[str, ...], tuple[str, ...], dict[str, tuple[str, ...]]]


def _groups(
    before: Mapping[str, Place],
    after: Mapping[str, Place],
    former_before: Mapping[str, str],
    former_after: Mapping[str, str],
) -> tuple[list[_Group], list[str], list[str]]:
    """The communes that change together, then those with no known past, or no known future."""
    edges: set[tuple[str, str]] = set()
    created, retired = [], []
    for code in sorted(before.keys() - after.keys()):
        heir = former_after.get(code)
        if heir is not None and heir in after:
            edges.add((code, heir))
        else:
            retired.append(code)
    for code in sorted(after.keys() - before.keys()):
        origin = former_before.get(code)
        if origin is not None and origin in before:
            edges.add((origin, code))
    reached = {new for _, new in edges}
    created = sorted(after.keys() - before.keys() - reached)
    # Whoever takes in another commune, or lets one go, is part of what happens.
    for old, new in list(edges):
        edges |= {(code, code) for code in (old, new) if code in before and code in after}
    return [_group(part) for part in _connected(edges)], created, retired


def _group(edges: set[tuple[str, str]]) -> _Group:
    links: dict[str, list[str]] = {}
    for old, new in sorted(edges):
        links.setdefault(old, []).append(new)
    return (
        tuple(sorted(links)),
        tuple(sorted({new for _, new in edges})),
        {old: tuple(news) for old, news in links.items()},
    )


def _connected(edges: Iterable[tuple[str, str]]) -> list[set[tuple[str, str]]]:
    """Arrows that touch one another, put together. A code is not the same before and after."""
    groups: list[tuple[set[str], set[tuple[str, str]]]] = []
    for old, new in sorted(edges):
        ends = {f"<{old}", f">{new}"}
        arrows = {(old, new)}
        apart = []
        for nodes, held in groups:
            if nodes & ends:
                ends |= nodes
                arrows |= held
            else:
                apart.append((nodes, held))
        groups = [*apart, (ends, arrows)]
    return [arrows for _, arrows in sorted(groups, key=lambda one: min(one[1]))]


def _kind(olds: Sequence[str], news: Sequence[str]) -> ChangeKind:
    if len(news) == 1:
        return ChangeKind.RENUMBERED if len(olds) == 1 else ChangeKind.MERGED
    return ChangeKind.SPLIT if len(olds) == 1 else ChangeKind.REDRAWN


# --- Following -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One load: what each code becomes, and the names of both years."""

    links: Links
    names_before: Mapping[str, str]
    names_after: Mapping[str, str]

    @property
    def origins(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for old, news in self.links.items():
            for new in news:
                found.setdefault(new, set()).add(old)
        return found

    def named(self, part_name: str, codes: Iterable[str]) -> str:
        """The commune whose own name a part bears, among `codes`; empty when there is none."""
        key = normalise(part_name)
        return next((one for one in codes if normalise(self.names_after.get(one, "")) == key), "")


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """A commune that a territory holds, or the part of it that `part` names.

    `population` is what the territory itself says of the part, in inhabitants. `was` are the
    codes it bore in earlier years: a merger that is undone gives back only what was held.
    """

    code: str
    part: str = ""
    population: int | None = None
    was: tuple[str, ...] = ()


def propose(lines: Iterable[Held], step: Step) -> list[Held]:
    """The communes of the new year for a territory that is still being drawn.

    A commune that merges is proposed whole with the new one; one that splits gives all its
    pieces. A part keeps its name in the commune it is now in.
    """
    found: dict[tuple[str, str], Held] = {}
    for line in sorted(lines):
        news = step.links.get(line.code)
        if news is None:
            images = [line]
        elif line.part:
            images = [_part(line, news, step)]
        else:
            back = [code for code in news if code in line.was]
            images = [Held(code, was=(*line.was, line.code)) for code in back or news]
        for image in images:
            key = (image.code, normalise(image.part) if image.part else "")
            met = found.get(key, image)
            found[key] = replace(image, was=tuple(dict.fromkeys((*met.was, *image.was))))
    whole = {code for code, part in found if not part}
    return sorted(line for line in found.values() if not line.part or line.code not in whole)


def _part(line: Held, news: Sequence[str], step: Step) -> Held:
    own = step.named(line.part, news) if len(news) > 1 else ""
    if own:
        return Held(own)
    code = line.code if line.code in news else news[0]
    return replace(line, code=code)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a commune that a filed case holds becomes: the whole of `code`, or a part of it."""

    code: str
    part: str = ""
    # Inhabitants of that part, where they are known.
    population: int | None = None


def keep(whole: Mapping[str, int | None], step: Step) -> dict[str, list[Kept]]:
    """What the whole communes of a filed territory become, the perimeter staying the same.

    `whole` gives each commune held as a whole and its inhabitants. A territory that held all the
    communes of a new one holds it whole; else it holds the part that bears the old one's name.
    """
    origins = step.origins
    result: dict[str, list[Kept]] = {}
    for code, population in whole.items():
        news = step.links.get(code)
        if news is None:
            continue
        result[code] = [
            Kept(new)
            if origins[new] <= whole.keys()
            else Kept(
                new, step.names_before.get(code, code), population if len(news) == 1 else None
            )
            for new in news
        ]
    return result


def keep_part(part_name: str, code: str, step: Step) -> Kept | None:
    """What a part held by a filed case becomes; None when its commune does not change."""
    news = step.links.get(code)
    if news is None:
        return None
    held = _part(Held(code, part_name), news, step)
    return Kept(held.code, held.part)
