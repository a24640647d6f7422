"""A drawing of a contract's money by year. The table beside it says the same in figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cpts_portal.words import NBSP, figure

_HEIGHT: Final = 180
_TOP: Final = 28
_BAR: Final = 44
_STEP: Final = 130
_LEFT: Final = 12


@dataclass(frozen=True)
class Bar:
    """A year: what is expected, what was paid, in euros."""

    label: str
    expected: Decimal
    paid: Decimal


def draw(bars: Sequence[Bar], title: str) -> SafeString:
    """An SVG of two bars a year, told apart by their fill and by the figure over each."""
    most = max([one.expected for one in bars] + [one.paid for one in bars] + [Decimal(1)])
    groups = format_html_join(
        "",
        '<g><rect class="money-chart__expected" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="money-chart__figure" x="{}" y="{}">{}</text>'
        '<rect class="money-chart__paid" x="{}" y="{}" width="{}" height="{}"/>'
        '<text class="money-chart__figure" x="{}" y="{}">{}</text>'
        '<text class="money-chart__year" x="{}" y="{}">{}</text></g>',
        (_group(rank, one, most) for rank, one in enumerate(bars)),
    )
    width = _LEFT * 2 + _STEP * max(len(bars), 1)
    base = _TOP + _HEIGHT
    return format_html(
        '<svg class="money-chart" viewBox="0 0 {} {}" role="img" aria-label="{}" '
        'xmlns="http://www.w3.org/2000/svg">{}'
        '<line class="money-chart__axis" x1="0" y1="{}" x2="{}" y2="{}"/></svg>',
        *(width, base + 26, title, groups, base, width, base),
    )


def _group(rank: int, one: Bar, most: Decimal) -> tuple[object, ...]:
    left = _LEFT + rank * _STEP
    second = left + _BAR + 8
    base = _TOP + _HEIGHT
    found: list[object] = []
    for x, amount in ((left, one.expected), (second, one.paid)):
        tall = int(max(amount, Decimal(0)) * _HEIGHT / most)
        found += [x, base - tall, _BAR, tall, x + _BAR // 2, base - tall - 6, _thousands(amount)]
    return (*found, left + _BAR + 4, base + 18, one.label)


def _thousands(amount: Decimal) -> str:
    """« 397,5 k€ », rounded for the drawing; the table has the cents."""
    thousands = (amount / 1000).quantize(Decimal("0.1"))
    whole, tenth = divmod(abs(thousands), 1)
    sign = "−" if thousands < 0 else ""
    said = figure(int(whole)) + (f",{int(tenth * 10)}" if tenth else "")
    return f"{sign}{said}{NBSP}k€"
