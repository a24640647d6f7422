"""The tables of a contract's money: hundreds of cells, drawn without a template."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from contracts.models import ScheduleLine
from contracts.money import Account, Balance
from contracts.storing import line_from_row
from contracts.wording import mission_name, rule_of, working_of
from cpts_portal.words import euros


def schedule_markup(rows: Sequence[ScheduleLine]) -> tuple[SafeString, list[str]]:
    """The lines of a schedule as rows of a table, and the sources they refer to by number."""
    lines = [line_from_row(row) for row in rows]
    sources = list(dict.fromkeys(source for line in lines for source in line.sources))
    numbers = {source: number for number, source in enumerate(sources, start=1)}
    drawn = format_html_join(
        "\n",
        '<tr><th scope="row">{}</th><td data-label="Année">{}</td><td data-label="Mission">{}</td>'
        '<td data-label="Règle">{}</td><td data-label="Calcul">{} <span class="portal-muted">'
        '(source{} {})</span></td><td class="portal-number" data-label="Montant">{}</td></tr>',
        (
            (
                f"{line.due_on:%d/%m/%Y}",
                line.year,
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
    return drawn, sources


def balances_markup(balances: Iterable[Balance]) -> SafeString:
    """The balance of each mission in each year as rows of a table."""
    return format_html_join(
        "\n",
        '<tr><th scope="row">Année {} – {}</th><td class="portal-number" data-label="Prévu">{}</td>'
        '<td class="portal-number" data-label="Échu">{}</td><td class="portal-number" '
        'data-label="Payé">{}</td><td class="portal-number" data-label="Reste">{}</td></tr>',
        (
            (one.year, mission_name(one.mission), *_amounts(one))
            for one in balances
            if one.expected or one.paid
        ),
    )


def _amounts(one: Balance) -> tuple[str, str, str, str]:
    return euros(one.expected), euros(one.due), euros(one.paid), left_in_words(one.left)


def left_in_words(left: Decimal) -> str:
    """« 1 250 € », « 1 250 € en trop »: no sign to miss."""
    return f"{euros(-left)} en trop" if left < 0 else euros(left)


def years_markup(account: Account) -> tuple[list[tuple[int, Decimal, Decimal]], SafeString]:
    """By year of the contract: what is expected and paid, and the same as rows of a table."""
    sums: dict[int, tuple[Decimal, Decimal]] = {}
    for one in account.balances:
        expected, paid = sums.get(one.year, (Decimal(0), Decimal(0)))
        sums[one.year] = (expected + one.expected, paid + one.paid)
    rows = [(year, expected, paid) for year, (expected, paid) in sorted(sums.items())]
    drawn = format_html_join(
        "\n",
        '<tr><th scope="row">Année {}</th><td class="portal-number">{}</td>'
        '<td class="portal-number">{}</td></tr>',
        ((year, euros(expected), euros(paid)) for year, expected, paid in rows),
    )
    return rows, format_html("{}", drawn)
