"""Missions and themes against action sheets: what covers what."""

from collections.abc import Sequence
from dataclasses import dataclass

from health_projects.sheets import Data
from procedures.project import ProjectRules


@dataclass(frozen=True)
class MatrixRow:
    """A mission or a theme, and which sheets are linked to it, in their order."""

    label: str
    note: str
    cells: tuple[bool, ...]
    # A core mission without any sheet.
    is_wanted: bool

    @property
    def numbers(self) -> str:
        """« 1, 3, 4 »: the sheets by their place."""
        return ", ".join(str(place) for place, linked in enumerate(self.cells, start=1) if linked)


@dataclass(frozen=True)
class Matrix:
    """Missions, then themes, against sheets."""

    sheets: tuple[Data, ...]
    missions: tuple[MatrixRow, ...]
    themes: tuple[MatrixRow, ...]


def matrix(rules: ProjectRules, sheets: Sequence[Data]) -> Matrix:
    """Which sheet is linked to which mission and which theme."""
    missions = tuple(
        _row(
            "missions",
            mission.key,
            mission.label,
            sheets,
            note="socle" if mission.is_core else "optionnelle",
            is_core=mission.is_core,
        )
        for mission in rules.missions
    )
    themes = tuple(_row("themes", theme.key, theme.label, sheets) for theme in rules.themes)
    return Matrix(tuple(sheets), missions, themes)


def _row(
    kind: str,
    key: str,
    label: str,
    sheets: Sequence[Data],
    *,
    note: str = "",
    is_core: bool = False,
) -> MatrixRow:
    cells = tuple(any(one["key"] == key for one in sheet[kind]) for sheet in sheets)
    return MatrixRow(label, note, cells, is_core and not any(cells))
