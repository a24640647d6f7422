"""What a contract says: kept as JSON and read back whole, and what changes from one to another."""

import json
from datetime import date
from decimal import Decimal

from contracts import terms
from contracts.terms import (
    Bank,
    Clause,
    Commune,
    ContractTerms,
    Indicator,
    MissionTerm,
    Party,
    Representative,
    Row,
    SectionDifference,
    Sheet,
    Step,
    Target,
    changed_sections,
    difference,
    from_data,
    to_data,
    with_section,
)

WHOLE = ContractTerms(
    parties=(
        Party(role=terms.CPTS, name="Association CPTS du Lac", rna="W812345678"),
        Party(role=terms.ARS, name="ARS Occitanie"),
        Party(role=terms.CPAM, name="CPAM du Tarn"),
    ),
    representatives=(
        Representative(
            party=terms.ARS,
            name="Anne Martin",
            capacity="Directrice",
            user=3,
            act="Arrêté du 3 mars 2026",
            valid_from=date(2026, 3, 3),
            valid_to=date(2027, 3, 3),
        ),
    ),
    communes=(Commune(code="81004", name="Albi", part="Centre"),),
    territory_year=2026,
    population=85_000,
    population_year=2023,
    population_source="Insee",
    size="T3",
    starts_on=date(2027, 1, 1),
    ends_on=date(2031, 12, 31),
    missions=(
        MissionTerm(key="prevention", starts_on=date(2027, 7, 1), deployed_on=date(2029, 1, 1)),
    ),
    sheets=(Sheet(key="1", title="Dépistage", missions=("prevention",), reference="F-1"),),
    indicators=(
        Indicator(
            key="breast",
            mission="prevention",
            label="Dépistage du sein",
            kind="ladder",
            weight=Decimal("2.5"),
            unit="%",
            baseline=Decimal("66.26"),
            targets=(
                Target(
                    year=1,
                    steps=(
                        Step(threshold=Decimal("69.7"), rate=Decimal("0.5")),
                        Step(threshold=Decimal(75), rate=Decimal(1)),
                    ),
                ),
                Target(year=3, value=Decimal(80)),
            ),
            proofs=("Statistiques de la CPAM",),
        ),
    ),
    bank=Bank(holder="CPTS du Lac", masked_iban="FR76 •••• 1234"),
    clauses=(Clause(title="Locaux", text="La commune prête une salle."),),
    rates="aci 1",
)


def test_terms_are_read_back_as_they_were_kept():
    assert from_data(json.loads(json.dumps(to_data(WHOLE)))) == WHOLE
    assert from_data({}) == ContractTerms()
    assert from_data(to_data(ContractTerms())) == ContractTerms()


def test_a_contract_of_three_carries_its_code_and_an_older_one_none():
    assert (WHOLE.ans_code, ContractTerms(form=terms.CPOM).ans_code) == ("ACI", "")


def test_a_power_to_sign_still_stands_on_its_last_day():
    one = WHOLE.representatives[0]
    days = [date(2026, 3, 2), date(2026, 3, 3), date(2027, 3, 3), date(2027, 3, 4)]
    assert [one.may_sign_on(day) for day in days] == [False, True, True, False]


def test_what_changes_is_said_by_section_and_line_and_nothing_else():
    after = ContractTerms(**{**vars(WHOLE), "size": "T2", "bank": Bank(holder="CPTS du Lac")})
    assert difference(WHOLE, after) == (
        SectionDifference("size", "Taille", (Row("Taille", "Taille 3", "Taille 2"),)),
        SectionDifference("bank", "Coordonnées bancaires", (Row("Compte", "FR76 •••• 1234", ""),)),
    )
    assert difference(WHOLE, WHOLE) == ()
    assert changed_sections(ContractTerms(), WHOLE) == tuple(terms.SECTIONS)


def test_a_section_is_taken_from_another_contract_alone():
    assert with_section(ContractTerms(), "size", WHOLE) == ContractTerms(size="T3")


def test_the_target_of_a_year_without_one_is_that_of_the_year_before():
    one = WHOLE.indicators[0]
    found = [one.target_of(year) for year in (1, 2, 3, 5)]
    assert [each and each.year for each in found] == [1, 1, 3, 3]
    assert terms.target_words(one, one.targets[0]) == (
        "au moins 69,7 %\u00a0: 50\u00a0% ; au moins 75 %\u00a0: 100\u00a0%"
    )
