"""The rows and the lists of choices of a campaign's page, drawn in one pass.

A page has some hundred cells: through a template, each costs more than what it shows. Whatever a
person wrote goes through `_e`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, lru_cache
from html import escape as _e
from typing import Final

from django.utils.safestring import SafeString
from django.utils.timezone import localdate

from cpts_portal.addresses import address
from cpts_portal.badges import badge
from members.codes import PROFESSIONS, STRUCTURES
from signatures.board import FILTERS, CountOf, Row
from signatures.models import Campaign


def rows(campaign: Campaign, found: Iterable[Row], *, is_team: bool) -> SafeString:
    """The body of the table of members."""
    community = campaign.community.public_id
    # The number of a member is put in an address worked out once.
    head = address("signatures:invitation", community, campaign.public_id, 0).removesuffix("0/")
    return SafeString("\n".join(_row(row, head if is_team else "") for row in found))


def _row(row: Row, head: str) -> str:
    """`head` begins the address of a member; empty for who reads no more than the table."""
    one = row.invitation
    name = _e(one.name)
    if head:
        name = f'<a href="{head}{one.pk}/">{name}</a>'
    if one.is_structure:
        name += f'<br><span class="portal-muted fr-text--sm">{_e(one.person)}</span>'
    answer = badge(row.label, row.tone)
    if one.answered_at:
        answer += f' <span class="portal-nowrap">le {_day(one.answered_at)}</span>'
    if row.remark:
        answer += f'<br><span class="fr-text--sm portal-break">{_e(row.remark)}</span>'
    return (
        f'<tr><th scope="row">{name}</th><td data-label="Profession ou nature">{_e(one.what)}'
        f'</td><td data-label="Réponse">{answer}</td>{_last_mail(row) if head else ""}</tr>'
    )


# Those who were written to together were at one moment.
@lru_cache(maxsize=1_000)
def _day(moment: datetime) -> str:
    return f"{localdate(moment):%d/%m/%Y}"


def _last_mail(row: Row) -> str:
    one = row.invitation
    said = "aucun"
    if one.told_at:
        many = f" ({one.told_count} en tout)" if one.told_count > 1 else ""
        said = f"{_day(one.told_at)}{many}"
    return f'<td data-label="Dernier courriel">{said}</td>'


def counts(groups: Iterable[CountOf]) -> SafeString:
    """The body of the table of answers by profession and kind of structure."""
    return SafeString("\n".join(_count(one) for one in groups))


def _count(one: CountOf) -> str:
    numbers = (one.signed, one.waiting, one.declined)
    cells = "".join(f'<td class="portal-number">{number}</td>' for number in numbers)
    return f'<tr><th scope="row">{_e(one.label)}</th>{cells}</tr>'


@cache
def _natures(chosen: str) -> SafeString:
    return SafeString(
        f'<option value="">Toutes</option><optgroup label="Professions">'
        f'{_options(PROFESSIONS, chosen)}</optgroup><optgroup label="Natures de structures">'
        f"{_options(STRUCTURES, chosen)}</optgroup>"
    )


def _options(known: Mapping[str, str], chosen: str) -> str:
    return "".join(
        f'<option value="{code}"{" selected" if code == chosen else ""}>{_e(label)}</option>'
        for code, label in known.items()
    )


def nature_choices(asked: str) -> SafeString:
    """The choices « Profession ou nature », with what an address asks, which may be anything."""
    return _natures(asked if asked in PROFESSIONS or asked in STRUCTURES else "")


# What an office filters by; the team has all.
_FOR_OFFICES: Final = frozenset({"", "attente", "signes", "refus"})


def state_choices(asked: str, *, is_team: bool) -> SafeString:
    """The choices « Réponse », with what an address asks, which may be anything."""
    return _states(asked if asked in FILTERS else "", is_team=is_team)


@cache
def _states(chosen: str, *, is_team: bool) -> SafeString:
    known = {key: label for key, (label, _) in FILTERS.items() if is_team or key in _FOR_OFFICES}
    return SafeString(_options(known, chosen))
