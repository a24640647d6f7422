"""Who covers what in a région, now and on a day gone by."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from letters.models import LetterOfIntent
from territories.models import Commune
from territories.services import add_part
from tests import factories
from tests.letters import cases
from workflow import claims
from workflow.coverage import (
    UNSEEN,
    Covered,
    Status,
    Total,
    read_coverage,
    read_holders,
    regions_of,
    totals,
)
from workflow.models import Case, TerritoryPeriod
from writing.consulting import withdraw

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]


def decide(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=case.pk))


def filed(*communes: str) -> LetterOfIntent:
    return cases.deposited("84", communes=communes)


def decided(*communes: str) -> LetterOfIntent:
    letter = filed(*communes)
    decide(letter)
    return letter


def said(code: str, on: date | None = None) -> tuple[str, bool]:
    found = {one.code: one for one in read_coverage("84", on).communes}
    return str(found[code].status), found[code].is_partial


def move(case: Case, *days: tuple[date, date | None]) -> None:
    """Give the periods of a case other days, in their order."""
    rows = TerritoryPeriod.objects.filter(case=case.pk).order_by("since", "pk")
    spans = dict(zip(rows.values_list("pk", flat=True), days, strict=True))
    for pk, (since, until) in spans.items():
        TerritoryPeriod.objects.filter(pk=pk).update(
            since=at_noon(since), until=at_noon(until) if until else None
        )


def at_noon(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(12)))


def test_a_commune_is_of_the_furthest_status() -> None:
    assert said("01053") == ("rien", False)
    first = filed("01053")
    assert said("01053") == ("deposee", False)
    filed("01053")
    assert said("01053") == ("deposee", False)
    decide(first)
    assert said("01053") == ("acceptee", False)


def test_a_draft_covers_nothing() -> None:
    cases.complete("84", communes=("01053",))

    assert said("01053") == ("rien", False)


def test_what_is_withdrawn_covers_nothing_any_more() -> None:
    letter = filed("01053")
    withdraw(letter, actor=letter.created_by, reason="Nous renonçons.")
    # As its commit would.
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")

    assert said("01053") == ("rien", False)


def test_a_letter_of_another_region_covers_the_communes_it_has_here() -> None:
    cases.deposited("28", communes=("76217", "01053"))

    assert said("01053") == ("deposee", False)


def test_a_part_covers_in_part_until_somebody_has_the_whole() -> None:
    letter = cases.complete("84", communes=("69266",))
    add_part(letter.community.territory, "01053", "Le Pont", 900)
    cases.file(letter)
    assert said("01053") == ("deposee", True)

    filed("01053")
    assert said("01053") == ("deposee", False)


def test_a_city_is_covered_in_part_by_some_arrondissements_and_whole_by_all() -> None:
    codes = list(
        Commune.objects.filter(parent="69123").order_by("code").values_list("code", flat=True)
    )
    assert len(codes) == 9
    filed(*codes[:8])
    assert said("69123") == ("deposee", True)

    filed(codes[8])
    assert said("69123") == ("deposee", False)


def test_the_coverage_of_a_day_gone_by_is_that_of_its_evening() -> None:
    letter = decided("01053")
    move(
        letter,
        (date(2024, 3, 12), date(2024, 5, 2)),
        (date(2024, 5, 2), None),
    )

    assert [
        said("01053", day)[0]
        for day in (
            date(2024, 3, 11),
            date(2024, 3, 12),
            date(2024, 5, 1),
            date(2024, 5, 2),
            timezone.localdate(),
            timezone.localdate() + timedelta(days=40),
        )
    ] == ["rien", "deposee", "deposee", "acceptee", "acceptee", "acceptee"]


def test_a_withdrawn_decision_is_seen_on_its_days_only() -> None:
    letter = decided("01053")
    Case.objects.filter(pk=letter.pk).update(state="under_review")
    claims.settle_stage(Case.objects.get(pk=letter.pk))
    move(
        letter,
        (date(2023, 1, 5), date(2023, 3, 5)),
        (date(2023, 3, 5), date(2023, 4, 5)),
        (date(2023, 4, 5), None),
    )

    days = (date(2023, 2, 1), date(2023, 4, 1), date(2023, 5, 1))
    assert [said("01053", day)[0] for day in days] == ["deposee", "acceptee", "deposee"]


def test_totals_count_communes_inhabitants_and_parts() -> None:
    def commune(code: str, population: int | None, **more: Any) -> Covered:
        return Covered(code, code, code, "01", "", population, **more)

    assert totals(
        [
            commune("1", 10),
            commune("2", None),
            commune("3", 5, status=Status.FILED, is_partial=True),
            commune("4", 7, status=Status.FILED),
        ]
    ) == {Status.NOTHING: Total(2, 10, 0), Status.FILED: Total(2, 12, 1)}


def test_every_commune_of_the_region_is_there_once() -> None:
    found = read_coverage("76")

    assert len(found.communes) == len({one.code for one in found.communes}) == 4446
    assert {one.department for one in found.communes} == set(found.departments)


def test_the_coverage_is_read_once_while_nothing_changes() -> None:
    filed("01053")

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            read_coverage("84")
        return len(captured)

    queries()
    assert queries() == 1


def test_a_cold_reading_takes_as_many_queries_with_one_case_as_with_several() -> None:
    def queries() -> int:
        filed("01053")
        with CaptureQueriesContext(connection) as captured:
            read_coverage("84")
        return len(captured)

    before = queries()
    for _ in range(3):
        filed("69266")

    assert queries() == before


# --- Who ----------------------------------------------------------------------------------------


def test_agents_of_agencies_look_at_their_region_and_an_administrator_at_all() -> None:
    cases.reference_rows()
    assert {
        kind: regions_of(cases.agent(cases.body(kind, "76", department)))
        for kind, department in (
            ("ars", None),
            ("ars_branch", "81"),
            ("one_stop_desk", None),
            ("urps", None),
            ("cpam", None),
        )
    } == {"ars": ["76"], "ars_branch": ["76"], "one_stop_desk": [], "urps": [], "cpam": []}
    assert regions_of(factories.user()) == []
    assert regions_of(factories.user(is_staff=True)) == []
    assert regions_of(factories.user(is_staff=True, is_superuser=True)) is None


def test_a_filed_cpts_is_named_to_those_whose_desk_it_is_on() -> None:
    letter = filed("01053")
    assert letter.office is not None
    agent, stranger = cases.agent(letter.office), factories.user()

    def labels(user: Any) -> list[str]:
        return [one.label for one in read_holders(["01053"], user, None)["01053"].shown]

    assert labels(agent) == [f"{letter.title}, {letter.reference}"]
    assert labels(stranger) == [UNSEEN]
    decide(letter)
    assert labels(stranger) == [letter.title]
