"""One page of a list and how long the list is, in one query."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Window


def read_page(
    rows: QuerySet[Any, Any],
    asked: str | None,
    size: int,
    *,
    read: Callable[[QuerySet[Any, Any]], list[Any]] = list,
) -> tuple[list[Any], Page[Any]]:
    """The rows of the page asked for, and the Page its links are drawn from.

    `asked` comes from the address: what is no page number opens the first page, a number
    beyond the end opens the last one. `rows` are instances or `values()`, in their order;
    `read` fetches those of a page, where there is a quicker way than the models'.
    """
    counted = rows.annotate(total=Window(Count("*")))
    number = int(asked) if asked and asked.isascii() and asked.isdecimal() else 1
    number = min(max(number, 1), 1_000_000)
    found = read(_slice(counted, number, size))
    if not found and number > 1:
        number = Paginator(range(rows.count()), size).get_page(number).number
        found = read(_slice(counted, number, size))
    page = Paginator(range(_total(found[0]) if found else 0), size).get_page(number)
    return found, page


def _slice(rows: QuerySet[Any, Any], number: int, size: int) -> QuerySet[Any, Any]:
    return rows[(number - 1) * size : number * size]


def _total(row: Any) -> int:
    return row["total"] if isinstance(row, dict) else row.total
