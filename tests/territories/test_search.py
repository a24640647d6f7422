import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from territories.models import Commune, Intercommunality
from territories.querysets import commune_search_query

pytestmark = pytest.mark.django_db


def labels(text: str, limit: int = 3) -> list[str]:
    return [match.label for match in Commune.objects.search(text, limit=limit)]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("toulouse", "Toulouse (Haute-Garonne, 31000)"),
        ("TOULOUSE 31", "Toulouse (Haute-Garonne, 31000)"),
        ("31300", "Toulouse (Haute-Garonne, 31000)"),
        ("31555", "Toulouse (Haute-Garonne, 31000)"),
        ("toulo", "Toulouse (Haute-Garonne, 31000)"),
        ("toul", "Toul (Meurthe-et-Moselle, 54200)"),
        ("bora bora", "Bora-Bora (Polynésie française, 98730)"),
        ("ouse", "Toulouse (Haute-Garonne, 31000)"),
        ("tarn lisle", "Lisle-sur-Tarn (Tarn, 81310)"),
        ("st-sulpice la pointe", "Saint-Sulpice-la-Pointe (Tarn, 81370)"),
        ("Saint Sulpice 81", "Saint-Sulpice-la-Pointe (Tarn, 81370)"),
        ("pointe sulp", "Saint-Sulpice-la-Pointe (Tarn, 81370)"),
        ("l'hay", "L'Haÿ-les-Roses (Val-de-Marne, 94240)"),
        ("oeting", "Œting (Moselle, 57600)"),
        ("Y", "Y (Somme, 80190)"),
        ("oz", "Oz (Isère, 38114)"),
        ("2a004", "Ajaccio (Corse-du-Sud, 20000)"),
        ("2A004", "Ajaccio (Corse-du-Sud, 20000)"),
        ("Paris 5e", "Paris 5e Arrondissement (Paris, 75005)"),
        ("lyon 3", "Lyon 3e Arrondissement (Rhône, 69003)"),
        ("Massac, Séran", "Massac-Séran (Tarn, 81500)"),
    ],
)
def test_the_best_answer_comes_first(typed: str, expected: str) -> None:
    assert labels(typed)[0] == expected


def test_a_former_name_or_code_leads_to_todays_commune() -> None:
    assert labels("Arbignieu") == ["Arbignieu → Arboys en Bugey (Ain, 01300)"]
    assert [match.code for match in Commune.objects.search("01144")] == ["01025"]


def test_homonyms_are_told_apart_by_departement() -> None:
    found = Commune.objects.search("sainte-colombe")
    exact = [match.label for match in found if match.name == "Sainte-Colombe"]
    assert len(exact) == 12
    assert len(set(exact)) == 12
    assert exact[0] == "Sainte-Colombe (Rhône, 69560)"


def test_exact_names_then_prefixes_then_words_the_most_populated_first() -> None:
    found = Commune.objects.search("lavaur")
    assert [(match.name, match.department_code) for match in found[:6]] == [
        ("Lavaur", "81"),
        ("Lavaur", "24"),
        ("Lavaurette", "82"),
        ("Saint-Lieux-lès-Lavaur", "81"),
        ("Cambon-lès-Lavaur", "81"),
        ("Viviers-lès-Lavaur", "81"),
    ]


def test_at_most_twenty_answers() -> None:
    assert len(Commune.objects.search("saint", limit=500)) == 20


@pytest.mark.parametrize("typed", ["", "   ", "—", "zzzzqq", "%", "_", "\\"])
def test_nothing_to_find_gives_nothing(typed: str) -> None:
    assert Commune.objects.search(typed) == []


def test_a_very_long_text_is_harmless() -> None:
    found = Commune.objects.search("toulouse " * 5000)
    assert {match.code for match in found} == {"31555", "31575", "39533"}


def test_a_commune_out_of_force_is_not_found() -> None:
    Commune.objects.filter(code="31555").update(is_active=False)
    assert "31555" not in [match.code for match in Commune.objects.search("toulouse")]


@pytest.mark.parametrize("typed", ["toulouse", "sa", "31", "saint sulpice", "y", "oz"])
def test_a_search_is_one_query_that_uses_an_index(typed: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        Commune.objects.search(typed)
    assert len(queries) == 1
    sql, parameters = commune_search_query(typed)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan on territories_commune" not in plan
    assert "commune_search" in plan or "commune_name_key" in plan


def test_epci_are_found_by_words_or_siren() -> None:
    with CaptureQueriesContext(connection) as queries:
        found = list(Intercommunality.objects.search("tarn agout"))
    assert len(queries) == 1
    assert [(item.name, item.commune_count) for item in found] == [("CC Tarn-Agout", 21)]
    siren = found[0].siren
    assert [item.siren for item in Intercommunality.objects.search(siren)] == [siren]
    assert list(Intercommunality.objects.search("")) == []
