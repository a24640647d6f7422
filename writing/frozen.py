"""The deposited content as the case page shows it: frozen, so drawn once per process."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from workflow.models import Snapshot
from writing import content_markup
from writing.kinds import written
from writing.models import WrittenCase

# About a hundred kilobytes each: what a team of agents reads in a day.
KEPT = 64


@dataclass(frozen=True)
class FrozenContent:
    """What one deposit holds for the page: nothing of it ever changes."""

    title: str
    procedure: str
    # The day two months of silence mean a refusal.
    silence_date: date
    # Who they are and how to reach them, as items of a list.
    team_html: SafeString
    html: SafeString


def frozen_content(case: WrittenCase) -> FrozenContent:
    """The last deposit of a case the person may see.

    Raises Snapshot.DoesNotExist before the first deposit.
    """
    return _read(case.public_id, case.version)


@lru_cache(maxsize=KEPT)
def _read(public_id: UUID, version: int) -> FrozenContent:
    snapshot = Snapshot.objects.get(case__public_id=public_id, version=version)
    content = snapshot.content
    return FrozenContent(
        title=content["title"],
        procedure=content["procedure"]["label"],
        silence_date=date.fromisoformat(content["silence_date"]),
        team_html=_team(content["team"]),
        html=content_markup.content(written(content["kind"]), content, public_id),
    )


def _team(members: list[dict[str, Any]]) -> SafeString:
    return format_html_join(
        "",
        '<li class="portal-break">{} – <a href="mailto:{}">{}</a></li>',
        ((member["name"], member["email"], member["email"]) for member in members),
    )
