"""Cases with what their pages show beside them, in one statement.

Written by hand: every page of a case begins with it, and composing the same joins through the
models took longer than running them. Who sees what stays the queryset's own: the statement
of `visible_to` is inside.
"""

import json
import uuid
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from django.db import connection, models
from django.db.models import Count, Window
from django.db.models.expressions import RawSQL

from accounts.models import Organisation, User
from accounts.viewers import stand_in, viewer_of
from communities.models import Community
from cpts_portal.composed import Composed, Given
from territories.models import Region
from workflow.models import Case
from workflow.models.cases import CaseQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

AnyCase = TypeVar("AnyCase", bound=Case)

# What is read beside a case, in the order of the columns.
_BESIDE: Final = (("community", Community), ("region", Region), ("office", Organisation))
# Where the statement of `visible_to` goes.
_SEEN: Final = "{seen}"


def read_seen(
    model: type[AnyCase], user: "User | AnonymousUser", public_id: uuid.UUID
) -> AnyCase | None:
    """The case if the person may see it, else None.

    It comes with what `visible_to` notes of the person, its CPTS, its region, its office, and
    `territory_id`, the number of the current territory of its CPTS.
    """
    if not isinstance(user, User):
        return None
    viewer = viewer_of(user)
    seen = _one(model, viewer.shape)
    found = _run(model, seen, seen.inner.parameters(case=public_id, **viewer._asdict()))
    return found[0] if found else None


def read_seen_page(
    model: type[AnyCase], user: User, order: tuple[str, ...], *, start: int, count: int
) -> list[AnyCase]:
    """The cases the person may see, in this order, from the place `start`, `count` at most.

    Each comes with the same beside it, and `total`, how many there are in all.
    """
    viewer = viewer_of(user)
    seen = _some(model, viewer.shape, order)
    given = seen.inner.parameters(**viewer._asdict())
    return _run(model, seen, [*given, count, start])


def public_ids_seen(user: User, cases: Collection[int]) -> dict[int, uuid.UUID]:
    """The public numbers of those of these cases that the person may see, by case. One query."""
    viewer = viewer_of(user)
    return dict(_public_ids(viewer.shape).rows(cases=list(cases), **viewer._asdict()))


@lru_cache
def _public_ids(shape: tuple[bool, bool]) -> Composed:
    asked = RawSQL("SELECT unnest(%s::bigint[])", [Given("cases")])
    seen = Case.objects.seen_by(stand_in(shape)).filter(pk__in=asked)
    return Composed(lambda: seen.values_list("pk", "public_id"))


class _Seen(NamedTuple):
    """What `visible_to` lets through for a viewer of one shape."""

    inner: Composed
    notes: tuple[str, ...]
    # The whole statement around it.
    sql: str


@lru_cache
def _one(model: type[Case], shape: tuple[bool, bool]) -> _Seen:
    return _around(model, Case.objects.seen_by(stand_in(shape)).filter(public_id=Given("case")))


@lru_cache
def _some(model: type[Case], shape: tuple[bool, bool], order: tuple[str, ...]) -> _Seen:
    seen = model.objects.seen_by(stand_in(shape)).annotate(total=Window(Count("*")))
    return _around(model, seen.order_by(*order), " LIMIT %s OFFSET %s")


def _around(model: type[Case], seen: CaseQuerySet, limits: str = "") -> _Seen:
    notes = tuple(seen.query.annotations)
    inner = Composed(lambda: seen.values("pk", *notes))
    return _Seen(inner, notes, _statement(model, notes).replace(_SEEN, inner.sql + limits))


def _run(model: type[AnyCase], seen: _Seen, parameters: Sequence[Any]) -> list[AnyCase]:
    with connection.cursor() as cursor:
        cursor.execute(seen.sql, parameters)
        return [_case(model, seen.notes, row) for row in cursor.fetchall()]


@lru_cache
def _statement(model: type[Case], notes: tuple[str, ...]) -> str:
    columns = [*_columns(model)]
    columns += [column for _name, other in _BESIDE for column in _columns(other)]
    columns += ["communities_communityterritory.territory_id", *(f"seen.{note}" for note in notes)]
    child = model._meta.db_table
    own = "" if model is Case else f'JOIN "{child}" ON "{child}".case_ptr_id = workflow_case.id'
    return f"""
        WITH seen AS MATERIALIZED (
                 SELECT *, row_number() OVER () AS rank
                   FROM ({_SEEN}) AS listed (id, {", ".join(notes)})
             )
        SELECT {", ".join(columns)}
          FROM seen
          JOIN workflow_case ON workflow_case.id = seen.id {own}
          JOIN communities_community
            ON communities_community.id = workflow_case.community_id
          JOIN territories_region ON territories_region.code = workflow_case.region_id
          LEFT JOIN accounts_organisation ON accounts_organisation.id = workflow_case.office_id
          LEFT JOIN communities_communityterritory
            ON communities_communityterritory.community_id = workflow_case.community_id
           AND communities_communityterritory.valid_to IS NULL
         ORDER BY seen.rank
    """  # noqa: S608 - names of the models' own tables and columns


@lru_cache
def _columns(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(
        f'"{field.model._meta.db_table}"."{field.column}"' for field in model._meta.concrete_fields
    )


@lru_cache
def _names(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


@lru_cache
def _written_as_text(model: type[models.Model]) -> tuple[int, ...]:
    """The columns of JSON: a statement of our own reads them as text."""
    fields = enumerate(model._meta.concrete_fields)
    return tuple(rank for rank, field in fields if isinstance(field, models.JSONField))


def _case(model: type[AnyCase], notes: tuple[str, ...], row: tuple[Any, ...]) -> AnyCase:
    alias = connection.alias
    names = _names(model)
    end = len(names)
    values = list(row[:end])
    for rank in _written_as_text(model):
        values[rank] = values[rank] and json.loads(values[rank])
    case = model.from_db(alias, names, values)
    for name, other in _BESIDE:
        names = _names(other)
        start, end = end, end + len(names)
        # A draft has no office yet.
        found = None if row[start] is None else other.from_db(alias, names, row[start:end])
        case._state.fields_cache[name] = found
    for note, value in zip(("territory_id", *notes), row[end:], strict=True):
        setattr(case, note, value)
    return case
