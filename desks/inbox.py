"""The list of an office: which cases, in what order, and each as it is read.

Everything it is filtered and sorted by lies side by side in `InboxLine`, so that a page is a
stretch of an index: see docs/decisions/0009-bureaux.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.models import User
from cpts_portal.addresses import around
from cpts_portal.words import figure
from desks.choices import InboxChoices
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
from desks.options import COUNTED, DeskOptions, LabelTag, count_in_words
from workflow.excerpts import excerpts
from workflow.kinds import kind_named
from workflow.models import Case, CaseDesk
from workflow.models.messages import Side
from workflow.readers import Reader, StateLabel
from workflow.search import MAX_RESULTS, Asked, Within, find, read_search

PAGE_SIZE: Final = 25
# A result says where the words stand in it: its row is longer, to read and to make.
SEARCH_PAGE_SIZE: Final = 20


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
        population=figure(cells.population or 0),
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
