"""Indicators by commune: what a table gives, what it is refused for, and what a territory says."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from cpts_portal.spreadsheets import TableFileError, xlsx_bytes
from diagnosis import figures, loading, tables
from diagnosis.asking import DiagnosisError
from diagnosis.board import in_words, read_board
from diagnosis.models import Indicator, IndicatorImport
from diagnosis.tables import Places
from territories.models import Commune
from territories.services import add_part
from tests import factories
from tests.diagnosis import drawing

PLACES = Places(
    cog_year=2026,
    active={"81140": "", "81271": "", "01015": "", "75056": "", "75101": "75056", "75102": "75056"},
    former={"01340": ("deleguee", "01015"), "01999": ("ancienne", "81271")},
    heirs={"15141": ("15108", "15141"), "97123": ("81140",)},
    names={"81140": "Lavaur", "01015": "Arboys en Bugey", "75056": "Paris"},
)


def read(*rows: tuple[str, str], addition: str = "sum", cog_year: int = 2024) -> tables.Reading:
    numbered = [(number, code, value) for number, (code, value) in enumerate(rows, start=2)]
    return tables.read_rows(numbered, addition=addition, cog_year=cog_year, places=PLACES)


def said(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Médecins généralistes",
        "source": "Annuaire d’essai",
        "year": 2025,
        "unit": "médecins",
        "addition": "sum",
        "weight_kind": "",
        "weights": None,
        "rate_per": None,
        "cog_year": 2026,
        **changes,
    }


def administrator() -> User:
    return factories.user(is_staff=True, is_superuser=True)


def loaded(content: str, **changes: Any) -> Indicator:
    person = administrator()
    waiting = loading.read_file(
        by=person, name="t.csv", content=content.encode(), column="", said=said(**changes)
    )
    return loading.accept(waiting, by=person)


# --- Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", "12"),
        ("12,5", "12.5"),
        ("12.5", "12.5"),
        ("1 234,50", "1234.5"),
        ("1\u202f234", "1234"),
        ("1.234,5", "1234.5"),
        ("-3,1", "-3.1"),
        ("14,2 %", "14.2"),
        ("1e-05", "0"),
        ("", None),
        ("s", None),
        ("n/d", None),
    ],
)
def test_numbers_are_read_as_french_and_spreadsheets_write_them(
    text: str, value: str | None
) -> None:
    assert tables.read_number(text) == (None if value is None else Decimal(value))


@pytest.mark.parametrize("text", ["douze", "12 médecins", "1,2,3", "=A1", "99999999999999", "1/2"])
def test_text_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        tables.read_number(text)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_a_number_said_is_the_number_read(value: Decimal) -> None:
    assert tables.read_number(in_words(value, 2).replace("−", "-")) == value


def test_each_row_that_gives_nothing_says_why() -> None:
    reading = read(
        ("81140", "3"),
        ("81140", "4"),
        ("99999", "1"),
        ("81271", "beaucoup"),
        ("", "5"),
        ("1015", "7,5"),
        ("15141", "2"),
        ("75056", ""),
    )
    assert reading.values == {"01015": Decimal("7.5")}
    assert [number for number, _ in reading.faults] == [3, 4, 5, 6, 8]
    assert "deux valeurs" in reading.faults[0][1]
    assert "aucune commune" in reading.faults[1][1]
    assert "n’est pas un nombre" in reading.faults[2][1]
    assert "code INSEE manque" in reading.faults[3][1]
    assert "partagée entre" in reading.faults[4][1]
    assert (reading.row_count, reading.blank_count) == (8, 1)


def test_one_value_written_twice_is_kept_once() -> None:
    reading = read(("81140", "3"), ("81140", "3,0"))
    assert reading.values == {"81140": Decimal(3)}
    assert (reading.faults, len(reading.notes)) == ([], 1)


def test_former_communes_are_added_to_todays_where_values_add_up() -> None:
    summed = read(("01015", "10"), ("01340", "5"), ("01999", "2"), ("97123", "1"))
    assert summed.values == {
        "01015": Decimal(15),
        "81271": Decimal(2),
        "81140": Decimal(1),
    }
    averaged = read(("01015", "10"), ("01340", "5"), ("01999", "2"), addition="mean")
    assert averaged.values == {"01015": Decimal(10), "81271": Decimal(2)}
    assert "ne s’additionnent pas" in averaged.faults[0][1].replace("\u00a0", " ")
    todays = read(("01015", "15"), ("01340", "5"), cog_year=2026)
    assert todays.values == {"01015": Decimal(15)}
    assert "une partie de" in todays.faults[0][1]


def test_a_city_has_what_its_arrondissements_add_up_to() -> None:
    values = {"75101": Decimal(2), "75102": Decimal(4)}
    assert tables.complete_cities(values, addition="sum", places=PLACES, populations=None) == [
        "75056"
    ]
    assert values["75056"] == 6
    means = {"75101": Decimal(2), "75102": Decimal(4)}
    weights = {"75101": 1_000, "75102": 3_000}
    tables.complete_cities(means, addition="mean", places=PLACES, populations=weights)
    assert means["75056"] == Decimal("3.5")


def test_a_file_without_its_columns_says_which_it_has() -> None:
    def of(content: bytes, column: str = "") -> tables.Reading:
        return tables.read_table(
            "t.csv", content, column=column, addition="sum", cog_year=2026, places=PLACES
        )

    assert of(b"CODGEO;valeur\n81140;1\n").values == {"81140": Decimal(1)}
    assert of(b"Commune,Code INSEE,A,B\nLavaur,81140,1,2\n", "b").values == {"81140": Decimal(2)}
    workbook = xlsx_bytes("t", ["Code INSEE", "Part"], [["81140", "12,5"]])
    assert of(workbook).values == {"81140": Decimal("12.5")}
    with pytest.raises(TableFileError, match="codes INSEE"):
        of(b"Commune;valeur\nLavaur;1\n")
    with pytest.raises(TableFileError, match="Plusieurs colonnes"):
        of(b"code;a;b\n81140;1;2\n")
    with pytest.raises(TableFileError, match="n’est pas dans le fichier"):
        of(b"code;a;b\n81140;1;2\n", "c")


# --- Loading and showing --------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_mean_without_weights_is_refused_on_the_page_and_by_the_database() -> None:
    with pytest.raises(DiagnosisError, match="population qui la pondère"):
        loaded("code;v\n81140;1\n", addition="mean")
    mean = loaded("code;v\n81140;1\n", addition="mean", weight_kind="population", name="Âge")
    with pytest.raises(DiagnosisError, match="ne s’additionne pas"):
        loaded("code;v\n81140;1\n", addition="mean", weight_kind="indicator", weights=mean)
    weights = loaded("code;v\n81271;5\n", name="Aînés")
    with pytest.raises(DiagnosisError, match="Aucune commune du fichier"):
        loaded("code;v\n81140;1\n", addition="mean", weight_kind="indicator", weights=weights)
    with pytest.raises(IntegrityError), transaction.atomic():
        Indicator.objects.filter(pk=mean.pk).update(weight_kind="")
    with pytest.raises(DiagnosisError, match="rien n’est à charger"):
        loaded("code;v\n99999;1\n")


@pytest.mark.django_db
def test_two_indicators_are_compared_and_missing_communes_named() -> None:
    community = drawing.drawn("81140", "81271", "31149")
    doctors = loaded("code;v\n81140;12\n31149;30\n", rate_per=10_000)
    old_age = loaded(
        "code;v\n81140;40\n81271;30\n31149;35\n",
        name="Âge moyen",
        unit="ans",
        addition="mean",
        weight_kind="population",
    )
    figures.refresh_areas()

    board = read_board(community)

    people = dict(Commune.objects.filter(code__in=["81140", "81271", "31149"]).values_list(
        "code", "population"
    ))  # fmt: skip
    mean = (40 * people["81140"] + 30 * people["81271"] + 35 * people["31149"]) / Decimal(
        sum(people.values())
    )
    rate = Decimal(42) * 10_000 / (people["81140"] + people["31149"])
    assert board.columns[0] == "Votre territoire"
    assert board.columns[-2:] == ["Occitanie", "France"]
    by_label = {row.label.split(" (")[0]: row for row in board.loaded}
    shown = by_label["Âge moyen"].cells[0], by_label["Médecins généralistes"].cells[0]
    assert shown == (in_words(mean, 1), f"{in_words(rate, 1)} (42 en tout)")
    assert [note.replace("\u00a0", " ") for note in by_label["Médecins généralistes"].notes] == [
        "1 commune sans valeur : Saint-Sulpice-la-Pointe."
    ]
    assert by_label["Âge moyen"].source == "Annuaire d’essai, 2025"
    of_tarn = doctors.figures.get(level="department", code="81")
    assert (of_tarn.value, of_tarn.known) == (12, 1)
    assert old_age.figures.get(level="country").known == 3
    habitants = next(row for row in board.reference if row.label == "Habitants")
    assert habitants.cells[0].replace("\u00a0", "") == str(sum(people.values()))


@pytest.mark.django_db
def test_a_part_of_a_commune_has_no_value_of_its_own() -> None:
    community = drawing.drawn("81140")
    add_part(community.territory, "31149", "Perget", 900)
    loaded("code;v\n81140;12\n31149;30\n")
    row = read_board(community).loaded[0]
    assert row.cells[0] == "12"
    assert "1 commune sans valeur" in row.notes[0].replace("\u00a0", " ")


@pytest.mark.django_db
def test_what_comes_with_the_portal_tells_how_a_population_changed() -> None:
    community = drawing.drawn("81140")
    assert "communes" in loading.load_shipped()[0]
    assert "déjà chargé" in loading.load_shipped()[0]
    board = read_board(community)
    changes = next(row for row in board.reference if row.label.startswith("Évolution"))
    assert all(cell.endswith("%") for cell in changes.cells)
    assert len(changes.bars) == len(board.columns) == 4
    assert [one.held for one in board.epci] == [1]


@pytest.mark.django_db
def test_pages_of_indicators_are_the_administrators_alone() -> None:
    community = drawing.drawn("81140")
    client, stranger = Client(), Client()
    client.force_login(administrator())
    stranger.force_login(community.created_by)
    page = reverse("diagnosis:indicator-load")
    table = SimpleUploadedFile("t.csv", b"code;v\n81140;1,5\n99999;2\n81271;?\n")
    typed = {key: value for key, value in said().items() if value is not None}

    refused = client.post(page, {**typed, "addition": "mean"})
    read_it = client.post(page, {**typed, "file": table})
    waiting = IndicatorImport.objects.get()
    report = reverse("diagnosis:indicator-report", args=[waiting.pk])
    assert (refused.status_code, read_it["Location"]) == (422, report)
    shown = client.get(report).content.decode()
    assert "99999" in shown
    assert "n’est pas un nombre" in shown
    assert client.post(report).status_code == 302
    made = Indicator.objects.get()
    assert (made.values.get().value, made.decimals) == (Decimal("1.5"), 1)
    listed = reverse("diagnosis:indicators")
    assert made.name in client.get(listed).content.decode()
    hide = reverse("diagnosis:indicator-show", args=[made.pk])
    assert client.post(hide, {"shown": "0"}).status_code == 302
    assert read_board(community).loaded == []
    for url in (page, listed, report):
        assert (stranger.get(url).status_code, Client().get(url).status_code) == (404, 302)
    gone = reverse("diagnosis:indicator-give-up", args=[waiting.pk])
    assert (stranger.post(hide).status_code, stranger.post(gone).status_code) == (404, 404)


@pytest.mark.django_db
def test_the_page_costs_the_same_for_one_commune_and_for_thirty(client: Client) -> None:
    codes = Commune.objects.filter(department="81", kind="commune").values_list("code", flat=True)
    small, large = drawing.drawn("81140"), drawing.drawn(*list(codes)[:30])
    figures.refresh_areas()
    loaded("code;v\n81140;1\n", name="Premier")
    counts = []
    for community in (small, large):
        client.force_login(community.created_by)
        page = reverse("diagnosis:overview", args=[community.public_id])
        client.get(page)
        with CaptureQueriesContext(connection) as queries:
            assert "Ce que disent les chiffres" in client.get(page).content.decode()
        counts.append(len(queries))
        loaded("code;v\n81140;1\n", name=f"Autre {community.pk}")
    assert counts[0] == counts[1] <= 16
