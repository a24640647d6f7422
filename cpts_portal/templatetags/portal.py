"""What several templates need and Django does not give."""

from datetime import datetime
from typing import Any, Final

from django import template
from django.core.paginator import Page
from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString

from cpts_portal import words
from cpts_portal.addresses import address

register = template.Library()
register.simple_tag(address)


@register.simple_tag(takes_context=True)
def page_links(context: Context, page: Page[Any]) -> SafeString:
    """The links to the pages of a list, as items of a list; « … » stands for those left out.

    Filters, sort and search stay in the address: it is written once, for there are many links.
    """
    asked = context["request"].GET.copy()
    asked.pop("page", None)
    kept = asked.urlencode()
    address = escape(f"?{kept}&page=" if kept else "?page=")
    number = page.number
    ends = {
        "prev": (page.has_previous() and number - 1, "Page précédente"),
        "next": (page.has_next() and number + 1, "Page suivante"),
    }
    before, after = (
        f'<li><a class="fr-pagination__link fr-pagination__link--{side} '
        f'fr-pagination__link--lg-label"'
        + (f' href="{address}{to}"' if to else ' aria-disabled="true" role="link"')
        + f">{label}</a></li>"
        for side, (to, label) in ends.items()
    )
    pages = page.paginator.get_elided_page_range(number, on_each_side=1, on_ends=1)
    links = "".join(
        f'<li><a class="fr-pagination__link" href="{address}{one}" title="Page {one}"'
        f"{_CURRENT if one == number else ''}>{one}</a></li>"
        if isinstance(one, int)
        else '<li><span class="fr-pagination__link">…</span></li>'
        for one in pages
    )
    return SafeString(before + links + after)


_CURRENT: Final = ' aria-current="page"'


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


register.filter("the_body", words.the_body)
register.filter("of_body", words.of_body)
register.filter("to_body", words.to_body)


@register.filter
def plural(count: int) -> str:
    """The « s » of a plural, which French begins at two: « 0 lettre »."""
    return "s" if count >= 2 else ""
