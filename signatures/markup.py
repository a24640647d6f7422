"""The rows and the lists of choices of a campaign's page, drawn in one pass.

A page has some hundred cells: through a template, each costs more than what it shows.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localdate

from members.codes import PROFESSIONS, STRUCTURES
from signatures.board import CountOf, Row
from signatures.models import Campaign

_NOTHING: Final = mark_safe("")


def badge(label: str, tone: str) -> SafeString:
    """As `components/badge.html` draws it."""
    more = f" fr-badge--{tone}" if tone else ""
    return format_html(
        '<span class="fr-badge fr-badge--no-icon fr-badge--sm{}">{}</span>', more, label
    )


def rows(campaign: Campaign, found: Iterable[Row], *, is_team: bool) -> SafeString:
    """The body of the table of members."""
    community = campaign.community.public_id
    # The number of a member is put in an address worked out once.
    pattern = reverse("signatures:invitation", args=[community, campaign.public_id, 0])
    head = pattern.removesuffix("0/")
    return format_html_join(
        "\n", "{}", ((_row(row, head if is_team else "", is_team=is_team),) for row in found)
    )


def _row(row: Row, head: str, *, is_team: bool) -> SafeString:
    one = row.invitation
    member = one.member
    name = (
        format_html('<a href="{}{}/">{}</a>', head, one.pk, member.name)
        if head
        else format_html("{}", member.name)
    )
    if member.is_structure:
        name += format_html('<br><span class="portal-muted fr-text--sm">{}</span>', member.person)
    answer = badge(row.label, row.tone)
    if one.answered_at:
        day = f"{localdate(one.answered_at):%d/%m/%Y}"
        answer += format_html(' <span class="portal-nowrap">le {}</span>', day)
    if row.remark:
        answer += format_html('<br><span class="fr-text--sm portal-break">{}</span>', row.remark)
    return format_html(
        '<tr><th scope="row">{}</th><td data-label="Profession ou nature">{}</td>'
        '<td data-label="Réponse">{}</td>{}</tr>',
        name,
        member.what,
        answer,
        _last_mail(row) if is_team else _NOTHING,
    )


def _last_mail(row: Row) -> SafeString:
    one = row.invitation
    said = "aucun"
    if one.told_at:
        many = f" ({one.told_count} en tout)" if one.told_count > 1 else ""
        said = f"{localdate(one.told_at):%d/%m/%Y}{many}"
    return format_html('<td data-label="Dernier courriel">{}</td>', said)


def counts(groups: Iterable[CountOf]) -> SafeString:
    """The body of the table of answers by profession and kind of structure."""
    number = '<td class="portal-number">{}</td>'
    return format_html_join(
        "\n",
        f'<tr><th scope="row">{{}}</th>{number * 3}</tr>',
        ((one.label, one.signed, one.waiting, one.declined) for one in groups),
    )


@cache
def natures(chosen: str) -> SafeString:
    """The choices « Profession ou nature », with the one that is asked for."""
    return format_html(
        '<option value="">Toutes</option><optgroup label="Professions">{}</optgroup>'
        '<optgroup label="Natures de structures">{}</optgroup>',
        options(PROFESSIONS, chosen),
        options(STRUCTURES, chosen),
    )


def options(known: Mapping[str, str], chosen: str) -> SafeString:
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        (
            (code, mark_safe(" selected") if code == chosen else "", label)
            for code, label in known.items()
        ),
    )


def nature_choices(asked: str) -> SafeString:
    """`natures` for what an address asks, which may be anything."""
    return natures(asked if asked in PROFESSIONS or asked in STRUCTURES else "")
