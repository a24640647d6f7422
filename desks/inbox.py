"""The list of an office: which cases, in what order, and how many under each tab.

Everything it is filtered and sorted by lies side by side in `InboxLine`, so that a page is a
stretch of an index: see docs/decisions/0009-bureaux.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Concat, Trim
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import Membership, User
from desks.choices import (
    COLUMNS,
    COLUMNS_BY_KEY,
    DEADLINES,
    DEFAULT_COLUMNS,
    DEFAULT_ORDER,
    ME,
    MINE_TAB,
    NOBODY,
    SIGN_TAB,
    TABS,
    TABS_BY_KEY,
    InboxChoices,
    deposited_states,
    offered_tabs,
    says_something,
)
from desks.deadlines import NEAR_DAYS, Deadline, deadline_in_words
from letters.labels import STATE_LABELS, state_label
from territories.normalise import normalise
from workflow.decision_states import DecisionState
from workflow.desk_tools import remember_view
from workflow.models import Approval, Case, CaseDesk, CaseLabel, DecisionParty, InboxLine, InboxTab
from workflow.models.cases import SortedAsWritten
from workflow.readers import Reader, StateLabel
from workflow.search import MAX_RESULTS, Asked, excerpts, find, read_search
from workflow.states import CaseState

PAGE_SIZE: Final = 25
# Counting stops there, and the page says « plus de ».
COUNTED: Final = 500


def acting_of(user: User) -> Membership:
    """The role the person acts in. Raises PermissionDenied in their own name."""
    if user.acting is None:
        raise PermissionDenied("Choisissez d’abord le rôle dans lequel vous agissez.")
    return user.acting


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
    # By their role or by a delegation in force today.
    signs: bool
    # None: they have never been here in this role.
    last_query: str | None
    last_columns: tuple[str, ...]


# The départements of the desk are read by leaps through the index: there are many lines.
_OPTIONS: Final = """
    WITH RECURSIVE touched (code) AS (
        SELECT min(department_code) FROM workflow_inboxline
         WHERE organisation_id = %(body)s AND department_code > ''
         UNION ALL
        SELECT (SELECT min(l.department_code) FROM workflow_inboxline l
                 WHERE l.organisation_id = %(body)s AND l.department_code > t.code)
          FROM touched t WHERE t.code IS NOT NULL
    )
    SELECT 'department', t.code, coalesce(d.name || ' (' || t.code || ')', t.code), ''
      FROM touched t LEFT JOIN territories_department d ON d.code = t.code
     WHERE t.code IS NOT NULL
     UNION ALL
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
    SELECT 'view', query, array_to_string(columns, ','), '' FROM workflow_savedview
     WHERE user_id = %(user)s AND organisation_id = %(body)s
"""


def read_options(user: User) -> DeskOptions:
    """All of it in one query."""
    acting = acting_of(user)
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {
            "body": acting.organisation_id,
            "user": user.pk,
            "today": timezone.localdate(),
        }
        cursor.execute(_OPTIONS, asked)
        # « À revoir » sorts under A.
        rows = sorted(cursor.fetchall(), key=lambda row: normalise(row[2]))
    views = [(value, label) for kind, value, label, _ in rows if kind == "view"]
    return DeskOptions(
        departments={value: label for kind, value, label, _ in rows if kind == "department"},
        labels={
            int(value): LabelTag(int(value), label, colour)
            for kind, value, label, colour in rows
            if kind == "label"
        },
        people={int(value): label for kind, value, label, _ in rows if kind == "person"},
        signs=acting.role == Membership.Role.SIGNATORY or any(row[0] == "signs" for row in rows),
        last_query=views[0][0] if views else None,
        last_columns=tuple(key for key in views[0][1].split(",") if key) if views else (),
    )


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
    """Remember this view for the next visit, if it is another; what was searched is left out."""
    query = choices.as_query(search="")
    if (query, choices.columns) != (options.last_query, options.last_columns):
        remember_view(user, query, choices.columns)


# --- Which cases -----------------------------------------------------------------------------


def desk_lines(user: User) -> QuerySet[InboxLine]:
    """The deposited letters on the desk of the organisation the person acts for."""
    return InboxLine.objects.visible_to(user).filter(case_kind=Case.Kind.LETTER_OF_INTENT)


def filtered(user: User, choices: InboxChoices) -> QuerySet[InboxLine]:
    """The lines asked for but for the words searched, in no order."""
    acting = acting_of(user)
    lines = desk_lines(user)
    if choices.department and choices.department != acting.department_id:
        if acting.department_id:
            lines = lines.filter(case__department_codes__contains=[choices.department])
        else:
            # The lines of that département, rather than those of the whole desk.
            lines = InboxLine.objects.filter(
                organisation=acting.organisation_id,
                department_code=choices.department,
                case_kind=Case.Kind.LETTER_OF_INTENT,
            )
    lines = _under(lines, choices.tab, user)
    if choices.state:
        lines = _in_state(lines, choices.state)
    if choices.size:
        lines = lines.filter(size_class=choices.size)
    if choices.label:
        lines = lines.filter(
            case__labels__label=int(choices.label),
            case__labels__label__organisation=acting.organisation_id,
        )
    match choices.instructor:
        case "":
            pass
        case word if word == NOBODY:
            lines = lines.filter(instructor=None)
        case word:
            lines = lines.filter(instructor=user.pk if word == ME else int(word))
    if choices.followed:
        lines = lines.filter(
            case__followers__user=user, case__followers__organisation=acting.organisation_id
        )
    return _due(lines, choices.deadline)


def _in_state(lines: QuerySet[InboxLine], state: str) -> QuerySet[InboxLine]:
    """The lines in a state, as their desk knows it.

    A decision proposed is known to the office in charge only: elsewhere the case is examined.
    """
    in_charge = Q(kind=CaseDesk.Kind.IN_CHARGE)
    if state == CaseState.DECISION_PROPOSED:
        return lines.filter(in_charge, state=state)
    if state == CaseState.UNDER_REVIEW:
        proposed = Q(state=CaseState.DECISION_PROPOSED)
        return lines.filter(Q(state=state) | (proposed & ~in_charge))
    return lines.filter(state=state)


def _under(lines: QuerySet[InboxLine], tab: str, user: User) -> QuerySet[InboxLine]:
    stored = TABS_BY_KEY[tab].stored
    if stored is not None:
        return lines.filter(tab=stored)
    if tab == MINE_TAB:
        return lines.filter(Q(instructor=user.pk), ~Q(tab=InboxTab.DECIDED))
    if tab == SIGN_TAB:
        return lines.filter(
            _awaits_signature_of(acting_of(user)), state=CaseState.DECISION_PROPOSED
        )
    return lines


def _awaits_signature_of(acting: Membership) -> Q:
    """A decision is proposed that their organisation has not signed; see `decision_rules`.

    The branch in charge signs for its agency.
    """
    unsigned = DecisionParty.objects.filter(
        ~Exists(Approval.objects.filter(party=OuterRef("pk"), voided_at=None)),
        decision__case=OuterRef("case"),
        decision__state=DecisionState.PROPOSED,
    )
    own = Q(Exists(unsigned.filter(organisation=acting.organisation_id)))
    parent_id = acting.organisation.parent_id
    if parent_id is None:
        return own
    return own | Q(Exists(unsigned.filter(organisation=parent_id)), kind=CaseDesk.Kind.IN_CHARGE)


def _due(lines: QuerySet[InboxLine], deadline: str) -> QuerySet[InboxLine]:
    today = timezone.localdate()
    match deadline:
        case "proche":
            return lines.filter(deadline_on__range=(today, today + timedelta(days=NEAR_DAYS)))
        case "depassee":
            return lines.filter(deadline_on__lt=today)
    return lines


def ordered(lines: QuerySet[InboxLine], order: str) -> QuerySet[InboxLine]:
    """The same lines as the column `order` sorts them; « - » for the other way round."""
    descending = order.startswith("-")
    column = COLUMNS_BY_KEY[order.removeprefix("-")]
    keys: list[Any] = [F(key) for key in column.order]
    if column.key == "cpts":
        # As the index `case_by_title` has it.
        keys = [SortedAsWritten("case__title"), F("case_id")]
    return lines.order_by(*(key.desc() if descending else key.asc() for key in keys))


@dataclass(frozen=True)
class Listing:
    """The lines asked for in their order, and what is known of their number.

    `found` are the cases a search found, best first; None without a search.
    """

    lines: QuerySet[InboxLine]
    asked: Asked
    found: list[int] | None = None
    has_more: bool = False

    def stretch(self, start: int, stop: int, *cells: str) -> list[dict[str, Any]]:
        """The lines from `start` to `stop`, as values, in one query."""
        if self.found is None or self.lines.query.order_by:
            return list(self.lines.values(*cells)[start:stop])
        ids = self.found[start:stop]
        by_case = {row["case_id"]: row for row in self.lines.filter(case__in=ids).values(*cells)}
        return [by_case[case_id] for case_id in ids if case_id in by_case]


def read_listing(user: User, choices: InboxChoices) -> Listing:
    """What the choices ask for: no query, or one that searches."""
    lines = filtered(user, choices)
    asked = read_search(choices.search)
    if asked.is_empty:
        return Listing(ordered(lines, choices.order or DEFAULT_ORDER), asked)
    found = find(lines, asked)
    kept = lines.filter(case__in=found.case_ids)
    if choices.order:
        kept = ordered(kept, choices.order)
    return Listing(
        kept.order_by() if not choices.order else kept, asked, found.case_ids, found.has_more
    )


# --- How many --------------------------------------------------------------------------------


def tab_counts(user: User, *, signs: bool = True) -> dict[str, int]:
    """How many cases under each tab, counted up to one more than `COUNTED`: one query.

    What is to be signed is counted for those who sign.
    """
    lines = desk_lines(user)
    tabs = [tab for tab in TABS if signs or tab.key != SIGN_TAB]
    counted = [
        _countable(_under(lines, tab.key, user))[: COUNTED + 1].query.sql_with_params()
        for tab in tabs
    ]
    statement = " UNION ALL ".join(
        f"SELECT {rank}, count(*) FROM ({sql}) tab_{rank}"  # noqa: S608 - the ORM's
        for rank, (sql, _) in enumerate(counted)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for _, values in counted for value in values])
        rows = dict(cursor.fetchall())
    return {tab.key: rows[rank] for rank, tab in enumerate(tabs)}


def _countable(lines: QuerySet[InboxLine]) -> QuerySet[Any]:
    """Lines to count up to some number: in an order, so that an index is walked to there.

    Without one PostgreSQL goes through the whole table for a tab it wrongly thinks is full.
    """
    return lines.order_by("deposited_at", "case_id").values("case_id")


def count_up_to(lines: QuerySet[InboxLine], limit: int) -> int:
    return _countable(lines)[:limit].count()


def count_in_words(count: int) -> str:
    """« 12 », or « plus de 500 » where counting stopped."""
    return f"plus de {COUNTED}" if count > COUNTED else str(count)


# --- One page --------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """A letter of the list, each cell as it is read: the template only lays it out."""

    pk: int
    public_id: str
    reference: str
    title: str
    departments: str
    population: str
    size: str
    deposited_on: str
    # ISO, for machines.
    deposited_at: str
    deadline: Deadline
    state: StateLabel
    instructor: str
    # What the letter is on this desk for, and who is in charge when it is another desk.
    purpose: str
    other_office: str
    labels: list[LabelTag]
    # It opens the letter at its place in this list.
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


_CELLS: Final = (
    "case_id",
    "organisation_id",
    "case__public_id",
    "case__reference",
    "case__title",
    "case__department_codes",
    "case__population",
    "case__clock_state",
    "case__suspended_until",
    "case__office_id",
    "case__office__name",
    "kind",
    "state",
    "size_class",
    "deposited_at",
    "deadline_on",
    "instructor_id",
    "instructor_name",
    "label_ids",
)


def read_inbox(
    user: User,
    choices: InboxChoices,
    options: DeskOptions,
    *,
    page: str | None,
    known_count: int | None = None,
) -> InboxPage:
    """One page of the list: a query, and one more to count what the tab alone does not tell.

    `known_count` is the count of the tab, when nothing else narrows the list.
    """
    listing = read_listing(user, choices)
    number = int(page) if page and page.isascii() and page.isdecimal() else 1
    number = min(max(number, 1), 100_000)
    count = _count(listing, number, known_count)
    shown = Paginator(range(count), PAGE_SIZE).get_page(number)
    start = (shown.number - 1) * PAGE_SIZE
    cells = _with_cells(listing, user).stretch(start, start + PAGE_SIZE, *_CELLS)
    cut = excerpts([one["case_id"] for one in cells], listing.asked)
    address = _addresses(choices)
    rows = [_row(one, options) for one in cells]
    for rank, (row, one) in enumerate(zip(rows, cells, strict=True), start + 1):
        row.url = address(one, rank)
        row.excerpt = cut.get(row.pk, "")
    return InboxPage(
        rows,
        shown,
        f"plus de {MAX_RESULTS}" if listing.has_more else count_in_words(count),
        is_many=count > 1,
        has_more=listing.has_more,
    )


def _count(listing: Listing, number: int, known: int | None) -> int:
    if listing.found is not None:
        return len(listing.found)
    if known is not None and (known <= COUNTED or number * PAGE_SIZE < COUNTED):
        return known
    # Far into a long list, the pages around the one asked for are known to be there.
    return count_up_to(listing.lines, max(COUNTED + 1, (number + 10) * PAGE_SIZE))


def _with_cells(listing: Listing, user: User) -> Listing:
    """The same lines, each with the labels of the person's office and who follows it."""
    labels = CaseLabel.objects.filter(
        case=OuterRef("case"), label__organisation=acting_of(user).organisation_id
    )
    person = Trim(Concat("instructor__first_name", Value(" "), "instructor__last_name"))
    return replace(
        listing,
        lines=listing.lines.annotate(
            label_ids=ArraySubquery(
                labels.order_by(SortedAsWritten("label__name")).values("label_id")
            ),
            instructor_name=person,
        ),
    )


def _addresses(choices: InboxChoices) -> Any:
    """The address of a case opened from this list: it knows the list and its place in it."""
    # One address is reversed, the others follow it: reversing is dear, and letters are many.
    model = reverse("letters:detail", args=[UUID(int=0)])
    before, after = model.split(str(UUID(int=0)))
    listed = urlencode({"liste": choices.as_query()})

    def address(cells: Mapping[str, Any], rank: int) -> str:
        return f"{before}{cells['case__public_id']}{after}?{listed}&rang={rank}"

    return address


def reader_of_line(cells: Mapping[str, Any]) -> Reader:
    """From where the person looks at the case of a line."""
    if cells["case__office_id"] == cells["organisation_id"]:
        return Reader.OFFICE
    return _READERS[cells["kind"]]


def _row(cells: Mapping[str, Any], options: DeskOptions) -> Row:
    reader = reader_of_line(cells)
    deposited = timezone.localtime(cells["deposited_at"])
    names = options.departments
    return Row(
        pk=cells["case_id"],
        public_id=str(cells["case__public_id"]),
        reference=cells["case__reference"],
        title=cells["case__title"],
        departments=", ".join(names.get(code, code) for code in cells["case__department_codes"]),
        population=f"{cells['case__population'] or 0:,}".replace(",", "\u00a0"),
        size=_SIZES.get(cells["size_class"], ""),
        deposited_on=f"{deposited:%d/%m/%Y}",
        deposited_at=deposited.isoformat(timespec="minutes"),
        deadline=deadline_in_words(
            cells["deadline_on"],
            cells["case__clock_state"],
            cells["case__suspended_until"],
            today=timezone.localdate(),
        ),
        state=state_label(cells["state"], reader),
        instructor=cells["instructor_name"] or "",
        purpose=_PURPOSES[reader],
        other_office="" if reader == Reader.OFFICE else cells["case__office__name"],
        labels=[options.labels[pk] for pk in cells["label_ids"] if pk in options.labels],
    )


# The reader a desk makes of whoever opens it, unless the case has just been handed to it.
_READERS: Final = {
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


def read_all(user: User, choices: InboxChoices) -> Iterator[dict[str, Any]]:
    """Every line of the list in its order, as values, for the export."""
    listing = _with_cells(read_listing(user, choices), user)
    cells = (*_CELLS, "case__region__name", "case__commune_count")
    if listing.found is not None:
        return iter(listing.stretch(0, len(listing.found), *cells))
    return listing.lines.values(*cells).iterator(chunk_size=2_000)


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


def tab_links(user: User, choices: InboxChoices, counts: Mapping[str, int]) -> list[TabLink]:
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


def state_options() -> list[Option]:
    return [Option(state, STATE_LABELS[state][Reader.OFFICE].label) for state in deposited_states()]


def size_options() -> list[Option]:
    return [Option(value, label) for value, label in Case.SizeClass.choices]


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
    around = listing.stretch(start, rank + 1, "case_id", "case__public_id")
    ids = [one["case_id"] for one in around]
    address = _addresses(choices)
    here = ids.index(case.pk) if case.pk in ids else min(rank - 1 - start, len(ids))
    found = case.pk in ids
    place = start + here + 1
    before = around[here - 1] if here > 0 else None
    following = here + 1 if found else here
    after = around[following] if following < len(around) else None
    page = (place - 1) // PAGE_SIZE + 1
    pages = f"&page={page}" if page > 1 else ""
    return Neighbours(
        list_url=f"{reverse('desks:inbox')}?{choices.as_query()}{pages}",
        rank=place,
        previous_url=address(before, place - 1) if before else "",
        next_url=address(after, place + 1 if found else place) if after else "",
    )
