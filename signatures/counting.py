"""The counts of a campaign as its page shows them: those of a large one may be seconds old."""

from typing import Final, NamedTuple

from django.utils.safestring import SafeString

from cpts_portal.memo import Brief
from signatures import markup
from signatures.board import Counts, counts_of
from signatures.models import Campaign

# Beyond this many invited, what was counted serves for some seconds: nobody reads that one more
# of two thousand has signed. Fewer are counted each time.
MANY: Final = 1_000
_SECONDS: Final = 3


class Counted(NamedTuple):
    """The counts, and the table by profession and kind of structure, drawn."""

    counts: Counts
    table: SafeString


_KEPT: Final[Brief[Counted]] = Brief(seconds=_SECONDS, limit=100)


def counted(
    campaign: Campaign,
    *,
    last_act: int | None,
    many: int = MANY,
    kept: Brief[Counted] = _KEPT,
) -> Counted:
    """One query, none when a large campaign was counted a moment ago.

    `last_act`: the number of the last line of its log. What the team does is written there: it
    sees at once what it has changed.
    """
    key = (campaign.pk, campaign.state, last_act)
    if (known := kept.get(key)) is not None:
        return known
    counts = counts_of(campaign)
    found = Counted(counts, markup.counts([*counts.professions, *counts.structures]))
    if counts.invited > many:
        kept.set(key, found)
    return found
