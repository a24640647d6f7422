"""The list of an office: which cases, in what order, and how many under each tab.

Everything it is filtered and sorted by lies side by side in `InboxLine`, so that a page is a
stretch of an index: see docs/decisions/0009-bureaux.md.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db import connection
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import Membership, User
from cpts_portal.addresses import around
from cpts_portal.memo import Brief
from desks.choices import (
    ALL_TAB,
    COLUMNS,
    DEADLINES,
    DEFAULT_COLUMNS,
    ME,
    MINE_TAB,
    NOBODY,
    SIGN_TAB,
    STATES,
    TABS,
    InboxChoices,
    acting_of,
    offered_tabs,
    says_something,
)
from desks.deadlines import Deadline, deadline_in_words
from desks.lines import (
    Cells,
    Lines,
    Place,
    among,
    count_lines,
    lines_of,
    order_of,
    read_all,
    read_cells,
    read_found,
    read_places,
)
from territories.normalise import normalise
from workflow.desk_tools import remember_view
from workflow.excerpts import excerpts
from workflow.kinds import declared_kinds, kind_named
from workflow.models import Case, CaseDesk, InboxTab
from workflow.models.messages import Side
from workflow.readers import Reader, StateLabel
from workflow.search import MAX_RESULTS, Asked, Within, find, read_search

PAGE_SIZE: Final = 25
# A result says where the words stand in it: its row is longer, to read and to make.
SEARCH_PAGE_SIZE: Final = 20
# Counting stops there, and the page says « plus de ».
COUNTED: Final = 500


# --- What the office sorts with --------------------------------------------------------------


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


# --- Which cases -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Listing:
    """The lines asked for in their order, and what is known of their number.

    `found` are the cases a search found, best first; None without a search. An empty order is
    theirs.
    """

    lines: Lines
    order: str
    asked: Asked
    found: list[int] | None = None
    has_more: bool = False

    @property
    def page_size(self) -> int:
        """How many lines a page has."""
        return PAGE_SIZE if self.found is None else SEARCH_PAGE_SIZE

    def page(self, start: int, count: int, *, counted: int) -> tuple[list[Cells], int | None]:
        """The lines of a page, and how many there are, as `read_cells` does."""
        if self.found is None or self.order:
            return read_cells(self.lines, self.order, start, count, counted=counted)
        return read_found(self.lines, self.found[start : start + count]), None

    def places(self, start: int, count: int) -> list[Place]:
        """The cases there."""
        if self.found is None or self.order:
            return read_places(self.lines, order_of(self.order), start, count)
        ids = self.found[start : start + count]
        there = {
            place.case_id: place
            for place in read_places(among(self.lines, ids), "l.case_id", 0, count)
        }
        return [there[case_id] for case_id in ids if case_id in there]


def read_listing(user: User, choices: InboxChoices) -> Listing:
    """What the choices ask for: no query, or one that searches."""
    lines = lines_of(user, choices)
    asked = read_search(choices.search)
    if asked.is_empty:
        # Nothing but signs is nothing searched.
        return Listing(lines, replace(choices, search="").sorted_by, asked)
    found = find(asked, Within(lines.where, lines.values, lines.name, lines.is_whole))
    # Sorted by a column, all that was found is; else each page names its own.
    kept = among(lines, found.case_ids) if choices.order else lines
    return Listing(kept, choices.order, asked, found.case_ids, found.has_more)


# --- How many --------------------------------------------------------------------------------


def count_in_words(count: int) -> str:
    """« 12 », or « plus de 1 000 » where counting stopped."""
    return f"plus de {_grouped(COUNTED)}" if count > COUNTED else _grouped(count)


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", "\N{NO-BREAK SPACE}")


# --- One page --------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """A case of the list, each cell as it is read: the template only lays it out."""

    pk: int
    # « Lettre d’intention ».
    nature: str
    public_id: str
    reference: str
    title: str
    departments: str
    population: str
    size: str
    deposited_on: date
    deadline: Deadline
    state: StateLabel
    instructor: str
    # Who waits for an answer in the thread, if anybody.
    question: str
    # What the case is on this desk for, and who is in charge when it is another desk.
    purpose: str
    other_office: str
    labels: list[LabelTag]
    # It opens the case at its place in this list.
    url: str = ""
    # Where the words searched stand in it.
    excerpt: SafeString | str = ""


@dataclass(frozen=True)
class InboxPage:
    rows: list[Row]
    page: Page[Any]
    # As it is said: « 12 », « plus de 500 ».
    count: str
    is_many: bool
    # A search keeps the best of what it finds.
    has_more: bool


def read_inbox(
    user: User, choices: InboxChoices, options: DeskOptions, *, page: str | None
) -> InboxPage:
    """One page of the list in one query; two for a search, and one more for excerpts not cut yet.

    Beyond the last page, the last page.
    """
    listing = read_listing(user, choices)
    size = listing.page_size
    number = int(page) if page and page.isascii() and page.isdecimal() else 1
    number = min(max(number, 1), 100_000)
    known = len(listing.found) if listing.found is not None else None
    if known is None and not choices.is_filtered:
        known = options.counts.get(choices.tab)
        if known is not None and known > COUNTED and number * size >= COUNTED:
            known = None
    if known is not None:
        number = _last_page(known, number, size)
    # Far into a long list, the pages around the one asked for are known to be there.
    most = max(COUNTED + 1, (number + 10) * size)
    counted = 0 if known is not None else most
    cells, count = listing.page((number - 1) * size, size, counted=counted)
    if count is None:
        count = known
        if count is None:
            count = count_lines(listing.lines, most) if number > 1 else 0
        if number != _last_page(count, number, size):
            number = _last_page(count, number, size)
            cells, _ = listing.page((number - 1) * size, size, counted=0)
    shown = Paginator(range(count), size).get_page(number)
    return InboxPage(
        _rows(cells, choices, options, listing.asked, start=(number - 1) * size),
        shown,
        f"plus de {MAX_RESULTS}" if listing.has_more else count_in_words(count),
        is_many=count > 1,
        has_more=listing.has_more,
    )


def _last_page(count: int, number: int, size: int) -> int:
    """The page asked for, or the last one when there are fewer."""
    return min(number, max(1, -(-count // size)))


def _rows(
    cells: list[Cells], choices: InboxChoices, options: DeskOptions, asked: Asked, *, start: int
) -> list[Row]:
    cut = excerpts([(one.case_id, one.version) for one in cells], asked)
    address = _addresses(choices)
    today = timezone.localdate()
    rows = [_row(one, options, today) for one in cells]
    for rank, (row, one) in enumerate(zip(rows, cells, strict=True), start + 1):
        row.url = address(one.case_kind, one.public_id, rank)
        row.excerpt = cut.get(row.pk, "")
    return rows


def _addresses(choices: InboxChoices) -> Any:
    """The address of a case opened from this list: it knows the list and its place in it."""
    listed = urlencode({"liste": choices.as_query()})

    def address(kind: str, public_id: UUID, rank: int) -> str:
        before, after = around(kind_named(kind).page)
        return f"{before}{public_id}{after}?{listed}&rang={rank}"

    return address


def reader_of_line(cells: Cells) -> Reader:
    """From where the person looks at the case of a line."""
    if cells.office_id == cells.organisation_id:
        return Reader.OFFICE
    return _READERS[cells.kind]


def _row(cells: Cells, options: DeskOptions, today: date) -> Row:
    reader = reader_of_line(cells)
    names = options.departments
    kind = kind_named(cells.case_kind)
    return Row(
        pk=cells.case_id,
        nature=kind.label,
        public_id=str(cells.public_id),
        reference=cells.reference,
        title=cells.title,
        departments=", ".join(names.get(code, code) for code in cells.departments),
        population=_grouped(cells.population or 0),
        size=_SIZES.get(cells.size_class, ""),
        deposited_on=cells.deposited_on,
        deadline=deadline_in_words(
            cells.deadline_on, cells.clock_state, cells.suspended_until, today=today
        ),
        state=kind.state_label(cells.state, reader),
        instructor=cells.instructor_name,
        question=_question(cells.asking),
        purpose=_PURPOSES[reader],
        other_office="" if reader == Reader.OFFICE else cells.office_name,
        labels=labels_of(cells, options),
    )


def _question(asking: list[str] | None) -> str:
    """What the office reads of the questions of a thread: what is asked of it comes first."""
    if not asking:
        return ""
    return _QUESTIONS[Side.TEAM if Side.TEAM in asking else Side.OFFICE]


_QUESTIONS: Final[dict[str, str]] = {
    Side.TEAM: "L’équipe attend votre réponse",
    Side.OFFICE: "Réponse de l’équipe attendue",
}


def labels_of(cells: Cells, options: DeskOptions) -> list[LabelTag]:
    """Those of the person's office on a case, in the order of their names."""
    if not cells.label_ids:
        return []
    return [label for pk, label in options.labels.items() if pk in cells.label_ids]


# The reader a desk makes of whoever opens it, unless the case has just been handed to it.
_READERS: Final[dict[str, Reader]] = {
    CaseDesk.Kind.IN_CHARGE: Reader.INFORMED,
    CaseDesk.Kind.CONSULTED: Reader.REVIEWER,
    CaseDesk.Kind.INFORMED: Reader.INFORMED,
}
_PURPOSES: Final = {
    Reader.OFFICE: "En charge",
    Reader.REVIEWER: "Pour avis",
    Reader.INFORMED: "Pour information",
}
_SIZES: Final = dict(Case.SizeClass.choices)


def read_export(user: User, choices: InboxChoices) -> Iterator[Cells]:
    """Every line of the list in its order, for the export."""
    listing = read_listing(user, choices)
    if listing.found is None or listing.order:
        return read_all(listing.lines, order_of(listing.order))
    places = {case_id: rank for rank, case_id in enumerate(listing.found)}
    found = read_all(among(listing.lines, listing.found), "l.case_id")
    return iter(sorted(found, key=lambda one: places[one.case_id]))


# --- What is around the list -----------------------------------------------------------------


@dataclass(frozen=True)
class Heading:
    """A column's heading: the link that sorts it, and how it is sorted now."""

    key: str
    label: str
    # The address its link asks for, or nothing: ascending first, then the other way round.
    query: str
    # The value of `aria-sort`, or nothing.
    sorted: str


def headings(choices: InboxChoices) -> list[Heading]:
    current, descending = choices.sorted_by.removeprefix("-"), choices.sorted_by.startswith("-")
    listed = []
    for column in COLUMNS:
        if column.is_optional and column.key not in choices.columns:
            continue
        state = ""
        if column.key == current:
            state = "descending" if descending else "ascending"
        order = f"-{column.key}" if state == "ascending" else column.key
        query = choices.as_query(order=order) if column.order else ""
        listed.append(Heading(column.key, column.label, query, state))
    return listed


@dataclass(frozen=True)
class TabLink:
    key: str
    label: str
    query: str
    count: str
    is_current: bool


def tab_links(user: User, choices: InboxChoices, options: DeskOptions) -> list[TabLink]:
    counts = options.counts
    return [
        TabLink(
            tab.key,
            tab.label,
            choices.of_tab(tab.key),
            count_in_words(counts[tab.key]),
            tab.key == choices.tab,
        )
        for tab in offered_tabs(acting_of(user), counts)
        if tab.key in counts
    ]


@dataclass(frozen=True, slots=True)
class ColumnOption:
    key: str
    label: str
    is_shown: bool


def column_options(choices: InboxChoices) -> list[ColumnOption]:
    return [
        ColumnOption(column.key, column.label, column.key in choices.columns)
        for column in COLUMNS
        if column.is_optional
    ]


def kind_options() -> list[Option]:
    """The natures of case the portal handles."""
    return [Option(value, label) for value, label in Case.Kind.choices if value in declared_kinds()]


@cache
def state_options() -> list[Option]:
    return [Option(state, label) for state, label in STATES.items()]


@cache
def size_options() -> list[Option]:
    return [Option(value, label) for value, label in Case.SizeClass.choices]


@cache
def deadline_options() -> list[Option]:
    return [Option(value, label) for value, label in DEADLINES.items()]


def people_options(options: DeskOptions, user: User) -> list[Option]:
    others = [Option(str(pk), name) for pk, name in options.people.items() if pk != user.pk]
    return [Option(ME, "Moi"), Option(NOBODY, "Personne"), *others]


def colleague_options(options: DeskOptions) -> list[Option]:
    return [Option(str(pk), name) for pk, name in options.people.items()]


# --- From one case to the next ---------------------------------------------------------------


@dataclass(frozen=True)
class Neighbours:
    """The cases before and after one in the list it was opened from."""

    list_url: str
    rank: int
    previous_url: str = ""
    next_url: str = ""


def neighbours(case: Case, user: User, choices: InboxChoices, rank: int) -> Neighbours:
    """Where the case stands in its list now, in one query (two for a search).

    Somebody may have moved the case meanwhile: then it is looked for nearby, and when it is
    found no more the neighbours are those of the place it had.
    """
    rank = min(max(rank, 1), PAGE_SIZE * 100_000)
    start = max(rank - 2, 0)
    listing = read_listing(user, choices)
    around = listing.places(start, rank + 1 - start)
    ids = [place.case_id for place in around]
    address = _addresses(choices)
    here = ids.index(case.pk) if case.pk in ids else min(rank - 1 - start, len(ids))
    found = case.pk in ids
    place = start + here + 1
    before = around[here - 1] if here > 0 else None
    following = here + 1 if found else here
    after = around[following] if following < len(around) else None
    page = (place - 1) // listing.page_size + 1
    pages = f"&page={page}" if page > 1 else ""
    return Neighbours(
        list_url=f"{reverse('desks:inbox')}?{choices.as_query()}{pages}",
        rank=place,
        previous_url=address(before.case_kind, before.public_id, place - 1) if before else "",
        next_url=(
            address(after.case_kind, after.public_id, place + 1 if found else place)
            if after
            else ""
        ),
    )
