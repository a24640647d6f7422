"""What a project holds beside its form, as it is frozen, printed and lacking.

Action sheets, the association and the coherence with the plans of the territory. The members
are in `people`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from health_projects import coherence, entity, sheet_showing, sheets
from health_projects.matrix import MatrixRow


def printed_sheets(value: Sequence[sheets.Data], *, is_public: bool) -> Any:
    """What the PDF prints of frozen sheets; without the name of any person in the public copy."""
    if not value:
        return None
    return {
        "sheets": [sheet_showing.show(one, public=is_public) for one in value],
        "rows": _covered(value),
    }


def _covered(value: Sequence[sheets.Data]) -> list[MatrixRow]:
    """The missions, then the themes, that frozen sheets are linked to, each with its sheets."""
    labels: dict[tuple[str, str], str] = {}
    for kind in ("missions", "themes"):
        for sheet in value:
            for one in sheet[kind]:
                labels.setdefault((kind, one["key"]), one["label"])
    return [
        MatrixRow(
            label=label,
            note="mission" if kind == "missions" else "thème",
            cells=tuple(any(one["key"] == key for one in sheet[kind]) for sheet in value),
            is_wanted=False,
        )
        for (kind, key), label in labels.items()
    ]


def printed_entity(value: Mapping[str, Any], **_given: Any) -> Any:
    """What the PDF prints of the frozen association: nothing of it is a person's."""
    return entity.show(value) or None


def printed_coherence(value: Sequence[Mapping[str, Any]], *, is_public: bool) -> Any:
    """What the PDF prints of the coherence: the team's column; its comments are its own."""
    lines = coherence.show(value)
    if is_public:
        return [(plan, finding, "", reference) for plan, finding, _, reference in lines]
    return lines or None
