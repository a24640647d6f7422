"""Hours and sizes as French writes them."""

from datetime import UTC, datetime

import pytest

from cpts_portal.templatetags.portal import plural
from cpts_portal.words import day_and_hour, hour


def test_an_hour_is_written_the_french_way_in_the_portals_time_zone() -> None:
    moment = datetime(2026, 11, 22, 6, 46, tzinfo=UTC)
    assert hour(moment) == "7\u00a0h\u00a046"
    assert day_and_hour(moment) == "22 novembre 2026 à 7\u00a0h\u00a046"
    assert hour(datetime(2026, 7, 1, 22, 4, tzinfo=UTC)) == "0\u00a0h\u00a004"


@pytest.mark.parametrize(("count", "mark"), [(0, ""), (1, ""), (2, "s")])
def test_zero_is_singular(count: int, mark: str) -> None:
    assert plural(count) == mark
