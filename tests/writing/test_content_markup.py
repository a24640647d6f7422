"""The letter as it is read again: nothing a person wrote is taken for HTML, nothing is left out."""

import uuid
from html import unescape
from typing import Any

import pytest

from writing import content_markup
from writing.kinds import written

WRITTEN = '<b onclick="x()">l’« équipe » & co</b>'
SUMMARY = {
    "commune_count": 1,
    "population": 1_234,
    "declared_population": 1_500,
    "declared_population_reason": WRITTEN,
    "size_class": "T1",
    "below_floor": True,
    "cog_year": 2026,
    "population_year": 2023,
}
LINE = {
    "code": "81004",
    "name": WRITTEN,
    "department_name": "Tarn",
    "postal_codes": ["81000"],
    "population": 51_290,
    "part_name": WRITTEN,
    "part_population": None,
}
SIGNATURE = {"commitment": WRITTEN, "name": WRITTEN, "place": WRITTEN, "account": WRITTEN}
DISPLAY: dict[str, Any] = {
    "boxes": (),
    "pairs": (),
    "lines": (),
    "rows": (),
    "header": (),
    "blank": False,
    "row_headers": False,
}
CELLS = (
    {"lines": (WRITTEN, WRITTEN), "boxes": (), "number": False},
    {"lines": (), "boxes": ({"label": WRITTEN, "ticked": True},), "number": True},
)


def _letter(kind: str, **display: Any) -> dict[str, Any]:
    field = {"key": "notes", "kind": kind, "group": WRITTEN, "label": WRITTEN}
    return {
        "sections": [
            {
                "key": "one",
                "part": WRITTEN,
                "title": WRITTEN,
                "fields": [field | {"display": DISPLAY | display}],
            }
        ],
        "territory": [LINE],
        "summary": SUMMARY,
        "attachments": [
            {
                "key": "notes",
                "deferred": "",
                "files": [{"id": str(uuid.uuid4()), "name": WRITTEN, "size": 3}],
            }
        ],
        "signature": SIGNATURE,
    }


@pytest.mark.parametrize(
    ("letter", "times"),
    [
        (_letter("territory"), 4 + 2),
        (_letter("population"), 4 + 1),
        (_letter("attachment"), 4 + 1),
        (_letter("signature"), 4 + 4),
        (_letter("paragraph", lines=(WRITTEN, WRITTEN)), 4 + 2),
        (_letter("choice", boxes=({"label": WRITTEN, "ticked": False},)), 4 + 1),
        (_letter("structure", pairs=((WRITTEN, WRITTEN),)), 4 + 2),
        (_letter("table", header=(WRITTEN,), rows=(CELLS,)), 4 + 2 + 1 + 3),
        (_letter("table", header=(WRITTEN,), rows=(CELLS,), row_headers=True), 4 + 2 + 1 + 3),
    ],
    ids=lambda value: value["sections"][0]["fields"][0]["kind"] if isinstance(value, dict) else "",
)
def test_what_a_person_wrote_is_shown_as_written(letter: dict[str, Any], times: int) -> None:
    drawn = content_markup.content(written("letter_of_intent"), letter, uuid.uuid4())

    assert (drawn.count("<b "), unescape(drawn).count(WRITTEN)) == (0, times)


def test_a_draft_has_no_signature_to_show() -> None:
    letter = _letter("signature") | {"signature": None}

    assert "case-field" not in content_markup.content(
        written("letter_of_intent"), letter, uuid.uuid4()
    )
