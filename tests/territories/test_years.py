from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from territories import consequences, loading, services
from territories.errors import TerritoryError
from territories.models import Commune, CommuneSuccession, Territory, Vintage
from territories.population import summarise
from territories.reference import Source
from territories.years import follow_year, read_proposal
from tests.territories import cog_years, mini

pytestmark = pytest.mark.django_db


def codes(territory: Territory) -> list[str]:
    return list(territory.parts.order_by("commune", "part_name").values_list("commune", flat=True))


def drawn(*communes: str) -> Territory:
    territory = Territory.objects.create()
    services.add_communes(territory, list(communes))
    return territory


# --- A draft -------------------------------------------------------------------------------------


def test_a_territory_of_2024_is_proposed_its_communes_of_2026_and_follows_once_accepted() -> None:
    today = cog_years.load_2024()
    territory = drawn("19223", "19248", "15141", "12076", "81004")
    assert summarise(territory).cog_year == 2024
    loading.load_data(today)

    # Nothing has changed by itself.
    assert codes(territory) == ["12076", "15141", "19223", "19248", "81004"]
    summary = summarise(territory)
    assert (summary.cog_year, summary.gone_count, summary.is_behind) == (2024, 2, True)

    proposal = read_proposal(territory)
    assert proposal is not None
    assert [str(line) for line in proposal.removed] == [
        "Conques-en-Rouergue (12076)",
        "Saint-Martin-Sepert (19223)",
    ]
    assert [str(line) for line in proposal.added] == [
        "Conques-en-Rouergue (12218)",
        "Celles (15031)",
        "Chalinargues (15035)",
        "Chavagnac (15047)",
        "Sainte-Anastasie (15171)",
    ]
    assert [(str(one.before), str(one.after)) for one in proposal.redrawn] == [
        ("Saint-Ybard (19248)", "Les Trois-Saints (19248)"),
        ("Neussargues en Pinatelle (15141)", "Neussargues-Moissac (15141)"),
    ]
    albi = Commune.objects.get(code="81004").population or 0
    assert (proposal.cog_year_before, proposal.cog_year) == (2024, 2026)
    assert proposal.population_before == 267 + 717 + 1577 + 1555 + albi
    assert proposal.population_after == 1388 + 217 + 304 + 88 + 824 + 122 + 1540 + albi

    follow_year(territory, revision=territory.revision)
    assert codes(territory) == [
        *("12218", "15031", "15035", "15047", "15141", "15171", "19248", "81004")
    ]
    summary = summarise(territory)
    assert (summary.cog_year, summary.gone_count, summary.is_behind) == (2026, 0, False)
    assert summary.population == proposal.population_after
    assert territory.revision == 2
    assert read_proposal(territory) is None


def test_a_territory_that_changes_between_reading_and_accepting_is_left_as_it_is() -> None:
    today = cog_years.load_2024()
    territory = drawn("19223")
    loading.load_data(today)
    seen = read_proposal(territory)
    services.add_communes(territory, ["81004"])
    with pytest.raises(TerritoryError, match="quelqu’un a modifié le territoire"):
        follow_year(territory, revision=seen.revision)
    assert codes(territory) == ["19223", "81004"]
    follow_year(territory, revision=territory.revision)
    with pytest.raises(TerritoryError, match="plus rien à accepter"):
        follow_year(territory, revision=territory.revision)
    assert codes(territory) == ["19248", "81004"]


def test_a_territory_whose_communes_do_not_change_is_proposed_nothing() -> None:
    today = cog_years.load_2024()
    territory = drawn("81004", "12083")
    loading.load_data(today)
    assert read_proposal(territory) is None
    assert summarise(territory).cog_year == 2026
    # Between 2025 and 2026 communes only change names: the name follows by itself.
    assert Commune.objects.get(code="12083").name == "Cransac-les-Thermes"


def test_a_year_loaded_then_undone_asks_nothing_more_than_what_was_there() -> None:
    today = cog_years.load_2024()
    territory = drawn("19223", "15141")
    loading.load_data(today)
    loading.load_data(cog_years.as_in_2024(today))
    proposal = read_proposal(territory)
    assert (proposal.removed, proposal.added) == ((), ())
    follow_year(territory, revision=territory.revision)
    assert codes(territory) == ["15141", "19223"]


def test_what_became_of_each_commune_is_kept() -> None:
    loading.load_data(cog_years.load_2024())
    kept = CommuneSuccession.objects.filter(vintage__is_current=True)
    assert [str(one) for one in kept.order_by("before_id", "after_id")] == [
        "12076 → 12218",
        "15141 → 15031",
        "15141 → 15035",
        "15141 → 15047",
        "15141 → 15141",
        "15141 → 15171",
        "19223 → 19248",
        "19230 → 19248",
        "19248 → 19248",
    ]
    assert Vintage.objects.get(is_current=True).previous.cog_year == 2024


# --- The load ------------------------------------------------------------------------------------


def test_a_load_interrupted_half_way_leaves_the_year_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    today = cog_years.load_2024()
    territory = drawn("19223")

    def stopped(*_: Any) -> None:
        raise ConnectionError("The machine stops.")

    declared = (lambda _changes: [], stopped)
    monkeypatch.setattr(consequences, "_declared", [*consequences._declared, declared])
    with pytest.raises(ConnectionError):
        loading.load_data(today)
    assert Vintage.objects.get(is_current=True).cog_year == 2024
    assert Commune.objects.get(code="19248").name == "Saint-Ybard"
    assert read_proposal(territory) is None


@pytest.fixture
def little_country(tmp_path: Path) -> Path:
    """In force: the three communes of `mini`; the folder of the year after, where two merge."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE territories_region, territories_intercommunality, territories_vintage CASCADE"
        )
    loading.load(Source(mini.write(tmp_path / "first", mini.files(tmp_path / "package"))))
    newer = [
        mini.commune("81004", "Albi", 54_500, anciensCodes=["81144"]),
        mini.commune("81062", "Fontrieu", 900, anciensCodes=["81091", "81153"]),
    ]
    return mini.write(tmp_path / "newer", mini.files(tmp_path / "p7", newer, "7.0.0"))


def said_by(*arguments: str, **options: Any) -> list[str]:
    out = StringIO()
    call_command("load_territories", *arguments, stdout=out, **options)
    return out.getvalue().replace("\u00a0", " ").splitlines()


def test_the_command_says_what_would_change_and_changes_nothing(little_country: Path) -> None:
    assert said_by(str(little_country), preview=True) == [
        "Lecture et vérification des fichiers…",
        (
            "En vigueur : COG 2026, population légale 2023. Proposé : COG 2027, population légale "
            "2024 (@etalab/decoupage-administratif 7.0.0 (Licence Ouverte))."
        ),
        "Fusions (plusieurs communes en une) : 1",
        "  Albi (81004) et Lescure-d'Albigeois (81144) → Albi (81004)",
        "Scissions (une commune en plusieurs) : 0",
        "Communes qui changent de code : 0",
        "Recompositions (plusieurs communes en plusieurs) : 0",
        "Communes nouvelles, sans commune d’origine connue : 0",
        "Communes qui disparaissent, sans commune de remplacement connue : 0",
        "Communes renommées : 0",
        "Communes qui changent de département : 0",
        "Communes qui changent d’EPCI : 0",
        "Communes dont la population change : 0",
        "Dossiers dont les communes ou la population changent : 0, dont la taille change : 0",
        "Rien n’a été chargé : c’était un aperçu.",
    ]
    assert Vintage.objects.count() == 1
    assert Commune.objects.filter(is_active=True).count() == 3


def test_the_command_applies_only_what_is_accepted(little_country: Path) -> None:
    with pytest.raises(CommandError, match=r"Relancez avec --yes pour appliquer"):
        said_by(str(little_country))
    assert Vintage.objects.count() == 1
    assert said_by(str(little_country), yes=True)[-1] == (
        "En vigueur : COG 2027, population légale 2024."
    )
    assert said_by(str(little_country)) == [
        "Déjà en vigueur : COG 2027, population légale 2024. Rien à charger."
    ]
    # A portal that starts again does not go back to the files it came with.
    assert said_by()[-1] == (
        "En vigueur : COG 2027, population légale 2024. Les fichiers du portail sont plus anciens."
    )


def test_files_of_two_years_in_one_archive_are_refused(
    little_country: Path, tmp_path: Path
) -> None:
    other = mini.files(tmp_path / "p8", mini.COMMUNES[:1], "8.0.0")
    (little_country / "communes.csv.gz").write_bytes(other["communes.csv.gz"])
    with pytest.raises(CommandError) as refused:
        said_by(str(little_country), yes=True)
    assert "Le chargement est refusé, rien n’a été modifié." in str(refused.value)
    assert Vintage.objects.get(is_current=True).cog_year == 2026
