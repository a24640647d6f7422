"""A country of a few communes, as the public package would describe it."""

import json
from pathlib import Path
from typing import Any

from territories import building

REGIONS = [{"code": "76", "nom": "Occitanie", "zone": "metro"}]
DEPARTMENTS = [{"code": "81", "nom": "Tarn", "region": "76"}]
EPCI = [
    {
        "code": "248100737",
        "nom": "CA de l'Albigeois",
        "type": "CA",
        "membres": [{"code": "81004"}, {"code": "81144"}],
    }
]


def commune(code: str, name: str, population: int | None = 1000, **more: Any) -> dict[str, Any]:
    item = {"code": code, "nom": name, "departement": "81", "type": "commune-actuelle"}
    if population is not None:
        item["population"] = population
    return item | {"codesPostaux": ["81000"]} | more


COMMUNES = [
    commune("81004", "Albi", 50_000),
    commune("81144", "Lescure-d'Albigeois", 4_500, codesPostaux=["81380"]),
    commune("81062", "Fontrieu", 900, anciensCodes=["81091", "81153"]),
    {
        "code": "81091",
        "nom": "Ferrières",
        "type": "commune-deleguee",
        "chefLieu": "81062",
        "departement": "81",
    },
]


def package(
    folder: Path, communes: list[dict[str, Any]] | None = None, version: str = "6.0.0"
) -> Path:
    """The unpacked package in `folder`."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps({"version": version}))
    for name, content in {
        "regions": REGIONS,
        "departements": DEPARTMENTS,
        "epci": EPCI,
        "communes": COMMUNES if communes is None else communes,
    }.items():
        (data / f"{name}.json").write_text(json.dumps(content))
    return folder


def files(
    folder: Path, communes: list[dict[str, Any]] | None = None, version: str = "6.0.0"
) -> dict[str, bytes]:
    """The reference files of the little country."""
    return building.build(package(folder, communes, version))


def write(folder: Path, contents: dict[str, bytes]) -> Path:
    building.write_folder(contents, folder)
    return folder
