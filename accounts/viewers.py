"""Whom a list is filtered for, apart from the person: three numbers decide what they see."""

from typing import Any, NamedTuple

from django.db.models import BigIntegerField

from accounts.models import User
from cpts_portal.composed import Given


class Viewer(NamedTuple):
    """A person in the role they act in. In their own name, they have no `body`.

    `department` is the one their role is limited to. Each is a number (a code for
    `department`), or what stands for it in a statement composed once: see `stand_in`.
    """

    person: Any
    body: Any = None
    department: Any = None

    @property
    def shape(self) -> tuple[bool, bool]:
        """What a statement depends on beside the values: has a body, is limited."""
        return self.body is not None, self.department is not None


def viewer_of(user: User) -> Viewer:
    """The viewer that this person is, in the role they act in."""
    if user.acting is None:
        return Viewer(user.pk)
    return Viewer(user.pk, user.acting.organisation_id, user.acting.department_id or None)


def stand_in(shape: tuple[bool, bool]) -> Viewer:
    """A viewer of this shape, whose values are given when the statement runs.

    They are given under the names of the fields: `**viewer._asdict()`.
    """
    has_body, is_limited = shape
    return Viewer(
        Given("person", BigIntegerField()),
        Given("body", BigIntegerField()) if has_body else None,
        Given("department") if is_limited else None,
    )
