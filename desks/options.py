"""What the office sorts its list with: its départements, labels, people and tabs, and how each
person last looked at it.
"""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Final

from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Membership, User
from cpts_portal.memo import Brief
from cpts_portal.words import figure
from desks.choices import (
    ALL_TAB,
    DEFAULT_COLUMNS,
    MINE_TAB,
    SIGN_TAB,
    TABS,
    InboxChoices,
    acting_of,
    says_something,
)
from territories.normalise import normalise
from workflow.desk_tools import remember_view
from workflow.models import InboxTab

# Counting stops there, and the page says « plus de ».
COUNTED: Final = 500


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class LabelTag:
    """A label as it is shown: its name, and the colour that only repeats it."""

    pk: int
    name: str
    colour: str


@dataclass(frozen=True)
class DeskOptions:
    """What the lists of an office are narrowed by, and how the person last looked at them."""

    departments: dict[str, str]
    labels: dict[int, LabelTag]
    people: dict[int, str]
    # How many cases under each tab, up to one more than `COUNTED`. What is to be signed is there
    # for who signs, by their role or by a delegation in force today.
    counts: dict[str, int]
    # None: they have never been here in this role.
    last_query: str | None
    last_columns: tuple[str, ...]


# What a desk hardly ever changes: its départements, and which of its tabs are so long that they
# still hold more than `COUNTED` a few seconds later.
@dataclass(frozen=True, slots=True)
class _Desk:
    departments: dict[str, str]
    long_tabs: frozenset[str]


_STORED: Final = tuple(InboxTab.values)
_DESKS: Final[Brief[_Desk]] = Brief(seconds=10, limit=1_000)

_OPTIONS: Final = """
    SELECT 'label', id::text, name, colour FROM workflow_officelabel
     WHERE organisation_id = %(body)s
     UNION ALL
    SELECT DISTINCT 'person', u.id::text,
           coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.email), ''
      FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id
     WHERE m.organisation_id = %(body)s AND m.is_active AND u.is_active
     UNION ALL
    (SELECT 'signs', '', '', '' FROM workflow_signaturedelegation
      WHERE holder_id = %(user)s AND revoked_at IS NULL
        AND %(today)s BETWEEN valid_from AND valid_to LIMIT 1)
     UNION ALL
    SELECT 'view', '', query, array_to_string(columns, ',') FROM workflow_savedview
     WHERE user_id = %(user)s AND organisation_id = %(body)s
     UNION ALL
    SELECT 'tab', t.tab, counted.there::text, ''
      FROM unnest(%(tabs)s::text[]) t (tab) CROSS JOIN LATERAL (
           SELECT count(*) AS there
             FROM (SELECT FROM workflow_inboxline l
                    WHERE l.organisation_id = %(body)s AND l.department_code = %(code)s
                      AND l.tab = t.tab
                    ORDER BY l.state, l.size_class, l.instructor_id, l.deadline_on
                    LIMIT {limit}) one) counted
     UNION ALL
    SELECT 'tab', %(mine)s, count(*)::text, ''
      FROM (SELECT FROM workflow_inboxline l
             WHERE l.instructor_id = %(user)s AND l.organisation_id = %(body)s
               AND l.department_code = %(code)s AND l.tab <> 'decided'
             ORDER BY l.deposited_at DESC, l.case_id DESC LIMIT {limit}) one
     UNION ALL
    SELECT 'tab', %(sign)s, count(*)::text, ''
      FROM (SELECT FROM workflow_inboxline l
             WHERE l.organisation_id = %(body)s AND l.department_code = %(code)s AND l.to_sign
             ORDER BY l.deposited_at, l.case_id LIMIT {limit}) one
"""
# The départements of the desk are read by leaps through the index: there are many lines.
_DEPARTMENTS: Final = """
     UNION ALL
    (WITH RECURSIVE touched (code) AS (
        SELECT min(department_code) FROM workflow_inboxline
         WHERE organisation_id = %(body)s AND department_code > ''
         UNION ALL
        SELECT (SELECT min(l.department_code) FROM workflow_inboxline l
                 WHERE l.organisation_id = %(body)s AND l.department_code > t.code)
          FROM touched t WHERE t.code IS NOT NULL
    )
    SELECT 'department', t.code, coalesce(d.name || ' (' || t.code || ')', t.code), ''
      FROM touched t LEFT JOIN territories_department d ON d.code = t.code
     WHERE t.code IS NOT NULL)
"""


def read_options(user: User) -> DeskOptions:
    """All of it in one query."""
    acting = acting_of(user)
    body, code = acting.organisation_id, acting.department_id or ""
    desk = _DESKS.get((body, code))
    # A tab is long when it holds twice what is counted.
    limit = COUNTED + 1 if desk else 2 * COUNTED + 1
    asked: dict[str, Any] = {
        "body": body,
        "code": code,
        "user": user.pk,
        "today": timezone.localdate(),
        "tabs": [tab for tab in _STORED if not desk or tab not in desk.long_tabs],
        "mine": MINE_TAB,
        "sign": SIGN_TAB,
    }
    statement = _OPTIONS if desk else _OPTIONS + _DEPARTMENTS
    with connection.cursor() as cursor:
        cursor.execute(_hidden(statement).replace("{limit}", str(limit)), asked)
        rows = cursor.fetchall()
    found: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for kind, value, said, more in rows:
        found[kind].append((value, said, more))
    counts = {tab: int(count) for tab, count, _ in found["tab"]}
    if desk is None:
        desk = _Desk(
            departments={code: name for code, name, _ in _sorted(found["department"])},
            long_tabs=frozenset(tab for tab in _STORED if counts[tab] > 2 * COUNTED),
        )
        _DESKS.set((body, code), desk)
    for tab in desk.long_tabs:
        counts[tab] = COUNTED + 1
    views = found["view"]
    return DeskOptions(
        departments=desk.departments,
        labels={
            int(value): LabelTag(int(value), name, colour)
            for value, name, colour in _sorted(found["label"])
        },
        people={int(value): name for value, name, _ in _sorted(found["person"])},
        counts=_tab_counts(
            counts, signs=acting.role == Membership.Role.SIGNATORY or bool(found["signs"])
        ),
        last_query=views[0][1] if views else None,
        last_columns=tuple(key for key in views[0][2].split(",") if key) if views else (),
    )


@cache
def _hidden(statement: str) -> str:
    """The statement with its values hidden from the planner.

    One plan is good for every desk; knowing the values, PostgreSQL would make one each time,
    which takes longer than running it.
    """
    return re.sub(r"%\(\w+\)s", r"(SELECT \g<0>)", statement)


_sort_key = lru_cache(4_096)(normalise)


def _sorted(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    # « À revoir » sorts under A.
    return sorted(rows, key=lambda row: _sort_key(row[1]))


def _tab_counts(found: dict[str, int], *, signs: bool) -> dict[str, int]:
    """How many under each tab, up to one more than `COUNTED`, by what the address calls it."""
    most = COUNTED + 1
    counts = {
        tab.key: min(found[tab.stored.value if tab.stored else tab.key], most)
        for tab in TABS
        if tab.key != ALL_TAB
    }
    # Each case is under one stored tab: nothing else is to be counted.
    counts[ALL_TAB] = min(sum(found[tab] for tab in _STORED), most)
    if not signs:
        del counts[SIGN_TAB]
    return counts


def choices_of(query: QueryDict, options: DeskOptions) -> tuple[InboxChoices, bool]:
    """What the address asks for; when it asks nothing, the person's last view, and True.

    Labels, people and départements that are not the office's are dropped.
    """
    is_last_view = not says_something(query) and options.last_query is not None
    if is_last_view:
        query = QueryDict(options.last_query)
    choices = InboxChoices.from_query(query, columns=options.last_columns or DEFAULT_COLUMNS)
    if choices.label and int(choices.label) not in options.labels:
        choices = replace(choices, label="")
    if choices.instructor.isdecimal() and int(choices.instructor) not in options.people:
        choices = replace(choices, instructor="")
    return choices, is_last_view


def keep_view(user: User, choices: InboxChoices, options: DeskOptions) -> None:
    """Remember this view for the next visit, if it is another.

    A search is a question of the moment: who comes back finds the list they had before it, with
    the columns chosen since.
    """
    query = choices.as_query()
    if choices.search:
        if choices.columns == (options.last_columns or DEFAULT_COLUMNS):
            return
        query = options.last_query or ""
    if (query, choices.columns) != (options.last_query, options.last_columns):
        remember_view(user, query, choices.columns)


# --- How many --------------------------------------------------------------------------------


def count_in_words(count: int) -> str:
    """« 12 », or « plus de 1 000 » where counting stopped."""
    return f"plus de {figure(COUNTED)}" if count > COUNTED else figure(count)
