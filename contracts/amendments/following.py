"""What follows an amendment to its end, as whoever stands above it says: a national one does."""

from collections.abc import Callable
from typing import Final

from contracts.models import ContractVersion, Draft

# `handler(draft, version)`: all have signed, this version of the contract came of it.
InForce = Callable[[Draft, ContractVersion], None]
# `handler(draft, party, reason)`: `party` gave it up; empty, the contract ended first.
GivenUp = Callable[[Draft, str, str], None]
_in_force: Final[list[InForce]] = []
_given_up: Final[list[GivenUp]] = []


def when_in_force(handler: InForce) -> None:
    """Say what an amendment all have signed does elsewhere, in the transaction of its version.

    Called when Django starts, for every amendment: the handler knows which are its own.
    """
    _in_force.append(handler)


def when_given_up(handler: GivenUp) -> None:
    """Say what an amendment that will never be signed does elsewhere, in the same transaction."""
    _given_up.append(handler)


def tell_in_force(draft: Draft, version: ContractVersion) -> None:
    """Let those who follow know, in the caller's transaction."""
    for handler in _in_force:
        handler(draft, version)


def tell_given_up(draft: Draft, party: str, reason: str) -> None:
    """Let those who follow know, in the caller's transaction."""
    for handler in _given_up:
        handler(draft, party, reason)
