"""What a value reached is worth, by kind of indicator, and the differences it shows."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.dialogue.indicators import Measure, library, percent, signed
from contracts.terms import INDICATOR_KINDS, Step
from procedures.rates import delivered_rates

LADDER = (
    Step(threshold=Decimal(50), rate=Decimal(1)),
    Step(threshold=Decimal(100), rate=Decimal("0.6667")),
    Step(threshold=Decimal(219), rate=Decimal("0.3333")),
)


def measure(kind: str, value: str | None, **fields: Any) -> Measure:
    known = {
        name: Decimal(one) if isinstance(one, str) and name != "unit" else one
        for name, one in fields.items()
    }
    return Measure(kind=kind, value=None if value is None else Decimal(value), **known)


@pytest.mark.parametrize(
    ("one", "rate"),
    [
        (measure("yes_no", "1"), "1"),
        (measure("yes_no", "0"), "0"),
        (measure("ladder", "50", steps=LADDER, lower_is_better=True), "1"),
        (measure("ladder", "51", steps=LADDER, lower_is_better=True), "0.6667"),
        (measure("ladder", "220", steps=LADDER, lower_is_better=True), "0"),
        (measure("count", "1", target="2"), "0.5000"),
        (measure("count", "3", target="2"), "1"),
        (measure("count", "1", target="3"), "0.3333"),
        (measure("count", "68811", baseline="66111", target="71511"), "0.5000"),
        (measure("count", "60000", baseline="66111", target="71511"), "0.0000"),
        (measure("count", "100", baseline="200", target="50", lower_is_better=True), "0.6667"),
        (measure("count", "9", baseline="10", target="10"), "0"),
        (measure("count", "10", baseline="10", target="10"), "1"),
        (measure("count", "60", target="50", lower_is_better=True), "0"),
        (measure("count", "60"), None),
        (measure("count", None, target="50"), None),
    ],
)
def test_a_value_is_worth_what_its_kind_says(one: Measure, rate: str | None) -> None:
    assert one.rate == (None if rate is None else Decimal(rate))


numbers = st.decimals(-1000, 1000, places=2)


@given(numbers, numbers, st.none() | numbers, st.booleans())
def test_a_rate_is_between_none_and_all_and_never_falls_as_the_value_improves(
    value: Decimal, target: Decimal, baseline: Decimal | None, lower: Any
) -> None:
    def rate(of: Decimal) -> Decimal:
        found = Measure(
            kind="count", value=of, target=target, baseline=baseline, lower_is_better=lower
        ).rate
        assert found is not None
        return found

    better = value - 1 if lower else value + 1
    assert 0 <= rate(value) <= rate(better) <= 1


def test_differences_are_worked_out_and_said() -> None:
    one = measure("count", "68811", baseline="66111", target="70000", last="68000", unit="actes")
    assert one.deltas == [
        "+2\u00a0700 depuis le départ (66\u00a0111)",
        "−1\u00a0189 par rapport à la cible (70\u00a0000)",
        "+811 par rapport à l’an dernier (68\u00a0000)",
    ]
    assert one.said(one.value) == "68\u00a0811\u00a0actes"
    assert [one.said(Decimal(n)) for n in (0, 1, 2)] == [
        "0\u00a0acte",
        "1\u00a0acte",
        "2\u00a0actes",
    ]
    assert measure("yes_no", "1", last="0").deltas == ["l’an dernier\u00a0: non"]
    assert (signed(Decimal(0)), percent(Decimal("0.6667")), percent(None)) == (
        "0",
        "66,67\u00a0%",
        "à convenir",
    )


def test_the_library_speaks_of_the_missions_of_the_agreement_and_confirms_nothing_unsourced() -> (
    None
):
    known = library()
    missions = {one.key for one in delivered_rates().missions}
    assert {one.indicator.mission for one in known.entries} == missions
    assert {one.indicator.kind for one in known.entries} == set(INDICATOR_KINDS)
    assert len({one.indicator.key for one in known.entries}) == len(known.entries)
    assert not any(one.is_confirmed for one in known.entries)
    assert all(one.indicator.proofs and known.source for one in known.entries)
