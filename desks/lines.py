# ruff: noqa: S608 - statements are put together from constants; values are bound
"""What a list asks of the lines of a desk, and how it is read: statements written by hand.

Composing them through the models took longer than running them. Who sees what is said once,
in `lines_of`, as `InboxLine.visible_to` says it. Each order is an index of the lines, and each
count is taken along one: see docs/decisions/0009-bureaux.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import User
from desks.choices import (
    COLUMNS_BY_KEY,
    ME,
    MINE_TAB,
    NOBODY,
    ORDERS,
    SIGN_TAB,
    TABS_BY_KEY,
    InboxChoices,
    acting_of,
)
from desks.deadlines import NEAR_DAYS
from workflow.models import InboxTab

# Indexes that counts are taken along, without the table: `inbox_counted` and its likes. Without
# an order PostgreSQL reads the whole table for a list it wrongly thinks is long.
_ALONG_TABS: Final = "l.tab, l.state, l.size_class, l.instructor_id, l.deadline_on"
_ALONG_DEPOSITS: Final = "l.deposited_at, l.case_id"
_ALONG_DEADLINES: Final = "l.deadline_on, l.case_id"
# Days, states and references go together: followed through the whole desk, the order of one may
# begin by half of it that is not under the tab, or in the state, that is asked.
_IN_TIME: Final = frozenset({"reference", "depot", "echeance", "etat"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on `l`, and the orders that an index gives the lines in that meet it."""

    says: str
    orders: frozenset[str] = frozenset()


# What every list begins with, and every index.
_OF_DESK: Final = Condition("l.organisation_id = %s AND l.department_code = %s", ORDERS)


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a desk: conditions on `l`, with their values."""

    conditions: tuple[Condition, ...]
    values: tuple[Any, ...]
    # The list they are of, as `SearchDocument.lists` names it, and whether they are all of it.
    name: str
    is_whole: bool = False
    # The order they are quickest counted in; empty: the planner knows better.
    along: str = _ALONG_TABS

    @property
    def where(self) -> str:
        return " AND ".join(condition.says for condition in self.conditions)

    def and_(
        self,
        condition: str,
        *values: Any,
        along: str | None = None,
        orders: frozenset[str] = frozenset(),
    ) -> "Lines":
        return replace(
            self,
            conditions=(*self.conditions, Condition(condition, orders)),
            values=self.values + values,
            is_whole=False,
            along=self.along if along is None else along,
        )

    def are_indexed(self, column: str) -> bool:
        """Whether an index gives them, and no other, in the order of this column."""
        return len(self.conditions) <= 2 and column in self.conditions[-1].orders

    def led_by(self, column: str) -> str:
        """What an index in the order of this column begins with, and the rest kept out of it.

        « CASE » keeps the planner to that index: it would leave it for a filter it believes is
        narrow.
        """
        leads = [one for one in self.conditions[1:] if column in one.orders]
        kept = {self.conditions[0], *leads[-1:]}
        return " AND ".join(
            one.says if one in kept else f"CASE WHEN {one.says} THEN true ELSE false END"
            for one in self.conditions
        )


def lines_of(user: User, choices: InboxChoices) -> Lines:
    """The lines asked for, but for the words searched. Raises PermissionDenied without a role."""
    acting = acting_of(user)
    code, other = acting.department_id or "", choices.department
    lines = Lines(
        (_OF_DESK,),
        # The lines of the département asked for, rather than those of the whole desk.
        (acting.organisation_id, code or other),
        f"{acting.organisation_id}:{code or other}",
        is_whole=True,
    )
    if code and other and other != code:
        lines = lines.and_("%s = ANY (l.departments)", other)
    if choices.kind:
        lines = lines.and_("l.case_kind = %s", choices.kind, orders=frozenset({"depot"}))
    lines = _narrowed(_under(lines, choices.tab, user), choices)
    if choices.label:
        lines = lines.and_(
            "EXISTS (SELECT FROM workflow_caselabel u JOIN workflow_officelabel o"
            " ON o.id = u.label_id WHERE u.case_id = l.case_id AND o.id = %s"
            " AND o.organisation_id = %s)",
            *(int(choices.label), acting.organisation_id),
            along="",
        )
    if choices.followed:
        lines = lines.and_(
            "EXISTS (SELECT FROM workflow_followedcase f WHERE f.case_id = l.case_id"
            " AND f.user_id = %s AND f.organisation_id = %s)",
            *(user.pk, acting.organisation_id),
            along="",
        )
    if choices.instructor == NOBODY:
        lines = lines.and_("l.instructor_id IS NULL")
    elif choices.instructor:
        person = user.pk if choices.instructor == ME else int(choices.instructor)
        lines = lines.and_("l.instructor_id = %s", person, along="")
    return lines


def _under(lines: Lines, tab: str, user: User) -> Lines:
    stored = TABS_BY_KEY[tab].stored
    if stored is not None:
        return lines.and_("l.tab = %s", stored.value, orders=_IN_TIME)
    if tab == MINE_TAB:
        return lines.and_(
            "l.instructor_id = %s AND l.tab <> %s",
            *(user.pk, InboxTab.DECIDED.value),
            along=_ALONG_DEPOSITS,
        )
    if tab == SIGN_TAB:
        return lines.and_("l.to_sign", along=_ALONG_DEPOSITS, orders=frozenset({"depot"}))
    return lines


def _narrowed(lines: Lines, choices: InboxChoices) -> Lines:
    """By what the lines themselves say."""
    if choices.state:
        lines = lines.and_("l.state = %s", choices.state, orders=_IN_TIME)
    if choices.size:
        lines = lines.and_("l.size_class = %s", choices.size, orders=frozenset({"population"}))
    if choices.deadline:
        today = timezone.localdate()
        near = today + timedelta(days=NEAR_DAYS)
        is_past = choices.deadline == "depassee"
        lines = lines.and_(
            "l.deadline_on < %s" if is_past else "l.deadline_on BETWEEN %s AND %s",
            *([today] if is_past else [today, near]),
            along=_ALONG_DEADLINES,
            orders=frozenset({"echeance"}),
        )
    return lines


def among(lines: Lines, case_ids: list[int]) -> Lines:
    """Those of these cases."""
    return lines.and_("l.case_id = ANY (%s)", case_ids, along="")


# --- Their order -----------------------------------------------------------------------------


def order_of(order: str) -> str:
    """As the column `order` sorts; « - » for the other way round."""
    column = COLUMNS_BY_KEY[order.removeprefix("-")]
    direction = " DESC" if order.startswith("-") else ""
    return ", ".join(f"l.{key}{direction}" for key in column.order)


# --- Reading them ----------------------------------------------------------------------------


class Cells(NamedTuple):
    """What a row of the list is made from."""

    case_id: int
    organisation_id: int
    case_kind: str
    # Why the case is on the desk.
    kind: str
    state: str
    size_class: str
    deposited_on: date
    deadline_on: date | None
    reference: str
    population: int | None
    departments: list[str]
    public_id: UUID
    title: str
    clock_state: str
    suspended_until: date | None
    office_id: int
    office_name: str
    instructor_name: str
    version: int
    label_ids: list[int]
    # Which sides asked a question that is still open; for the office in charge only.
    asking: list[str] | None
    # For the export: with `region_name` they are left empty in a page.
    commune_count: int = 0
    region_name: str = ""


_COLUMNS: Final = (
    # The day only: a moment is dear to read.
    "l.case_id, l.organisation_id, l.case_kind, l.kind, l.state, l.size_class,"
    f" (l.deposited_at AT TIME ZONE '{settings.TIME_ZONE}')::date, l.deadline_on,"
    " l.reference, l.population, l.departments, c.public_id, c.title, c.clock_state,"
    # Looked up one by one: joins were dearer to plan, and to begin, than these are to run.
    " c.suspended_until, c.office_id,"
    " (SELECT o.name FROM accounts_organisation o WHERE o.id = c.office_id),"
    " coalesce((SELECT trim(u.first_name || ' ' || u.last_name) FROM accounts_user u"
    " WHERE u.id = l.instructor_id), ''), c.version,"
    " ARRAY(SELECT k.label_id FROM workflow_caselabel k WHERE k.case_id = l.case_id),"
    # As `Message.visible_to` says it of who is in charge.
    " CASE WHEN c.office_id = l.organisation_id THEN ARRAY("
    "SELECT m.side FROM workflow_message m WHERE m.case_id = l.case_id"
    " AND m.answer_expected AND m.settled_at IS NULL) END"
)
_BESIDE: Final = " JOIN workflow_case c ON c.id = l.case_id"


def read_cells(
    lines: Lines, order: str, start: int, count: int, *, counted: int = 0
) -> tuple[list[Cells], int | None]:
    """`count` lines sorted by the column `order`, from the one of rank `start`, and their number.

    All are counted up to `counted`; None: nothing was counted, or no line was there. One query.
    """
    column, by = order.removeprefix("-"), order_of(order)
    page = f"LIMIT {count}{_from(start)}"
    values, total = lines.values, "NULL::bigint"
    if lines.along and not lines.are_indexed(column):
        values *= 3
        statement = _few_or_many(lines, column, by, page, counted)
    else:
        where = _hidden(lines.where) if lines.along else lines.where
        if counted:
            total, values = f"({_count(lines, counted)})", values * 2
        picked = f"SELECT l.* FROM workflow_inboxline l WHERE {where} ORDER BY {by} {page}"
        statement = f"SELECT {total}, {_COLUMNS} FROM ({picked}) l{_BESIDE} ORDER BY {by}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchall()
    return [Cells._make((*row[1:], 0, "")) for row in rows], rows[0][0] if rows else None


# Up to how many lines are read whole then sorted; of more, an index in their order is followed:
# among a hundred thousand, it meets a page of these in as many lines.
_FEW: Final = 1_500
# Lines narrowed by their deadline are at one end of any order that goes with time: all are read.
_ALL: Final = 1_000_000


def _few_or_many(lines: Lines, column: str, by: str, page: str, counted: int) -> str:
    """A page of lines that are filtered, in an order no index gives them in.

    Few are gathered along the index they are counted by, and sorted; among many, the index of the
    order soon meets enough of them. PostgreSQL, that guesses how many there are, sometimes followed
    an order through the whole desk for a tab that was empty: here they are counted first.
    """
    where = _hidden(lines.where)
    are_far = lines.along == _ALONG_DEADLINES and column in _IN_TIME - {"echeance"}
    few = _ALL if are_far else _FEW
    total = f"(SELECT least(number, {counted}) FROM counted)" if counted else "NULL::bigint"
    number = _count(lines, max(counted, _FEW + 1))
    return (
        f"WITH counted AS MATERIALIZED (SELECT ({_hidden(number)}) AS number), picked AS ("
        f"(SELECT * FROM (SELECT l.* FROM workflow_inboxline l WHERE {where}"
        f" AND (SELECT number FROM counted) <= {few} ORDER BY {lines.along} LIMIT {few}) l"
        f" ORDER BY {by} {page})"
        f" UNION ALL (SELECT l.* FROM workflow_inboxline l WHERE {_hidden(lines.led_by(column))}"
        f" AND (SELECT number FROM counted) > {few} ORDER BY {by} {page}))"
        f" SELECT {total}, {_COLUMNS} FROM picked l{_BESIDE} ORDER BY {by}"
    )


def _hidden(where: str) -> str:
    """The condition with its values hidden from the planner, where one plan serves them all.

    PostgreSQL would else plan the statement again for each desk, which takes longer than running
    it.
    """
    return where.replace("%s", "(SELECT %s)")


def read_found(lines: Lines, case_ids: list[int]) -> list[Cells]:
    """The lines of these cases, in their order: those that are among `lines`. One query.

    Each is looked up by its number, so that one plan serves every list: planning took three
    times as long as running.
    """
    statement = (
        f"SELECT {_COLUMNS} FROM unnest(%s::bigint[]) WITH ORDINALITY found (case_id, place)"
        f" JOIN workflow_inboxline l ON l.case_id = found.case_id{_BESIDE}"
        f" WHERE {lines.where} ORDER BY found.place"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, (case_ids, *lines.values))
        return [Cells._make((*row, 0, "")) for row in cursor.fetchall()]


class Place(NamedTuple):
    """A case in a list: its number, its nature and its public number."""

    case_id: int
    case_kind: str
    public_id: UUID


def read_places(lines: Lines, order: str, start: int, count: int) -> list[Place]:
    """The cases there, in one query."""
    statement = (
        "SELECT l.case_id, c.kind, c.public_id FROM (SELECT l.* FROM workflow_inboxline l"
        f" WHERE {lines.where} ORDER BY {order} LIMIT {count}{_from(start)}) l"
        f" JOIN workflow_case c ON c.id = l.case_id ORDER BY {order}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, lines.values)
        return [Place._make(row) for row in cursor.fetchall()]


def read_all(lines: Lines, order: str) -> Iterator[Cells]:
    """All of them, a few thousand at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS}, c.commune_count, r.name FROM workflow_inboxline l{_BESIDE}"
            f" JOIN territories_region r ON r.code = c.region_id"
            f" WHERE {lines.where} ORDER BY {order}",
            lines.values,
        )
        while rows := cursor.fetchmany(2_000):
            yield from map(Cells._make, rows)


def count_lines(lines: Lines, limit: int | None = None) -> int:
    """How many there are, up to `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(_count(lines, limit), lines.values)
        return int(cursor.fetchone()[0])


def _count(lines: Lines, limit: int | None) -> str:
    if limit is None:
        return f"SELECT count(*) FROM workflow_inboxline l WHERE {lines.where}"
    along = f" ORDER BY {lines.along}" if lines.along else ""
    return (
        f"SELECT count(*) FROM (SELECT FROM workflow_inboxline l WHERE {lines.where}{along}"
        f" LIMIT {limit}) counted"
    )


def _from(start: int) -> str:
    # Written out: for a number it does not know, PostgreSQL plans to read a tenth of the lines.
    return f" OFFSET {start}" if start else ""
