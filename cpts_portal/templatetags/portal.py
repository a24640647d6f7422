"""What several templates need and Django does not give."""

from collections.abc import Iterator
from datetime import datetime

from django import template
from django.core.paginator import Page

from cpts_portal import words

register = template.Library()


@register.simple_tag
def elided_pages(page: Page) -> Iterator[int | str]:
    """Page numbers around the current one; « … » stands for those left out."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)


@register.filter(expects_localtime=True)
def day_and_hour(moment: datetime | None) -> str:
    """« 22 novembre 2026 à 7 h 46 »; nothing for no moment."""
    return words.day_and_hour(moment) if moment else ""


@register.filter(expects_localtime=True)
def hour(moment: datetime | None) -> str:
    """« 7 h 46 »; nothing for no moment."""
    return words.hour(moment) if moment else ""


@register.filter
def file_size(size: int) -> str:
    """« 812 Ko », « 2,4 Mo »."""
    return words.file_size(size)


@register.filter
def plural(count: int) -> str:
    """The « s » of a plural, which French begins at two: « 0 lettre »."""
    return "s" if count >= 2 else ""
