"""What several templates need and Django does not give."""

from collections.abc import Iterator

from django import template
from django.core.paginator import Page

register = template.Library()


@register.simple_tag
def elided_pages(page: Page) -> Iterator[int | str]:
    """Page numbers around the current one; « … » stands for those left out."""
    return page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
