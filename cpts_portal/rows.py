"""What tables say the same way in several rooms: rows written once, digests."""

from typing import Any

from django.db import models
from django.db.models import Q


class WrittenOnce(models.Model):
    """A row that is written, then only read: saving it again is a fault of the caller."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ValueError(f"{type(self).__name__} {self.pk} is never changed.")
        super().save(*args, **kwargs)


def is_sha256(field: str) -> Q:
    """The condition of a constraint: the column holds a SHA-256, in small hexadecimal digits."""
    return Q(**{f"{field}__regex": r"^[0-9a-f]{64}$"})
