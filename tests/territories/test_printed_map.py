"""The map of a territory on paper: what is drawn, what it says, and where it stays away."""

import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from territories.contours import load_contours
from territories.map_svg import UNITS_PER_MM, WIDTH, Outline, draw, frames
from territories.maps import TerritoryMap, printed_map
from territories.models import Commune
from territories.outlines import STEPS_PER_DEGREE
from tests.territories.outlines import feature, grid, square, write

SVG = "{http://www.w3.org/2000/svg}"
NBSP = "\u00a0"
NINE = ["81001", "81002", "81003", "81004", "81005", "81006", "81007", "81008", "81009"]
DEPARTMENTS = {"81": "Tarn", "12": "Aveyron"}


def tile(code: str, column: int, row: int, *, side: int = 100, south: int = 44) -> Outline:
    """A square commune; the first two figures of its code are its département."""
    x, y = column * side, south * STEPS_PER_DEGREE + row * side
    ring = [(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    label = x + side // 2, y + side // 2
    return Outline(
        code, f"Ville {code}", code[:2], 1_000 + column, (x, y, x + side, y + side), label, [ring]
    )


def tiles(columns: int, rows: int) -> list[Outline]:
    return [
        tile(f"81{column:02}{row}", column, row) for row in range(rows) for column in range(columns)
    ]


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own drawing


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in parsed(svg).iter(f"{SVG}text")]


def paths(svg: str, width: str) -> list[str]:
    """The lines drawn with this width."""
    return [
        path.get("d", "")
        for path in parsed(svg).iter(f"{SVG}path")
        if path.get("stroke-width") == width
    ]


OUTLINE, LIMIT, INNER, AROUND = "4.2", "1.8", ".9", ".8"


def shown(outlines: list[Outline], whole: set[str], parts: set[str] = frozenset()) -> str:
    return draw(
        outlines, whole=whole, parts=parts, departments=DEPARTMENTS, description="Carte d’essai."
    )


def test_territory_is_one_closed_line_however_many_communes_it_has() -> None:
    svg = shown(tiles(5, 5), {"81011", "81021", "81012", "81022"})

    [outline] = paths(svg, OUTLINE)
    assert (outline.count("M"), outline.count("z")) == (1, 1)


def test_hole_in_the_territory_is_left_white() -> None:
    ring = {one.code for one in tiles(5, 5)} - {"81022"}

    svg = shown(tiles(5, 5), ring)

    [outline] = paths(svg, OUTLINE)
    assert outline.count("z") == 2
    area = next(path for path in parsed(svg).iter(f"{SVG}path") if path.get("fill-rule"))
    assert (area.get("fill-rule"), area.get("d", "").count("z")) == ("evenodd", 2)


def test_departement_border_is_dashed_and_both_are_named() -> None:
    other = [tile(f"12{row}00", 5, row) for row in range(5)]

    svg = shown([*tiles(5, 5), *other], {"81022"})

    assert len(paths(svg, LIMIT)) == 1
    assert {"TARN", "AVEYRON"} <= set(words(svg))
    assert not paths(shown(tiles(5, 5), {"81022"}), LIMIT)
    assert "TARN" not in words(shown(tiles(5, 5), {"81022"}))


def test_part_of_a_commune_is_hatched_the_other_way() -> None:
    svg = shown(tiles(5, 5), {"81022"}, {"81032"})

    dashed = [
        path for path in parsed(svg).iter(f"{SVG}path") if path.get("stroke-dasharray") == "5 4"
    ]
    assert len(dashed) == 1
    # It climbs where the other falls.
    assert "l" in dashed[0].get("d", "")
    assert all("-" in step.split("l")[1] for step in dashed[0].get("d", "").split("M")[1:])


def test_names_never_cover_each_other_and_stay_inside() -> None:
    svg = shown(tiles(20, 20), {one.code for one in tiles(20, 20)})

    boxes = [
        tuple(float(box.get(name, "0")) for name in ("x", "y", "width", "height"))
        for box in parsed(svg).iter(f"{SVG}rect")
        if box.get("rx")
    ]
    assert len(boxes) > 5
    for rank, (x, y, width, height) in enumerate(boxes):
        assert x >= -1
        assert x + width <= WIDTH + 1
        for x2, y2, width2, height2 in boxes[:rank]:
            assert (
                x + width <= x2 + 1
                or x2 + width2 <= x + 1
                or y + height <= y2 + 1
                or y2 + height2 <= y + 1
            )


def test_scale_bar_is_as_long_as_it_says() -> None:
    svg = shown(tiles(10, 10), {one.code for one in tiles(10, 10)})

    label = next(word for word in words(svg) if word.endswith(f"{NBSP}km"))
    bar = next(
        path.get("d", "") for path in parsed(svg).iter(f"{SVG}path") if "h" in path.get("d", "")
    )
    length = int(bar.split("h")[1].split("v")[0])
    side = 100 * 111.32 / STEPS_PER_DEGREE
    [outline] = paths(svg, OUTLINE)
    # The outline begins at a corner and follows a side ten communes long.
    sides = [int(number) for number in outline.split("l")[1].rstrip("z").replace("-", " ").split()]
    assert length / float(label.split(NBSP)[0]) == pytest.approx(max(sides) / (10 * side), rel=0.02)


def test_two_pieces_far_apart_have_a_frame_each() -> None:
    near = [tile("81000", 0, 0), tile("81001", 1, 0)]
    far = [tile("97400", 20_000, 0, south=-21)]

    svg = shown([*near, *far], {"81000", "81001", "97400"})

    assert len(list(parsed(svg).iter(f"{SVG}clipPath"))) == 2
    assert words(svg).count("N") == 2
    assert frames([near[0].box, near[1].box]) == [(0, 220_000, 200, 220_100)]


def test_a_commune_of_its_own_is_drawn_with_its_surroundings() -> None:
    svg = shown(tiles(5, 5), {"81022"})

    root = parsed(svg)
    assert (root.get("role"), root.findtext(f"{SVG}title")) == ("img", "Carte d’essai.")
    assert root.get("width") == f"{WIDTH / UNITS_PER_MM:g}mm"
    assert paths(svg, AROUND)
    assert "Ville 81022" in words(svg)


def test_nothing_to_draw_gives_nothing() -> None:
    assert shown(tiles(2, 2), {"75056"}) == ""


def test_names_are_escaped() -> None:
    odd = Outline(
        "81000",
        "L’<b>Île & Co",
        "81",
        9,
        (0, 0, 100, 100),
        (50, 50),
        [[(0, 0), (100, 0), (100, 100), (0, 100)]],
    )

    assert "L’<b>Île & Co" in words(shown([odd], {"81000"}))


def test_four_hundred_communes_are_light_and_quick() -> None:
    outlines = tiles(30, 30)
    inside = {one.code for one in outlines[:400]}
    start = time.process_time()
    svg = shown(outlines, inside)
    assert len(svg.encode()) < 60_000
    assert time.process_time() - start < 1


# --- With the outlines of the portal ---------------------------------------------------------


@pytest.fixture
def outlines(db: None, tmp_path: Path) -> None:
    load_contours(write(tmp_path / "81.json", grid(NINE, columns=3)))


def printed(*codes: str, part: str = "") -> TerritoryMap | None:
    return printed_map([(code, part) for code in codes], cog_year=2026)


@pytest.mark.usefixtures("outlines")
def test_map_is_told_in_words(django_assert_num_queries) -> None:
    with django_assert_num_queries(5):
        made = printed("81004", "81005")

    assert made is not None
    largest = Commune.objects.filter(pk__in=["81004", "81005"]).order_by("-population")
    names = ", ".join(one.name for one in largest)
    assert made.description == (
        f"Carte{NBSP}: 2{NBSP}communes d’un seul tenant, Tarn (81). "
        f"Les plus peuplées{NBSP}: {names}."
    )
    assert made.svg.count("<svg") == 1
    assert made.caption.startswith("Le territoire est hachuré, en trait épais")
    assert made.caption.endswith("communes au 1er janvier 2026 (INSEE).")


@pytest.mark.usefixtures("outlines")
def test_pieces_parts_and_missing_outlines_are_said() -> None:
    apart, part, lacking = (
        printed("81001", "81009"),
        printed("81001", part="Nord"),
        printed("81001", "97411"),
    )

    assert apart is not None
    assert f"2{NBSP}communes en 2{NBSP}morceaux" in apart.description
    assert part is not None
    assert "commune prise en partie" in part.caption
    assert lacking is not None
    assert f"Sans contour, non dessinées{NBSP}: Saint-Denis." in lacking.caption


@pytest.mark.usefixtures("outlines")
def test_a_territory_without_any_outline_has_no_map() -> None:
    assert printed("97411") is None
    assert printed() is None


@pytest.mark.django_db
def test_without_outlines_there_is_no_map() -> None:
    assert printed("81004") is None


@pytest.mark.django_db
def test_neighbours_seen_in_the_frame_are_drawn_and_others_left_out(tmp_path: Path) -> None:
    near = grid(NINE, columns=3)
    far = [feature("81065", square(40, 0))]
    load_contours(write(tmp_path / "81.json", near + far))

    made = printed("81005")

    assert made is not None
    assert Commune.objects.get(pk="81065").name not in words(made.svg)


def test_frames_side_by_side_have_one_height() -> None:
    wide = [tile(f"81{column:03}", column, 0) for column in range(4)]
    tall = [tile(f"974{row:02}", 20_000, row, south=-21) for row in range(4)]

    svg = shown([*wide, *tall], {one.code for one in [*wide, *tall]})

    heights = [int(clip[0].get("height", "0")) for clip in parsed(svg).iter(f"{SVG}clipPath")]
    assert heights == [385, 385]
