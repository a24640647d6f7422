"""Which function delivers which outbox event. Apps register theirs when Django starts."""

from collections.abc import Callable
from typing import Any

Handler = Callable[..., None]

_handlers: dict[str, Handler] = {}


def handles(name: str) -> Callable[[Handler], Handler]:
    """Register the function that delivers events called `name`.

    The function receives the event's payload as keyword arguments. It must be idempotent:
    after a crash it is called again with the same ids.
    """

    def register(function: Handler) -> Handler:
        known = _handlers.get(name)
        if known is not None and known is not function:
            raise ValueError(f"Two handlers for the outbox event {name!r}")
        _handlers[name] = function
        return function

    return register


def handler_for(name: str) -> Callable[..., Any]:
    """Return the registered function. Raises KeyError when nobody registered `name`."""
    return _handlers[name]
