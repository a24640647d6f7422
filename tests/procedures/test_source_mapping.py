"""Every field of the source documents is in the portal: in order, under its headings."""

import re
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command

from procedures import documentation, registry
from procedures.mapping import document_of, gaps
from procedures.schema import Procedure, ProcedureKind
from procedures.sources import read_sources

DOCUMENTS = read_sources()


def plain(sentences: list[str]) -> list[str]:
    """The sentences with ordinary spaces."""
    return [sentence.replace("\u00a0", " ") for sentence in sentences]


def without(procedure: Procedure, *sources: str) -> Procedure:
    """The procedure as if no field said it carries these source fields."""
    return replace(
        procedure,
        sections=tuple(
            replace(
                section,
                fields=tuple(
                    replace(field, source=tuple(s for s in field.source if s not in sources))
                    for field in section.fields
                ),
            )
            for section in procedure.sections
        ),
    )


LETTERS = registry.all_procedures(ProcedureKind.LETTER_OF_INTENT)
PROJECTS = registry.all_procedures(ProcedureKind.HEALTH_PROJECT)


@pytest.mark.parametrize("procedure", LETTERS, ids=lambda p: p.key)
def test_every_source_field_is_mapped(procedure):
    document = document_of(procedure, DOCUMENTS)
    assert document is not None
    assert gaps(procedure, document) == []


@pytest.mark.parametrize("procedure", PROJECTS, ids=lambda p: p.key)
def test_each_project_follows_the_only_frame_that_was_read(procedure):
    assert gaps(procedure, DOCUMENTS["pdlp"]) == []


def test_what_a_letter_said_has_a_place_in_the_project():
    """The keys both forms have are one field: an answer goes from one to the other."""
    shared = [
        {field.key for field in letter.fields} & {field.key for field in project.fields}
        for letter, project in zip(LETTERS, PROJECTS, strict=True)
    ]
    identity = {
        "title",
        "contact_name",
        "contact_profession",
        "contact_address",
        "contact_email",
        "contact_phone",
        "territory",
        "population",
        "size_class",
        "signature",
    }
    assert [sorted(keys - identity) for keys in shared] == [
        ["existing_structures", "other", "partners"],
        ["difficult_pathways", "existing_structures", "map", "other", "partners", "prediagnosis"],
        ["difficult_pathways", "map", "other", "partners", "prediagnosis"],
        ["other", "territory_limits"],
    ]


def test_what_the_letter_calls_otherwise_opens_a_field_of_the_project():
    assert {
        project.key: {field.key: field.starts_from for field in project.fields if field.starts_from}
        for project in PROJECTS
    } == {
        "hauts-de-france-projet": {
            "territory_limits": ("territory_rationale",),
            "other_tools": ("existing_coordination",),
            "prediagnosis": ("territory_specifics",),
        },
        "national-projet": {"territory_limits": ("territory_rationale",)},
        "occitanie-projet": {"other_tools": ("existing_tools",)},
        "pays-de-la-loire-projet": {
            "existing_structures": ("main_health_actors",),
            "prediagnosis": ("origin",),
        },
    }


def test_the_documents_are_listed_whole():
    assert {key: len(document.fields) for key, document in DOCUMENTS.items()} == {
        "hdf": 27,
        "pdl": 8,
        "occ": 30,
        "guide": 5,
        "pdlp": 12,
    }


def test_a_source_field_nobody_carries_is_told():
    procedure = without(registry.current("occitanie"), "occ.tools")
    assert plain(gaps(procedure, DOCUMENTS["occ"])) == ["occ.tools : aucun champ ne le porte."]


def test_a_field_out_of_the_order_of_its_document_is_told():
    procedure = registry.current("hauts-de-france")
    reordered = replace(procedure, sections=tuple(reversed(procedure.sections)))
    assert "hdf.origin : « origin » n’est pas dans l’ordre du document." in plain(
        gaps(reordered, DOCUMENTS["hdf"])
    )


def test_a_lost_column_is_told():
    procedure = registry.current("occitanie")
    team = procedure.section("team")
    fields = (replace(team.fields[0], columns=team.fields[0].columns[:-1]), team.fields[1])
    sections = tuple(
        replace(section, fields=fields) if section.key == "team" else section
        for section in procedure.sections
    )
    (gap,) = plain(gaps(replace(procedure, sections=sections), DOCUMENTS["occ"]))
    assert gap.startswith("occ.team : les colonnes de « team » diffèrent")


def test_a_field_away_from_its_heading_is_told():
    procedure = registry.current("pays-de-la-loire")
    sections = tuple(replace(section, heading="Autre") for section in procedure.sections)
    told = plain(gaps(replace(procedure, sections=sections), DOCUMENTS["pdl"]))
    assert told[0] == "pdl.team : « team » n’est pas sous « Equipe projet de démarrage »."


def test_what_regions_share_is_one_field():
    keys = [{field.key for field in p.fields} for p in LETTERS]
    assert set.intersection(*keys) >= {
        "title",
        "contact_name",
        "contact_profession",
        "contact_address",
        "contact_email",
        "contact_phone",
        "territory",
        "population",
        "size_class",
        "team",
        "signature",
    }


def test_the_missions_are_the_same_everywhere():
    rows = {
        procedure.key: [row.key for row in procedure.field("missions").fixed_rows]
        for procedure in LETTERS
        if procedure.key != "pays-de-la-loire"
    }
    missions = [
        "attending_physician",
        "unscheduled_care",
        "care_pathways",
        "prevention",
        "health_crisis",
        "quality_relevance",
        "professional_support",
    ]
    assert rows == {
        "hauts-de-france": missions,
        "national": [*missions, "other"],
        "occitanie": [*missions, "other"],
    }


def test_the_pages_of_the_docs_are_up_to_date():
    assert [path.name for path in documentation.stale_pages()] == []


def test_a_stale_page_fails_the_check_and_is_written_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(documentation, "FORMS_FOLDER", tmp_path)
    (tmp_path / "ancienne.md").write_text("vieux", encoding="utf-8")
    with pytest.raises(CommandError, match=r"occitanie\.md"):
        call_command("document_procedures", "--check")
    call_command("document_procedures")
    call_command("document_procedures", "--check")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "hauts-de-france-projet.md",
        "hauts-de-france.md",
        "national-projet.md",
        "national.md",
        "occitanie-projet.md",
        "occitanie.md",
        "pays-de-la-loire-projet.md",
        "pays-de-la-loire.md",
    ]


@pytest.mark.parametrize(
    "path",
    [
        *registry.procedure_files(registry.REGIONS_FOLDER),
        registry.REGIONS_FOLDER / "../sources.toml",
    ],
    ids=lambda path: path.name,
)
def test_french_texts_are_typeset(path):
    lines = [
        f"{number}: {line}"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if not line.startswith("#")
        and (re.search(r" [:;!?»]|« |[^\u00a0 ]»|«[^\u00a0]|\w'\w", line))
    ]
    assert lines == []


def test_each_question_has_its_words_of_help():
    silent = [
        f"{procedure.key}.{field.key}"
        for procedure in registry.all_procedures()
        for field in procedure.fields
        if not field.help
    ]
    assert silent == []
