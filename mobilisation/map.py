"""The map of the answers: the communes of the territory, the darker the more they answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cpts_portal.words import NBSP
from mobilisation.results import Results
from territories.maps import shaded_map

# From nothing to the most; told apart in black and white too.
SHADES: Final = ("#ffffff", "#dbe5f0", "#a3bcd8", "#4f78ab", "#1e3a5f")


@dataclass(frozen=True)
class Step:
    """A shade of the legend, and what it stands for."""

    shade: str
    label: str


def steps_of(results: Results) -> list[Step]:
    """The legend: no answer, then as many steps as there are, equal, up to the largest count."""
    width = _width(results)
    steps = [Step(SHADES[0], "aucune réponse")]
    if not width:
        return steps
    for rank in range(1, len(SHADES)):
        low, high = (rank - 1) * width + 1, rank * width
        label = f"{low}" if low == high else f"{low} à {high}"
        steps.append(Step(SHADES[rank], f"{label} réponse{'s' if high > 1 else ''}"))
    return steps


def description_of(results: Results) -> str:
    """What stands for the map where it cannot be seen."""
    found = sorted(results.communes.values(), key=lambda one: (-one.total, one.label))
    answering = [one for one in found if one.total]
    if not answering:
        return "Carte des communes du territoire : aucune réponse pour l’instant."
    first = ", ".join(f"{one.label} ({one.total})" for one in answering[:3])
    return (
        f"Carte des réponses par commune{NBSP}: {len(answering)} communes sur {len(found)} ont "
        f"répondu. Le plus de réponses{NBSP}: {first}. Le tableau donne chaque commune."
    )


def draw_map(results: Results) -> str:
    """The drawing, as SVG; empty when no outline of commune is loaded."""
    return shaded_map(_shades(results), description=description_of(results))


def _shades(results: Results) -> Mapping[str, str]:
    width = _width(results)
    return {
        code: SHADES[-(-one.total // width) if width else 0]
        for code, one in results.communes.items()
    }


def _width(results: Results) -> int:
    """How many answers a step of the legend holds."""
    most = max((one.total for one in results.communes.values()), default=0)
    return -(-most // (len(SHADES) - 1))
