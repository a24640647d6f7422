"""Lists of existing CPTS as offices keep them, over the real communes."""

from typing import Any

from contracts.existing.columns import columns
from cpts_portal.spreadsheets import csv_bytes
from territories.models import Commune

ROW: dict[str, Any] = {
    "name": "CPTS Vallée de l’Ubaye",
    "region": "Provence-Alpes-Côte d’Azur",
    "communes": "04019 04062 04073 04086",
    "size": "Taille 3",
    "population": "85000",
    "population_year": "2022",
    "recognised_on": "01/02/2023",
    "signed_on": "01/07/2023",
    "starts_on": "01/07/2023",
    "ends_on": "30/06/2028",
    "mission:access_to_care": "01/07/2023",
}


def row(**changes: str) -> dict[str, str]:
    """A row that can be taken over, with these cells instead."""
    given = {key.replace("mission_", "mission:"): text for key, text in changes.items()}
    return {**ROW, **given}


def as_csv(rows: list[dict[str, str]], encoding: str = "utf-8-sig") -> bytes:
    """The rows under the headings of the model."""
    keys = columns()
    content = csv_bytes(list(keys.values()), [[one.get(key, "") for key in keys] for one in rows])
    return content.decode("utf-8-sig").encode(encoding, "replace")


def many(count: int) -> list[dict[str, str]]:
    """So many CPTS of a dozen communes, none of them twice, over the whole country."""
    codes = Commune.objects.filter(
        is_active=True, kind=Commune.Kind.COMMUNE, department__region__has_ars=True
    )
    ordered = list(codes.order_by("department_id", "code").values_list("code", "department_id"))
    rows = []
    for start in range(0, len(ordered), 12):
        if len(rows) == count:
            break
        group, number = ordered[start : start + 12], start // 12
        department = group[0][1]
        if any(one[1] != department for one in group):
            continue
        rows.append(
            row(
                name=f"CPTS n° {number} des Étangs",
                region="",
                department=department,
                communes=" ".join(code for code, _department in group),
                rna=f"W{number:09d}",
            )
        )
    return rows
