"""The drawings of machines and circuits say what the code does today."""

import re

import pytest
from django.core.management import CommandError, call_command

from letters.models import LetterOfIntent
from procedures import registry
from workflow import documentation
from workflow.documentation import pages, stale_pages, transitions_of


def test_the_drawings_are_up_to_date():
    assert [path.name for path in stale_pages()] == []


def test_a_stale_drawing_fails_the_check_and_is_drawn_again(tmp_path, monkeypatch):
    monkeypatch.setattr(documentation, "CIRCUITS_FOLDER", tmp_path)
    (tmp_path / "ancienne.md").write_text("vieux", encoding="utf-8")
    with pytest.raises(CommandError, match=r"lettre-d-intention\.md"):
        call_command("document_workflow", "--check")
    call_command("document_workflow")
    call_command("document_workflow", "--check")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "contrat.md",
        "hauts-de-france-projet.md",
        "hauts-de-france.md",
        "lettre-d-intention-qui-fait-quoi.md",
        "lettre-d-intention.md",
        "national-projet.md",
        "national.md",
        "occitanie-projet.md",
        "occitanie.md",
        "pays-de-la-loire-projet.md",
        "pays-de-la-loire.md",
        "projet-de-sante-qui-fait-quoi.md",
        "projet-de-sante.md",
    ]


def test_every_transition_is_an_arrow_and_a_row():
    page = next(text for path, text in pages().items() if path.stem == "lettre-d-intention")
    moves = transitions_of(LetterOfIntent)
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", page, flags=re.MULTILINE)
    assert arrows == [(move.source, move.target, move.custom["label"]) for move in moves]
    assert re.findall(r"\| `(\w+)` \| `\w+` \|$", page, flags=re.MULTILINE) == [
        m.name for m in moves
    ]


def test_every_body_of_a_circuit_is_drawn_and_told_in_words():
    drawn = {path.stem: text for path, text in pages().items()}
    for procedure in registry.all_procedures():
        page = drawn[procedure.key]
        for line in procedure.circuit.consultations:
            assert page.count(line.label) == 2
        assert ("synthesis[" in page) == (procedure.circuit.synthesis is not None)
        assert ("meeting[" in page) == (procedure.circuit.meeting is not None)
