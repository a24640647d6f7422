from hypothesis import given
from hypothesis import strategies as st

from territories.succession import (
    Change,
    ChangeKind,
    Held,
    Kept,
    Place,
    Step,
    keep,
    keep_part,
    propose,
    read_changes,
)
from tests.territories import cog_years


def places(year: int) -> dict[str, Place]:
    return {
        code: Place(code, name, department, siren, int(population))
        for code, _, name, department, _, siren, _, population in cog_years.COMMUNES[year]
        if code != "12083"
    }


def former(year: int) -> dict[str, str]:
    return {code: current for code, _, _, current in cog_years.FORMER[year]}


def between(one: int, other: int):
    return read_changes(
        places(one), places(other), former_before=former(one), former_after=former(other)
    )


def told(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.kind.name, str(change)) for change in changes]


MERGER = (
    "Saint-Martin-Sepert (19223), Saint-Pardoux-Corbier (19230) et Saint-Ybard (19248)",
    "Les Trois-Saints (19248)",
)
SPLIT = (
    "Neussargues en Pinatelle (15141)",
    (
        "Celles (15031), Chalinargues (15035), Chavagnac (15047), Neussargues-Moissac (15141) et "
        "Sainte-Anastasie (15171)"
    ),
)


def test_what_merges_splits_and_changes_code_is_told_from_2024_to_2026() -> None:
    assert told(between(2024, 2026).changes) == [
        ("MERGED", f"{MERGER[0]} → {MERGER[1]}"),
        ("SPLIT", f"{SPLIT[0]} → {SPLIT[1]}"),
        ("RENUMBERED", "Conques-en-Rouergue (12076) → Conques-en-Rouergue (12218)"),
    ]


def test_the_same_year_backwards_is_told_the_other_way_round() -> None:
    assert told(between(2026, 2024).changes) == [
        ("MERGED", f"{SPLIT[1]} → {SPLIT[0]}"),
        ("SPLIT", f"{MERGER[1]} → {MERGER[0]}"),
        ("RENUMBERED", "Conques-en-Rouergue (12218) → Conques-en-Rouergue (12076)"),
    ]


def test_a_commune_that_only_changes_name_intercommunality_or_population_stays() -> None:
    old = {"81004": Place("81004", "Albi", "81", "1", 50)}
    new = {"81004": Place("81004", "Albi-la-Rouge", "31", "2", 51)}
    changes = read_changes(old, new, former_before={}, former_after={})
    assert [change.kind for change in changes.changes] == [
        ChangeKind.RENAMED,
        ChangeKind.DEPARTMENT,
        ChangeKind.INTERCOMMUNALITY,
        ChangeKind.POPULATION,
    ]
    assert changes.links == {}


def test_a_commune_nobody_knows_the_past_or_the_future_of_is_said_apart() -> None:
    changes = read_changes(
        {"A": Place("A", "Ancienne")}, {"B": Place("B", "Neuve")}, former_before={}, former_after={}
    )
    assert told(changes.changes) == [("CREATED", " → Neuve (B)"), ("RETIRED", "Ancienne (A) → ")]


def test_what_splits_while_another_joins_is_a_recomposition() -> None:
    changes = read_changes(
        {"A": Place("A", "A"), "G": Place("G", "G")},
        {"A": Place("A", "A"), "N": Place("N", "N")},
        former_before={"N": "A"},
        former_after={"G": "A"},
    )
    assert [change.kind for change in changes.changes] == [ChangeKind.REDRAWN]
    assert changes.links == {"A": ("A", "N"), "G": ("A",)}
    assert keep({"A": 10}, changes.step) == {"A": [Kept("A", "A", None), Kept("N")]}


# --- A draft -------------------------------------------------------------------------------------

FORWARD, BACK = between(2024, 2026).step, between(2026, 2024).step


def codes(lines: list[Held]) -> list[str]:
    return [line.code for line in lines]


def test_a_draft_is_proposed_the_whole_of_the_new_communes() -> None:
    held = [Held("12076"), Held("15141"), Held("19223"), Held("19230"), Held("81004")]
    assert codes(propose(held, FORWARD)) == [
        "12218",
        "15031",
        "15035",
        "15047",
        "15141",
        "15171",
        "19248",
        "81004",
    ]


def test_a_part_keeps_its_name_in_the_commune_it_is_now_in() -> None:
    assert propose([Held("19223", "Le Bourg", 120)], FORWARD) == [Held("19248", "Le Bourg", 120)]
    whole_beside = [Held("19223", "Le Bourg", 120), Held("19230")]
    assert [(one.code, one.part) for one in propose(whole_beside, FORWARD)] == [("19248", "")]


def test_a_part_that_bears_the_name_of_a_commune_made_whole_again_becomes_it() -> None:
    assert propose([Held("15141", "Chalinargues", 300)], FORWARD) == [Held("15035")]
    assert propose([Held("15141", "La gare")], FORWARD) == [Held("15141", "La gare")]


def test_a_year_undone_gives_back_only_what_was_held() -> None:
    forward = propose([Held("19223"), Held("81004")], FORWARD)
    assert codes(forward) == ["19248", "81004"]
    assert codes(propose(forward, BACK)) == ["19223", "81004"]


@given(st.sets(st.sampled_from(sorted(places(2024)))))
def test_there_and_back_a_draft_is_what_it_was(held: set[str]) -> None:
    there = propose([Held(code) for code in held], FORWARD)
    assert codes(propose(there, BACK)) == sorted(held)


# --- A filed case --------------------------------------------------------------------------------


def test_a_filed_case_that_held_all_of_a_new_commune_holds_it_whole() -> None:
    assert keep({"19223": 267, "19230": 383, "19248": 717}, FORWARD) == {
        "19223": [Kept("19248")],
        "19230": [Kept("19248")],
        "19248": [Kept("19248")],
    }


def test_a_filed_case_that_held_some_of_it_holds_the_part_that_bears_its_name() -> None:
    assert keep({"19223": 267, "81004": 50_000}, FORWARD) == {
        "19223": [Kept("19248", "Saint-Martin-Sepert", 267)]
    }
    assert keep({"19248": 717}, FORWARD) == {"19248": [Kept("19248", "Saint-Ybard", 717)]}


def test_a_filed_case_keeps_every_piece_of_a_commune_that_splits() -> None:
    assert keep({"15141": 1577}, FORWARD)["15141"] == [
        Kept("15031"),
        Kept("15035"),
        Kept("15047"),
        Kept("15141"),
        Kept("15171"),
    ]


def test_a_part_made_by_a_merger_is_whole_again_when_it_is_undone() -> None:
    assert keep_part("saint martin sepert", "19248", BACK) == Kept("19223")
    assert keep_part("le bourg", "81004", BACK) is None


def test_names_are_compared_give_or_take_accents() -> None:
    step = Step({"A": ("B", "C")}, {"A": "A"}, {"B": "Écouen", "C": "Évry"})
    assert step.named("ECOUEN", ("B", "C")) == "B"
    assert step.named("Lille", ("B", "C")) == ""
