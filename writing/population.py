"""The population a CPTS declares beside the computed one. The territory keeps it, not an answer."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from procedures import answers as answer_rules
from procedures.schema import Field
from territories.population import TerritorySummary
from workflow.services import ActionRefusedError
from writing.content import REASON_WANTED, territory_of
from writing.models import WrittenCase
from writing.services import Conflict, Saved

PARTS: Final = ("declared", "reason")
MAX_REASON: Final = 500


def stored(territory: TerritorySummary) -> dict[str, str]:
    """The declared figure and its reason as typed texts."""
    declared = territory.declared_population
    return {
        "declared": "" if declared is None else str(declared),
        "reason": territory.declared_population_reason,
    }


def mark(value: Mapping[str, str]) -> int:
    """Stands for the revision of this field: it changes when what is declared changes."""
    text = f"{value['declared']}|{value['reason']}"
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:7], 16)


@dataclass(frozen=True)
class PopulationProblem:
    """What is to mend, as a French sentence."""

    sentence: str
    column: str


def problems(field: Field, value: Mapping[str, str]) -> list[PopulationProblem]:
    """What is wrong with a declared population; nothing when none is declared."""
    declared, reason = value.get("declared", "").strip(), value.get("reason", "").strip()
    found: list[PopulationProblem] = []
    if declared and answer_rules.read_number(declared) in {"", "0"}:
        found.append(
            PopulationProblem(
                f"«\u00a0{field.label}\u00a0»\u00a0: «\u00a0{declared[:60]}\u00a0» n’est pas un "
                "nombre d’habitants. Écrivez-le en chiffres, comme 54\u00a0800.",
                "declared",
            )
        )
    elif declared and not reason:
        found.append(PopulationProblem(REASON_WANTED, "reason"))
    if len(reason) > MAX_REASON:
        found.append(
            PopulationProblem(
                f"Le motif compte {len(reason)} caractères\u00a0; la limite est de {MAX_REASON}. "
                "Raccourcissez-le.",
                "reason",
            )
        )
    return found


_UPDATE = """
    UPDATE territories_territory AS territory
       SET declared_population = %(declared)s::integer, declared_population_reason = %(reason)s
     WHERE territory.id = coalesce(%(copy)s::bigint, (
               SELECT link.territory_id FROM communities_communityterritory AS link
                WHERE link.community_id = %(community)s AND link.valid_to IS NULL))
       AND (%(base)s::integer IS NULL OR %(base)s::integer = ('x' || substr(md5(
               coalesce(territory.declared_population::text, '') || '|'
               || territory.declared_population_reason), 1, 7))::bit(28)::integer
            OR (territory.declared_population IS NOT DISTINCT FROM %(declared)s::integer
                AND territory.declared_population_reason = %(reason)s))
"""


def save(
    case: WrittenCase, field: Field, raw: Any, *, base_revision: int | None
) -> Saved | Conflict:
    """Write the declared population, in one statement, unless somebody changed it meanwhile.

    `base_revision` is the `mark` of what the person started from, None to write over. The
    caller holds the lock on the case.

    Raises ActionRefusedError for what the territory cannot hold: no number, too long a reason.
    """
    value = read(raw)
    found = problems(field, value)
    if any(problem.column == "declared" for problem in found) or len(value["reason"]) > MAX_REASON:
        raise ActionRefusedError(found[-1].sentence)
    with connection.cursor() as cursor:
        cursor.execute(
            _UPDATE,
            {
                "declared": int(value["declared"]) if value["declared"] else None,
                "reason": value["reason"],
                "community": case.community_id,
                "copy": case.buffer.territory_id if case.buffer else None,
                "base": base_revision,
            },
        )
        written = cursor.rowcount == 1
    if written:
        if case.buffer is not None:
            case.buffer.items[field.key].count_change()
        return Saved(mark(value), [problem.sentence for problem in found])
    now = territory_of(case)
    now.refresh_from_db()
    theirs = {
        "declared": "" if now.declared_population is None else str(now.declared_population),
        "reason": now.declared_population_reason,
    }
    return Conflict(mark(theirs), theirs, "Un autre membre de l’équipe", timezone.now())


def read(raw: Any) -> dict[str, str]:
    """The two texts of whatever a page or a script sent, tidied."""
    parts = raw if isinstance(raw, Mapping) else {"declared": raw}
    texts = {part: _storable(parts.get(part)) for part in PARTS}
    texts["declared"] = answer_rules.read_number(texts["declared"]) or texts["declared"]
    return texts


def _storable(raw: Any) -> str:
    """A text without what the database refuses: NUL, and halves of characters."""
    text = "" if raw is None else str(raw)
    return text.replace("\x00", "").encode("utf-8", "ignore").decode().strip()
