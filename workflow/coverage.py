"""Which commune is covered, by what, on what day: read from the dated periods of the cases.

A draft covers nothing. See docs/decisions/0012-couverture.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from accounts.models import Organisation, User
from cpts_portal.memo import Memo
from territories.models import Department, FormerCommune
from workflow.models import Case, TerritoryPeriod
from workflow.reading import public_ids_seen

# No case was ever filed before the law that created the CPTS (26 January 2016).
FIRST_DAY: Final = date(2016, 1, 27)


class Status(StrEnum):
    """How far the CPTS of a commune has come; the first one is the furthest."""

    CONTRACT = "contrat"
    PROJECT = "projet"
    ACCEPTED = "acceptee"
    FILED = "deposee"
    NOTHING = "rien"


LABELS: Final[Mapping[Status, str]] = {
    Status.CONTRACT: "Contrat signé",
    Status.PROJECT: "Projet de santé",
    Status.ACCEPTED: "Lettre acceptée",
    Status.FILED: "Lettre déposée",
    Status.NOTHING: "Aucune CPTS",
}
# What tells a status where colours do not.
LETTERS: Final[Mapping[Status, str]] = {
    Status.CONTRACT: "C",
    Status.PROJECT: "P",
    Status.ACCEPTED: "A",
    Status.FILED: "D",
    Status.NOTHING: "–",
}
_ORDER: Final = {status: rank for rank, status in enumerate(Status)}
_STATUSES: dict[tuple[str, str], Status] = {}


def declare_coverage(
    kind: str, *, filed: Status, decided: Status, contracted: Status | None = None
) -> None:
    """What the communes of a kind of case are, while it is examined and once it is decided.

    `contracted`: what they are while a contract of this kind is in force.
    """
    _STATUSES[(kind, TerritoryPeriod.Stage.FILED)] = filed
    _STATUSES[(kind, TerritoryPeriod.Stage.DECIDED)] = decided
    if contracted is not None:
        _STATUSES[(kind, TerritoryPeriod.Stage.CONTRACTED)] = contracted


def status_of(kind: str, stage: str) -> Status | None:
    """The status that a kind of case gives at a stage; None when it gives none."""
    return _STATUSES.get((kind, stage))


def known_statuses() -> list[Status]:
    """Those that some kind of case can give, and « nothing », in their order."""
    given = {*_STATUSES.values(), Status.NOTHING}
    return [status for status in Status if status in given]


@dataclass(frozen=True, slots=True)
class Covered:
    """A commune of today, and how far its CPTS has come.

    `population` is in inhabitants, None where the INSEE publishes none. `is_partial`: only parts
    of it, or some of its arrondissements. `case_id` is one of the `case_count` cases that give
    its status.
    """

    code: str
    name: str
    name_key: str
    department: str
    siren: str
    population: int | None
    status: Status = Status.NOTHING
    is_partial: bool = False
    case_id: int | None = None
    case_count: int = 0


@dataclass(frozen=True)
class Coverage:
    """Every commune of a région on one day. `names` are those of its EPCI and départements."""

    region: str
    # None: now.
    on: date | None
    communes: tuple[Covered, ...]
    departments: dict[str, str]
    intercommunalities: dict[str, str]
    population_year: int | None
    # The same content has the same digest.
    digest: str
    kept: dict[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Total:
    """Communes and inhabitants of one status."""

    communes: int = 0
    population: int = 0
    partial: int = 0


def totals(communes: Iterable[Covered]) -> dict[Status, Total]:
    """Communes, inhabitants and communes in part, by status."""
    counts: dict[Status, list[int]] = {}
    for one in communes:
        count = counts.setdefault(one.status, [0, 0, 0])
        count[0] += 1
        count[1] += one.population or 0
        count[2] += one.is_partial
    return {status: Total(*count) for status, count in counts.items()}


# --- Who may look ---------------------------------------------------------------------------

_AGENCIES: Final = (Organisation.Kind.ARS, Organisation.Kind.ARS_BRANCH)


def regions_of(user: User) -> list[str] | None:
    """The régions whose coverage a person may read; None: all of them.

    People of an agency or of one of its offices, in that role: their région. An administrator
    of the portal, in their own name: every région. Nobody else.
    """
    if user.acting is None:
        return None if user.is_superuser else []
    body = user.acting.organisation
    return [body.region_id] if body.kind in _AGENCIES else []


# --- Reading ----------------------------------------------------------------------------------

# A région weighs about two megabytes; the latest days looked at stay.
_kept: Memo[Coverage] = Memo(limit=40_000_000, weigh=lambda found: 400 * len(found.communes))
# The number changes with every change of who covers what, and with every load of communes.
_REVISION: Final = """
    SELECT coalesce((SELECT max(changed_in) FROM workflow_coveragerevision), 0),
           coalesce((SELECT max(id) FROM workflow_territoryperiod), 0),
           coalesce((SELECT max(id) FROM territories_vintage WHERE is_current), 0),
           coalesce((SELECT max(id) FROM territories_contourset WHERE is_current), 0),
           (SELECT max(population_year) FROM territories_vintage WHERE is_current)
"""


def revision() -> tuple[int, ...]:
    """What changes whenever a coverage may have changed."""
    with connection.cursor() as cursor:
        cursor.execute(_REVISION)
        return tuple(value or 0 for value in cursor.fetchone())


def read_coverage(region: str, on: date | None = None) -> Coverage:
    """The coverage of a région at the end of a day, or now; in one query when it is known.

    A day to come is read as now. Communes and populations are those of today, whatever the day.
    """
    if on is not None and on >= timezone.localdate():
        on = None
    number = revision()
    key = (region, on, *number)
    return _kept.get(key, lambda: _read(region, on, number[-1] or None))


def _read(region: str, on: date | None, population_year: int | None) -> Coverage:
    departments = dict(Department.objects.filter(region=region).values_list("code", "name"))
    places, intercommunalities, cities = _places(sorted(departments))
    best = _best(_held(sorted(departments), on), places, cities)
    communes = tuple(
        Covered(**place, **best.get(place["code"], _NOTHING)) for place in places.values()
    )
    said = "\n".join(
        f"{one.code} {one.status} {one.is_partial} {one.case_id} {one.case_count} {one.population}"
        for one in communes
    )
    return Coverage(
        region=region,
        on=on,
        communes=communes,
        departments=departments,
        intercommunalities=intercommunalities,
        population_year=population_year,
        digest=sha256(said.encode()).hexdigest(),
    )


_NOTHING: Final[dict[str, Any]] = {}
_PLACES: Final = """
    SELECT c.code, c.name, c.name_key, c.department_id, coalesce(c.intercommunality_id, ''),
           c.population, c.parent_id, e.name
      FROM territories_commune c
      LEFT JOIN territories_intercommunality e ON e.siren = c.intercommunality_id
     WHERE c.department_id = ANY(%s) AND c.is_active
     ORDER BY c.population DESC NULLS LAST, c.name_key, c.code
"""


def _places(
    departments: list[str],
) -> tuple[dict[str, dict[str, Any]], dict[str, str], dict[str, set[str]]]:
    """The communes by INSEE code, the names of their EPCI, the arrondissements of the cities."""
    places: dict[str, dict[str, Any]] = {}
    epci: dict[str, str] = {}
    cities: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [departments])
        for code, name, name_key, department, siren, population, parent, epci_name in cursor:
            if parent:
                cities.setdefault(parent, set()).add(code)
                continue
            if siren:
                epci[siren] = epci_name
            places[code] = {
                "code": code,
                "name": name,
                "name_key": name_key,
                "department": department,
                "siren": siren,
                "population": population,
            }
    return places, epci, cities


# One row for each commune, kind of case and stage: a région may have a hundred thousand cases.
_HELD: Final = """
    SELECT held.code, held.is_part, held.kind, held.stage, min(held.case_id), count(*)
      FROM (SELECT unnest(p.whole) AS code, false AS is_part, c.kind, p.stage, p.case_id
              FROM workflow_territoryperiod p JOIN workflow_case c ON c.id = p.case_id
             WHERE p.department_codes && %(departments)s::varchar[] AND {at}
             UNION ALL
            SELECT unnest(p.parts), true, c.kind, p.stage, p.case_id
              FROM workflow_territoryperiod p JOIN workflow_case c ON c.id = p.case_id
             WHERE p.department_codes && %(departments)s::varchar[] AND {at} AND p.parts <> '{{}}'
           ) AS held
     GROUP BY 1, 2, 3, 4
"""
_NOW: Final = "p.until IS NULL"
_THEN: Final = "p.since < %(at)s AND (p.until IS NULL OR p.until >= %(at)s)"


def end_of(day: date) -> datetime:
    """The instant at which a day is over, in the portal's time zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def _held(departments: list[str], on: date | None) -> list[tuple[Any, ...]]:
    at = _NOW if on is None else _THEN
    with connection.cursor() as cursor:
        cursor.execute(
            _HELD.format(at=at), {"departments": departments, "at": end_of(on) if on else None}
        )
        return cursor.fetchall()


def _best(
    rows: Iterable[tuple[Any, ...]],
    places: Mapping[str, Any],
    cities: Mapping[str, set[str]],
) -> dict[str, dict[str, Any]]:
    """What is furthest in each commune of today: its status, by whom, and whether in part.

    A city is covered in part by its arrondissements, whole when all of them are; a commune that
    has merged since covers in part the one it has become.
    """
    rows = [(*row, _STATUSES[row[2:4]]) for row in rows if row[2:4] in _STATUSES]
    city_of = {code: city for city, codes in cities.items() for code in codes}
    elsewhere = city_of | _merged({row[0] for row in rows} - places.keys() - city_of.keys(), places)
    found: dict[str, dict[str, Any]] = {}
    districts: dict[tuple[str, Status], set[str]] = {}
    for code, is_part, _, _, case_id, count, status in rows:
        commune = elsewhere.get(code, code)
        partial = is_part or code in elsewhere
        if commune not in places:
            continue
        if code in city_of and not is_part:
            districts.setdefault((commune, status), set()).add(code)
        known = found.get(commune)
        if known is None or _ORDER[status] < _ORDER[known["status"]]:
            found[commune] = {
                "status": status,
                "is_partial": partial,
                "case_id": case_id,
                "case_count": count,
            }
        elif known["status"] == status:
            known["is_partial"] = known["is_partial"] and partial
            known["case_count"] += count
    for (city, status), codes in districts.items():
        if found[city]["status"] == status and codes == cities[city]:
            found[city]["is_partial"] = False
    return found


def _merged(codes: set[str], places: Mapping[str, Any]) -> dict[str, str]:
    """The commune of today of each code that no longer is one, in these départements."""
    here = tuple({place["department"] for place in places.values()})
    asked = [code for code in codes if code.startswith(here)]
    if not asked:
        return {}
    return dict(FormerCommune.objects.filter(code__in=asked).values_list("code", "current_id"))


# --- By whom ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holder:
    """A CPTS that holds a commune, in the words this person may read."""

    label: str
    status: Status
    # The page of the case, for whoever has it on their desk.
    public_id: str = ""
    is_partial: bool = False


UNSEEN: Final = "Une CPTS qui n’est pas sur votre bureau"
# Each commune is looked up by itself: only the few cases that a page shows are opened. A CPTS
# that holds it by its contract is not said again for the project behind it.
_HOLDERS: Final = """
    SELECT wanted.code, held.is_part, held.stage, c.kind, c.id, c.title, c.reference, held.total
      FROM unnest(%(codes)s::varchar[]) AS wanted (code)
     CROSS JOIN LATERAL (
              SELECT one.*, count(*) OVER () AS total
                FROM (SELECT DISTINCT ON (said.cpts) said.case_id, said.stage, said.is_part
                        FROM (SELECT p.case_id, p.stage, false AS is_part,
                                     CASE p.stage WHEN 'filed' THEN -p.case_id
                                                  ELSE k.community_id END AS cpts
                                FROM workflow_territoryperiod p
                                JOIN workflow_case k ON k.id = p.case_id
                               WHERE p.whole @> ARRAY[wanted.code] AND {at}
                               UNION ALL
                              SELECT p.case_id, p.stage, true,
                                     CASE p.stage WHEN 'filed' THEN -p.case_id
                                                  ELSE k.community_id END
                                FROM workflow_territoryperiod p
                                JOIN workflow_case k ON k.id = p.case_id
                               WHERE p.parts @> ARRAY[wanted.code] AND {at}) AS said
                       ORDER BY said.cpts, said.stage, said.case_id DESC) AS one
               ORDER BY one.stage, one.case_id DESC
               LIMIT %(most)s
           ) AS held
      JOIN workflow_case c ON c.id = held.case_id
     ORDER BY wanted.code, c.title, c.id
"""
# Of one commune on a page; its row says how many others there are.
MOST_HOLDERS: Final = 5


@dataclass
class Holders:
    """Some of the CPTS that hold a commune, the furthest first, and how many there are in all."""

    shown: list[Holder] = field(default_factory=list)
    total: int = 0


def read_holders(
    codes: Iterable[str], user: User, on: date | None, *, most: int | None = None
) -> dict[str, Holders]:
    """Who holds each of these communes on that day, in two queries; `most` of each, or all.

    A decided CPTS is public; one that is only filed is named to those whose desk it is on.
    """
    if not (wanted := sorted(codes)):
        return {}
    at = _NOW if on is None else _THEN
    with connection.cursor() as cursor:
        cursor.execute(
            _HOLDERS.format(at=at),
            {"codes": wanted, "at": end_of(on) if on else None, "most": most},
        )
        rows = cursor.fetchall()
    seen = public_ids_seen(user, {row[4] for row in rows})
    found: dict[str, Holders] = {}
    for code, is_part, stage, kind, case_id, title, reference, total in rows:
        status = _STATUSES.get((kind, stage))
        if status is None:
            continue
        is_public = stage != TerritoryPeriod.Stage.FILED
        label = title if is_public or case_id in seen else UNSEEN
        if case_id in seen and reference:
            label = f"{title}, {reference}"
        holders = found.setdefault(code, Holders())
        holders.shown.append(Holder(label, status, str(seen.get(case_id, "")), is_part))
        holders.total = total
    for holders in found.values():
        holders.shown.sort(key=lambda one: _ORDER[one.status])
    return found


def public_names(coverage: Coverage) -> dict[int, str]:
    """The names of the decided CPTS of a coverage, by case: everybody may read them."""
    filed = TerritoryPeriod.Stage.FILED
    public = {status for (_, stage), status in _STATUSES.items() if stage != filed}
    ids = {one.case_id for one in coverage.communes if one.status in public and one.case_id}
    return dict(Case.objects.filter(pk__in=ids).values_list("pk", "title"))
