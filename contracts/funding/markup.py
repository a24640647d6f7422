"""The tables of a contract's money: hundreds of cells, drawn without a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from contracts.funding.balances import Account, Balance
from contracts.funding.board import ContractLine, RegionSums, Sum
from contracts.funding.schedule import Line
from contracts.funding.wording import mission_name, rule_of, working_of
from cpts_portal.addresses import address
from cpts_portal.memo import Memo
from cpts_portal.words import euros


@dataclass(frozen=True)
class YearShown:
    """A year of a contract: its sums, then its balances and its lines as rows of two tables."""

    number: int
    expected: str
    paid: str
    balances: SafeString
    lines: SafeString
    is_open: bool


def years_shown(account: Account, current: int | None) -> tuple[list[YearShown], list[str]]:
    """The years of a contract, `current` opened, and the sources their lines refer to by number."""
    drawn = _drawn.get((account.schedule,), lambda: _draw(account.lines))
    found = []
    for number, expected, paid in sums_by_year(account):
        balances = [one for one in account.balances if one.year == number]
        rows = drawn.years.get(number, SafeString(""))
        found.append(
            YearShown(
                number,
                euros(expected),
                euros(paid),
                balances_markup(balances),
                rows,
                number == current,
            )
        )
    return found, drawn.sources


@dataclass(frozen=True)
class _Drawn:
    """The lines of a schedule as rows of a table, by year of the contract, and their sources."""

    years: dict[int, SafeString]
    sources: list[str]


# A schedule never changes: its hundred rows are drawn once.
_drawn: Final = Memo[_Drawn](
    limit=8_000_000, weigh=lambda drawn: sum(len(rows) for rows in drawn.years.values())
)


def _draw(lines: Sequence[Line]) -> _Drawn:
    sources = list(dict.fromkeys(source for line in lines for source in line.sources))
    numbers = {source: number for number, source in enumerate(sources, start=1)}
    years = sorted({line.year for line in lines})
    return _Drawn(
        {
            year: _lines_markup([line for line in lines if line.year == year], numbers)
            for year in years
        },
        sources,
    )


def _lines_markup(lines: Sequence[Line], numbers: Mapping[str, int]) -> SafeString:
    return format_html_join(
        "\n",
        '<tr><th scope="row">{}</th><td data-label="Mission">{}</td>'
        '<td data-label="Règle">{}</td><td data-label="Calcul">{} <span class="portal-muted">'
        '(source{} {})</span></td><td class="portal-number" data-label="Montant">{}</td></tr>',
        (
            (
                f"{line.due_on:%d/%m/%Y}",
                mission_name(line.mission),
                rule_of(line),
                working_of(line),
                "s" if len(line.sources) > 1 else "",
                ", ".join(str(numbers[one]) for one in line.sources),
                euros(line.amount),
            )
            for line in lines
        ),
    )


def balances_markup(balances: Iterable[Balance]) -> SafeString:
    """The balance of each mission as rows of a table."""
    return format_html_join(
        "\n",
        '<tr><th scope="row">{}</th><td class="portal-number" data-label="Prévu">{}</td>'
        '<td class="portal-number" data-label="Échu">{}</td><td class="portal-number" '
        'data-label="Payé">{}</td><td class="portal-number" data-label="Reste">{}</td></tr>',
        (
            (mission_name(one.mission), *_amounts(one))
            for one in balances
            if one.expected or one.paid
        ),
    )


def _amounts(one: Balance) -> tuple[str, str, str, str]:
    return euros(one.expected), euros(one.due), euros(one.paid), left_in_words(one.left)


def left_in_words(left: Decimal) -> str:
    """« 1 250 € », « 1 250 € en trop »: no sign to miss."""
    return f"{euros(-left)} en trop" if left < 0 else euros(left)


def sums_by_year(account: Account) -> list[tuple[int, Decimal, Decimal]]:
    """(year of the contract, expected at most, paid)."""
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for one in account.balances:
        expected, paid = sums.get(one.year, (Decimal(0), Decimal(0)))
        sums[one.year] = (expected + one.expected, paid + one.paid)
    return [(year, expected, paid) for year, (expected, paid) in sorted(sums.items())]


def years_markup(sums: Sequence[tuple[int, Decimal, Decimal]]) -> SafeString:
    """The same as rows of a table."""
    return format_html_join(
        "\n",
        '<tr><th scope="row">Année {}</th><td class="portal-number" data-label="Prévu, au plus">'
        '{}</td><td class="portal-number" data-label="Payé">{}</td></tr>',
        ((year, euros(expected), euros(paid)) for year, expected, paid in sums),
    )


# --- The board of a région ------------------------------------------------------------------------

_SUM_CELLS: Final = (
    '<th scope="row">{}</th><td class="portal-number" data-label="Contrats">{}</td>'
    '<td class="portal-number" data-label="Engagé">{}</td><td class="portal-number" '
    'data-label="Payé">{}</td><td class="portal-number" data-label="Reste">{}</td></tr>'
)


def sums_rows(sums: Iterable[RegionSums]) -> SafeString:
    """The départements of each région, then its total, as rows of a table."""
    return format_html_join(
        "\n",
        "<tr{}>" + _SUM_CELLS,
        (
            (
                SafeString(' class="contracts-total"') if one is region.total else "",
                one.name,
                one.contracts,
                *_money(one),
            )
            for region in sums
            for one in (*region.departments, region.total)
        ),
    )


def lines_rows(lines: Iterable[ContractLine]) -> SafeString:
    """The contracts of a list as rows of a table."""
    return format_html_join(
        "\n",
        '<tr><th scope="row"><a href="{}">{}</a></th><td data-label="Contrat">{}</td>'
        '<td data-label="Taille">{}</td><td data-label="Jusqu’au">{}</td>'
        '<td class="portal-number" data-label="Engagé">{}</td><td class="portal-number" '
        'data-label="Payé">{}</td><td class="portal-number" data-label="Reste">{}</td></tr>',
        (
            (
                address("contract-desk:contract", one.public_id),
                one.title,
                one.reference,
                one.size,
                f"{one.ends_on:%d/%m/%Y}" if one.ends_on else "",
                *_money(one),
            )
            for one in lines
        ),
    )


def year_choices(years: Iterable[int], chosen: int) -> SafeString:
    """The options of a list of civil years."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((one, SafeString(" selected") if one == chosen else "", one) for one in years),
    )


def _money(one: Sum | ContractLine) -> tuple[str, str, str]:
    return euros(one.engaged), euros(one.paid), euros(one.left)
