"""Compact reference files from the public package of administrative divisions.

Source: the npm package `@etalab/decoupage-administratif` (data under Licence Ouverte), one
version a year. The same package gives the same bytes, so that a diff shows real changes only.
"""

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from territories import reference

# Legal populations are published three years after the date they describe.
POPULATION_DELAY_YEARS = 3
# A date is stored in every archive member: this one, the earliest a ZIP can hold.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
_FORMER_KINDS = {"commune-deleguee": "deleguee", "commune-associee": "associee"}
_CURRENT_KINDS = {"commune-actuelle": "commune", "arrondissement-municipal": "arrondissement"}


def _say_nothing(line: str) -> None:
    """Progress nobody asked to see."""


class PackageError(ValueError):
    """The folder is not an unpacked package; the message says what is missing."""


def build(
    package: Path,
    *,
    cog_year: int | None = None,
    population_year: int | None = None,
    report: Callable[[str], None] = _say_nothing,
) -> dict[str, bytes]:
    """Return the reference files by name, from the unpacked npm package.

    The years default to those of the package: major version 6 is the COG of 2026, and the
    populations are those of three years before. Raises PackageError.
    """
    version = _load(package / "package.json").get("version", "")
    if cog_year is None:
        try:
            cog_year = 2020 + int(version.split(".")[0])
        except ValueError:
            raise PackageError(
                f"Version « {version} » inattendue dans {package / 'package.json'} : "
                "indiquez l’année avec --cog-year."
            ) from None
    folder = package / "data"
    tables = {
        "regions": _regions(_load(folder / "regions.json")),
        "departments": _departments(_load(folder / "departements.json")),
        "intercommunalities": _intercommunalities(_load(folder / "epci.json")),
        "communes": _communes(_load(folder / "communes.json"), _load(folder / "epci.json")),
        "former_communes": _former_communes(_load(folder / "communes.json"), report),
    }
    files: dict[str, bytes] = {}
    manifest: dict[str, Any] = {
        "format": reference.FORMAT,
        "cog_year": cog_year,
        "population_year": population_year or cog_year - POPULATION_DELAY_YEARS,
        "source": f"@etalab/decoupage-administratif {version} (Licence Ouverte)",
        "files": {},
    }
    for table, rows in tables.items():
        name = f"{table}.csv.gz"
        files[name] = _compressed(_csv(reference.COLUMNS[table], rows))
        manifest["files"][table] = {
            "name": name,
            "rows": len(rows),
            "sha256": hashlib.sha256(files[name]).hexdigest(),
        }
        report(f"{name} : {len(rows)} lignes, {len(files[name])} octets")
    files[reference.MANIFEST] = (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode()
    return files


def write_folder(files: dict[str, bytes], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def as_archive(files: dict[str, bytes]) -> bytes:
    """The files as one ZIP, the form the administration pages accept."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_DATE), files[name])
    return buffer.getvalue()


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise PackageError(
            f"{path} est introuvable. Indiquez le dossier du paquet npm décompressé."
        ) from None
    except json.JSONDecodeError as error:
        raise PackageError(f"{path}, ligne {error.lineno} : ce n’est pas du JSON.") from error


def _csv(columns: tuple[str, ...], rows: Iterable[reference.Row]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _compressed(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, filename="", mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(content)
    return buffer.getvalue()


def _regions(regions: list[dict[str, Any]]) -> list[reference.Row]:
    return sorted(
        (region["code"], region["nom"], "0" if region["zone"] == "com" else "1")
        for region in regions
    )


def _departments(departments: list[dict[str, Any]]) -> list[reference.Row]:
    return sorted((item["code"], item["nom"], item["region"]) for item in departments)


def _intercommunalities(items: list[dict[str, Any]]) -> list[reference.Row]:
    return sorted((item["code"], item["type"], item["nom"]) for item in items)


def _communes(
    communes: list[dict[str, Any]], intercommunalities: list[dict[str, Any]]
) -> list[reference.Row]:
    siren_of = {
        member["code"]: item["code"] for item in intercommunalities for member in item["membres"]
    }
    return sorted(
        (
            item["code"],
            _CURRENT_KINDS[item["type"]],
            item["nom"],
            item["departement"],
            item.get("commune", ""),
            # An arrondissement is in the EPCI of its city.
            siren_of.get(item.get("commune", item["code"]), ""),
            " ".join(sorted(item.get("codesPostaux", []))),
            str(item.get("population", "")),
        )
        for item in communes
        if item["type"] in _CURRENT_KINDS
    )


def _former_communes(
    communes: list[dict[str, Any]], report: Callable[[str], None]
) -> list[reference.Row]:
    named = {
        item["code"]: (item["code"], _FORMER_KINDS[item["type"]], item["nom"], item["chefLieu"])
        for item in communes
        if item["type"] in _FORMER_KINDS
    }
    rows = dict(named)
    for item in communes:
        for code in item.get("anciensCodes", []):
            if code not in named:
                rows[code] = (code, "ancienne", "", item["code"])
            elif named[code][3] != item["code"]:
                # A place that changed communes: the one it belongs to today is the right answer.
                report(
                    f"{code} {named[code][2]} : rattachée à {named[code][3]}, pas {item['code']}"
                )
    return sorted(rows.values())
