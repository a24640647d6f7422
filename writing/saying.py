"""What a case says, in the shape its documents are made from: now, or frozen at its deposit."""

from collections.abc import Mapping
from typing import Any

from procedures import answers as answer_rules
from procedures.schema import Field, Section
from territories.population import TerritorySummary
from territories.services import territory_as_data
from writing.content import WrittenContent, territory_of
from writing.files import held_files
from writing.kinds import written_of
from writing.models import WrittenCase


def territory_kept(case: WrittenCase, content: WrittenContent) -> dict[str, Any] | None:
    """The communes and figures of the deposit before, where a new year was not accepted since.

    A case whose territory was not to be completed is deposited again as it was: communes that
    have merged meanwhile would count twice. None for a first deposit, and in the same year.
    """
    if not content.territory.is_behind:
        return None
    before = case.snapshots.order_by("-version").first()
    return {key: before.content[key] for key in ("territory", "summary")} if before else None


def content_as_data(case: WrittenCase, content: WrittenContent) -> dict[str, Any]:
    """What the draft says now, in the shape documents are made from."""
    procedure = content.procedure
    own = own_as_data(case, content)
    return {
        "kind": case.kind,
        "title": case.title,
        "region": {"code": case.region_id, "name": case.region.name},
        "procedure": {
            "key": procedure.key,
            "version": procedure.version,
            "label": procedure.label,
        },
        "sections": [_section_as_data(section, content, own) for section in procedure.sections],
        **beside_answers(case, content),
    }


def beside_answers(case: WrittenCase, content: WrittenContent) -> dict[str, Any]:
    """What a case says besides its answers: its communes, their figures, its files."""
    return {
        **written_of(case).beside(case, content),
        "territory": territory_as_data(territory_of(case)),
        "summary": summary_as_data(content.territory),
        "attachments": _attachments_as_data(case, content),
    }


def own_as_data(case: WrittenCase, content: WrittenContent) -> dict[str, dict[str, Any]]:
    """What the fields of the kind's own say, by key."""
    own = written_of(case).own_fields
    return {
        key: own[field.kind].as_data(case, field, held)
        for key, held in content.own.items()
        for field in [content.procedure.field(key)]
    }


def _section_as_data(
    section: Section, content: WrittenContent, own: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    return {
        "key": section.key,
        "title": section.title,
        "heading": section.heading,
        "part": section.part,
        "fields": [
            _field_as_data(field, content) | own.get(field.key, {}) for field in section.fields
        ],
    }


def _field_as_data(field: Field, content: WrittenContent) -> dict[str, Any]:
    """A field and its answer; what is computed (communes, size…) sits beside, under its kind."""
    value = content.answers.get(field.key) if field.is_answer else None
    return {
        "key": field.key,
        "kind": field.kind.value,
        "group": field.group,
        "label": field.printed_label,
        "value": value,
        "display": answer_rules.as_data(answer_rules.display(field, value))
        if field.is_answer
        else None,
    }


def summary_as_data(territory: TerritorySummary) -> dict[str, Any]:
    return {
        "commune_count": territory.commune_count,
        "population": territory.population,
        "declared_population": territory.declared_population,
        "declared_population_reason": territory.declared_population_reason,
        "size_class": territory.size_class,
        "below_floor": territory.below_floor,
        "department_codes": list(territory.department_codes),
        "cog_year": territory.cog_year,
        "population_year": territory.population_year,
    }


def _attachments_as_data(case: WrittenCase, content: WrittenContent) -> list[dict[str, Any]]:
    files: dict[str, list[dict[str, Any]]] = {}
    for file in held_files(case) if content.files else []:
        files.setdefault(file.slot, []).append(
            {
                "id": str(file.id),
                "name": file.name,
                "content_type": file.content_type,
                "size": file.size,
                "sha256": file.sha256,
            }
        )
    return [
        {
            "key": slot.key,
            "label": slot.label,
            "files": files.get(slot.key, []),
            "deferred": content.deferred.get(slot.key, ""),
        }
        for slot in content.procedure.attachments
    ]
