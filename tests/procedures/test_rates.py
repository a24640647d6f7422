"""Dated rates: what the agreement pays, and what nobody has confirmed."""

import copy
import tomllib
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procedures.rates import (
    FOLDER,
    SIZES,
    RatesError,
    Share,
    delivered_rates,
    parse_rates,
    yearly_funding,
)

ON = date(2026, 11, 22)
DATA = tomllib.loads((FOLDER / "aci-1.toml").read_text())


def test_the_third_size_gives_its_published_year() -> None:
    year = yearly_funding(delivered_rates(), "T3", ON)

    assert (year.operating, year.fixed, year.variable, year.total) == (
        Decimal(75_000),
        Decimal(200_000),
        Decimal(122_500),
        Decimal(397_500),
    )
    assert [one.crisis for one in year.missions if one.crisis] == [Decimal(67_500)]


@pytest.mark.parametrize(("size", "operating"), [("T1", 50_000), ("T2", 60_000), ("T4", 90_000)])
def test_the_other_sizes_have_their_operating_grant_and_no_guess(size: str, operating: int) -> None:
    year = yearly_funding(delivered_rates(), size, ON)

    assert year.operating == Decimal(operating)
    assert (year.fixed, year.variable, year.total) == (None, None, None)
    assert {one.fixed for one in year.missions} == {None}


def test_four_missions_are_mandatory_and_two_are_not() -> None:
    assert [one.is_optional for one in delivered_rates().missions] == [False] * 4 + [True] * 2


def test_before_its_first_day_a_rate_pays_nothing() -> None:
    assert delivered_rates().find(Share.OPERATING, "T1", date(2019, 8, 24)) is None
    assert delivered_rates().find(Share.OPERATING, "T1", date(2019, 8, 25)) is not None


def test_an_unconfirmed_amount_is_never_counted() -> None:
    data = copy.deepcopy(DATA)
    data["rate"][0]["confirmed"] = False

    assert yearly_funding(parse_rates(data, "x"), "T3", ON).operating is None


@given(size=st.sampled_from(SIZES), on=st.dates(date(2015, 1, 1), date(2040, 1, 1)))
def test_shares_add_up(size: str, on: date) -> None:
    year = yearly_funding(delivered_rates(), size, on)
    parts = (year.operating, year.fixed, year.variable)

    assert year.total == (None if None in parts else sum(part or 0 for part in parts))


def _entry(**changes: Any) -> dict[str, Any]:
    data = copy.deepcopy(DATA)
    data["rate"][1] |= changes
    return data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_entry(amounts={"T3": "-1"}), "n’est pas possible"),
        (_entry(amounts={"T3": "1e12"}), "n’est pas possible"),
        (_entry(amounts={"T3": "10.005"}), "n’est pas possible"),
        (_entry(amounts={"T3": "NaN"}), "n’est pas possible"),
        (_entry(amounts={"T5": "10"}), "n’existe pas"),
        (_entry(mission="unknown"), "n’est pas attendue"),
        (_entry(mission=""), "n’est pas attendue"),
        (_entry(share="gift"), "tarif 2"),
        (_entry(source=" "), "n’a pas de source"),
        (_entry(valid_to=date(2020, 1, 1)), "finit avant de commencer"),
        (_entry(mission="care_pathways"), "deux tarifs"),
        ({key: value for key, value in DATA.items() if key != "mission"}, "il manque"),
    ],
)
def test_a_wrong_table_is_refused_with_the_reason(data: dict[str, Any], words: str) -> None:
    with pytest.raises(RatesError, match=words):
        parse_rates(data, "essai.toml")
