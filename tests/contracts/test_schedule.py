"""What a contract pays and when: golden examples worked by hand, and what always holds."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.funding.schedule import (
    Achievement,
    Engagement,
    Line,
    Results,
    Schedule,
    Step,
    amend,
    anniversary,
    compute_schedule,
    five_years,
    years_of,
)
from procedures.rates import Rate, RateTable, Share, delivered_rates
from tests.contracts.engaging import MISSIONS, STARTS, engagement, terms

DELIVERED = delivered_rates()


def amounts(lines: tuple[Line, ...], **wanted: object) -> list[tuple[date, str]]:
    """(day, amount) of the lines that have these values."""
    return [
        (one.due_on, str(one.amount))
        for one in lines
        if all(getattr(one, name) == value for name, value in wanted.items())
    ]


def rights(lines: tuple[Line, ...]) -> dict[tuple[int, str, Share], Decimal]:
    totals: dict[tuple[int, str, Share], Decimal] = defaultdict(Decimal)
    for one in lines:
        totals[one.key] += one.amount
    return {key: total for key, total in totals.items() if total}


# --- Golden examples --------------------------------------------------------------------------


def test_a_year_of_the_third_size_is_worth_397_500_euros() -> None:
    schedule = compute_schedule(engagement())

    assert schedule.problems == ()
    by_share: dict[Share, Decimal] = defaultdict(Decimal)
    for one in schedule.lines:
        if one.year == 1:
            by_share[one.share] += one.amount
    assert by_share == {
        Share.OPERATING: Decimal(75_000),
        Share.FIXED: Decimal(200_000),
        Share.VARIABLE: Decimal(122_500),
    }
    assert [schedule.total(year) for year in range(1, 6)] == [Decimal(397_500)] * 5
    assert schedule.total() == Decimal(1_987_500)


def test_the_five_years_of_a_contract_fall_due_at_its_anniversaries() -> None:
    schedule = compute_schedule(engagement())
    by_day: dict[date, Decimal] = defaultdict(Decimal)
    for one in schedule.lines:
        by_day[one.due_on] += one.amount

    # 75 000 + 75 % of 200 000; then a balance of 50 000, results of 122 500 and the next year.
    assert dict(by_day) == {
        date(2023, 7, 1): Decimal(225_000),
        date(2024, 7, 1): Decimal(397_500),
        date(2025, 7, 1): Decimal(397_500),
        date(2026, 7, 1): Decimal(397_500),
        date(2027, 7, 1): Decimal(397_500),
        date(2028, 7, 1): Decimal(172_500),
    }


def test_a_mission_begun_during_the_year_is_prorated_to_the_anniversary() -> None:
    # 2023-07-01 to 2024-07-01 is 366 days; from 2024-01-01, 182 are left.
    starts = dict.fromkeys(MISSIONS, STARTS) | {"prevention": date(2024, 1, 1)}
    lines = compute_schedule(engagement(terms=(terms(missions=starts),))).lines

    # 17 500 × 182 / 366 = 8 702,185…; three quarters of it 6 526,639…; the rest on the balance.
    assert amounts(lines, year=1, mission="prevention") == [
        (date(2024, 1, 1), "6526.64"),
        (date(2024, 7, 1), "2175.55"),
        (date(2024, 7, 1), "8702.19"),
    ]
    first = next(one for one in lines if one.mission == "prevention")
    assert (first.step, first.pieces[0].days, first.pieces[0].days_in_year) == (
        Step.ADVANCE,
        182,
        366,
    )
    assert first.sources == ("Annexes financières de deux contrats de taille 3, cinquième année",)


def test_the_grant_is_paid_in_full_once_the_contract_is_signed() -> None:
    lines = compute_schedule(engagement(signed_on=date(2023, 9, 12))).lines

    assert amounts(lines, share=Share.OPERATING)[:2] == [
        (date(2023, 9, 12), "75000.00"),
        (date(2024, 7, 1), "75000.00"),
    ]
    assert min(one.due_on for one in lines) == date(2023, 9, 12)


def test_results_set_the_variable_share_by_the_weight_of_each_indicator() -> None:
    agreed = Results(
        date(2024, 9, 3),
        (Achievement(Decimal(2), Decimal("0.5")), Achievement(Decimal(1), Decimal(1))),
    )
    lines = compute_schedule(engagement(results={(1, "care_pathways"): agreed})).lines
    variable = [one for one in lines if one.key == (1, "care_pathways", Share.VARIABLE)]

    # (2 × 0,5 + 1 × 1) / 3 of 45 000.
    assert [(one.due_on, one.amount, one.is_ceiling) for one in variable] == [
        (date(2024, 9, 3), Decimal("30000.00"), False)
    ]


@pytest.mark.parametrize("rate", ["-0.1", "1.01"])
def test_results_beyond_nothing_and_everything_are_refused(rate: str) -> None:
    agreed = Results(date(2024, 9, 3), (Achievement(Decimal(1), Decimal(rate)),))
    with pytest.raises(ValueError, match="le taux va de 0 à 1"):
        compute_schedule(engagement(results={(1, "care_pathways"): agreed}))


def test_results_without_any_weight_are_refused() -> None:
    with pytest.raises(ValueError, match="aucun poids"):
        compute_schedule(engagement(results={(1, "prevention"): Results(date(2024, 9, 3), ())}))


def test_a_crisis_is_paid_only_when_the_agency_recognises_one() -> None:
    without = compute_schedule(engagement())
    crisis = compute_schedule(engagement(crises=(date(2025, 2, 1), date(2025, 3, 1))))

    assert amounts(without.lines, share=Share.CRISIS) == []
    assert amounts(crisis.lines, share=Share.CRISIS) == [(date(2025, 7, 1), "67500.00")]
    assert crisis.total(2) == Decimal(465_000)


# --- Dates ------------------------------------------------------------------------------------


def test_a_contract_of_29_february_has_its_anniversary_on_the_28th_but_in_leap_years() -> None:
    starts = date(2024, 2, 29)

    assert [anniversary(starts, n) for n in range(1, 6)] == [
        date(2025, 2, 28),
        date(2026, 2, 28),
        date(2027, 2, 28),
        date(2028, 2, 29),
        date(2029, 2, 28),
    ]
    assert five_years(starts) == date(2029, 2, 27)
    assert [one.days for one in years_of(starts, five_years(starts))] == [365, 365, 365, 366, 365]
    assert compute_schedule(engagement(starts)).total() == Decimal(1_987_500)


@pytest.mark.parametrize(
    ("contract", "words"),
    [
        (engagement(ends_on=STARTS - timedelta(days=1)), "après sa fin le 30 juin 2023"),
        (engagement(ends_on=date(2123, 7, 1)), "plus de 10 ans"),
        (engagement(terms=()), "ni sa taille ni ses missions"),
        (engagement(terms=(terms(), terms(date(2030, 1, 1)))), "après la fin du contrat"),
        (
            engagement(terms=(terms(), terms(date(2025, 1, 1)), terms(date(2024, 1, 1)))),
            "ordre de leurs dates",
        ),
    ],
)
def test_dates_that_make_no_contract_are_said_and_pay_nothing(
    contract: Engagement, words: str
) -> None:
    schedule = compute_schedule(contract)

    assert schedule.lines == ()
    assert words in " ".join(schedule.problems)


@pytest.mark.parametrize(
    ("starts", "words"),
    [(None, "n’a pas de date de début"), (date(2028, 7, 1), "après la fin du contrat le 30 juin")],
)
def test_a_mission_without_a_start_or_begun_after_the_end_pays_nothing_and_is_said(
    starts: date | None, words: str
) -> None:
    chosen = dict.fromkeys(MISSIONS[:4], STARTS) | {"quality_relevance": starts}
    schedule = compute_schedule(engagement(terms=(terms(missions=chosen),)))

    assert words in " ".join(schedule.problems)
    assert amounts(schedule.lines, mission="quality_relevance") == []
    assert schedule.total(1) == Decimal(75_000 + 175_000 + 97_500)


def test_a_mission_that_is_in_no_agreement_is_said() -> None:
    schedule = compute_schedule(engagement(terms=(terms(missions={"garden": STARTS}),)))

    assert "« garden » n’est pas dans les tarifs" in schedule.problems[0].replace("\u00a0", " ")


# --- Rates ------------------------------------------------------------------------------------


def with_rates(*changed: Rate) -> RateTable:
    kept = [one for one in DELIVERED.rates if one.share != Share.OPERATING]
    return replace(DELIVERED, rates=(*kept, *changed))


def operating(first: date, last: date | None, amount: int = 75_000, *, sure: bool = True) -> Rate:
    return Rate(Share.OPERATING, "", "T3", Decimal(amount), first, last, "Un texte", sure)


def signed_at(rates: RateTable) -> Schedule:
    return compute_schedule(engagement(terms=(terms(rates=rates),)))


def test_a_hole_between_two_rates_is_said_and_pays_nothing_for_its_year() -> None:
    schedule = signed_at(
        with_rates(
            operating(date(2020, 1, 1), date(2024, 12, 31)), operating(date(2025, 2, 1), None)
        )
    )

    assert [one.replace("\u00a0", " ") for one in schedule.problems] == [
        (
            "Fonctionnement, taille 3 : aucun tarif publié du 1er janvier 2025 au 31 janvier 2025. "
            "Le montant est à confirmer par l’administrateur national."
        )
    ]
    assert [one.year for one in schedule.lines if one.share == Share.OPERATING] == [1, 3, 4, 5]


def test_two_rates_for_the_same_days_are_said_and_pay_nothing_for_their_year() -> None:
    schedule = signed_at(
        with_rates(
            operating(date(2020, 1, 1), date(2025, 1, 31)), operating(date(2025, 1, 1), None)
        )
    )

    assert "deux tarifs valent du 1er janvier 2025 au 31 janvier 2025" in schedule.problems[0]
    assert [one.year for one in schedule.lines if one.share == Share.OPERATING] == [1, 3, 4, 5]


def test_a_rate_that_follows_another_shares_the_year_by_days() -> None:
    schedule = signed_at(
        with_rates(
            operating(date(2020, 1, 1), date(2023, 12, 31)),
            operating(date(2024, 1, 1), None, 150_000),
        )
    )

    # 184 days at 75 000 and 182 at 150 000, of 366.
    assert schedule.problems == ()
    assert amounts(schedule.lines, share=Share.OPERATING)[0] == (STARTS, "112295.08")


def test_an_unconfirmed_rate_simulates_and_does_not_sign() -> None:
    schedule = signed_at(with_rates(operating(date(2020, 1, 1), None, sure=False)))

    assert schedule.total(1) == Decimal(397_500)
    assert [one.replace("\u00a0", " ") for one in schedule.problems] == [
        (
            "Fonctionnement, taille 3 : le montant de 75 000 € n’est pas confirmé. Il sert à "
            "simuler, pas à signer."
        )
    ]
    assert {one.is_confirmed for one in schedule.lines if one.share == Share.OPERATING} == {False}


def test_a_size_whose_rates_nobody_knows_has_its_grant_and_a_sentence_a_mission() -> None:
    schedule = compute_schedule(engagement(terms=(terms(size="T1"),)))

    assert {one.share for one in schedule.lines} == {Share.OPERATING}
    assert schedule.total(1) == Decimal(50_000)
    assert len({one.split(",")[0] for one in schedule.problems}) == 6


# --- Amendments ---------------------------------------------------------------------------------


def test_a_size_changed_by_an_amendment_leaves_what_fell_due_and_regularises() -> None:
    """A grant of 60 000 becomes 75 000 from 1 January 2025: 181 days of the second year's 365."""
    rates = RateTable(
        "aci", 1, "", DELIVERED.missions,
        tuple(one for one in DELIVERED.rates if one.share == Share.OPERATING),
    )  # fmt: skip
    first = terms(size="T2", missions={}, rates=rates)
    second = terms(date(2025, 1, 1), "T3", {}, rates)
    before = compute_schedule(engagement(terms=(first,))).lines
    after = compute_schedule(engagement(terms=(first, second))).lines

    found = amend(before, after, as_of=date(2025, 2, 10))

    assert [(one.due_on, one.year, one.step, str(one.amount)) for one in found] == [
        (date(2023, 7, 1), 1, Step.FULL, "60000.00"),
        (date(2024, 7, 1), 2, Step.FULL, "60000.00"),
        # 15 000 × 181 / 365.
        (date(2025, 2, 10), 2, Step.REGULARISATION, "7438.36"),
        (date(2025, 7, 1), 3, Step.FULL, "75000.00"),
        (date(2026, 7, 1), 4, Step.FULL, "75000.00"),
        (date(2027, 7, 1), 5, Step.FULL, "75000.00"),
    ]


def test_a_mission_added_by_an_amendment_is_due_once_it_is_agreed() -> None:
    some = dict.fromkeys(MISSIONS[:4], STARTS)
    more = some | {"quality_relevance": date(2024, 1, 1)}
    before = compute_schedule(engagement(terms=(terms(missions=some),))).lines
    both = engagement(terms=(terms(missions=some), terms(date(2024, 1, 1), missions=more)))
    found = amend(before, compute_schedule(both).lines, as_of=date(2024, 3, 1))

    # 15 000 × 182 / 366 = 7 459,016…
    assert amounts(found, mission="quality_relevance", year=1) == [
        (date(2024, 3, 1), "5594.26"),
        (date(2024, 7, 1), "1864.76"),
        (date(2024, 7, 1), "7459.02"),
    ]


def test_a_contract_that_ends_early_gives_back_the_days_it_does_not_run() -> None:
    before = compute_schedule(engagement()).lines
    ended = compute_schedule(engagement(ends_on=date(2024, 12, 31))).lines
    found = amend(before, ended, as_of=date(2025, 1, 15))

    # 184 days of 365 of the grant: 37 808,22 of the 75 000 that were paid.
    assert amounts(found, year=2, share=Share.OPERATING) == [
        (date(2024, 7, 1), "75000.00"),
        (date(2025, 1, 15), "-37191.78"),
    ]
    assert {one.year for one in found} == {1, 2}


# --- What always holds ----------------------------------------------------------------------------

_STARTS = st.dates(date(2022, 4, 1), date(2027, 12, 31))
_SIZES = st.sampled_from(["T2", "T3"])
_EVERY_SIZE = replace(
    DELIVERED,
    rates=DELIVERED.rates
    + tuple(
        replace(one, size="T2", amount=one.amount / 3 + Decimal("0.01"))
        for one in DELIVERED.rates
        if one.size == "T3" and one.share != Share.OPERATING
    ),
)


@st.composite
def contracts(draw: st.DrawFn) -> Engagement:
    starts = draw(_STARTS)
    ends = starts + timedelta(days=draw(st.integers(30, 5 * 365)))
    chosen = draw(st.lists(st.sampled_from(MISSIONS), unique=True, min_size=1, max_size=6))
    missions: dict[str, date | None] = {
        key: starts + timedelta(days=draw(st.integers(0, 700))) for key in chosen
    }
    crises = (starts + timedelta(days=draw(st.integers(0, 900))),)
    signed = starts + timedelta(days=draw(st.integers(-60, 90)))
    first = terms(starts, draw(_SIZES), missions, _EVERY_SIZE)
    return Engagement(starts, ends, (first,), signed_on=signed, crises=crises)


@st.composite
def amended(draw: st.DrawFn) -> tuple[Engagement, list[tuple[Engagement, date]]]:
    """A contract, then what it becomes with each amendment and the day it is signed."""
    contract = draw(contracts())
    span = (contract.ends_on - contract.starts_on).days
    days = sorted(draw(st.lists(st.integers(1, span), min_size=1, max_size=3)))
    found = []
    current = contract
    for offset in days:
        effective = contract.starts_on + timedelta(days=offset)
        missions = {one.key: one.starts_on for one in current.terms[-1].missions}
        extra = draw(st.sampled_from(MISSIONS))
        missions.setdefault(extra, effective)
        more = terms(effective, draw(_SIZES), missions, _EVERY_SIZE)
        current = replace(current, terms=(*current.terms, more))
        found.append((current, effective + timedelta(days=draw(st.integers(-40, 200)))))
    return contract, found


def _exact_right(line: Line) -> Decimal:
    exact = sum(
        (one.rate * one.days / Decimal(one.days_in_year) for one in line.pieces), start=Decimal(0)
    )
    return exact.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


@settings(max_examples=60)
@given(contracts())
def test_the_shares_of_a_right_add_up_to_it_to_the_cent(contract: Engagement) -> None:
    schedule = compute_schedule(contract)

    assert rights(schedule.lines) == {
        key: total for one in schedule.lines if (key := one.key) and (total := _exact_right(one))
    }
    assert all(one.amount == one.amount.quantize(Decimal("0.01")) for one in schedule.lines)


@settings(max_examples=60)
@given(contracts())
def test_nothing_is_due_before_its_cause(contract: Engagement) -> None:
    starts = {one.key: one.starts_on for one in contract.terms[0].missions}
    years = {one.number: one for one in years_of(contract.starts_on, contract.ends_on)}
    for line in compute_schedule(contract).lines:
        year = years[line.year]
        causes = [contract.signed_on, contract.starts_on, year.starts_on, starts.get(line.mission)]
        if line.step in {Step.BALANCE, Step.RESULTS, Step.CRISIS}:
            causes.append(year.ends_before)
        if line.step == Step.CRISIS:
            causes.append(contract.crises[0])
        assert line.due_on >= max(cause for cause in causes if cause)
        assert line.amount > 0


@settings(max_examples=60)
@given(amended())
def test_an_amendment_on_an_amendment_never_changes_what_fell_due_and_gives_each_right(
    story: tuple[Engagement, list[tuple[Engagement, date]]],
) -> None:
    contract, changes = story
    current = compute_schedule(contract).lines
    for changed, signed in sorted(changes, key=lambda one: one[1]):
        after = compute_schedule(changed).lines
        found = amend(current, after, signed)
        past = [one for one in current if one.due_on <= signed and not one.is_ceiling]

        assert [one for one in found if one in past] == past
        assert rights(found) == rights(after)
        added = [one for one in found if one not in current and not one.is_ceiling]
        assert [one for one in added if one.due_on < signed] == []
        current = found
