"""What an indicator is over a territory, a département, a region and France: sums made by SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from diagnosis.models import Indicator

# Sizes of communes, in inhabitants: the least of each class, then its name.
SIZES: Final = (
    (0, "de moins de 500 habitants"),
    (500, "de 500 à 1 999 habitants"),
    (2_000, "de 2 000 à 9 999 habitants"),
    (10_000, "de 10 000 habitants ou plus"),
)
EARLIER_POPULATION: Final = "earlier-population"

# `held` gives: area, code, name, population, whole. A part of a commune has no value of its own.
_OF_INDICATORS: Final = """
    SELECT indicator.id, held.level, held.area,
           CASE indicator.addition
                WHEN 'sum' THEN sum(cell.value)
                WHEN 'mean' THEN sum(cell.value * cell.weight) / nullif(sum(cell.weight), 0)
           END AS value,
           min(cell.value) AS low, max(cell.value) AS high,
           count(cell.value) AS known, count(*) AS commune_count,
           sum(held.population) FILTER (WHERE cell.value IS NOT NULL) AS population,
           (array_agg(held.name ORDER BY held.name) FILTER (WHERE cell.value IS NULL))[1:{missing}]
               AS missing
      FROM diagnosis_indicator AS indicator
     CROSS JOIN ({held}) AS held
      LEFT JOIN diagnosis_indicatorvalue AS given
             ON given.indicator_id = indicator.id AND given.commune_id = held.code AND held.whole
      LEFT JOIN diagnosis_indicatorvalue AS weighing
             ON weighing.indicator_id = indicator.weights_id AND weighing.commune_id = held.code
     CROSS JOIN LATERAL (
               SELECT CASE indicator.weight_kind WHEN 'population' THEN held.population
                                                 WHEN 'indicator' THEN weighing.value END AS weight
           ) AS by_weight
     CROSS JOIN LATERAL (
               SELECT by_weight.weight,
                      CASE WHEN indicator.weight_kind = '' OR by_weight.weight IS NOT NULL
                           THEN given.value END AS value
           ) AS cell
     WHERE {where}
     GROUP BY indicator.id, held.level, held.area
"""
_HELD_BY_A_TERRITORY: Final = """
    SELECT 'territory' AS level, '' AS area, commune.code, commune.name, commune.population,
           bool_and(part.part_name = '') AS whole
      FROM territories_territorypart AS part
      JOIN territories_commune AS commune ON commune.code = part.commune_id
     WHERE part.territory_id = %(territory)s
     GROUP BY commune.code
"""
_HELD_BY_AREAS: Final = """
    SELECT area.level, area.code AS area, commune.code, commune.name, commune.population,
           true AS whole
      FROM territories_commune AS commune
      JOIN territories_department AS department ON department.code = commune.department_id
     CROSS JOIN LATERAL (VALUES ('department', department.code), ('region', department.region_id),
                                ('country', '')) AS area (level, code)
     WHERE commune.is_active AND commune.kind = 'commune'
"""
# How many communes without a value are named.
NAMED: Final = 10


@dataclass(frozen=True)
class Figure:
    """An indicator over a set of communes. `population` counts those that have a value."""

    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    known: int
    commune_count: int
    population: int | None
    missing: tuple[str, ...] = ()

    @property
    def missing_count(self) -> int:
        return self.commune_count - self.known

    def rate(self, per: int) -> Decimal | None:
        """The sum for so many inhabitants; None where nobody lives, or nothing is known."""
        if self.value is None or not self.population:
            return None
        return self.value * per / self.population


def of_territory(territory_id: int, indicators: Sequence[int]) -> dict[int, Figure]:
    """Each of these indicators over a territory, in one query."""
    sql = _OF_INDICATORS.format(
        held=_HELD_BY_A_TERRITORY, where="indicator.id = ANY(%(indicators)s)", missing=NAMED
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"territory": territory_id, "indicators": list(indicators)})
        return {
            number: Figure(value, low, high, known, count, population, tuple(missing or ()))
            for number, _, _, value, low, high, known, count, population, missing in (
                cursor.fetchall()
            )
        }


def refresh(indicator: Indicator) -> None:
    """Work out an indicator over each département, region and France, in the caller's
    transaction."""
    select = _OF_INDICATORS.format(
        held=_HELD_BY_AREAS, where="indicator.id = %(indicator)s", missing=0
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM diagnosis_indicatorfigure WHERE indicator_id = %s", [indicator.pk]
        )
        cursor.execute(
            f"""
            INSERT INTO diagnosis_indicatorfigure
                   (indicator_id, level, code, value, low, high, known, commune_count, population)
            SELECT id, level, area, value, low, high, known, commune_count, population
              FROM ({select}) AS found
            """,  # noqa: S608 - made of constants
            {"indicator": indicator.pk},
        )


_SIZE_COUNTS: Final = ", ".join(
    f"count(*) FILTER (WHERE held.population >= {low}"
    + (f" AND held.population < {SIZES[rank + 1][0]}" if rank + 1 < len(SIZES) else "")
    + ")"
    for rank, (low, _) in enumerate(SIZES)
)
# The reference data itself: population, communes, EPCI, sizes, and change of population.
_OF_REFERENCE: Final = f"""
    SELECT held.level, held.area,
           coalesce(sum(held.population), 0) AS population,
           count(DISTINCT coalesce(commune.parent_id, commune.code)) AS commune_count,
           count(DISTINCT commune.intercommunality_id) AS epci_count,
           ARRAY[{_SIZE_COUNTS}] AS sizes,
           sum(earlier.value) FILTER (WHERE held.population IS NOT NULL) AS population_then,
           sum(held.population) FILTER (WHERE earlier.value IS NOT NULL) AS population_now
      FROM ({{held}}) AS held
      JOIN territories_commune AS commune ON commune.code = held.code
      LEFT JOIN diagnosis_indicator AS indicator ON indicator.key = '{EARLIER_POPULATION}'
      LEFT JOIN diagnosis_indicatorvalue AS earlier
             ON earlier.indicator_id = indicator.id AND earlier.commune_id = held.code
                AND held.whole
     GROUP BY held.level, held.area
"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class Area:
    """A set of communes as the reference data describes it, in inhabitants."""

    name: str
    population: int
    commune_count: int
    epci_count: int
    sizes: tuple[int, ...]
    population_then: int | None
    population_now: int | None

    @property
    def change(self) -> Decimal | None:
        """By how much the population has changed, in per cent; None where it is not known."""
        if not self.population_then or self.population_now is None:
            return None
        return Decimal(self.population_now - self.population_then) * 100 / self.population_then

    def share(self, rank: int) -> Decimal | None:
        """The share of its communes that are of a size, in per cent."""
        counted = sum(self.sizes)
        return Decimal(self.sizes[rank]) * 100 / counted if counted else None


def area_of_territory(territory_id: int, name: str) -> Area | None:
    """A territory as the reference data describes it; None while it is empty."""
    sql = _OF_REFERENCE.format(held=_HELD_BY_A_TERRITORY)
    with connection.cursor() as cursor:
        cursor.execute(sql, {"territory": territory_id})
        row = cursor.fetchone()
    return area(name, *row[2:]) if row else None


def area(name: str, *figures: Any) -> Area:
    """The columns of `diagnosis_areafigures`, from the name on."""
    population, communes, epci, sizes, then, now = figures
    return Area(
        name,
        int(population),
        communes,
        epci,
        tuple(sizes),
        None if then is None else int(then),
        None if now is None else int(now),
    )


def refresh_areas() -> None:
    """Describe each département, region and France again, in the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM diagnosis_areafigures")
        cursor.execute(
            f"""
            INSERT INTO diagnosis_areafigures
                   (level, code, name, population, commune_count, epci_count, sizes,
                    population_then, population_now)
            SELECT found.level, found.area,
                   coalesce(department.name, region.name, 'France'),
                   found.population, found.commune_count, found.epci_count, found.sizes,
                   found.population_then, found.population_now
              FROM ({_OF_REFERENCE.format(held=_HELD_BY_AREAS)}) AS found
              LEFT JOIN territories_department AS department
                     ON found.level = 'department' AND department.code = found.area
              LEFT JOIN territories_region AS region
                     ON found.level = 'region' AND region.code = found.area
            """  # noqa: S608 - made of constants
        )


def refresh_all() -> None:
    """After the communes or a population have changed: everything is worked out again."""
    refresh_areas()
    for indicator in Indicator.objects.filter(is_shown=True).order_by("pk"):
        refresh(indicator)
