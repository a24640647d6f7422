"""Which CPTS covers a commune, as anybody may know it: what is decided, stands, and since when.

No name of a person, nothing of what is only filed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from territories.models import Commune
from territories.overlap import part_key
from workflow.coverage import Status, status_of


@dataclass(frozen=True)
class Covering:
    """A decided CPTS that holds a commune, or some of it.

    `parts` are the names of the parts of the commune as the CPTS wrote them, or those of its
    arrondissements; empty when it holds the whole commune. `since` is the day from which the
    decision that stands has given it this territory. `status`: how far the CPTS has come there.
    `public_id` is that of its public page, None when it has none.
    """

    name: str
    parts: tuple[str, ...]
    since: date
    status: Status
    public_id: UUID | None

    @property
    def is_whole(self) -> bool:
        return not self.parts


@dataclass
class _Found:
    case: int
    name: str
    since: date
    status: Status
    has_page: bool
    is_whole: bool = False
    parts: list[str] = field(default_factory=list)


# What a contract in force adds to what its CPTS claims is held whole: an amendment says so.
_COVERING: Final = """
    WITH contracted AS MATERIALIZED (
        SELECT k.community_id, k.id, p.since, code, p.whole @> ARRAY[code] AS is_whole
          FROM unnest(%(codes)s::varchar[]) AS code
          JOIN workflow_territoryperiod p
            ON p.whole @> ARRAY[code] OR p.parts @> ARRAY[code]
          JOIN workflow_case k ON k.id = p.case_id
         WHERE p.stage = 'contracted' AND p.until IS NULL
    ), held AS (
        SELECT cl.case_id, cl.commune_id AS code, cl.part_key, p.since, p.stage
          FROM workflow_territoryclaim cl
          JOIN workflow_territoryperiod p ON p.case_id = cl.case_id AND p.until IS NULL
         WHERE cl.commune_id = ANY(%(codes)s) AND cl.stage = 'decided'
         UNION ALL
        SELECT n.id, n.code, '', n.since, 'contracted'
          FROM contracted n
         WHERE n.is_whole
           AND NOT EXISTS (SELECT 1 FROM workflow_territoryclaim cl
                            WHERE cl.community_id = n.community_id AND cl.commune_id = n.code)
    )
    SELECT k.id, k.title, c.public_id, h.code, h.part_key, h.since, k.kind, h.stage,
           EXISTS (SELECT 1 FROM contracted n
                    WHERE n.community_id = c.id AND n.code = h.code),
           EXISTS (SELECT 1 FROM communities_communitystage g WHERE g.community_id = c.id)
      FROM held h
      JOIN workflow_case k ON k.id = h.case_id
      JOIN communities_community c ON c.id = k.community_id
     ORDER BY k.title, k.id DESC, h.code, h.part_key
"""
# Parts are claimed under their normalised names: what was deposited has those people wrote.
_PARTS: Final = """
    SELECT k.id, line ->> 'code', line ->> 'part_name'
      FROM workflow_case k
      JOIN workflow_snapshot s ON s.case_id = k.id AND s.version = k.version,
           jsonb_array_elements(s.content -> 'territory') AS line
     WHERE k.id = ANY(%s) AND line ->> 'code' = ANY(%s) AND line ->> 'part_name' <> ''
"""


def read_covering(commune: Commune) -> list[Covering]:
    """The decided CPTS of a commune or of an arrondissement, by name, in four queries.

    A commune is covered in part by whoever holds one that has merged into it. A city is covered
    by whoever holds some of its arrondissements, an arrondissement by whoever holds its city.
    """
    districts = dict(commune.arrondissements.values_list("code", "name"))
    merged = commune.former.exclude(code=commune.code).exclude(name="")
    districts |= dict(merged.values_list("code", "name"))
    # A territory that followed a merger holds a part under the name of the former commune.
    former = {part_key(name): name for name in districts.values()}
    codes = [commune.code, *districts, *([commune.parent_id] if commune.parent_id else [])]
    with connection.cursor() as cursor:
        cursor.execute(_COVERING, {"codes": codes})
        rows = cursor.fetchall()
    written = _written_parts({row[0] for row in rows if row[4]}, codes)
    found: dict[UUID, _Found] = {}
    for case, title, public_id, code, part, since, kind, stage, is_contracted, has_page in rows:
        reached = status_of(kind, stage) or Status.ACCEPTED
        status = Status.CONTRACT if is_contracted else reached
        one = found.setdefault(
            public_id, _Found(case, title, timezone.localdate(since), status, has_page)
        )
        if one.case != case:  # an earlier case of the same CPTS
            continue
        if part:
            one.parts.append(written.get((case, code, part)) or former.get(part, part))
        elif code in districts:
            one.parts.append(districts[code])
        else:
            one.is_whole = True
    return [
        Covering(
            name=one.name,
            parts=() if one.is_whole else tuple(one.parts),
            since=one.since,
            status=one.status,
            public_id=public_id if one.has_page else None,
        )
        for public_id, one in found.items()
    ]


def _written_parts(cases: Iterable[int], codes: list[str]) -> dict[tuple[int, str, str], str]:
    ids = list(cases)
    if not ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_PARTS, [ids, codes])
        return {(case, code, part_key(name)): name for case, code, name in cursor.fetchall()}
