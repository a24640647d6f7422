"""What the team prepares in answer to a request for complements, over what was deposited.

While a request is open, only what it asks for is unlocked. The answers are kept with the items
of the request and laid over the deposited ones for the team alone: everybody else reads the
frozen content.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, Prefetch
from django.utils import timezone

from workflow import complement_rules
from workflow.models import BufferedFile, CompletionItem, CompletionRequest

if TYPE_CHECKING:
    from accounts.models import User
    from writing.models import WrittenCase


@dataclass
class Buffer:
    """An open request with its items by key: what is unlocked, and what it holds so far."""

    request: CompletionRequest
    items: dict[str, CompletionItem]

    def unlocks(self, key: str) -> bool:
        return key in self.items

    @property
    def territory_id(self) -> int | None:
        return self.request.territory_id

    def over(
        self, written: dict[str, str], revisions: dict[str, int], files: dict[str, int]
    ) -> None:
        """Lay what is prepared over what is stored. A save starts from the item's own count."""
        for key, item in self.items.items():
            revisions[key] = item.revision
            if item.revision > 0 and item.kind != CompletionItem.Kind.TERRITORY:
                written[key] = json.dumps(item.value, cls=DjangoJSONEncoder)
            change = len(item.files.all()) - len(item.removed)
            if change:
                files[key] = files.get(key, 0) + change

    def write(self, key: str, value: Any, *, user_id: int, base: int | None) -> int | None:
        """Store one answer; the new revision, or None when the item no longer is at `base`."""
        item = self.items[key]
        rows = CompletionItem.objects.filter(pk=item.pk)
        if base is not None:
            rows = rows.filter(revision=base)
        changed = rows.update(
            value=value, revision=F("revision") + 1, updated_at=timezone.now(), updated_by=user_id
        )
        item.refresh_from_db()
        return item.revision if changed else None


def read_buffer(case: "WrittenCase") -> Buffer | None:
    """The open request of a case and its items, in three queries; None when there is none."""
    request = (
        CompletionRequest.objects.open()
        .filter(case_id=case.pk)
        .select_related("territory")
        .prefetch_related(
            Prefetch("items", CompletionItem.objects.filter(lifted_at__isnull=True)),
            Prefetch("items__files", BufferedFile.objects.select_related("attachment")),
        )
        .first()
    )
    return Buffer(request, {item.key: item for item in request.items.all()}) if request else None


def open_buffer(case: "WrittenCase", user: "User") -> None:
    """Let the team see what it prepares. Nobody else ever has the buffer in hand."""
    if case.is_deposited and user.acting is None and case.team_role(user):
        case.buffer = read_buffer(case)


def unlocks(case: "WrittenCase", user: "User", key: str) -> bool:
    """Whether this person may write this field of a deposited case now."""
    buffer = case.buffer
    return (
        buffer is not None
        and buffer.unlocks(key)
        and complement_rules.may_prepare_answer(case, user)
    )


def buffered_file(case: "WrittenCase", attachment: uuid.UUID) -> BufferedFile | None:
    """A file joined in answer and not deposited yet, for whoever has the buffer in hand."""
    if case.buffer is None:
        return None
    files = (one for item in case.buffer.items.values() for one in item.files.all())
    return next((one for one in files if one.attachment_id == attachment), None)


def changed_values(buffer: Buffer) -> Mapping[str, Any]:
    """What the team wrote, by field: what becomes of the answers once it is deposited."""
    return {
        key: item.value
        for key, item in buffer.items.items()
        if item.revision > 0 and item.kind != CompletionItem.Kind.TERRITORY
    }
