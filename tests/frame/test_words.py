"""Days, hours and sizes as French writes them."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from django.template import engines
from django.template.loader import render_to_string

from cpts_portal.templatetags.portal import plural
from cpts_portal.words import day, day_and_hour, hour, long_date, of_body, the_body, to_body


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


FIRST, SECOND = date(2026, 11, 1), date(2026, 11, 2)
# Still the first of November in UTC, the second in Paris.
LATE = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)


def test_the_first_of_a_month_is_the_same_word_on_a_page_and_on_paper() -> None:
    said = [(day(one), long_date(one)) for one in (FIRST, SECOND)]
    assert said == [
        ("1er novembre 2026", "1er\u00a0novembre\u00a02026"),
        ("2 novembre 2026", "2\u00a0novembre\u00a02026"),
    ]
    assert day_and_hour(LATE) == "2 novembre 2026 à 0\u00a0h\u00a030"


@pytest.mark.parametrize(
    ("value", "form", "written"),
    [
        (FIRST, '"j F Y"', "1er novembre 2026"),
        (SECOND, '"j F Y"', "2 novembre 2026"),
        (date(2026, 12, 11), '"j F Y"', "11 décembre 2026"),
        (LATE, '"j F Y"', "2 novembre 2026"),
        (datetime(2026, 11, 1, 9, 5, tzinfo=UTC), '"j F Y à H:i"', "1er novembre 2026 à 10:05"),
        (FIRST, '"l j F"', "dimanche 1er novembre"),
        (FIRST, '"DATE_FORMAT"', "1er novembre 2026"),
        (FIRST, '"d/m/Y"', "01/11/2026"),
        (FIRST, '"Y-m-d"', "2026-11-01"),
        (FIRST, '"j/n"', "1/11"),
        (None, '"j F Y"', ""),
        ("", '"j F Y"', ""),
        ("1er novembre", '"j F Y"', ""),
    ],
)
def test_every_template_writes_the_first_of_a_month_without_asking(
    value: object, form: str, written: str
) -> None:
    template = engines["django"].from_string(f"{{{{ value|date:{form} }}}}")
    assert template.render({"value": value}) == written


def test_a_date_without_a_format_is_written_whole() -> None:
    assert engines["django"].from_string("{{ value|date }}").render({"value": FIRST}) == (
        "1er novembre 2026"
    )


def test_a_mail_writes_the_first_of_a_month_too() -> None:
    request = SimpleNamespace(recipient="La CPAM du Tarn", promised_on=FIRST)
    mail = render_to_string("email/diagnosis/taken.txt", {"request": request})
    assert "La réponse est annoncée pour le 1er novembre 2026." in mail
