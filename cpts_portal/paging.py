"""One page of a list and how long the list is, in one query."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Window


def read_page(
    rows: QuerySet[Any, Any], asked: str | None, size: int
) -> tuple[list[Any], Page[Any]]:
    """The rows of the page asked for, and the Page its links are drawn from.

    `asked` comes from the address: what is no page number opens the first page, a number
    beyond the end opens the last one. `rows` are instances or `values()`, in their order.
    """
    counted = rows.annotate(total=Window(Count("*")))
    return page_of(lambda start, count: list(counted[start : start + count]), asked, size)


def page_of(
    read: Callable[[int, int], list[Any]], asked: str | None, size: int
) -> tuple[list[Any], Page[Any]]:
    """The same for rows that are not read through the models.

    `read` gives those from the place `start`, `count` at most; each knows the `total`.
    """
    number = int(asked) if asked and asked.isascii() and asked.isdecimal() else 1
    number = min(max(number, 1), 1_000_000)
    found = read((number - 1) * size, size)
    if not found and number > 1:
        first = read(0, 1)
        number = Paginator(range(_total(first[0]) if first else 0), size).get_page(number).number
        found = read((number - 1) * size, size)
    page = Paginator(range(_total(found[0]) if found else 0), size).get_page(number)
    return found, page


def _total(row: Any) -> int:
    return row["total"] if isinstance(row, dict) else row.total
