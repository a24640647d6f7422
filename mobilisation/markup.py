"""The tables of the results, drawn in one pass; a bar beside each number makes it a chart.

The bar is a picture of the number its cell already says: nobody misses anything without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from cpts_portal.words import NBSP
from mobilisation.models import Interest
from mobilisation.results import INTERESTS, Results, Tally

_UNKNOWN: Final = "–"
# Shades that also part in black and white, the strongest wish the darkest.
_SHADES: Final = {
    Interest.INFORMED: "reply-bar__informed",
    Interest.FOLLOW: "reply-bar__follow",
    Interest.TAKE_PART: "reply-bar__take-part",
    Interest.LEAD: "reply-bar__lead",
}


def professions(results: Results) -> SafeString:
    """The body of the table by profession: answers, wishes, ratio to those identified."""
    longest = max((one.total for one in results.professions), default=0)
    rows = [_profession(one, longest) for one in results.professions]
    return mark_safe("\n".join([*rows, _profession(results.all, 0)]))  # noqa: S308 - escaped


def _profession(one: Tally, longest: int) -> SafeString:
    return format_html(
        '<tr><th scope="row">{}</th><td class="portal-number">{}</td>'
        "{}"
        '<td class="portal-number">{}</td>'
        '<td class="portal-number">{}</td>'
        '<td class="portal-number">{}</td>'
        '<td class="reply-bar__cell" aria-hidden="true">{}</td></tr>',
        one.label,
        one.total,
        format_html_join(
            "",
            '<td class="portal-number">{}</td>',
            ((one.interests[level],) for level in INTERESTS),
        ),
        _UNKNOWN if one.identified is None else one.identified,
        _UNKNOWN if one.ratio is None else f"{one.ratio}{NBSP}%",
        one.outside,
        stacked(one, longest),
    )


def stacked(one: Tally, longest: int) -> SafeString:
    """The answers of a line by interest, on the scale of the longest line."""
    if not longest or not one.total:
        return mark_safe("")
    at, parts = 0.0, []
    for level in reversed(INTERESTS):
        width = 100 * one.interests[level] / longest
        if width:
            parts.append(
                f'<rect class="{_SHADES[level]}" x="{at:.2f}" y="0" width="{width:.2f}" '
                'height="10"/>'
            )
        at += width
    return mark_safe(_drawing(parts))  # noqa: S308 - numbers only


def bars(counted: Sequence[tuple[str, int]], total: int) -> SafeString:
    """The body of a table of choices: how many of `total` answers made each."""
    longest = max((count for _, count in counted), default=0)
    return format_html_join(
        "\n",
        '<tr><th scope="row">{}</th><td class="portal-number">{}</td>'
        '<td class="portal-number">{}</td><td class="reply-bar__cell" aria-hidden="true">{}</td>'
        "</tr>",
        (
            (label, count, f"{round(100 * count / total)}{NBSP}%" if total else _UNKNOWN,
             _bar(count, longest))
            for label, count in counted
        ),
    )  # fmt: skip


def _bar(count: int, longest: int) -> SafeString:
    if not count:
        return mark_safe("")
    width = f"{100 * count / longest:.2f}"
    part = f'<rect class="reply-bar__lead" x="0" y="0" width="{width}" height="10"/>'
    return mark_safe(_drawing([part]))  # noqa: S308 - numbers only


def _drawing(parts: Iterable[str]) -> str:
    return (
        '<svg class="reply-bar" viewBox="0 0 100 10" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{"".join(parts)}</svg>'
    )


def communes(results: Results) -> SafeString:
    """The body of the table by commune, those with most answers first."""
    found = sorted(results.communes.values(), key=lambda one: (-one.total, one.label))
    longest = max((one.total for one in found), default=0)
    return format_html_join(
        "\n",
        '<tr><th scope="row">{}</th><td class="portal-number">{}</td>'
        '<td class="portal-number">{}</td><td class="reply-bar__cell" aria-hidden="true">{}</td>'
        "</tr>",
        ((one.label, one.total, one.willing, stacked(one, longest)) for one in found),
    )


def choices(known: Mapping[str, str], chosen: str) -> SafeString:
    """The options of a list, with the one that is asked for."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (key, mark_safe(" selected") if key == chosen else "", label)
            for key, label in known.items()
        ),
    )
