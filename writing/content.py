"""What a draft holds, and what it still needs before it can be deposited."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connection

from cpts_portal.memo import Memo
from procedures import answers as answer_rules
from procedures import registry
from procedures.schema import AttachmentSlot, Field, Procedure
from territories.models import Region, Territory
from territories.population import TerritorySummary, summarise
from writing.kinds import Words, WrittenKind, written_of

if TYPE_CHECKING:
    from writing.models import WrittenCase

# The step that gathers the pieces the form itself does not place elsewhere.
ATTACHMENTS_STEP = "pieces"
_kept_sentences = Memo[tuple[str, ...]](
    limit=4_000_000, weigh=lambda sentences: sum(map(len, sentences))
)
# What a declared population still needs.
REASON_WANTED = (
    "Dites pourquoi vous déclarez une autre population que celle de l’INSEE, ou retirez le chiffre."
)


@dataclass(frozen=True)
class Missing:
    """One thing to do: the sentence, and the step and field where to do it."""

    sentence: str
    section: str = ""
    field: str = ""


@dataclass(frozen=True)
class WrittenContent:
    """All a case holds while it is a draft, read in a few queries."""

    case: "WrittenCase"
    procedure: Procedure
    region: Region
    answers: Mapping[str, Any]
    # How many times each answer was written: what a save must start from.
    revisions: Mapping[str, int]
    territory: TerritorySummary
    # Number of files in each attachment slot.
    files: Mapping[str, int]
    # Slots announced « à venir », with the reason given.
    deferred: Mapping[str, str]
    # Each answer as it is stored, a JSON text: what is worked out from it is kept under it.
    written: Mapping[str, str]
    # What the fields of the kind's own hold, by key.
    own: Mapping[str, Any]

    def mark(self, field: Field) -> tuple[str, int, str, str]:
        """All that what is said of an answer depends on: the form's field, and what is stored."""
        procedure = self.procedure
        return procedure.key, procedure.version, field.key, self.written.get(field.key, "")


class StoredAnswers(Mapping[str, Any]):
    """The answers of a draft, each read from its JSON text when it is first asked for.

    What is said of most of them is kept under that text already.
    """

    def __init__(self, written: Mapping[str, str]) -> None:
        self._written = written
        self._read: dict[str, Any] = {}

    def __getitem__(self, key: str) -> Any:
        if key not in self._read:
            self._read[key] = json.loads(self._written[key])
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


def procedure_of(case: "WrittenCase") -> Procedure:
    """The procedure the case began with, in the version it began with."""
    return registry.get(case.procedure_key, case.procedure_version)


def deferral(value: Any) -> str:
    """The reason why a piece will come later, from the slot's answer; empty if it is not."""
    if not isinstance(value, Mapping) or value.get("deferred") != "yes":
        return ""
    return str(value.get("reason", "")).strip()


def read_content(case: "WrittenCase") -> WrittenContent:
    """All the draft holds, in three queries at most: answers and files, territory, its summary."""
    procedure = procedure_of(case)
    written, revisions, files = _answers_and_files(case)
    if case.buffer is not None:
        case.buffer.over(written, revisions, files)
    answers = StoredAnswers(written)
    own_fields = written_of(case).own_fields
    return WrittenContent(
        case=case,
        procedure=procedure,
        region=case.region,
        answers=answers,
        revisions=revisions,
        territory=summarise(
            territory_of(case),
            size_thresholds=procedure.size_rule.thresholds,
            floor=procedure.floor.inhabitants,
        ),
        files=files,
        deferred={
            slot.key: deferral(answers.get(slot.key))
            for slot in procedure.attachments
            if slot.deferrable
        },
        written=written,
        own={
            field.key: own_fields[field.kind].read(case, field)
            for field in procedure.fields
            if field.kind in own_fields
        }
        if own_fields
        else {},
    )


# A row without a value counts the files of a slot.
_ANSWERS_AND_FILES = """
    SELECT key, value, revision FROM workflow_answer WHERE case_id = %(case)s
     UNION ALL
    SELECT slot, NULL, count(*) FROM workflow_caseattachment
     WHERE case_id = %(case)s AND removed_in IS NULL GROUP BY slot
"""


def _answers_and_files(
    case: "WrittenCase",
) -> tuple[dict[str, str], dict[str, int], dict[str, int]]:
    written: dict[str, str] = {}
    revisions: dict[str, int] = {}
    files: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS_AND_FILES, {"case": case.pk})
        for key, value, count in cursor.fetchall():
            if value is None:
                files[key] = count
            else:
                written[key], revisions[key] = value, count
    return written, revisions, files


def territory_of(case: "WrittenCase") -> Territory:
    """The current territory; its number alone when the case was read with it."""
    if case.buffer is not None and case.buffer.request.territory is not None:
        return case.buffer.request.territory
    known = getattr(case, "territory_id", None)
    return Territory(pk=known) if known else case.community.territory


def section_of(content: WrittenContent, key: str) -> str:
    """The step where a field or a piece is written; empty for one the form no longer has."""
    for section in content.procedure.sections:
        if any(field.key == key for field in section.fields):
            return section.key
    loose = any(slot.key == key for slot in content.procedure.attachments)
    return ATTACHMENTS_STEP if loose else ""


def missing_before_deposit(content: WrittenContent) -> list[Missing]:
    """List what is missing or wrong, in the order of the form. Empty: it can be deposited."""
    kind = written_of(content.case)
    listed: list[Missing] = []
    for section in content.procedure.sections:
        for field in section.fields:
            listed += [
                Missing(sentence, section.key, field.key)
                for sentence in _missing_field(content, kind, field)
            ]
    placed = {field.key for field in content.procedure.fields if field.kind == "attachment"}
    for slot in content.procedure.attachments:
        if slot.key not in placed:
            listed += [
                Missing(sentence, ATTACHMENTS_STEP, slot.key)
                for sentence in _missing_slot(content, slot)
            ]
    return [*listed, *kind.missing(content.case, content)]


def _missing_field(content: WrittenContent, kind: WrittenKind, field: Field) -> Sequence[str]:
    match field.kind:
        case "territory":
            return _missing_territory(content, kind.words)
        case "population":
            territory = content.territory
            wanted = territory.declared_population and not territory.declared_population_reason
            return [REASON_WANTED] if wanted else ()
        case "attachment":
            return _missing_slot(content, content.procedure.slot(field.key))
        case _ if field.key in content.own:
            return kind.own_fields[field.kind].missing(field, content.own[field.key])
    return _sentences(content, field) if field.is_answer else ()


def _sentences(content: WrittenContent, field: Field) -> tuple[str, ...]:
    """What keeps an answer from being deposited: worked out once for each stored text."""

    def read() -> tuple[str, ...]:
        problems = answer_rules.problems(field, content.answers.get(field.key))
        return tuple(problem.sentence for problem in problems)

    return _kept_sentences.get(content.mark(field), read)


def _missing_slot(content: WrittenContent, slot: AttachmentSlot) -> list[str]:
    found = answer_rules.attachment_problems(
        slot, files=content.files.get(slot.key, 0), deferral=content.answers.get(slot.key)
    )
    return [problem.sentence for problem in found]


def _missing_territory(content: WrittenContent, words: Words) -> list[str]:
    territory, floor = content.territory, content.procedure.floor
    if territory.is_empty:
        return ["Ajoutez au moins une commune au territoire."]
    sentences = []
    if territory.is_behind:
        sentences.append(
            "Des communes du territoire ont changé au 1er janvier. Ouvrez la page du territoire, "
            "puis voyez et acceptez ce qui est proposé."
        )
    elif territory.gone_count:
        sentences.append(
            "Une commune du territoire n’est plus en vigueur. Retirez-la, puis ajoutez celle qui "
            "la remplace."
            if territory.gone_count == 1
            else f"{territory.gone_count} communes du territoire ne sont plus en vigueur. "
            "Retirez-les, puis ajoutez celles qui les remplacent."
        )
    if content.region.code not in territory.region_codes:
        sentences.append(
            f"Aucune commune du territoire n’est en région {content.region.name}, celle de "
            f"{words.this}. Ajoutez-en une, ou commencez {words.a} dans la région où se trouve le "
            "territoire."
        )
    if territory.below_floor and not floor.is_warning:
        sentences.append(floor.text)
    return sentences
