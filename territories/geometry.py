"""What the borders between communes say of a territory: in how many pieces it is, what it leaves.

Pure functions on a graph of neighbours; `borders_of` reads the graph around a territory.
Two communes are neighbours when they share a border, not a corner. An island has no neighbour:
it makes a piece of its own, which is said, not blamed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from territories.models import CommuneOutline

# INSEE code → INSEE codes of the communes it shares a border with.
Graph = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Borders:
    """The graph around some communes, and those of them that have no outline."""

    graph: dict[str, list[str]]
    unknown: frozenset[str]


def borders_of(codes: Collection[str]) -> Borders:
    """The neighbours of the communes named, in one query."""
    rows = CommuneOutline.objects.filter(commune__in=list(codes))
    graph = dict(rows.values_list("commune_id", "neighbours"))
    return Borders(graph, frozenset(codes) - graph.keys())


def pieces(codes: Collection[str], graph: Graph) -> list[set[str]]:
    """The communes by piece in one block, the largest first; those without outline are left out."""
    left = {code for code in codes if code in graph}
    found = []
    while left:
        start = min(left)
        piece, edge = {start}, [start]
        left.discard(start)
        while edge:
            for other in graph[edge.pop()]:
                if other in left:
                    left.discard(other)
                    piece.add(other)
                    edge.append(other)
        found.append(piece)
    return sorted(found, key=lambda piece: (-len(piece), min(piece)))


def enclaves(codes: Collection[str], graph: Graph, *, reach: int = 4) -> list[set[str]]:
    """Blocks of communes whose only neighbours are in the territory, in `reach` queries at most.

    A block more than `reach` communes deep is a country, not an enclave. On the coast or at the
    border of France the sentence holds too: such a commune has no other neighbour.
    """
    inside = set(codes)
    known = dict(graph)
    edge = {other for code in inside if code in graph for other in graph[code]} - inside
    outside = set(edge)
    for _ in range(reach):
        if not edge:
            break
        known |= borders_of(edge).graph
        edge = {other for code in edge if code in known for other in known[code]} - inside - outside
        outside |= edge
    open_blocks = edge
    blocks = pieces(outside, known)
    return [
        block
        for block in blocks
        if not block & open_blocks
        and all(other in inside or other in block for code in block for other in known[code])
    ]
