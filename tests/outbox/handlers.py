"""Handlers the outbox tests publish to: they write a row, so that a rollback shows."""

import threading

from django.contrib.auth.models import Group

from outbox.registry import handles

# A handler that must wait for the test does so on these.
entered = threading.Event()
may_leave = threading.Event()
broken = threading.Event()


def _leave_a_trace(recipient: str) -> None:
    Group.objects.create(name=f"{recipient} {Group.objects.count()}")


@handles("tests.outbox.trace")
def trace(recipient: str) -> None:
    _leave_a_trace(recipient)


@handles("tests.outbox.fragile")
def fragile(recipient: str) -> None:
    _leave_a_trace(recipient)
    if broken.is_set():
        raise RuntimeError("the printer is on fire")


@handles("tests.outbox.slow")
def slow(recipient: str) -> None:
    _leave_a_trace(recipient)
    entered.set()
    may_leave.wait(10)
