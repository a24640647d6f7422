"""Saving what was typed: one field at a time, or a whole step at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from accounts.models import User
from procedures import answers as answer_rules
from procedures.schema import Field, FieldKind
from workflow.services import ActionRefusedError
from writing import population, services
from writing.content import WrittenContent
from writing.forms import (
    WRITTEN_KINDS,
    Clash,
    digest,
    normalised,
    posted_value,
    read_mark,
    stored_value,
)
from writing.models import WrittenCase
from writing.services import Conflict, Saved


@dataclass(frozen=True)
class Outcome:
    """What became of one field of a saved step. `typed` is what the page sent."""

    field: Field
    typed: Any
    saved: Saved | None = None
    clash: Clash | None = None
    # The sentence that says why nothing was stored.
    refusal: str = ""

    @property
    def must_be_shown_again(self) -> bool:
        """Whether the text is nowhere but in this request: the page must show it again."""
        return self.clash is not None or bool(self.refusal)


def save_field(
    case: WrittenCase, field: Field, raw: Any, *, user: User, base_revision: int | None
) -> Saved | Conflict:
    """Write one field where it lives. The caller holds the lock on the case.

    Raises ActionRefusedError for what not even a draft may hold.
    """
    if field.kind == FieldKind.POPULATION:
        return population.save(case, field, raw, base_revision=base_revision)
    return services.save_answer(case, field, raw, user=user, base_revision=base_revision)


def save_step(
    case: WrittenCase,
    fields: Iterable[Field],
    data: QueryDict,
    content: WrittenContent,
    *,
    user: User,
    replaced: dict[str, Any] | None = None,
) -> list[Outcome]:
    """Write every field of a step that its author changed, and say what became of each.

    A field left as the page showed it is not written: what somebody else wrote there meanwhile
    stays. `replaced` holds values that stand for what the page sent (a row moved or removed).
    The caller holds the lock on the case, and `content` was read under it.
    """
    outcomes = []
    for field in fields:
        if field.kind not in WRITTEN_KINDS:
            continue
        typed = (replaced or {}).get(field.key, posted_value(field, data))
        if typed is None or data.get(f"choix-{field.key}") == "autre":
            continue
        outcome = _save_posted(case, field, typed, data, content, user=user)
        if outcome:
            outcomes.append(outcome)
    return outcomes


def _save_posted(
    case: WrittenCase,
    field: Field,
    typed: Any,
    data: QueryDict,
    content: WrittenContent,
    *,
    user: User,
) -> Outcome | None:
    stored = stored_value(field, content)
    value = normalised(field, typed)
    base, shown = read_mark(data.get(f"rev-{field.key}", ""))
    if value == stored or digest(value) == shown:
        return None
    try:
        result = save_field(case, field, typed, user=user, base_revision=base)
    except ActionRefusedError as error:
        return Outcome(field, typed, refusal=error.message)
    if isinstance(result, Conflict):
        return Outcome(field, typed, clash=clash(field, result))
    return Outcome(field, typed, saved=result)


def clash(field: Field, conflict: Conflict) -> Clash:
    """The other's version, as a page shows it."""
    return Clash(
        by=conflict.changed_by,
        at=conflict.changed_at,
        text=as_plain_text(field, conflict.value),
        revision=conflict.revision,
    )


def as_plain_text(field: Field, value: Any) -> str:
    """A stored value as lines of text, to read beside one's own and copy from."""
    if field.kind == FieldKind.POPULATION:
        return "\n".join(text for text in value.values() if text)
    shown = answer_rules.display(field, value)
    lines = [*shown.lines, *(box.label for box in shown.boxes if box.ticked)]
    lines += [f"{label}\u00a0: {text}" for label, text in shown.pairs]
    lines += [
        " | ".join(
            " ".join([*cell.lines, *(box.label for box in cell.boxes if box.ticked)])
            for cell in row
        )
        for row in shown.rows
        if not shown.blank
    ]
    return "\n".join(lines)
