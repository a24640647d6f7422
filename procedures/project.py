"""What a region asks of a health project beside its form: sheets, missions, coherence, grounds.

Frozen dataclasses read from the `[project]` table of a procedure.
"""

from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, kw_only=True)
class Mission:
    """A mission of the interprofessional agreement. A core one is covered by every project."""

    key: str
    label: str
    is_core: bool


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A theme of the region that an action sheet may belong to, and the missions it serves."""

    key: str
    label: str
    help: str = ""
    missions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SheetRule:
    """How many action sheets a project needs, and who takes part in each."""

    # On the region's themes, two may share one; 0: the text gives no number.
    minimum: int
    # Each sheet of that minimum associates first or second-line professionals and a structure
    # (health, medico-social, social) or an actor of prevention.
    associates_structures: bool
    # Every core mission has at least one sheet.
    covers_core_missions: bool
    text: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A plan of the territory the project is checked against: GHT, CLS, PTSM, PRS."""

    key: str
    label: str
    help: str = ""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """A ground on which the ARS may oppose a project. The law gives no other."""

    key: str
    label: str


@dataclass(frozen=True, kw_only=True)
class ProjectRules:
    """All that is asked of a health project beside its form."""

    missions: tuple[Mission, ...]
    themes: tuple[Theme, ...]
    sheets: SheetRule
    frameworks: tuple[Framework, ...]
    grounds: tuple[Ground, ...]
    grounds_source: str

    @property
    def core_missions(self) -> tuple[Mission, ...]:
        return tuple(mission for mission in self.missions if mission.is_core)

    def mission(self, key: str) -> Mission:
        """Raises KeyError when the agreement has no such mission."""
        return next((one for one in self.missions if one.key == key), None) or _missing(key)

    def theme(self, key: str) -> Theme:
        """Raises KeyError when the region has no such theme."""
        return next((one for one in self.themes if one.key == key), None) or _missing(key)

    def ground(self, key: str) -> Ground:
        """Raises KeyError for a ground the law does not give."""
        return next((one for one in self.grounds if one.key == key), None) or _missing(key)


def _missing(key: str) -> NoReturn:
    raise KeyError(key)
