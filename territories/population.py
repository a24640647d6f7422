"""How many people a territory counts, and the size class that follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from territories.models import Territory

# Inhabitants. The interprofessional agreement of 20 June 2019 and its regional guides.
SIZE_THRESHOLDS = (40_000, 80_000, 175_000)


def size_class(population: int, thresholds: Sequence[int] = SIZE_THRESHOLDS) -> str:
    """Return "T1", "T2", "T3" or "T4" for a number of inhabitants.

    The agreement (accord conventionnel interprofessionnel of 20 June 2019, approved on
    21 August 2019) writes « moins de 40 000 », « entre 40 000 et 80 000 », « entre 80 000 et
    175 000 » and « plus de 175 000 ». Taken at its word it puts 40 000 in T2 and 175 000 in
    T3; only 80 000 fits two classes, and the lower bound is included there as it is for
    40 000: 80 000 is T3.

    Raises ValueError for a negative population or for other than three rising thresholds.
    """
    if population < 0:
        raise ValueError("A population cannot be negative.")
    second, third, fourth = thresholds
    if not 0 < second < third < fourth:
        raise ValueError("The three thresholds must rise.")
    if population < second:
        return "T1"
    if population < third:
        return "T2"
    return "T3" if population <= fourth else "T4"


@dataclass(frozen=True, slots=True)
class DepartmentShare:
    """What a territory has in one département; its population counts known figures only."""

    code: str
    name: str
    region_code: str
    population: int
    commune_count: int


@dataclass(frozen=True, slots=True)
class TerritorySummary:
    """The figures of a territory, in inhabitants of the legal municipal population.

    `commune_count` counts each commune once, whole, by parts or by arrondissements.
    `population` adds the INSEE figures of whole communes and arrondissements to the
    inhabitants the lead gives for parts; `unknown_population_count` lines have no INSEE
    figure and `parts_without_figure` no estimate, so that the sum is a minimum when either is
    not zero. `departments` begins with the one that has most inhabitants: it leads.
    `size_class` is None without thresholds or without a commune. `gap` is declared minus
    computed. The years are None before any reference data is loaded; `cog_year` is that of the
    communes as they are drawn. `gone_count` communes are out of force; `is_behind` when the
    communes of the year in force are proposed and not accepted yet.
    """

    commune_count: int
    arrondissement_count: int
    part_count: int
    population: int
    unknown_population_count: int
    parts_without_figure: int
    departments: tuple[DepartmentShare, ...]
    size_class: str | None
    floor: int | None
    below_floor: bool
    population_year: int | None
    cog_year: int | None
    declared_population: int | None
    declared_population_reason: str
    gap: int | None
    gone_count: int = 0
    is_behind: bool = False

    @property
    def is_empty(self) -> bool:
        return self.commune_count == 0

    @property
    def department_codes(self) -> tuple[str, ...]:
        return tuple(share.code for share in self.departments)

    @property
    def region_codes(self) -> tuple[str, ...]:
        """In the order of their most populated département."""
        return tuple(dict.fromkeys(share.region_code for share in self.departments))


def summarise(
    territory: Territory,
    *,
    size_thresholds: Sequence[int] | None = SIZE_THRESHOLDS,
    floor: int | None = None,
) -> TerritorySummary:
    """Add up a territory in one query.

    `size_thresholds` are the three bounds of the procedure, None where it has no classes;
    `floor` its least number of inhabitants, None where it has none. Raises
    Territory.DoesNotExist if the territory is not saved.
    """
    rows = _by_department(territory)
    if not rows:
        raise Territory.DoesNotExist
    first = rows[0]
    rows = [row for row in rows if row["department"] is not None]
    shares = [
        DepartmentShare(
            code=row["department"],
            name=row["department_name"],
            region_code=row["region"],
            population=row["whole_population"] + row["parts_population"],
            commune_count=row["commune_count"],
        )
        for row in rows
    ]
    shares.sort(key=lambda share: (-share.population, share.code))
    population = sum(share.population for share in shares)
    declared = first["declared_population"]
    return TerritorySummary(
        commune_count=sum(share.commune_count for share in shares),
        arrondissement_count=sum(row["arrondissement_count"] for row in rows),
        part_count=sum(row["part_count"] for row in rows),
        population=population,
        unknown_population_count=sum(row["unknown_count"] for row in rows),
        parts_without_figure=sum(row["parts_without_figure"] for row in rows),
        departments=tuple(shares),
        size_class=size_class(population, size_thresholds) if size_thresholds and shares else None,
        floor=floor,
        below_floor=floor is not None and population < floor,
        population_year=first["population_year"],
        cog_year=first["cog_year"],
        declared_population=declared,
        declared_population_reason=first["declared_population_reason"],
        gap=None if declared is None else declared - population,
        gone_count=sum(row["gone_count"] for row in rows),
        is_behind=first["is_behind"],
    )


# Written by hand: every page of a letter reads it, and composing it cost more than running it.
# The communes are counted first: what is said of the territory is not carried by each of them.
# A territory without communes gives one row, without figures.
_BY_DEPARTMENT = """
    SELECT territory.declared_population, territory.declared_population_reason,
           vintage.population_year, coalesce(earlier.cog_year, vintage.cog_year) AS cog_year,
           territory.awaiting_id IS NOT NULL AS is_behind,
           department.name AS department_name, department.region_id AS region, share.*
      FROM territories_territory AS territory
      LEFT JOIN LATERAL (
               SELECT population_year, cog_year FROM territories_vintage WHERE is_current LIMIT 1
           ) AS vintage ON true
      LEFT JOIN territories_vintage AS awaiting ON awaiting.id = territory.awaiting_id
      LEFT JOIN territories_vintage AS earlier ON earlier.id = awaiting.previous_id
      LEFT JOIN LATERAL (
               SELECT commune.department_id AS department,
                      count(DISTINCT coalesce(commune.parent_id, commune.code)) AS commune_count,
                      count(DISTINCT commune.code) FILTER (WHERE commune.kind = 'arrondissement')
                          AS arrondissement_count,
                      count(*) FILTER (WHERE part.part_name <> '') AS part_count,
                      coalesce(sum(commune.population) FILTER (WHERE part.part_name = ''), 0)
                          AS whole_population,
                      coalesce(sum(part.part_population) FILTER (WHERE part.part_name <> ''), 0)
                          AS parts_population,
                      count(*) FILTER (WHERE part.part_name = '' AND commune.population IS NULL)
                          AS unknown_count,
                      count(*) FILTER (WHERE part.part_name <> '' AND part.part_population IS NULL)
                          AS parts_without_figure,
                      count(DISTINCT commune.code) FILTER (WHERE NOT commune.is_active)
                          AS gone_count
                 FROM territories_territorypart AS part
                 JOIN territories_commune AS commune ON commune.code = part.commune_id
                WHERE part.territory_id = territory.id
                GROUP BY commune.department_id
           ) AS share ON true
      LEFT JOIN territories_department AS department ON department.code = share.department
     WHERE territory.id = %s
"""


def _by_department(territory: Territory) -> list[dict[str, Any]]:
    """One row per département; one without figures for a territory without communes."""
    with connection.cursor() as cursor:
        cursor.execute(_BY_DEPARTMENT, [territory.pk])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
