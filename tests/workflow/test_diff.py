"""What changed between two frozen contents, whatever they are made of."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workflow.diff import (
    CommuneChange,
    FieldChange,
    Figure,
    FilesChange,
    RowChange,
    SectionChange,
    TerritoryChange,
    Words,
    compare,
)

texts = st.text(max_size=60)


def text_field(key: str, *lines: str) -> dict[str, Any]:
    return {"key": key, "label": key.upper(), "display": {"lines": list(lines)}}


def table(key: str, *rows: tuple[str, ...]) -> dict[str, Any]:
    cells = [[{"lines": [text]} for text in row] for row in rows]
    return {"key": key, "label": key, "display": {"header": ["Nom", "Rôle"], "rows": cells}}


def content(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"sections": [{"title": "Le projet", "fields": list(fields)}]} | more


def test_nothing_changed_says_nothing():
    same = content(text_field("a", "Un"), table("t", ("Zoé", "Pivot")))
    assert compare(same, same).is_empty
    assert compare({}, {}).is_empty


def test_a_field_shows_both_sides_with_the_words_that_differ():
    changes = compare(content(text_field("a", "Un projet")), content(text_field("a", "Un essai")))
    assert changes.sections == (
        SectionChange(
            "Le projet",
            (
                FieldChange(
                    "a",
                    "A",
                    before=(Words("Un ", changed=False), Words("projet", changed=True)),
                    after=(Words("Un ", changed=False), Words("essai", changed=True)),
                ),
            ),
        ),
    )


def test_rows_are_added_removed_or_changed_by_their_first_cell():
    before = content(table("t", ("Zoé", "Pivot"), ("Ali", "Lien"), ("Noé", "Aide")))
    after = content(table("t", ("Zoé", "Pivot"), ("Ali", "Chef"), ("Eve", "Aide")))
    (section,) = compare(before, after).sections
    assert section.fields[0].rows == (
        RowChange("removed", before=("Noé", "Aide")),
        RowChange("changed", before=("Ali", "Lien"), after=("Ali", "Chef")),
        RowChange("added", after=("Eve", "Aide")),
    )
    assert section.fields[0].rows[1].cells == [("Ali", "Ali", False), ("Lien", "Chef", True)]


def test_a_single_row_whose_first_cell_changed_is_the_same_row():
    (section,) = compare(
        content(table("t", ("Zoé", "Pivot"))), content(table("t", ("Zoée", "Pivot")))
    ).sections
    assert [row.kind for row in section.fields[0].rows] == ["changed"]


def line(code: str, name: str, population: int, part: str = "") -> dict[str, Any]:
    return {
        "code": code,
        "name": name,
        "population": population,
        "part_name": part,
        "part_population": population if part else None,
    }


def test_communes_come_and_go_with_their_population_and_the_totals():
    before = {
        "territory": [line("59350", "Lille", 238_246), line("31555", "Toulouse", 9_000, "Mirail")],
        "summary": {"commune_count": 2, "population": 247_246, "size_class": "T4"},
    }
    after = {
        # A new census alone is no change of the team's.
        "territory": [line("59350", "Lille", 240_000), line("62041", "Arras", 42_875)],
        "summary": {"commune_count": 2, "population": 282_875, "size_class": "T4"},
    }
    assert compare(before, after).territory == TerritoryChange(
        added=(CommuneChange("Arras", "62041", 42_875),),
        removed=(CommuneChange("Toulouse – Mirail", "31555", 9_000),),
        figures=(Figure("Population", "247\u00a0246", "282\u00a0875"),),
    )


def slot(files: list[tuple[str, str]], deferred: str = "") -> dict[str, Any]:
    return {
        "key": "map",
        "label": "Carte",
        "files": [{"name": name, "sha256": digest} for name, digest in files],
        "deferred": deferred,
    }


def test_files_are_told_by_what_they_hold_not_by_their_name():
    before = {"attachments": [slot([("carte.pdf", "aa"), ("plan.pdf", "bb")])]}
    after = {"attachments": [slot([("Carte v2.pdf", "aa"), ("plan.pdf", "cc")])]}
    assert compare(before, after).files == (
        FilesChange("Carte", added=("plan.pdf",), removed=("plan.pdf",)),
    )
    announced = compare({"attachments": [slot([], "Bientôt.")]}, {"attachments": [slot([])]})
    assert announced.files == (FilesChange("Carte", said=("Bientôt.", "")),)


def test_a_field_the_form_no_longer_has_is_told_as_emptied():
    (section,) = compare(content(text_field("a", "Un")), content()).sections
    assert (section.fields[0].label, section.fields[0].after) == ("A", ())


@given(texts, texts)
def test_both_texts_are_shown_whole_whatever_they_are(before, after):
    changes = compare(content(text_field("a", before)), content(text_field("a", after)))
    if before == after:
        assert changes.is_empty
        return
    (section,) = changes.sections
    change = section.fields[0]
    assert "".join(words.text for words in change.before) == before
    assert "".join(words.text for words in change.after) == after


def test_long_texts_are_compared_at_once():
    before, after = "mot " * 20_000, "autre " * 20_000
    (section,) = compare(content(text_field("a", before)), content(text_field("a", after))).sections
    assert [len(section.fields[0].before), len(section.fields[0].after)] == [1, 1]
