"""What projects left behind them: their logs and their official documents."""

from collections.abc import Iterable

from health_projects.documents import KINDS
from health_projects.models import HealthProject
from writing import past
from writing.past import Past


def read_past(projects: Iterable[HealthProject]) -> dict[int, Past]:
    """The past of each project, by number: one query, none when nothing was ever frozen.

    Whoever sees a project reads all these documents: offices see none before its deposit.
    """
    return past.read_past(projects, kinds=KINDS)
