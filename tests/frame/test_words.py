"""Hours and sizes as French writes them."""

from datetime import UTC, datetime

import pytest

from cpts_portal.templatetags.portal import plural
from cpts_portal.words import day_and_hour, hour, of_body, the_body, to_body


def test_an_hour_is_written_the_french_way_in_the_portals_time_zone() -> None:
    moment = datetime(2026, 11, 22, 6, 46, tzinfo=UTC)
    assert hour(moment) == "7\u00a0h\u00a046"
    assert day_and_hour(moment) == "22 novembre 2026 à 7\u00a0h\u00a046"
    assert hour(datetime(2026, 7, 1, 22, 4, tzinfo=UTC)) == "0\u00a0h\u00a004"


@pytest.mark.parametrize(("count", "mark"), [(0, ""), (1, ""), (2, "s")])
def test_zero_is_singular(count: int, mark: str) -> None:
    assert plural(count) == mark


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("URPS Infirmiers", ("l’URPS Infirmiers", "de l’URPS Infirmiers", "à l’URPS Infirmiers")),
        ("CPAM du Tarn", ("la CPAM du Tarn", "de la CPAM du Tarn", "à la CPAM du Tarn")),
        ("Guichet CPTS", ("le Guichet CPTS", "du Guichet CPTS", "au Guichet CPTS")),
        (
            "Agence régionale de santé Corse",
            (
                "l’Agence régionale de santé Corse",
                "de l’Agence régionale de santé Corse",
                "à l’Agence régionale de santé Corse",
            ),
        ),
        ("InterURPS", ("InterURPS", "de InterURPS", "à InterURPS")),
    ],
)
def test_a_body_is_named_with_its_article(name: str, said: tuple[str, str, str]) -> None:
    assert (the_body(name), of_body(name), to_body(name)) == said
