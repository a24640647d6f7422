"""What two territories have in common: pure arithmetic on their lines.

A whole commune overlaps itself and any part of it. Two parts of one commune overlap only when
they bear the same name, give or take capitals, accents and spaces.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from territories.normalise import normalise


@dataclass(frozen=True, order=True)
class Line:
    """A line of a territory: a commune, or the part of it that `part_key` names."""

    commune: str
    part_key: str = ""
    # Inhabitants of the commune or of the part; None when nobody knows.
    population: int | None = None


def part_key(part_name: str) -> str:
    """What two names of one part have in common; empty for a whole commune."""
    return normalise(part_name) if part_name.strip() else ""


def common(mine: Iterable[Line], theirs: Iterable[Line]) -> list[Line]:
    """What is in both territories, by commune and part, each once.

    Where a whole commune meets a part of it, the part is what they share. A population that one
    of them knows is kept.
    """
    here: dict[str, dict[str, Line]] = {}
    for line in mine:
        here.setdefault(line.commune, {})[line.part_key] = line
    shared: dict[tuple[str, str], Line] = {}
    for line in theirs:
        parts = here.get(line.commune, {})
        if not line.part_key:
            met = list(parts.values())
        elif line.part_key in parts:
            met = [_smaller(parts[line.part_key], line)]
        elif "" in parts:
            met = [line]
        else:
            met = []
        for one in met:
            shared.setdefault((one.commune, one.part_key), one)
    return sorted(shared.values(), key=lambda one: (one.commune, one.part_key))


def _smaller(one: Line, other: Line) -> Line:
    known = [line.population for line in (one, other) if line.population is not None]
    return Line(one.commune, one.part_key, min(known, default=None))


def inhabitants(lines: Iterable[Line]) -> int:
    """People who live there, as far as is known."""
    return sum(line.population or 0 for line in lines)
