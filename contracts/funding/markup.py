"""The tables of a contract's money: hundreds of cells, drawn without a template."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from html import escape as _e
from typing import Final
from uuid import UUID

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from contracts.funding.balances import Account, Balance
from contracts.funding.board import ContractLine, RegionSums, Sum
from contracts.funding.payments import Part
from contracts.funding.schedule import Line
from contracts.funding.wording import mission_name, rule_of, working_of
from contracts.models import Payment
from cpts_portal.addresses import address
from cpts_portal.memo import Memo
from cpts_portal.words import NBSP, euros


@dataclass(frozen=True)
class YearShown:
    """A year of a contract: its sums, then its balances and its lines as rows of two tables."""

    number: int
    expected: str
    paid: str
    balances: SafeString
    lines: SafeString
    is_open: bool


# (year of the contract, expected at most, paid).
YearSums = Sequence[tuple[int, Decimal, Decimal]]


def years_shown(
    account: Account, sums: YearSums, current: int | None
) -> tuple[list[YearShown], list[str]]:
    """The years of a contract, `current` opened, and the sources their lines refer to by number."""
    drawn = _drawn.get((account.schedule,), lambda: _draw(account.lines))
    found = []
    for number, expected, paid in sums:
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
    return SafeString(
        "\n".join(
            f'<tr><th scope="row">{_e(mission_name(one.mission))}</th>'
            f'<td class="portal-number" data-label="Prévu">{euros(one.expected)}</td>'
            f'<td class="portal-number" data-label="Échu">{euros(one.due)}</td>'
            f'<td class="portal-number" data-label="Payé">{euros(one.paid)}</td>'
            f'<td class="portal-number" data-label="Reste">{left_in_words(one.left)}</td></tr>'
            for one in balances
            if one.expected or one.paid
        )
    )


def payments_rows(
    payments: Iterable[Payment],
    parts: Mapping[int, Sequence[Part]],
    contract: UUID,
    *,
    records: bool,
) -> SafeString:
    """The payments of a contract, each with its parts, as rows of a table.

    `records`: the person may cancel them.
    """
    return SafeString(
        "\n".join(
            f'<tr><th scope="row">{one.paid_on:%d/%m/%Y}</th>'
            f'<td data-label="Référence">{_e(one.reference)}</td>'
            f'<td data-label="Affecté à">{_parts(parts.get(one.pk, ()))}</td>'
            f'<td class="portal-number" data-label="Montant">{_paid(one)}</td>'
            f'<td data-label="État">{_state(one, contract, records=records)}</td></tr>'
            for one in payments
        )
    )


def _parts(parts: Sequence[Part]) -> str:
    said = [
        f"{_e(mission_name(one.mission))}, année {one.year}{NBSP}: {euros(one.amount)}"
        for one in parts
    ]
    return "<br>".join(said) or "non affecté"


def _paid(one: Payment) -> str:
    amount = euros(one.amount)
    return f"<s>{amount}</s>" if one.cancelled_at else amount


def _state(one: Payment, contract: UUID, *, records: bool) -> str:
    if one.cancelled_at:
        return (
            f"Annulé le {localtime(one.cancelled_at):%d/%m/%Y} par {_e(str(one.cancelled_by))}"
            f"{NBSP}: {_e(one.cancelled_reason)}"
        )
    verb = "Repris" if one.is_before_portal else "Enregistré"
    said = f"{verb} par {_e(str(one.recorded_by))}"
    if not records:
        return said
    url = address("contracts:cancel", contract, one.pk)
    return (
        f'{said}<br><a href="{url}">Annuler<span class="fr-sr-only"> le paiement '
        f"{_e(one.reference)}</span></a>"
    )


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


def years_markup(sums: YearSums) -> SafeString:
    """The same as rows of a table."""
    return format_html_join(
        "\n",
        '<tr><th scope="row">Année {}</th><td class="portal-number" data-label="Prévu, au plus">'
        '{}</td><td class="portal-number" data-label="Payé">{}</td></tr>',
        ((year, euros(expected), euros(paid)) for year, expected, paid in sums),
    )


# --- The board of a région ------------------------------------------------------------------------


def sums_rows(sums: Iterable[RegionSums]) -> SafeString:
    """The départements of each région, then its total, as rows of a table."""
    return SafeString(
        "\n".join(
            f'<tr{_TOTAL if one is region.total else ""}><th scope="row">{_e(one.name)}</th>'
            f'<td class="portal-number" data-label="Contrats">{one.contracts}</td>{_money(one)}'
            for region in sums
            for one in (*region.departments, region.total)
        )
    )


_TOTAL: Final = ' class="contracts-total"'


def lines_rows(lines: Iterable[ContractLine], *, opens: bool = True) -> SafeString:
    """The contracts of a list as rows of a table, each with the link to its page if it opens."""
    return SafeString(
        "\n".join(
            f'<tr><th scope="row">{_named(one) if opens else _e(one.title)}</th>'
            f'<td data-label="Contrat">{_e(one.reference)}</td>'
            f'<td data-label="Taille">{one.size}</td>'
            f'<td data-label="Jusqu’au">{f"{one.ends_on:%d/%m/%Y}" if one.ends_on else ""}</td>'
            f"{_money(one)}"
            for one in lines
        )
    )


def _named(one: ContractLine) -> str:
    return f'<a href="{address("contract-desk:contract", one.public_id)}">{_e(one.title)}</a>'


@lru_cache
def year_choices(years: range, chosen: int) -> SafeString:
    """The options of a list of civil years."""
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((one, SafeString(" selected") if one == chosen else "", one) for one in years),
    )


def _money(one: Sum | ContractLine) -> str:
    """The last three cells of a row, and its end."""
    return (
        f'<td class="portal-number" data-label="Engagé">{euros(one.engaged)}</td>'
        f'<td class="portal-number" data-label="Payé">{euros(one.paid)}</td>'
        f'<td class="portal-number" data-label="Reste">{euros(one.left)}</td></tr>'
    )
