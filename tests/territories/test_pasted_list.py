import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from territories.models import Commune
from territories.services import PastedLine, TerritoryError, read_pasted_list
from tests.territories.test_population import TARN_OUEST

pytestmark = pytest.mark.django_db


def answers(text: str, **hints) -> list[tuple[str, str, str]]:
    """What was read, how it was answered, and which commune it is."""
    return [
        (line.text, line.status, line.commune.code if line.commune else "")
        for line in read_pasted_list(text, **hints)
    ]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("Toulouse", "31555"),
        ("31300 Toulouse", "31555"),
        ("31 300 TOULOUSE", "31555"),
        ("Toulouse (31555)", "31555"),
        ("Toulouse 31000", "31555"),
        ("81011", "81011"),
        ("2a004", "2A004"),
        ("Ajaccio (2A004)", "2A004"),
        ("81370 St-Sulpice", "81271"),
        ("- Ambres", "81011"),
        ("• Ambres", "81011"),
        ("3. Ambres", "81011"),
        ("Lavaur (81)", "81140"),
        ("Lavaur (Tarn)", "81140"),
        ("Lavaur 81", "81140"),
        ("Lavaur (24)", "24232"),
        ("Massac, Séran", "81159"),
        ("Castelnau de Levis", "81063"),
        ("Bors (Canton de Charente-Sud)", "16053"),
        ("81011\tAmbres\t1029", "81011"),
        ("81004;81000", "81004"),
        ("33000", "33063"),
        ("Paris 5e", "75105"),
        ("Paris 5", "75105"),
        ("Lyon 3ème", "69383"),
        ("Marseille 1er arrondissement", "13201"),
        ("Paris", "75056"),
    ],
)
def test_an_item_is_recognised(item: str, code: str) -> None:
    assert [answer[1:] for answer in answers(item)] == [("found", code)]


def test_items_share_a_line() -> None:
    assert answers("Albi, Massac, Séran, Lavaur (81); Gaillac\tRabastens\n\n81004, 81065") == [
        ("Albi", "found", "81004"),
        ("Massac, Séran", "found", "81159"),
        ("Lavaur (81)", "found", "81140"),
        ("Gaillac", "found", "81099"),
        ("Rabastens", "found", "81220"),
        ("81004", "found", "81004"),
        ("81065", "found", "81065"),
    ]


def test_a_former_commune_leads_to_todays() -> None:
    by_name, by_code = read_pasted_list("Arbignieu\n01144")
    assert (by_name.status, by_name.former_name, by_name.message) == (
        "merged_into",
        "Arbignieu",
        "Arbignieu : aujourd’hui Arboys en Bugey (01015).",
    )
    assert (by_code.status, by_code.commune.code) == ("merged_into", "01025")


def test_homonyms_are_offered_the_most_populated_first() -> None:
    (line,) = read_pasted_list("Sainte-Colombe")
    assert (line.status, line.commune, line.message) == (
        "ambiguous",
        None,
        "Plusieurs communes portent ce nom. Choisissez la bonne.",
    )
    assert [choice.code for choice in line.choices][:2] == ["69189", "77404"]
    assert {choice.name for choice in line.choices} == {"Sainte-Colombe"}


def test_a_hint_settles_homonyms() -> None:
    assert answers("Sainte-Colombe", department_codes=["25"]) == [
        ("Sainte-Colombe", "found", "25515")
    ]
    assert answers("Sainte-Colombe", department_codes=["81"]) == [
        ("Sainte-Colombe", "ambiguous", "")
    ]
    assert answers("Lavaur", department_codes=["81"]) == [("Lavaur", "found", "81140")]
    assert answers("Lavaur", region_code="75") == [("Lavaur", "found", "24232")]


def test_the_regions_names_come_before_far_homonyms() -> None:
    # No commune of Hauts-de-France is called Saint-Martin alone; several begin so.
    (line,) = read_pasted_list("Saint Martin", region_code="32")
    near = [choice.department.region_id == "32" for choice in line.choices]
    assert (line.status, near[0], near) == ("ambiguous", True, sorted(near, reverse=True))


def test_what_is_misspelt_is_looked_for_in_the_region_first() -> None:
    (line,) = read_pasted_list("st val", region_code="32")
    assert [choice.name for choice in line.choices][:2] == [
        "Saint-Valery",
        "Saint-Valery-sur-Somme",
    ]


def test_the_other_lines_settle_homonyms() -> None:
    lines = answers("Ambres\nGaillac\nRabastens\nLavaur")
    assert lines[-1] == ("Lavaur", "found", "81140")


def test_the_departement_of_the_other_lines_goes_before_the_region() -> None:
    # Occitanie has one Saint-Sulpice, in the Lot; the Tarn's is called « la Pointe » today.
    *_, line = read_pasted_list("Ambres\nGaillac\nRabastens\nSaint-Sulpice", region_code="76")
    assert (line.status, line.choices[0].code) == ("ambiguous", "81271")


def test_a_number_that_is_two_things_is_asked() -> None:
    (line,) = read_pasted_list("31300")
    assert (line.status, [choice.code for choice in line.choices], line.message) == (
        "ambiguous",
        ["31300", "31555"],
        "31300 est à la fois un code INSEE et un code postal. Choisissez.",
    )


def test_in_a_list_of_insee_codes_it_is_an_insee_code() -> None:
    assert answers("31555\n31300\n81011") == [
        ("31555", "found", "31555"),
        ("31300", "found", "31300"),
        ("81011", "found", "81011"),
    ]


def test_a_postal_code_of_several_communes_is_asked() -> None:
    (line,) = read_pasted_list("81500")
    assert (line.status, len(line.choices), line.message) == (
        "ambiguous",
        20,
        "81500 est un code postal de plusieurs communes. Choisissez la bonne.",
    )


def test_a_name_and_a_code_that_disagree_are_asked() -> None:
    (line,) = read_pasted_list("81011 Toulouse")
    assert (line.status, [choice.code for choice in line.choices], line.message) == (
        "ambiguous",
        ["81011"],
        "Le nom et le code ne vont pas ensemble. Choisissez la bonne commune.",
    )


@pytest.mark.parametrize(
    ("item", "message", "nearest"),
    [
        (
            "Gaillacq",
            "Aucune commune ne porte ce nom. Voici les noms les plus proches.",
            "Gaillac",
        ),
        ("zzzzzz", "Aucune commune ne porte ce nom.", ""),
        (
            "99134",
            "Ce n’est le code INSEE ni le code postal d’aucune commune française.",
            "",
        ),
        (
            "Toulouse (81)",
            (
                "Aucune commune ne porte ce nom dans le département 81. Voici les noms les plus "
                "proches."
            ),
            "Toulouse",
        ),
    ],
)
def test_what_is_unknown_says_why(item: str, message: str, nearest: str) -> None:
    (line,) = read_pasted_list(item)
    assert (line.status, line.message) == ("unknown", message)
    assert [choice.name for choice in line.choices[:1]] == [nearest] * bool(nearest)


def test_a_commune_given_twice_is_said() -> None:
    _, second = read_pasted_list("Gaillac\n81099")
    assert (second.status, second.message) == ("found", "Déjà donnée à la ligne 1.")


def test_a_commune_out_of_force_is_unknown() -> None:
    Commune.objects.filter(code="81011").update(is_active=False)
    assert answers("81011") == [("81011", "unknown", "")]


def test_tarn_ouest_as_published() -> None:
    by_code = answers("\n".join(TARN_OUEST))
    assert [(status, code) for _, status, code in by_code] == [
        ("found", code) for code in TARN_OUEST
    ]
    names = dict(Commune.objects.filter(code__in=TARN_OUEST).values_list("code", "name"))
    published = ", ".join(names[code] for code in TARN_OUEST).replace("Massac-", "Massac, ")
    assert [code for _, _, code in answers(published, region_code="76")] == TARN_OUEST


def test_four_hundred_lines_cost_what_four_do(django_assert_max_num_queries) -> None:
    names = list(
        Commune.objects.filter(department__in=["62", "81"]).values_list("name", flat=True)[:390]
    )
    lines = [
        *names,
        "Arbignieu",
        "01144",
        "31300 Toulouse",
        "Gaillacq",
        "x",
        "81500",
        "Lavaur (Tarn)",
    ]
    with django_assert_max_num_queries(7):
        assert len(read_pasted_list("\n".join(lines))) == 397
    with django_assert_max_num_queries(7):
        read_pasted_list("Arbignieu\n01144\n31300 Toulouse\nGaillacq\nLavaur (Tarn)")


def test_nothing_pasted_is_nothing() -> None:
    assert read_pasted_list(" \n\t\n;,;\n") == []


def test_a_list_beyond_measure_is_refused() -> None:
    with pytest.raises(TerritoryError, match="2 000 communes"):
        read_pasted_list("Albi\n" * 2_001)
    with pytest.raises(TerritoryError, match="trop longue"):
        read_pasted_list("x" * 200_001)


class Anything(TestCase):
    @given(st.text(max_size=200))
    def test_whatever_is_pasted_gets_answers(self, text: str) -> None:
        for line in read_pasted_list(text):
            assert isinstance(line, PastedLine)
            assert (line.commune is not None) == (line.status in {"found", "merged_into"})
            assert line.text
