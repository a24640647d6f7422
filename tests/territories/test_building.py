import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from territories import building
from territories.reference import Source, read
from tests.territories import mini


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(gzip.decompress(content).decode())))


def test_the_package_becomes_compact_files(tmp_path: Path) -> None:
    files = mini.files(tmp_path)
    assert sorted(files) == [
        "communes.csv.gz",
        "departments.csv.gz",
        "former_communes.csv.gz",
        "intercommunalities.csv.gz",
        "manifest.json",
        "regions.csv.gz",
    ]
    assert rows(files["communes.csv.gz"]) == [
        ["code", "kind", "name", "department", "parent", "intercommunality", "postal_codes",
         "population"],
        ["81004", "commune", "Albi", "81", "", "248100737", "81000", "50000"],
        ["81062", "commune", "Fontrieu", "81", "", "", "81000", "900"],
        ["81144", "commune", "Lescure-d'Albigeois", "81", "", "248100737", "81380", "4500"],
    ]  # fmt: skip
    assert rows(files["former_communes.csv.gz"]) == [
        ["code", "kind", "name", "current"],
        ["81091", "deleguee", "Ferrières", "81062"],
        ["81153", "ancienne", "", "81062"],
    ]
    manifest = json.loads(files["manifest.json"])
    assert (manifest["cog_year"], manifest["population_year"]) == (2026, 2023)
    assert {name: entry["rows"] for name, entry in manifest["files"].items()} == {
        "regions": 1,
        "departments": 1,
        "intercommunalities": 1,
        "communes": 3,
        "former_communes": 2,
    }


def test_the_same_package_gives_the_same_bytes(tmp_path: Path) -> None:
    shuffled = list(reversed(mini.COMMUNES))
    assert mini.files(tmp_path / "a") == mini.files(tmp_path / "b", shuffled)
    files = mini.files(tmp_path / "a")
    assert building.as_archive(files) == building.as_archive(dict(reversed(files.items())))


def test_an_arrondissement_is_in_the_epci_of_its_city(tmp_path: Path) -> None:
    part = mini.commune(
        "81201", "Albi 1er Arrondissement", 10, type="arrondissement-municipal", commune="81004"
    )
    files = mini.files(tmp_path, [*mini.COMMUNES, part])
    assert ["81201", "arrondissement", "Albi 1er Arrondissement", "81", "81004", "248100737",
            "81000", "10"] in rows(files["communes.csv.gz"])  # fmt: skip


def test_a_place_that_changed_communes_belongs_to_the_last_one(tmp_path: Path) -> None:
    said: list[str] = []
    package = mini.package(
        tmp_path, [*mini.COMMUNES, mini.commune("81300", "Autre", anciensCodes=["81091"])]
    )
    files = building.build(package, report=said.append)
    assert ["81091", "deleguee", "Ferrières", "81062"] in rows(files["former_communes.csv.gz"])
    assert "81091 Ferrières : rattachée à 81062, pas 81300" in said


def test_the_command_writes_the_folder_and_the_archive(tmp_path: Path) -> None:
    mini.package(tmp_path / "package")
    call_command(
        "build_territories",
        str(tmp_path / "package"),
        output=tmp_path / "out",
        archive=tmp_path / "territoires.zip",
    )
    from_folder = read(Source(tmp_path / "out"))
    from_archive = read(Source(tmp_path / "territoires.zip"))
    assert from_folder == from_archive
    assert zipfile.ZipFile(tmp_path / "territoires.zip").testzip() is None


def test_a_folder_that_is_no_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"est introuvable\. Indiquez le dossier du paquet npm"):
        call_command("build_territories", str(tmp_path), output=tmp_path / "out")
    mini.package(tmp_path, version="next")
    with pytest.raises(CommandError, match="indiquez l’année avec --cog-year"):
        call_command("build_territories", str(tmp_path), output=tmp_path / "out")
