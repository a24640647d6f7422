"""What signing a document does, as whoever has it signed says: the contract, an amendment…"""

from collections.abc import Callable

from accounts.models import User
from contracts.models.rounds import SigningRound

# `handler(signing_round, by=…)`: `by` is the account of whoever acted, None without one.
Handler = Callable[..., None]
# Sentences that keep a document from being signed now; none: it may be.
Check = Callable[[SigningRound], list[str]]
_signed: dict[str, Handler] = {}
_refused: dict[str, Handler] = {}
_checks: dict[str, list[Check]] = {}


def when_signed(purpose: str, handler: Handler) -> None:
    """Say what all the signatures of a purpose do: once, in the transaction of the last one.

    Called when Django starts. Whatever the handler refuses (ActionRefusedError) undoes that last
    signature and is shown to who gave it.
    """
    _signed[purpose] = handler


def when_refused(purpose: str, handler: Handler) -> None:
    """Say what a refusal does: in its transaction; the reason is the round's `end_reason`."""
    _refused[purpose] = handler


def blocked_when(purpose: str, check: Check) -> None:
    """Add a check made before each signature: what has changed since the document was frozen."""
    _checks.setdefault(purpose, []).append(check)


def forget_purpose(purpose: str) -> None:
    """Undo what was declared, for tests."""
    for known in (_signed, _refused, _checks):
        known.pop(purpose, None)


def check_known(purpose: str) -> None:
    """Raises LookupError for a purpose of which nobody said what its signatures do."""
    if purpose not in _signed:
        raise LookupError(f"Nobody said what signing {purpose!r} does.")


def run_signed(signing_round: SigningRound, *, by: User | None) -> None:
    """Do what all the signatures of a round do, in the caller's transaction."""
    _signed[signing_round.purpose](signing_round, by=by)


def run_refused(signing_round: SigningRound, *, by: User | None) -> None:
    """Do what a refusal does, if anything, in the caller's transaction."""
    handler = _refused.get(signing_round.purpose)
    if handler is not None:
        handler(signing_round, by=by)


def obstacles_to(signing_round: SigningRound) -> list[str]:
    """What has changed since the document was frozen and keeps it from being signed: sentences."""
    checks = _checks.get(signing_round.purpose, ())
    return [sentence for check in checks for sentence in check(signing_round)]
