from hypothesis import given
from hypothesis import strategies as st

from territories.overlap import Line, common, inhabitants, part_key

# Populations that agree for one place, as they do in the reference data.
KEYS = ["", "le mirail", "rangueil"]
lines = st.sets(st.tuples(st.sampled_from(["31555", "81140", "81271"]), st.sampled_from(KEYS))).map(
    lambda places: [Line(code, key, 1_000 if key else 9_000) for code, key in sorted(places)]
)


def test_a_whole_commune_overlaps_itself_and_any_part_of_it() -> None:
    whole, part = Line("31555", "", 500_000), Line("31555", "le mirail", 30_000)

    assert common([whole], [whole]) == [whole]
    assert common([whole], [part]) == [part]
    assert common([part], [whole]) == [part]


def test_two_parts_overlap_only_when_they_bear_the_same_name() -> None:
    mirail = Line("31555", part_key("Le Mirail"), None)
    same = Line("31555", part_key("  le MIRAIL "), 30_000)
    other = Line("31555", part_key("Rangueil"), 20_000)

    assert common([mirail], [same]) == [same]
    assert common([mirail], [other]) == []


def test_the_people_of_a_part_are_counted_not_those_of_the_commune() -> None:
    whole, part = Line("31555", "", 500_000), Line("31555", "le mirail", 30_000)

    assert inhabitants(common([whole], [part])) == 30_000
    assert inhabitants([Line("31555", "", None)]) == 0


@given(lines, lines)
def test_an_overlap_is_the_same_from_both_sides(mine: list[Line], theirs: list[Line]) -> None:
    assert common(mine, theirs) == common(theirs, mine)


@given(lines)
def test_a_territory_overlaps_itself_whole(mine: list[Line]) -> None:
    assert set(common(mine, mine)) >= {one for one in mine if not one.part_key}
    assert {one.commune for one in common(mine, mine)} == {one.commune for one in mine}


@given(lines, lines)
def test_an_overlap_never_leaves_either_territory(mine: list[Line], theirs: list[Line]) -> None:
    held = {one.commune for one in mine} & {one.commune for one in theirs}

    assert {one.commune for one in common(mine, theirs)} <= held
