"""Adding to a territory, removing from it, and what is refused."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from territories import services
from territories.models import Commune, Territory
from territories.population import summarise
from territories.services import TerritoryError

pytestmark = pytest.mark.django_db


@pytest.fixture
def territory() -> Territory:
    return Territory.objects.create()


def codes(territory: Territory) -> list[str]:
    return sorted(territory.parts.values_list("commune_id", flat=True))


def refusal(action, *args) -> str:
    territory = args[0]
    before = sorted(territory.parts.values_list("pk", flat=True)), territory.revision
    with pytest.raises(TerritoryError) as refused:
        action(*args)
    territory.refresh_from_db()
    assert (sorted(territory.parts.values_list("pk", flat=True)), territory.revision) == before
    return refused.value.message


# --- Communes --------------------------------------------------------------------------


def test_communes_are_added_and_the_revision_counts(territory: Territory) -> None:
    result = services.add_communes(territory, ["81004", "81065"])
    assert [str(commune) for commune in result.added] == ["Albi (81004)", "Castres (81065)"]
    assert result.skipped == ()
    assert result.message == "2 communes sont ajoutées au territoire."
    assert (codes(territory), territory.revision) == (["81004", "81065"], 1)


def test_one_commune_is_named(territory: Territory) -> None:
    assert services.add_communes(territory, [" 2a004 "]).message == (
        "Ajout au territoire : Ajaccio (2A004)."
    )


def test_what_is_already_there_is_skipped_when_the_rest_is_new(territory: Territory) -> None:
    services.add_communes(territory, ["81004"])
    result = services.add_communes(territory, ["81004", "81065", "81065"])
    assert [commune.code for commune in result.added] == ["81065"]
    assert [(skip.commune.code, skip.reason) for skip in result.skipped] == [
        ("81004", "Albi (81004) est déjà dans le territoire.")
    ]
    assert result.message == (
        "Ajout au territoire : Castres (81065). Non ajoutées : "
        "Albi (81004) est déjà dans le territoire."
    )


def test_the_same_commune_twice_is_refused(territory: Territory) -> None:
    services.add_communes(territory, ["81004"])
    assert refusal(services.add_communes, territory, ["81004"]) == (
        "Albi (81004) est déjà dans le territoire."
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "00000",
            (
                "Le code INSEE 00000 n’est pas celui d’une commune française. Cherchez la commune "
                "par son nom."
            ),
        ),
        (
            "99134",
            (
                "Le code INSEE 99134 désigne un pays étranger : un territoire ne compte que des "
                "communes françaises."
            ),
        ),
        (
            "01340",
            (
                "Le code 01340 (Saint-Bois) n’est plus en vigueur : la commune est aujourd’hui "
                "Arboys en Bugey (01015)."
            ),
        ),
        (
            "81065",
            "Castres (81065) n’est plus une commune en vigueur.",
        ),
    ],
)
def test_an_unknown_or_inactive_code_is_refused(
    territory: Territory, code: str, expected: str
) -> None:
    Commune.objects.filter(code="81065").update(is_active=False)
    assert refusal(services.add_communes, territory, ["81004", code]) == expected
    assert codes(territory) == []


def test_nothing_chosen_is_said(territory: Territory) -> None:
    assert refusal(services.add_communes, territory, ["", " "]) == (
        "Aucune commune n’a été choisie. Choisissez-en au moins une."
    )


def test_many_wrong_codes_are_not_all_listed(territory: Territory) -> None:
    message = refusal(services.add_communes, territory, [f"0000{n}" for n in range(8)])
    assert message.endswith("Et 3 autres.")


def test_five_hundred_communes_take_less_than_a_second(
    territory: Territory, django_assert_num_queries
) -> None:
    many = list(
        Commune.objects.filter(kind="commune", department="62").values_list("code", flat=True)[:500]
    )
    start = time.perf_counter()
    with django_assert_num_queries(8):
        services.add_communes(territory, many)
    assert time.perf_counter() - start < 1
    assert len(codes(territory)) == 500


# --- EPCI and départements -------------------------------------------------------------


def test_a_whole_epci_in_one_gesture(territory: Territory) -> None:
    services.add_communes(territory, ["81271"])
    result = services.add_intercommunality(territory, "200034023")
    assert (len(result.added), [skip.commune.code for skip in result.skipped]) == (20, ["81271"])
    assert len(codes(territory)) == 21
    assert refusal(services.add_intercommunality, territory, "200034023") == (
        "Rien à ajouter : CC Tarn-Agout est déjà dans le territoire."
    )


def test_a_whole_departement_in_one_gesture(territory: Territory) -> None:
    assert len(services.add_department(territory, "2b").added) == 236
    summary = summarise(territory)
    assert summary.department_codes == ("2B",)


def test_paris_as_a_departement_is_one_commune(territory: Territory) -> None:
    result = services.add_department(territory, "75")
    assert [commune.code for commune in result.added] == ["75056"]


def test_a_gesture_leaves_what_is_there_by_parts(territory: Territory) -> None:
    services.add_part(territory, "81271", "Centre", 1_000)
    result = services.add_intercommunality(territory, "200034023")
    assert [skip.reason for skip in result.skipped] == [
        (
            "Saint-Sulpice-la-Pointe (81271) est déjà dans le territoire par parties : retirez-les "
            "d’abord pour l’ajouter en entier."
        )
    ]


def test_unknown_perimeters_are_refused(territory: Territory) -> None:
    assert refusal(services.add_intercommunality, territory, "000000000") == (
        "L’EPCI 000000000 n’est pas connu. Choisissez-le dans la liste proposée."
    )
    assert refusal(services.add_department, territory, "20") == (
        "Le département 20 n’est pas connu. Choisissez-le dans la liste proposée."
    )


# --- Parts -----------------------------------------------------------------------------


def test_a_part_has_a_free_name_and_its_inhabitants(territory: Territory) -> None:
    part = services.add_part(territory, "31555", "  Le  Mirail ", 30_000)
    services.add_part(territory, "31555", "Minimes")
    assert (part.part_name, part.part_population) == ("Le Mirail", 30_000)
    summary = summarise(territory)
    assert (summary.commune_count, summary.population, summary.parts_without_figure) == (
        1,
        30_000,
        1,
    )


@pytest.mark.parametrize(
    ("name", "population", "expected"),
    [
        (
            " — ",
            None,
            "Donnez un nom à la partie d’Albi (81004) : un quartier, un secteur, un ancien bourg.",
        ),
        ("x" * 121, None, "Le nom de la partie d’Albi (81004) dépasse 120 signes. Abrégez-le."),
        (
            "Centre",
            60_000,
            (
                "« Centre » compterait 60 000 habitants, plus que la commune tout entière : "
                "Albi (81004) en a 51 290."
            ),
        ),
        (
            "Centre",
            50_500,
            (
                "Avec « Centre », les parties d’Albi (81004) compteraient 51 500 habitants, "
                "plus que la commune tout entière (51 290)."
            ),
        ),
        (
            "Centre",
            -1,
            (
                "Le nombre d’habitants de « Centre » n’est pas possible. Donnez un nombre entier, "
                "ou laissez la case vide."
            ),
        ),
        ("RAYSSAC", None, "La partie « RAYSSAC » d’Albi (81004) est déjà dans le territoire."),
    ],
)
def test_an_impossible_part_is_refused(
    territory: Territory, name: str, population: int | None, expected: str
) -> None:
    services.add_part(territory, "81004", "Rayssac", 1_000)
    assert refusal(services.add_part, territory, "81004", name, population) == expected


def test_a_part_of_an_unknown_commune_is_refused(territory: Territory) -> None:
    assert refusal(services.add_part, territory, "00000", "Centre").startswith(
        "Le code INSEE 00000 n’est pas celui d’une commune française."
    )


def test_a_commune_is_there_whole_or_by_parts_not_both(territory: Territory) -> None:
    services.add_communes(territory, ["81004"])
    assert refusal(services.add_part, territory, "81004", "Centre") == (
        "Albi (81004) est déjà dans le territoire en entier : retirez-la d’abord pour n’en garder "
        "qu’une partie."
    )
    services.clear(territory)
    services.add_part(territory, "81004", "Centre")
    assert refusal(services.add_communes, territory, ["81004"]) == (
        "Albi (81004) est déjà dans le territoire par parties : retirez-les d’abord pour "
        "l’ajouter en entier."
    )


# --- Arrondissements -------------------------------------------------------------------


def test_nobody_counts_twice_in_a_city_with_arrondissements(territory: Territory) -> None:
    services.add_communes(territory, ["69381"])
    assert refusal(services.add_communes, territory, ["69123"]) == (
        "Des arrondissements de Lyon (69123) sont déjà dans le territoire : retirez-les d’abord, "
        "sinon leurs habitants compteraient deux fois."
    )
    services.clear(territory)
    services.add_communes(territory, ["69123"])
    already = (
        "Lyon (69123) est déjà dans le territoire en entier : Lyon 1er Arrondissement y "
        "compterait deux fois."
    )
    assert refusal(services.add_communes, territory, ["69381"]) == already
    assert refusal(services.add_part, territory, "69381", "Pentes") == already
    services.clear(territory)
    assert refusal(services.add_communes, territory, ["69123", "69381"]) == already


# --- Removing, declaring ---------------------------------------------------------------


def test_lines_are_removed_once(territory: Territory) -> None:
    services.add_communes(territory, ["81004", "81065", "81011"])
    first = territory.parts.get(commune="81004")
    other = Territory.objects.create()
    services.add_communes(other, ["81004"])
    foreign = other.parts.get()
    assert services.remove(territory, [first.pk, foreign.pk]) == 1
    assert territory.revision == 2
    assert services.remove(territory, [first.pk]) == 0
    assert territory.revision == 2
    assert services.remove_communes(territory, ["81065"]) == 1
    assert services.clear(territory) == 1
    assert (codes(territory), codes(other), territory.revision) == ([], ["81004"], 4)


def test_a_declared_population_has_a_reason(territory: Territory) -> None:
    services.declare_population(territory, 53_765, " Étudiants ")
    territory.refresh_from_db()
    assert (territory.declared_population, territory.declared_population_reason) == (
        53_765,
        "Étudiants",
    )
    assert refusal(services.declare_population, territory, 53_765, " ") == (
        "Dites pourquoi vous déclarez une autre population que celle de l’INSEE."
    )
    assert refusal(services.declare_population, territory, 0, "x") == (
        "La population déclarée n’est pas possible. Donnez un nombre entier d’habitants."
    )
    assert refusal(services.declare_population, territory, 5, "x" * 501) == (
        "Le motif dépasse 500 signes. Abrégez-le."
    )
    services.declare_population(territory, None, "oubli")
    territory.refresh_from_db()
    assert (territory.declared_population, territory.declared_population_reason) == (None, "")


# --- Snapshots -------------------------------------------------------------------------


def test_a_territory_is_plain_ordered_data(territory: Territory, django_assert_num_queries) -> None:
    services.add_communes(territory, ["81065", "31555"])
    services.add_part(territory, "81004", "Rayssac", 1_000)
    services.add_part(territory, "81004", "Centre")
    with django_assert_num_queries(1):
        data = services.territory_as_data(territory)
    albi = {
        "code": "81004",
        "name": "Albi",
        "kind": "commune",
        "department": "81",
        "department_name": "Tarn",
        "postal_codes": ["81000"],
        "population": 51_290,
    }
    assert data == [
        {
            "code": "31555",
            "name": "Toulouse",
            "kind": "commune",
            "department": "31",
            "department_name": "Haute-Garonne",
            "postal_codes": ["31000", "31100", "31200", "31300", "31400", "31500"],
            "population": 514_819,
            "part_name": "",
            "part_population": None,
        },
        albi | {"part_name": "Centre", "part_population": None},
        albi | {"part_name": "Rayssac", "part_population": 1_000},
        {
            "code": "81065",
            "name": "Castres",
            "kind": "commune",
            "department": "81",
            "department_name": "Tarn",
            "postal_codes": ["81100"],
            "population": 42_505,
            "part_name": "",
            "part_population": None,
        },
    ]


# --- Whatever the order ----------------------------------------------------------------

TARN = [f"81{number:03}" for number in (4, 11, 22, 24, 25, 39, 44, 58, 65, 70, 75, 78)]


class Arithmetic(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.tuples(st.booleans(), st.sampled_from(TARN)), max_size=30))
    def test_a_territory_counts_what_it_holds(self, gestures: list[tuple[bool, str]]) -> None:
        territory = Territory.objects.create()
        expected: set[str] = set()
        for adding, code in gestures:
            if adding and code in expected:
                with pytest.raises(TerritoryError):
                    services.add_communes(territory, [code])
            elif adding:
                services.add_communes(territory, [code])
                expected.add(code)
            else:
                services.remove_communes(territory, [code])
                expected.discard(code)
        summary = summarise(territory)
        populations = Commune.objects.filter(code__in=expected).values_list("population", flat=True)
        assert (summary.commune_count, summary.population) == (len(expected), sum(populations))
