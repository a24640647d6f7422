"""Marks given on a grid: read as typed, and checked, without a database.

Stored form: `{criterion: {"mark": 2, "comment": "…"}}`; a criterion not marked yet has no
entry, or one without a mark.
"""

from collections.abc import Mapping
from typing import Any, Final

from procedures.circuit import Grid

COMMENT_MAX_LENGTH: Final = 2_000

Marks = dict[str, dict[str, Any]]


def read_marks(grid: Grid, given: Mapping[str, Any]) -> Marks:
    """What was given for the criteria of the grid, in its order; anything else is left out.

    A mark may come as a number or as its digits. What is no mark of the scale is kept as it
    is, for `marks_problems` to name.
    """
    marks: Marks = {}
    for criterion in grid.criteria:
        cell = given.get(criterion.key)
        if not isinstance(cell, Mapping):
            continue
        mark, comment = cell.get("mark"), str(cell.get("comment") or "").strip()
        if isinstance(mark, str):
            mark = mark.strip()
            mark = int(mark) if mark.isascii() and mark.isdigit() else mark or None
        entry = {"mark": mark, "comment": comment}
        if mark is not None or comment:
            marks[criterion.key] = entry
    return marks


def marks_problems(grid: Grid, marks: Mapping[str, Any], *, complete: bool) -> list[str]:
    """What is wrong with marks read by `read_marks`, as French sentences, in the grid’s order.

    `complete`: a criterion without a mark is a problem too.
    """
    problems = []
    known = " ; ".join(f"{mark.value} ({mark.label.lower()})" for mark in grid.scale)
    for criterion in grid.criteria:
        entry = marks.get(criterion.key, {})
        mark, comment = entry.get("mark"), str(entry.get("comment", ""))
        if mark is None:
            if complete:
                problems.append(f"Notez le critère « {criterion.label} ».")
        elif type(mark) is not int or grid.mark(mark) is None:
            problems.append(
                f"« {mark} » n’est pas une note du critère « {criterion.label} ». "
                f"Choisissez parmi : {known}."
            )
        if len(comment) > COMMENT_MAX_LENGTH:
            problems.append(
                f"Le commentaire du critère « {criterion.label} » compte {len(comment)} "
                f"caractères ; il en accepte {COMMENT_MAX_LENGTH} au plus. Raccourcissez-le."
            )
    return problems
