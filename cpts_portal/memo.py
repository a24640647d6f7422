"""What a process keeps of what it has worked out."""

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
