"""What a process keeps of what it has worked out."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Result = TypeVar("Result")
# What an entry takes besides its texts.
_OVERHEAD = 400


class Memo(Generic[Result]):
    """Results that their key determines wholly, the latest used first, within a number of bytes.

    For what never gets stale: the key holds every text the result is made from. `weigh` says
    about how many characters a result takes.
    """

    def __init__(self, *, limit: int, weigh: Callable[[Result], int]) -> None:
        self._limit = limit
        self._weigh = weigh
        self._kept: OrderedDict[Hashable, tuple[Result, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def get(self, key: tuple[Hashable, ...], make: Callable[[], Result]) -> Result:
        """The result kept for `key`, else the one that `make` gives, kept from now on."""
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found[0]
        result = make()
        texts = sum(len(part) for part in key if isinstance(part, str))
        weight = texts + self._weigh(result) + _OVERHEAD
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (result, weight)
                self._weight += weight
            while self._weight > self._limit and self._kept:
                self._weight -= self._kept.popitem(last=False)[1][1]
        return result


class Brief(Generic[Result]):
    """Results that may be some seconds old: this process's own, the `limit` latest set."""

    def __init__(self, *, seconds: float, limit: int) -> None:
        self._seconds = seconds
        self._limit = limit
        self._kept: OrderedDict[Hashable, tuple[float, Result]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Result | None:
        """What was set for `key`, unless it is too old."""
        found = self._kept.get(key)
        return found[1] if found is not None and time.monotonic() < found[0] else None

    def set(self, key: Hashable, result: Result) -> None:
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (time.monotonic() + self._seconds, result)
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
