"""What a case held, from when to when."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.utils import timezone

from letters.models import LetterOfIntent
from tests.letters import cases
from workflow import claims
from workflow.coverage import read_coverage, revision
from workflow.models import Case, TerritoryClaim, TerritoryPeriod
from writing.consulting import withdraw

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]


def decide(case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=case.pk))


def periods(case: Case) -> list[tuple[str, list[str], list[str], list[str], bool]]:
    rows = TerritoryPeriod.objects.filter(case=case.pk).order_by("since", "pk")
    return [
        (one.stage, one.whole, one.parts, one.department_codes, one.until is None) for one in rows
    ]


def letter(*communes: str) -> LetterOfIntent:
    return cases.deposited("84", communes=communes)


def test_a_draft_has_no_period() -> None:
    assert periods(cases.draft("84", communes=("01053",))) == []


def test_a_deposit_opens_a_period_that_a_decision_closes_and_follows() -> None:
    one = letter("01053", "69266")
    assert periods(one) == [("filed", ["01053", "69266"], [], ["01", "69"], True)]

    decide(one)

    held = ["01053", "69266"]
    assert periods(one) == [
        ("filed", held, [], ["01", "69"], False),
        ("decided", held, [], ["01", "69"], True),
    ]
    first, second = TerritoryPeriod.objects.filter(case=one.pk).order_by("since")
    assert first.until == second.since


def test_a_withdrawal_leaves_no_open_period() -> None:
    one = letter("01053")

    withdraw(one, actor=one.created_by, reason="Nous renonçons.")

    assert periods(one) == [("filed", ["01053"], [], ["01"], False)]


def test_settling_again_what_has_not_changed_writes_nothing() -> None:
    one = letter("01053")
    before = periods(one)

    claims.settle_stage(one)

    assert periods(one) == before


def test_a_commune_given_to_another_cpts_leaves_the_period() -> None:
    one = letter("01053", "69266")
    TerritoryClaim.objects.filter(case=one.pk, commune="69266").update(stage="released")
    claims._keep_period(one)

    assert [row[1] for row in periods(one)] == [["01053", "69266"], ["01053"]]


def test_the_database_keeps_one_period_at_a_time() -> None:
    one = letter("01053")

    with (
        pytest.raises(IntegrityError, match="territory_period_one_at_a_time"),
        transaction.atomic(),
    ):
        TerritoryPeriod.objects.create(case_id=one.pk, stage="filed", whole=["01053"])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("territory_period_holds_something", {}),
        (
            "territory_period_dates_in_order|range lower bound",
            {"whole": ["01053"], "until": datetime(2017, 1, 1, tzinfo=UTC)},
        ),
    ],
)
def test_a_period_holds_something_and_ends_after_it_begins(
    name: str, values: dict[str, Any]
) -> None:
    one = cases.draft("84")

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        TerritoryPeriod.objects.create(
            case_id=one.pk, stage="filed", since=timezone.now(), **values
        )


@pytest.mark.django_db(transaction=True)
def test_a_change_counts_once_it_is_committed_and_not_before(loaded_territories: None) -> None:
    one = letter("01053")
    read_coverage("84")
    seen: list[tuple[tuple[int, ...], str]] = []

    def look() -> None:
        """Another connection, as another visitor."""
        try:
            found = {c.code: c for c in read_coverage("84").communes}
            seen.append((revision(), str(found["01053"].status)))
        finally:
            connections.close_all()

    def in_a_thread() -> None:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    in_a_thread()
    with transaction.atomic():
        decide(one)
        in_a_thread()
    in_a_thread()

    assert [status for _, status in seen] == ["deposee", "deposee", "acceptee"]
    assert seen[0][0] == seen[1][0]
    assert seen[1][0] != seen[2][0]


@pytest.mark.django_db(transaction=True)
def test_a_transaction_counts_once_however_many_rows_it_changes(loaded_territories: None) -> None:
    ones = [letter("01053"), letter("69266")]
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM workflow_coveragerevision")
        (before,) = cursor.fetchone()
    with transaction.atomic():
        for one in ones:
            decide(one)
    with connection.cursor() as cursor:
        cursor.execute("SELECT revision FROM workflow_coveragerevision")
        assert cursor.fetchone() == (before + 1,)
