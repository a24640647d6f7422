"""Measuring two or more things fairly: one after the other, round after round, medians."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random


def interleaved(
    actions: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 2
) -> dict[str, float]:
    """The median duration of each action, in milliseconds.

    Each round runs every action once, so that what slows the machine for a while slows all; in
    another order each time, as an action is quicker after one that does nearly the same.
    """
    orders = Random(0)  # noqa: S311 - an order, not a secret
    for _ in range(warm_up):
        for action in actions.values():
            action()
    durations: dict[str, list[float]] = {name: [] for name in actions}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, action in orders.sample(list(actions.items()), k=len(actions)):
                start = time.perf_counter()
                action()
                durations[name].append((time.perf_counter() - start) * 1000)
    finally:
        gc.enable()
    return {name: statistics.median(values) for name, values in durations.items()}


@dataclass(frozen=True)
class Line:
    """One comparison of the table. `target` is the highest ratio that is good enough."""

    what: str
    against: str
    value: float
    reference: float
    unit: str
    target: float

    @property
    def ratio(self) -> float:
        return self.value / self.reference

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.target

    def as_data(self) -> dict[str, object]:
        return {
            "what": self.what,
            "against": self.against,
            "ratio": round(self.ratio, 2),
            "target": self.target,
            "met": self.is_met,
            "value": round(self.value, 2),
            "reference": round(self.reference, 2),
            "unit": self.unit,
        }


def table(lines: list[Line]) -> str:
    """The lines as text, ratios first to the eye."""
    head = f"{'':44}  {'mesure':>9}  {'référence':>9}  {'unité':<6} {'ratio':>6}  {'cible':>6}"
    rows = [
        f"{line.what[:44]:44}  {line.value:9.2f}  {line.reference:9.2f}  {line.unit:<6} "
        f"{line.ratio:6.2f}  {line.target:6.2f}  {'✓' if line.is_met else '✗'} / {line.against}"
        for line in lines
    ]
    return "\n".join([head, *rows])
