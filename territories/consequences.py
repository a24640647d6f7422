"""What a change of year means for those who use the territories: other rooms say it here.

The room of the territories knows no case. One that does declares how to read what a change of
year would do, and what to write when it is done, in the transaction of the load.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from territories.models import Vintage
from territories.succession import Change, YearChanges


@dataclass(frozen=True)
class Consequence:
    """What a change of year means for one case.

    Populations are in inhabitants, classes « T1 » to « T4 » or empty where there are none.
    """

    case_id: int
    title: str
    region: str
    # draft, filed or decided, and the same in words.
    stage: str
    stage_label: str
    population_before: int
    population_after: int
    size_before: str
    size_after: str
    changes: tuple[Change, ...]

    @property
    def sentences(self) -> list[str]:
        """What happens to its communes, such as « Ciel (71131) → Verdun-Ciel (71566) »."""
        return [str(change) for change in self.changes]

    @property
    def changes_class(self) -> bool:
        return self.size_before != self.size_after

    @property
    def difference(self) -> int:
        return self.population_after - self.population_before


Assess = Callable[[YearChanges], list[Consequence]]
Record = Callable[[YearChanges, Vintage, Sequence[Consequence]], None]
_declared: list[tuple[Assess, Record]] = []


def declare_consequences(assess: Assess, record: Record) -> None:
    """Add a reader of consequences, and what writes them once the new communes are there."""
    if (assess, record) not in _declared:
        _declared.append((assess, record))


def assess(changes: YearChanges) -> list[Consequence]:
    """What the changes would mean, case by case; nothing is written."""
    return [one for read, _ in _declared for one in read(changes)]


def record(changes: YearChanges, vintage: Vintage, assessed: Sequence[Consequence]) -> None:
    """Write what the changes mean, in the transaction that has just loaded them."""
    for _, write in _declared:
        write(changes, vintage, assessed)
