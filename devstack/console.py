"""A line for each long step, so that nobody wonders whether something still happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str = "") -> None:
    print(text, flush=True)


@contextmanager
def step(label: str) -> Iterator[None]:
    """Announce a step, then say that it is done and how many seconds it took."""
    say(f"→ {label}…")
    start = time.monotonic()
    yield
    say(f"  fait en {seconds(time.monotonic() - start)}")


def seconds(duration: float) -> str:
    """A duration as it is read in French: `0,4 s`."""
    return f"{duration:.1f} s".replace(".", ",")
