from pathlib import Path

import pytest

from territories.checks import Kind, check_territory
from territories.contours import load_contours
from territories.models import Commune
from territories.overlap import Line
from tests.territories.outlines import grid, write

pytestmark = pytest.mark.django_db

NBSP = "\u00a0"


def lines(*codes: str) -> list[Line]:
    known = dict(Commune.objects.filter(pk__in=codes).values_list("code", "population"))
    return [Line(code, "", known[code]) for code in codes]


def said(*codes: str, **options: object) -> dict[Kind, str]:
    found = check_territory(lines(*codes), **options)  # type: ignore[arg-type]
    return {check.kind: check.sentence.replace(NBSP, " ") for check in found}


def test_an_empty_territory_has_nothing_to_check() -> None:
    assert check_territory([]) == []


def test_fewer_people_than_the_region_wants_is_said_in_its_own_words() -> None:
    assert said("81140", floor=20_000, floor_text="Trop peu.")[Kind.FLOOR] == "Trop peu."
    assert Kind.FLOOR not in said("81140", floor=10_000, floor_text="Trop peu.")


def test_without_outlines_nothing_is_said_of_the_shape() -> None:
    kinds = said("81140", "31555")

    assert not {Kind.PIECES, Kind.ENCLAVE, Kind.NO_OUTLINE} & kinds.keys()


def test_pieces_enclaves_and_unknown_shapes_are_named(tmp_path: Path) -> None:
    nine = ["81004", "81005", "81006", "81007", "81008", "81009", "81010", "81011", "81012"]
    load_contours(write(tmp_path / "81.json", grid(nine, columns=3)))
    names = dict(Commune.objects.filter(pk__in=nine).values_list("code", "name"))

    apart = said("81004", "81005", "81012")
    around = said(*[code for code in nine if code != "81008"])
    unknown = said("81004", "81140")

    assert apart[Kind.PIECES] == (
        "Le territoire n’est pas d’un seul tenant : il est en 2 morceaux. À part du plus grand : "
        f"{names['81012']}."
    )
    assert around[Kind.ENCLAVE] == (
        f"{names['81008']} n’a pour voisines que des communes du territoire, sans en faire partie :"
        " elle resterait sans CPTS."
    )
    assert unknown[Kind.NO_OUTLINE].startswith("Le portail n’a pas le contour de Lavaur :")


def test_an_intercommunality_cut_in_two_names_who_is_left_out() -> None:
    commune = Commune.objects.get(pk="81140")
    members = Commune.objects.filter(intercommunality=commune.intercommunality_id)
    codes = list(members.order_by("code").values_list("code", flat=True))

    cut = said(*codes[1:])
    left = Commune.objects.get(pk=codes[0])

    assert cut[Kind.INTERCOMMUNALITY].startswith(
        f"{commune.intercommunality} est coupée en deux : 1 de ses {len(codes)} communes ("
    )
    assert cut[Kind.INTERCOMMUNALITY].endswith(f"hors du territoire : {left.name}.")
    assert Kind.INTERCOMMUNALITY not in said(*codes)


def test_departements_and_regions_say_who_leads() -> None:
    assert said("31555", "81140")[Kind.DEPARTMENTS].startswith(
        "Le territoire touche 2 départements : Haute-Garonne ("
    )
    assert Kind.REGIONS not in said("31555", "81140")
    assert said("33063", "81140")[Kind.REGIONS].startswith(
        "Le territoire touche 2 régions : Nouvelle-Aquitaine et Occitanie."
    )


def test_parts_of_communes_are_estimates() -> None:
    found = check_territory([Line("31555", "le mirail", None)])
    parts = [check.sentence.replace(NBSP, " ") for check in found if check.kind == Kind.PARTS]

    assert len(parts) == 1
    assert parts[0].startswith("Le territoire prend 1 partie de commune : Toulouse.")
    assert "1 n’a pas de nombre d’habitants" in parts[0]


@pytest.mark.parametrize(
    ("population", "sentence"),
    [
        (30_000, ""),
        (38_680, "de taille 1 ; 1 320 habitants de plus et le territoire serait de taille 2."),
        (40_000, "de taille 2 ; 1 habitant de moins et il serait de taille 1."),
        (79_999, "de taille 2 ; 1 habitant de plus et le territoire serait de taille 3."),
        (175_000, "de taille 3 ; 1 habitant de plus et le territoire serait de taille 4."),
        (175_001, "de taille 4 ; 1 habitant de moins et il serait de taille 3."),
    ],
)
def test_a_size_near_a_threshold_gives_the_distance(population: int, sentence: str) -> None:
    found = [
        check.sentence.replace(NBSP, " ").replace("\u202f", " ")
        for check in check_territory([Line("81140", "", population)])
        if check.kind == Kind.THRESHOLD
    ]

    assert bool(found) == bool(sentence)
    assert all(sentence in one for one in found)
