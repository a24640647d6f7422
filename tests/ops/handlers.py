"""A handler the worker runs while the test holds it."""

import time
from pathlib import Path

from django.contrib.auth.models import Group

from outbox.registry import handles


@handles("tests.ops.wait")
def wait(folder: str) -> None:
    """Write a row, say so, and end when the file `go` appears."""
    Group.objects.create(name=f"done {Group.objects.count()}")
    (Path(folder) / "entered").touch()
    while not (Path(folder) / "go").exists():
        time.sleep(0.05)
