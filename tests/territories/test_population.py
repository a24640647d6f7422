import pytest
from hypothesis import given
from hypothesis import strategies as st

from territories.models import Commune, Territory, TerritoryPart, Vintage
from territories.population import (
    SIZE_THRESHOLDS,
    DepartmentShare,
    TerritorySummary,
    size_class,
    summarise,
)

TARN_OUEST = [
    "81011",
    "81022",
    "81024",
    "81025",
    "81039",
    "81044",
    "81058",
    "81070",
    "81075",
    "81078",
    "81092",
    "81102",
    "81104",
    "81106",
    "81132",
    "81109",
    "81279",
    "81116",
    "81126",
    "81140",
    "81149",
    "81150",
    "81157",
    "81159",
    "81162",
    "81164",
    "81173",
    "81175",
    "81178",
    "81185",
    "81213",
    "81215",
    "81220",
    "81228",
    "81229",
    "81236",
    "81248",
    "81255",
    "81261",
    "81266",
    "81271",
    "81272",
    "81286",
    "81293",
    "81298",
    "81299",
    "81310",
    "81318",
    "81323",
    "81324",
]
ERDRE_ET_CENS = ["44114", "44035", "44194"]


def draw(*codes: str, **fields) -> Territory:
    territory = Territory.objects.create(**fields)
    TerritoryPart.objects.bulk_create(
        TerritoryPart(territory=territory, commune_id=code) for code in codes
    )
    return territory


# --- Size classes ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        (0, "T1"),
        (39_999, "T1"),
        (40_000, "T2"),
        (79_999, "T2"),
        (80_000, "T3"),
        (175_000, "T3"),
        (175_001, "T4"),
        (2_000_000, "T4"),
    ],
)
def test_the_bounds_of_the_classes(population: int, expected: str) -> None:
    assert size_class(population) == expected


@given(st.integers(0, 15_000_000), st.integers(0, 15_000_000))
def test_more_people_never_make_a_smaller_class(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert size_class(low) <= size_class(high)


@given(
    st.lists(st.integers(1, 1_000_000), min_size=3, max_size=3, unique=True).map(sorted),
    st.integers(0, 2_000_000),
)
def test_the_class_follows_the_thresholds_of_the_procedure(
    thresholds: list[int], population: int
) -> None:
    second, third, fourth = thresholds
    expected = {
        population < second: "T1",
        second <= population < third: "T2",
        third <= population <= fourth: "T3",
        population > fourth: "T4",
    }[True]
    assert size_class(population, thresholds) == expected


@pytest.mark.parametrize("thresholds", [(2, 1, 3), (0, 1, 2), (1, 1, 2)])
def test_thresholds_rise(thresholds: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="must rise"):
        size_class(10, thresholds)


def test_a_population_is_not_negative() -> None:
    with pytest.raises(ValueError, match="negative"):
        size_class(-1)


# --- Summaries -------------------------------------------------------------------------


@pytest.mark.django_db
def test_tarn_ouest_is_class_two(django_assert_num_queries) -> None:
    territory = draw(
        *TARN_OUEST, declared_population=53_765, declared_population_reason="Chiffre du site."
    )
    with django_assert_num_queries(1):
        summary = summarise(territory, size_thresholds=SIZE_THRESHOLDS, floor=None)
    assert summary == TerritorySummary(
        commune_count=50,
        arrondissement_count=0,
        part_count=0,
        population=54_800,
        unknown_population_count=0,
        parts_without_figure=0,
        departments=(DepartmentShare("81", "Tarn", "76", 54_800, 50),),
        size_class="T2",
        floor=None,
        below_floor=False,
        population_year=2023,
        cog_year=2026,
        declared_population=53_765,
        declared_population_reason="Chiffre du site.",
        gap=-1_035,
    )
    assert summary.department_codes == ("81",)
    assert summary.region_codes == ("76",)


@pytest.mark.django_db
def test_erdre_et_cens() -> None:
    summary = summarise(draw(*ERDRE_ET_CENS), size_thresholds=None, floor=20_000)
    assert (summary.population, summary.commune_count) == (57_779, 3)
    assert (summary.size_class, summary.below_floor, summary.gap) == (None, False, None)


@pytest.mark.django_db
def test_the_ubaye_is_below_the_floor() -> None:
    codes = ["04019", "04062", "04073", "04086", "04096", "04102", "04120", "04161", "04193",
             "04195", "04220", "04226"]  # fmt: skip
    summary = summarise(draw(*codes), floor=20_000)
    assert (summary.population, summary.size_class, summary.below_floor) == (6_855, "T1", True)


@pytest.mark.django_db
def test_the_most_populated_departement_leads() -> None:
    # Bollène (84), then Pierrelatte and Donzère (26), then Pont-Saint-Esprit (30).
    summary = summarise(draw("84019", "26235", "26116", "30202"))
    assert summary.department_codes == ("26", "84", "30")
    assert summary.region_codes == ("84", "93", "76")
    assert sum(share.population for share in summary.departments) == summary.population


@pytest.mark.django_db
def test_an_empty_territory_is_a_summary_too(django_assert_num_queries) -> None:
    territory = draw()
    with django_assert_num_queries(1):
        summary = summarise(territory, floor=20_000)
    assert summary == TerritorySummary(
        commune_count=0,
        arrondissement_count=0,
        part_count=0,
        population=0,
        unknown_population_count=0,
        parts_without_figure=0,
        departments=(),
        size_class=None,
        floor=20_000,
        below_floor=True,
        population_year=2023,
        cog_year=2026,
        declared_population=None,
        declared_population_reason="",
        gap=None,
    )
    assert summary.is_empty


@pytest.mark.django_db
def test_parts_arrondissements_and_unknown_figures() -> None:
    territory = draw("75105", "75106", "98411")
    TerritoryPart.objects.create(
        territory=territory, commune_id="81004", part_name="Centre", part_population=5_000
    )
    TerritoryPart.objects.create(territory=territory, commune_id="81004", part_name="Rayssac")
    summary = summarise(territory)
    paris = sum(
        Commune.objects.filter(code__in=["75105", "75106"]).values_list("population", flat=True)
    )
    assert (
        summary.commune_count,
        summary.arrondissement_count,
        summary.part_count,
        summary.population,
        summary.unknown_population_count,
        summary.parts_without_figure,
    ) == (3, 2, 2, paris + 5_000, 1, 1)
    assert [(share.code, share.commune_count) for share in summary.departments] == [
        ("75", 1),
        ("81", 1),
        ("984", 1),
    ]


@pytest.mark.django_db
def test_a_summary_without_reference_data_has_no_year() -> None:
    Vintage.objects.all().delete()
    assert summarise(draw()).population_year is None


@pytest.mark.django_db
def test_a_territory_that_is_gone_is_said_so() -> None:
    territory = draw()
    Territory.objects.all().delete()
    with pytest.raises(Territory.DoesNotExist):
        summarise(territory)
