import gzip
import json
from io import StringIO
from pathlib import Path

import brotli
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from territories.contours import (
    ContourError,
    Problem,
    current_contours,
    load_contours,
)
from territories.geometry import borders_of, enclaves, pieces
from territories.models import Commune, CommuneOutline, ContourSet, DepartmentOutline
from territories.outlines import decode, encode
from tests.territories.outlines import feature, grid, square, write

# Albi and eight communes of the Tarn, drawn as three rows of three squares.
NINE = ["81004", "81005", "81006", "81007", "81008", "81009", "81010", "81011", "81012"]
MIDDLE = "81008"

coordinates = st.integers(-900_000, 900_000)
rings = st.lists(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=9), max_size=4)


@given(rings)
def test_what_is_encoded_is_decoded(given_rings: list[list[tuple[int, int]]]) -> None:
    assert decode(encode(given_rings)) == given_rings


@pytest.fixture
def nine(db: None, tmp_path: Path) -> str:
    return write(tmp_path / "81.json", grid(NINE, columns=3))


def test_each_commune_knows_its_neighbours_by_the_length_of_their_border(nine: str) -> None:
    outcome = load_contours(nine)

    middle = CommuneOutline.objects.get(pk=MIDDLE)
    assert (outcome.changed, outcome.problems, outcome.departments) == (True, [], 1)
    # North and south along a parallel, east and west along a meridian: a little longer.
    assert sorted(middle.neighbours[:2]) == ["81007", "81009"]
    assert sorted(middle.neighbours[2:]) == ["81005", "81011"]
    assert middle.borders == sorted(middle.borders, reverse=True)
    assert middle.borders[0] == round(0.02 * 111_320)
    # A corner is no border.
    assert "81004" not in middle.neighbours


def test_neighbours_keep_the_very_same_corners(nine: str) -> None:
    load_contours(nine)

    west, middle = (
        set(decode(CommuneOutline.objects.get(pk=code).rings)[0]) for code in ("81007", MIDDLE)
    )
    assert len(west & middle) == 2


def test_a_departement_is_sent_compressed_and_small(nine: str) -> None:
    load_contours(nine)

    drawn = DepartmentOutline.objects.get(pk="81")
    assert drawn.commune_count == 9
    assert len(drawn.payload) < 600


def test_loading_the_same_files_again_changes_nothing(nine: str) -> None:
    first = load_contours(nine)
    said: list[str] = []

    again = load_contours(nine, report=said.append)

    assert (again.changed, again.contours) == (False, first.contours)
    assert said == [f"Déjà en vigueur : {first.contours}. Rien à charger."]
    assert ContourSet.objects.count() == 1


def test_other_files_replace_the_outlines(nine: str, tmp_path: Path) -> None:
    load_contours(nine)

    load_contours(write(tmp_path / "other.json", grid(NINE[:3], columns=3)))

    assert list(CommuneOutline.objects.values_list("pk", flat=True)) == NINE[:3]
    assert [one.is_current for one in ContourSet.objects.order_by("pk")] == [False, True]


def test_a_multipolygon_keeps_its_islands_and_a_polygon_its_hole(db: None, tmp_path: Path) -> None:
    hole = square(1, 1)
    around = [square(0, 0, side=0.06), hole]
    source = write(
        tmp_path / "81.json",
        [
            feature("81004", *around),
            feature("81005", hole),
            feature("81006", square(4, 0), square(6, 0), kind="MultiPolygon"),
        ],
    )

    load_contours(source)

    kept = {row.pk: decode(row.rings) for row in CommuneOutline.objects.all()}
    assert {code: len(drawn) for code, drawn in kept.items()} == {
        "81004": 2,
        "81005": 1,
        "81006": 2,
    }
    assert CommuneOutline.objects.get(pk="81005").neighbours == ["81004"]
    assert CommuneOutline.objects.get(pk="81006").neighbours == []


# --- What cannot be kept -------------------------------------------------------------------


def refusals(tmp_path: Path, *features: object) -> list[str]:
    """What is said of the features, beside one commune that can be kept."""
    source = write(tmp_path / "81.json", [*features, feature("81004", square(0, 0))])  # type: ignore[list-item]
    return [problem.reason for problem in load_contours(source).problems]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (
            feature("8105", square(1, 0)),
            "« 8105 » n’est pas un code INSEE : cinq caractères sont attendus.",
        ),
        (
            feature("810055", square(1, 0)),
            "« 810055 » n’est pas un code INSEE : cinq caractères sont attendus.",
        ),
        (feature("81999", square(1, 0)), "aucune commune du portail n’a ce code."),
        (feature(None, square(1, 0)), "la propriété « code » manque."),
        ("81005", "la propriété « code » manque."),
        (
            {"type": "Feature", "properties": {"code": "81005"}, "geometry": None},
            "il n’a pas de contour.",
        ),
        (
            {
                "type": "Feature",
                "properties": {"code": "81005"},
                "geometry": {"type": "Point", "coordinates": [2.1, 43.9]},
            },
            "son contour n’est ni un polygone ni un ensemble de polygones.",
        ),
        (feature("81005", [(2.0, 43.9), (2.1, 43.9)]), "son contour est illisible."),
        (
            feature("81005", [(2.0, 43.9), (2.1, 43.9), (2.2, 43.9), (2.0, 43.9)]),
            "son contour n’enferme aucune surface.",
        ),
        (
            feature("81005", [(637_000, 6_320_000), (638_000, 6_320_000), (638_000, 6_321_000)]),
            "ses coordonnées ne sont pas des longitudes et des latitudes (WGS 84).",
        ),
        (
            feature("81005", [(43.9, 2.0), (43.9, 2.1), (44.0, 2.1), (43.9, 2.0)]),
            (
                "son contour n’est pas dans le département de la commune : autre pays, ou "
                "longitude et latitude inversées ?"
            ),
        ),
        (
            feature("81004", square(1, 0)),
            "cette commune a déjà un contour dans ces fichiers.",
        ),
    ],
)
def test_a_feature_that_cannot_be_kept_is_reported_and_skipped(
    bad: object, reason: str, db: None, tmp_path: Path
) -> None:
    assert refusals(tmp_path, bad) == [reason]
    assert list(CommuneOutline.objects.values_list("pk", flat=True)) == ["81004"]


def test_a_twisted_outline_is_mended(db: None, tmp_path: Path) -> None:
    bow_tie = [(2.0, 43.9), (2.1, 44.0), (2.1, 43.9), (2.0, 44.0), (2.0, 43.9)]

    assert refusals(tmp_path, feature("81005", bow_tie)) == []
    assert len(decode(CommuneOutline.objects.get(pk="81005").rings)) == 2


def test_communes_of_another_country_are_refused_even_with_codes_that_look_right(
    db: None, tmp_path: Path
) -> None:
    # 08019 is Barcelona in Spain, and a commune of the Ardennes in France.
    barcelona = [(2.05, 41.32), (2.22, 41.32), (2.22, 41.46), (2.05, 41.46), (2.05, 41.32)]
    code = Commune.objects.filter(department="08", is_active=True).earliest("code").pk

    with pytest.raises(ContourError, match="ne sont pas ceux de communes françaises"):
        load_contours(write(tmp_path / "es.json", [feature(code, barcelona)]))

    assert current_contours() is None


@pytest.mark.parametrize("text", ["", "[]", '{"type": "Topology"}', "\x89PNG"])
def test_a_file_that_is_no_geojson_is_refused(text: str, db: None, tmp_path: Path) -> None:
    path = tmp_path / "communes.json"
    path.write_text(text)

    with pytest.raises(ContourError, match="n’est pas un GeoJSON de communes"):
        load_contours(str(path))


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("http://communes.test/a.json", "n’est pas en https"),
        ("file:///etc/passwd", "n’est pas en https"),
        ("nulle-part.json", "n’existe pas"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_in_words(
    source: str, sentence: str, db: None
) -> None:
    with pytest.raises(ContourError, match=sentence):
        load_contours(source)


def test_outlines_of_an_older_year_join_the_commune_of_today(db: None, tmp_path: Path) -> None:
    # Fontrieu was made of three communes in 2016.
    source = write(
        tmp_path / "2015.json",
        [
            feature("81091", square(0, 0)),
            feature("81153", square(1, 0)),
            feature("81062", square(0, 1)),
        ],
    )

    outcome = load_contours(source)

    assert outcome.problems == [
        Problem("81091", "ancien code : son contour rejoint celui de la commune 81062."),
        Problem("81153", "ancien code : son contour rejoint celui de la commune 81062."),
    ]
    assert list(CommuneOutline.objects.values_list("pk", flat=True)) == ["81062"]
    assert outcome.contours.skipped_count == 0


def test_thirty_six_thousand_features_at_once(db: None, tmp_path: Path) -> None:
    codes = Commune.objects.filter(department="81", is_active=True).order_by("code")
    known = grid(list(codes.values_list("code", flat=True)), columns=40)
    ocean = [(0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.0)]
    foreign = [feature(f"{number:05}", ocean) for number in range(95_999, 59_000, -1)]
    features = known + foreign[: 36_000 - len(known)]

    outcome = load_contours(write(tmp_path / "many.json", features))

    assert outcome.contours.commune_count == len(known)
    assert outcome.contours.skipped_count == len(outcome.problems) == 36_000 - len(known)


# --- Bad days ------------------------------------------------------------------------------


def test_a_load_interrupted_half_way_leaves_the_outlines_that_were_there(
    nine: str, tmp_path: Path
) -> None:
    load_contours(nine)
    before = current_contours()

    def stop(line: str) -> None:
        if line.startswith("Enregistrement"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_contours(write(tmp_path / "b.json", grid(NINE[:2], columns=2)), report=stop)

    assert current_contours() == before
    assert CommuneOutline.objects.count() == 9


@pytest.mark.django_db(transaction=True)
def test_two_loads_at_once_are_refused_in_words(loaded_territories: None, tmp_path: Path) -> None:
    source = write(tmp_path / "81.json", grid(NINE, columns=3))
    parameters = connection.get_connection_params()
    other = {
        key: parameters[key] for key in ("dbname", "user", "host", "port") if key in parameters
    }
    with psycopg.connect(**other) as elsewhere:
        elsewhere.execute("SELECT pg_advisory_xact_lock(7203142)")

        with pytest.raises(CommandError, match="déjà en cours"):
            call_command("load_contours", source, stdout=StringIO())

    assert current_contours() is None


def test_the_command_says_what_it_does(nine: str) -> None:
    out = StringIO()

    call_command("load_contours", nine, stdout=out)

    assert out.getvalue().splitlines() == [
        "Lecture : 1 fichier(s) sur 1, 9 communes",
        "Voisinages…",
        "Simplification…",
        "Enregistrement de 9 contours…",
        (
            f"En vigueur : 9 communes dessinées dans 1 départements, {_without_outline(9)} sans "
            "contour."
        ),
    ]


def _without_outline(drawn: int) -> int:
    return Commune.objects.filter(is_active=True).count() - drawn


# --- What borders say of a territory ---------------------------------------------------------


def test_a_territory_in_two_pieces_is_seen(nine: str) -> None:
    load_contours(nine)
    codes = ["81004", "81005", "81012"]

    assert pieces(codes, borders_of(codes).graph) == [{"81004", "81005"}, {"81012"}]


def test_a_commune_surrounded_by_the_territory_is_seen(nine: str) -> None:
    load_contours(nine)
    ring = [code for code in NINE if code != MIDDLE]

    assert enclaves(ring, borders_of(ring).graph) == [{MIDDLE}]
    # So are the last two, in the corner: nobody else is beside them.
    corner = ring[:-2]
    assert enclaves(corner, borders_of(corner).graph) == [{MIDDLE, *ring[-2:]}]
    assert enclaves(NINE[:1], borders_of(NINE[:1]).graph, reach=1) == []


def test_communes_without_outline_are_told_apart(nine: str) -> None:
    load_contours(nine)

    borders = borders_of(["81004", "75056"])

    assert borders.unknown == {"75056"}
    assert pieces(["81004", "75056"], borders.graph) == [{"81004"}]


@given(st.sets(st.sampled_from(NINE)))
def test_pieces_share_out_the_communes(chosen: set[str]) -> None:
    graph = {
        code: [
            other
            for step, other in ((3, rank + 3), (3, rank - 3), (1, rank + 1), (1, rank - 1))
            for other in [NINE[other] if 0 <= other < 9 else ""]
            if other and (step == 3 or rank // 3 == NINE.index(other) // 3)
        ]
        for rank, code in enumerate(NINE)
    }

    found = pieces(chosen, graph)

    assert sorted(code for piece in found for code in piece) == sorted(chosen)
    for piece in found:
        assert not any(other in chosen - piece for code in piece for other in graph[code])


def test_outlines_are_json_a_browser_reads(nine: str) -> None:
    load_contours(nine)

    document = json.loads(gzip.decompress(DepartmentOutline.objects.get(pk="81").payload))
    name, population, ring = document["communes"]["81004"]
    commune = Commune.objects.get(pk="81004")
    assert (document["steps"], name, population) == (5000, commune.name, commune.population)
    # The first corner, then the way to each of the next three.
    assert len(ring) == 8


# --- What a browser is sent ----------------------------------------------------------------


def test_outlines_are_sent_compressed_once_and_then_said_unchanged(
    client: Client, nine: str
) -> None:
    load_contours(nine)
    url = reverse("territories:outlines", args=["81"])

    sent = client.get(url, headers={"Accept-Encoding": "gzip"})
    again = client.get(url, headers={"If-None-Match": sent["ETag"]})
    plain = client.get(url)
    smallest = client.get(url, headers={"Accept-Encoding": "gzip, deflate, br;q=1.0"})
    DepartmentOutline.objects.update(brotli=b"")
    before_brotli = client.get(url, headers={"Accept-Encoding": "gzip, br"})

    assert smallest["Content-Encoding"] == "br"
    assert brotli.decompress(smallest.content) == plain.content
    assert before_brotli["Content-Encoding"] == "gzip"
    assert (sent.status_code, sent["Content-Encoding"]) == (200, "gzip")
    assert sent["Cache-Control"] == "public, max-age=3600"
    assert (again.status_code, again.content) == (304, b"")
    assert gzip.decompress(sent.content) == plain.content
    assert len(plain.json()["communes"]) == 9


def test_a_departement_without_outlines_is_not_found(client: Client, db: None) -> None:
    assert client.get(reverse("territories:outlines", args=["99"])).status_code == 404
