"""A file under check: its rows, and how a fault or a cell of theirs is written down."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from django.utils import timezone

from contracts.existing import cells
from contracts.existing.cells import CellError
from contracts.models import ExistingRow
from cpts_portal.mojibake import Mender
from cpts_portal.words import NBSP

# Of a list in a sentence.
SHOWN: Final = 3


@dataclass
class Listed:
    """The rows of a file. `region`: that of who imports; empty for every région.

    `territories`: the communes of the second file by the bare name or number of a CPTS.
    """

    rows: Sequence[ExistingRow]
    region: str
    territories: Mapping[str, list[tuple[int, str]]]
    mender: Mender
    labels: Mapping[str, str]
    today: date = field(default_factory=timezone.localdate)

    def fault(self, row: ExistingRow, key: str, sentence: str) -> None:
        """Write down what is wrong in a column of a row."""
        row.faults.append(f"{self.labels[key]}{NBSP}: {sentence[:1].lower()}{sentence[1:]}")

    def read(self, row: ExistingRow, key: str, read: Callable[[str], Any]) -> Any:
        """What a cell says; None, and a fault, when it cannot be read."""
        try:
            return read(row.cells.get(key, ""))
        except CellError as wrong:
            self.fault(row, key, str(wrong))
            return None

    def day(self, row: ExistingRow, key: str) -> str | None:
        """The day of a cell, as 2022-03-15."""
        found = self.read(row, key, cells.read_day)
        if not found or found[0] is None:
            return None
        if found[1]:
            row.notices.append(found[1])
        return str(found[0].isoformat())

    def bare(self, row: ExistingRow, key: str, length: int) -> str:
        """The number of a cell, with the zeros it has lost."""
        found = self.read(row, key, lambda text: cells.read_bare(text, length))
        if not found:
            return ""
        if found[1]:
            row.notices.append(found[1])
        return str(found[0])


def as_day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
