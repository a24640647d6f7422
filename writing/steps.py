"""The steps of a case and how far each one is, in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from procedures import answers as answer_rules
from procedures.schema import AttachmentSlot, Field, FieldKind
from writing import links
from writing.content import ATTACHMENTS_STEP, Missing, WrittenContent
from writing.kinds import written_of
from writing.models import WrittenCase

UNTOUCHED, OPTIONAL, BEGUN, COMPLETE = "à commencer", "facultative", "commencée", "complète"
_TONES = {UNTOUCHED: "", OPTIONAL: "", BEGUN: "info", COMPLETE: "success"}


@dataclass(frozen=True)
class Step:
    """One step in the list of progress."""

    key: str
    title: str
    url: str
    # In words; `tone` only repeats it in colour.
    state: str
    tone: str
    missing_count: int


def steps_of(case: WrittenCase, content: WrittenContent, missing: Iterable[Missing]) -> list[Step]:
    """Every step, in the order of the form; the pieces it does not place come last."""
    counts: dict[str, int] = {}
    for item in missing:
        counts[item.section] = counts.get(item.section, 0) + 1
    steps = [
        _step(
            case,
            section.key,
            section.title,
            touched=any(_is_touched(field, content) for field in section.fields),
            missing=counts.get(section.key, 0),
        )
        for section in content.procedure.sections
    ]
    loose = loose_slots(content)
    if loose:
        touched = any(_slot_is_touched(slot.key, content) for slot in loose)
        steps.append(
            _step(
                case,
                ATTACHMENTS_STEP,
                "Les pièces jointes",
                touched=touched,
                missing=counts.get(ATTACHMENTS_STEP, 0),
            )
        )
    return steps


def loose_slots(content: WrittenContent) -> Sequence[AttachmentSlot]:
    """The attachment slots that no section of the form shows."""
    placed = {field.key for field in content.procedure.fields if field.kind == FieldKind.ATTACHMENT}
    return [slot for slot in content.procedure.attachments if slot.key not in placed]


def _step(case: WrittenCase, key: str, title: str, *, touched: bool, missing: int) -> Step:
    states = (UNTOUCHED, BEGUN) if missing else (OPTIONAL, COMPLETE)
    state = states[touched]
    return Step(key, title, links.step_url(case, key), state, _TONES[state], missing)


def _is_touched(field: Field, content: WrittenContent) -> bool:
    match field.kind:
        case FieldKind.TERRITORY:
            return content.territory.commune_count > 0
        case FieldKind.POPULATION:
            return content.territory.declared_population is not None
        case FieldKind.ATTACHMENT:
            return _slot_is_touched(field.key, content)
        case _ if field.key in content.own:
            own = written_of(content.case).own_fields[field.kind]
            return own.is_touched(content.own[field.key])
        case _ if field.is_answer:
            return not answer_rules.is_blank(field, content.answers.get(field.key))
    return False


def _slot_is_touched(slot: str, content: WrittenContent) -> bool:
    return bool(content.files.get(slot) or content.deferred.get(slot))


def neighbours(steps: Sequence[Step], key: str) -> tuple[Step | None, Step | None]:
    """The step before this one and the one after it."""
    position = next(index for index, step in enumerate(steps) if step.key == key)
    before = steps[position - 1] if position else None
    after = steps[position + 1] if position + 1 < len(steps) else None
    return before, after
