"""Marks on a grid: what is typed, what is stored, what is refused."""

import pytest

from procedures.grids import COMMENT_MAX_LENGTH, marks_problems, read_marks
from procedures.registry import get

GRID = get("occitanie", 1).circuit.grid("guichet")
MISSIONS, MOBILISATION, TERRITORY = (criterion.label for criterion in GRID.criteria)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, {}),
        ({"missions": {"mark": "2"}}, {"missions": {"mark": 2, "comment": ""}}),
        (
            {"missions": {"mark": 0, "comment": " Non. "}},
            {"missions": {"mark": 0, "comment": "Non."}},
        ),
        ({"missions": {"mark": " "}}, {}),
        (
            {"missions": {"comment": "Rien à dire."}},
            {"missions": {"mark": None, "comment": "Rien à dire."}},
        ),
        ({"missions": {"mark": "deux"}}, {"missions": {"mark": "deux", "comment": ""}}),
        ({"missions": "2", "unknown": {"mark": 1}}, {}),
        ({"missions": {"mark": "²"}}, {"missions": {"mark": "²", "comment": ""}}),
    ],
)
def test_marks_are_read_as_typed(given, stored):
    assert read_marks(GRID, given) == stored


def sentences(marks, *, complete):
    return [one.replace("\u00a0", " ") for one in marks_problems(GRID, marks, complete=complete)]


def test_a_draft_may_leave_criteria_unmarked_an_opinion_may_not():
    marks = {"mobilisation": {"mark": 1, "comment": ""}}
    assert sentences(marks, complete=False) == []
    assert sentences(marks, complete=True) == [
        f"Notez le critère « {MISSIONS} ».",
        f"Notez le critère « {TERRITORY} ».",
    ]


@pytest.mark.parametrize("mark", [4, -1, "deux", True, 1.5])
def test_a_mark_that_is_not_on_the_scale_is_named(mark):
    assert sentences({"missions": {"mark": mark, "comment": ""}}, complete=False) == [
        (
            f"« {mark} » n’est pas une note du critère « {MISSIONS} ». Choisissez parmi : "
            "0 (absent) ; 1 (insuffisant) ; 2 (satisfaisant) ; 3 (très satisfaisant)."
        )
    ]


def test_a_comment_has_its_bound():
    marks = {"missions": {"mark": 1, "comment": "x" * (COMMENT_MAX_LENGTH + 1)}}
    assert sentences(marks, complete=False) == [
        (
            f"Le commentaire du critère « {MISSIONS} » compte 2001 caractères ; il en accepte 2000 "
            "au plus. Raccourcissez-le."
        )
    ]
    assert MOBILISATION not in str(sentences(marks, complete=False))
