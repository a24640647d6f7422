"""What is around the list: its tabs, its headings, and the choices it is narrowed by."""

from dataclasses import dataclass
from functools import cache

from accounts.models import User
from desks.choices import (
    COLUMNS,
    DEADLINES,
    ME,
    NOBODY,
    STATES,
    InboxChoices,
    acting_of,
    offered_tabs,
)
from desks.options import DeskOptions, Option, count_in_words
from workflow.kinds import declared_kinds
from workflow.models import Case


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
