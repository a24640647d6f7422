"""Cases with what their pages show beside them, in one statement.

Written by hand: every page of a case begins with it, and composing the same joins through the
models took longer than running them. Who sees what stays the queryset's own: the statement
of `visible_to` is inside.
"""

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection, models

from accounts.models import Organisation, User
from communities.models import Community
from territories.models import Region
from workflow.models import Case

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet

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
    found = read_cases(model, Case.objects.visible_to(user).filter(public_id=public_id))
    return found[0] if found else None


def read_cases(model: type[AnyCase], seen: "QuerySet[Any]") -> list[AnyCase]:
    """The cases of `seen`, in its order, with the same beside them, and with its annotations.

    `seen` are cases of this model: of those that `visible_to` gives, a page for instance.
    """
    notes = tuple(seen.query.annotations)
    try:
        inner, parameters = seen.values("pk", *notes).query.sql_with_params()
    except EmptyResultSet:  # nobody is signed in
        return []
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, notes).replace(_SEEN, inner), parameters)
        return [_case(model, notes, row) for row in cursor.fetchall()]


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


def _case(model: type[AnyCase], notes: tuple[str, ...], row: tuple[Any, ...]) -> AnyCase:
    alias = connection.alias
    names = _names(model)
    end = len(names)
    case = model.from_db(alias, names, row[:end])
    for name, other in _BESIDE:
        names = _names(other)
        start, end = end, end + len(names)
        # A draft has no office yet.
        found = None if row[start] is None else other.from_db(alias, names, row[start:end])
        case._state.fields_cache[name] = found
    for note, value in zip(("territory_id", *notes), row[end:], strict=True):
        setattr(case, note, value)
    return case
