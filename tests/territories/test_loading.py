import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from territories import building, loading, reference
from territories.models import (
    Commune,
    Department,
    FormerCommune,
    Intercommunality,
    Region,
    Vintage,
)
from territories.reference import ReferenceDataError, Source
from tests.territories import mini

Tamper = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return mini.write(tmp_path / "files", mini.files(tmp_path / "package"))


@pytest.fixture
def empty(db: None) -> None:
    """No territory at all, until the test ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE territories_region, territories_intercommunality, territories_vintage CASCADE"
        )


def rewrite(folder: Path, table: str, change: Tamper, *, count: int | None = None) -> None:
    """Change the text of one file, with a manifest that agrees unless `count` says otherwise."""
    path = folder / f"{table}.csv.gz"
    text = change(gzip.decompress(path.read_bytes()).decode())
    path.write_bytes(gzip.compress(text.encode()))
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["files"][table] = {
        "name": path.name,
        "rows": text.count("\n") - 1 if count is None else count,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))


# --- The real country ------------------------------------------------------------------


@pytest.mark.django_db
def test_the_whole_country_is_there() -> None:
    communes = Commune.objects.filter(kind=Commune.Kind.COMMUNE)
    assert {
        "communes": communes.count(),
        "arrondissements": Commune.objects.filter(kind=Commune.Kind.ARRONDISSEMENT).count(),
        "delegated": FormerCommune.objects.filter(kind="deleguee").count(),
        "associated": FormerCommune.objects.filter(kind="associee").count(),
        "former": FormerCommune.objects.filter(kind="ancienne").count(),
        "epci": Intercommunality.objects.count(),
        "departments": Department.objects.count(),
        "regions": Region.objects.count(),
        "regions with an ARS": Region.objects.filter(has_ars=True).count(),
        "population": sum(communes.values_list("population", flat=True).exclude(population=None)),
        "unknown population": communes.filter(population=None).count(),
    } == {
        "communes": 34_969,
        "arrondissements": 45,
        "delegated": 2_105,
        "associated": 471,
        "former": 2_248,
        "epci": 1_255,
        "departments": 109,
        "regions": 26,
        "regions with an ARS": 18,
        "population": 68_952_941,
        "unknown population": 6,
    }
    vintage = Vintage.objects.get(is_current=True)
    assert (vintage.cog_year, vintage.population_year) == (2026, 2023)


@pytest.mark.django_db
def test_arrondissements_hang_from_their_city() -> None:
    assert {
        parent: Commune.objects.filter(parent=parent).count()
        for parent in ("75056", "69123", "13055")
    } == {"75056": 20, "69123": 9, "13055": 16}


@pytest.mark.django_db
def test_text_codes_keep_their_letters_and_zeros() -> None:
    ajaccio = Commune.objects.get(code="2A004")
    assert (ajaccio.name, ajaccio.department_id, ajaccio.department.region_id) == (
        "Ajaccio",
        "2A",
        "94",
    )
    bourg = Commune.objects.get(code="01053")
    assert (bourg.name, bourg.department_id, bourg.postal_codes) == (
        "Bourg-en-Bresse",
        "01",
        ["01000"],
    )
    assert Commune.objects.get(code="97801").department.region_id == "978"


# --- Loading ---------------------------------------------------------------------------


def test_a_load_fills_every_table(empty: None, folder: Path) -> None:
    said: list[str] = []
    outcome = loading.load(Source(folder), report=said.append)
    assert outcome.changed
    assert said == [
        "Lecture et vérification des fichiers…",
        "Régions : 1",
        "Départements : 1",
        "EPCI : 1",
        "Communes et arrondissements : 3",
        "Anciennes communes et anciens codes : 2",
        "En vigueur : COG 2026, population légale 2023.",
    ]
    assert list(
        Commune.objects.order_by("code").values_list(
            "code", "name", "name_key", "search_key", "postal_codes", "population", "is_active"
        )
    ) == [
        ("81004", "Albi", "albi", "| albi | 81004 81000 |", ["81000"], 50_000, True),
        (
            "81062",
            "Fontrieu",
            "fontrieu",
            "| fontrieu | 81062 81000 || ferrieres | 81091 | 81153 |",
            ["81000"],
            900,
            True,
        ),
        (
            "81144",
            "Lescure-d'Albigeois",
            "lescure d albigeois",
            "| lescure d albigeois | 81144 81380 |",
            ["81380"],
            4_500,
            True,
        ),
    ]
    assert [item.code for item in Intercommunality.objects.get().communes.all()] == [
        "81004",
        "81144",
    ]
    assert str(FormerCommune.objects.get(code="81091")) == "Ferrières → 81062"


def test_loading_the_same_files_again_changes_nothing(empty: None, folder: Path) -> None:
    loading.load(Source(folder))
    said: list[str] = []
    outcome = loading.load(Source(folder), report=said.append)
    assert not outcome.changed
    assert said == ["Déjà en vigueur : COG 2026, population légale 2023. Rien à charger."]
    assert Vintage.objects.count() == 1


def test_a_newer_file_updates_renames_and_retires(
    empty: None, folder: Path, tmp_path: Path
) -> None:
    loading.load(Source(folder))
    newer = [
        mini.commune("81004", "Albi-la-Rouge", 51_000),
        mini.commune("81062", "Fontrieu", 900, anciensCodes=["81144"]),
        mini.commune("81999", "Neuve", None),
    ]
    outcome = loading.load(
        Source(mini.write(tmp_path / "newer", mini.files(tmp_path / "p7", newer, "7.0.0")))
    )
    assert (outcome.changed, outcome.deactivated) == (True, 1)
    assert list(
        Commune.objects.order_by("code").values_list("code", "name", "population", "is_active")
    ) == [
        ("81004", "Albi-la-Rouge", 51_000, True),
        ("81062", "Fontrieu", 900, True),
        ("81144", "Lescure-d'Albigeois", 4_500, False),
        ("81999", "Neuve", None, True),
    ]
    assert list(FormerCommune.objects.values_list("code", "current_id")) == [("81144", "81062")]
    assert list(Vintage.objects.order_by("pk").values_list("cog_year", "is_current")) == [
        (2026, False),
        (2027, True),
    ]


def test_a_commune_that_comes_back_is_in_force_again(
    empty: None, folder: Path, tmp_path: Path
) -> None:
    loading.load(Source(folder))
    loading.load(
        Source(mini.write(tmp_path / "n", mini.files(tmp_path / "p", mini.COMMUNES[:1], "7.0.0")))
    )
    assert Commune.objects.filter(is_active=True).count() == 1
    loading.load(Source(folder))
    assert Commune.objects.filter(is_active=True).count() == 3


def test_archives_load_like_folders(empty: None, folder: Path, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(folder, arcname="territoires")
    outcome = loading.load(Source(io.BytesIO(packed.getvalue()), "territoires.tar.gz"))
    assert outcome.changed
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    zipped = Source(io.BytesIO(building.as_archive(files)), "territoires.zip")
    assert not loading.load(zipped).changed


def test_two_loads_never_run_together(empty: None, folder: Path) -> None:
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_advisory_xact_lock(7203141)")
        with pytest.raises(CommandError) as refused:
            call_command("load_territories", str(folder))
    assert str(refused.value) == (
        "Un chargement des territoires est déjà en cours. Attendez qu’il se termine, "
        "puis recommencez si nécessaire."
    )
    assert not Commune.objects.exists()


# --- Bad files -------------------------------------------------------------------------

CODE = "81144,commune,Lescure-d'Albigeois,81,"


@pytest.mark.parametrize(
    ("table", "change", "expected"),
    [
        pytest.param(
            "communes",
            lambda text: text.replace("department,", ""),
            "communes.csv.gz, ligne 1 : colonne manquante : department. Attendu : "
            "code,kind,name,department,parent,intercommunality,postal_codes,population",
            id="missing column",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace("81144,commune", "1144,commune"),
            "communes.csv.gz, ligne 4 : code INSEE « 1144 » : il faut cinq signes, par exemple "
            "01001 ou 2A004. Un tableur a pu retirer les zéros du début.",
            id="short code",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace(CODE, CODE.replace("81,", "99,")),
            "communes.csv.gz, ligne 4 : département « 99 » inconnu "
            "(commune 81144 Lescure-d'Albigeois).",
            id="unknown department",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace("81144,commune", "81004,commune"),
            "communes.csv.gz, ligne 4 : code « 81004 » déjà donné à la ligne 2.",
            id="duplicate code",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace(",4500", ",4 500"),
            "communes.csv.gz, ligne 4 : population « 4 500 » : il faut un nombre entier, sans "
            "espace (commune 81144 Lescure-d'Albigeois).",
            id="population",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace(",81380,", ",8138,"),
            "communes.csv.gz, ligne 4 : codes postaux « 8138 » : cinq chiffres, séparés par une "
            "espace.",
            id="postal code",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace(CODE + ",248100737", CODE + ",111111111"),
            "communes.csv.gz, ligne 4 : EPCI « 111111111 » inconnu "
            "(commune 81144 Lescure-d'Albigeois).",
            id="unknown EPCI",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace("81144,commune", "81144,arrondissement"),
            "communes.csv.gz, ligne 4 : commune entière «  » inconnue (arrondissement).",
            id="orphan arrondissement",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace("81144,commune", "81144,hameau"),
            "communes.csv.gz, ligne 4 : nature « hameau » : commune ou arrondissement attendu.",
            id="kind",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace(",81380,4500", ",81380"),
            "communes.csv.gz, ligne 4 : 7 colonnes au lieu de 8.",
            id="columns of a line",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace("Lescure-d'Albigeois", "Lescure\td'Albigeois"),
            "communes.csv.gz, ligne 4 : nom vide, de plus de 100 signes ou avec un signe interdit.",
            id="control sign",
        ),
        pytest.param(
            "communes",
            lambda text: text.replace("81144,", '"81144"x,'),
            "communes.csv.gz, ligne 4 : ligne CSV illisible (',' expected after '\"').",
            id="bad quotes",
        ),
        pytest.param(
            "departments",
            lambda text: text.replace(",76", ",99"),
            "departments.csv.gz, ligne 2 : région « 99 » inconnue (département 81).",
            id="unknown region",
        ),
        pytest.param(
            "intercommunalities",
            lambda text: text.replace("248100737", "24810073"),
            "intercommunalities.csv.gz, ligne 2 : SIREN « 24810073 » : il faut neuf chiffres.",
            id="short SIREN",
        ),
        pytest.param(
            "former_communes",
            lambda text: text.replace("Ferrières,81062", "Ferrières,81063"),
            "former_communes.csv.gz, ligne 2 : commune actuelle « 81063 » inconnue "
            "(ancien code 81091).",
            id="unknown current commune",
        ),
        pytest.param(
            "regions",
            lambda text: text.replace(",1", ",oui"),
            "regions.csv.gz, ligne 2 : has_ars vaut 0 ou 1, pas « oui ».",
            id="has_ars",
        ),
    ],
)
def test_a_bad_line_is_named_and_nothing_changes(
    empty: None, folder: Path, table: str, change: Tamper, expected: str
) -> None:
    rewrite(folder, table, change)
    with pytest.raises(CommandError) as refused:
        call_command("load_territories", str(folder), stdout=StringIO())
    head, first, *_ = str(refused.value).split("\n")
    assert head == "Le chargement est refusé, rien n’a été modifié."
    assert first == expected
    assert not Region.objects.exists()
    assert not Vintage.objects.exists()


def test_a_truncated_file_is_named(empty: None, folder: Path) -> None:
    path = folder / "communes.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ReferenceDataError) as refused:
        loading.load(Source(folder))
    assert str(refused.value) == (
        "communes.csv.gz : fichier gzip tronqué ou abîmé. Copiez-le ou construisez-le à neuf."
    )
    assert not Region.objects.exists()


def test_a_count_that_differs_from_the_manifest_is_named(empty: None, folder: Path) -> None:
    rewrite(folder, "communes", lambda text: text, count=34_969)
    with pytest.raises(ReferenceDataError) as refused:
        loading.load(Source(folder))
    assert str(refused.value) == (
        "communes.csv.gz : 3 lignes au lieu des 34969 annoncées par manifest.json : "
        "le fichier n’est pas complet."
    )


def test_a_file_changed_by_hand_is_named(empty: None, folder: Path) -> None:
    path = folder / "communes.csv.gz"
    changed = gzip.decompress(path.read_bytes()).replace(b"50000", b"50001")
    path.write_bytes(gzip.compress(changed))
    with pytest.raises(ReferenceDataError) as refused:
        loading.load(Source(folder))
    assert str(refused.value) == (
        "communes.csv.gz : le contenu ne correspond pas à l’empreinte SHA-256 donnée par "
        "manifest.json : le fichier a été modifié ou abîmé. Reconstruisez-le."
    )


def test_a_file_in_another_encoding_is_named(empty: None, folder: Path) -> None:
    path = folder / "former_communes.csv.gz"
    path.write_bytes(
        gzip.compress(gzip.decompress(path.read_bytes()).decode().encode("windows-1252"))
    )
    with pytest.raises(ReferenceDataError) as refused:
        loading.load(Source(folder))
    assert str(refused.value) == "former_communes.csv.gz, ligne 2 : le texte n’est pas en UTF-8."


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("{\n  oui", "manifest.json, ligne 2 : ce n’est pas du JSON."),
        ("[]", "manifest.json : la clé « format » doit valoir 1."),
        (
            '{"format": 1, "cog_year": "2026", "population_year": 2023, "source": "x"}',
            (
                "manifest.json : la clé « cog_year » doit être une année.\n"
                "manifest.json : la clé « files » doit décrire exactement : regions, departments, "
                "intercommunalities, communes, former_communes."
            ),
        ),
    ],
)
def test_a_bad_manifest_is_explained(folder: Path, manifest: str, expected: str) -> None:
    (folder / "manifest.json").write_text(manifest)
    with pytest.raises(ReferenceDataError) as refused:
        reference.read(Source(folder))
    assert str(refused.value) == expected


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "regions.csv.gz").unlink()
    with pytest.raises(ReferenceDataError) as refused:
        reference.read(Source(folder))
    assert str(refused.value) == ("regions.csv.gz : fichier annoncé par manifest.json mais absent.")


def test_something_else_than_an_archive_is_refused(tmp_path: Path) -> None:
    for name, content in {"a.pdf": b"%PDF-1.7", "empty.zip": b"", "cut.zip": b"PK\x03\x04"}.items():
        with pytest.raises(ReferenceDataError, match=r"ni une archive \.zip ni une archive"):
            Source(io.BytesIO(content), name)
    with pytest.raises(ReferenceDataError, match=r"ne contient pas de fichier manifest\.json"):
        Source(io.BytesIO(building.as_archive({"regions.csv.gz": b""})), "x.zip")
    with pytest.raises(ReferenceDataError, match="plus de 20 Mo"):
        Source(io.BytesIO(b"0" * (reference.MAX_ARCHIVE_BYTES + 1)), "big.zip")
    with pytest.raises(ReferenceDataError, match=r"pas de fichier manifest.json dans ce dossier"):
        Source(tmp_path)
    with pytest.raises(CommandError, match="illisible"):
        call_command("load_territories", str(tmp_path / "nowhere"))
