"""The invented cases of a measure: the same twice, and as true as real ones."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from desks.seeding import seed_cases
from tests import factories
from workflow.models import Case, ClockEvent, Consultation, InboxLine, Opinion, SearchDocument

pytestmark = pytest.mark.django_db


def written() -> list[tuple[Any, ...]]:
    return list(
        Case.objects.order_by("reference").values_list(
            "reference", "title", "public_id", "state", "population", "deadline_on"
        )
    )


def test_the_same_seed_writes_the_same_cases_and_they_hold_together(
    loaded_organisations: None,
) -> None:
    savepoint = transaction.savepoint()
    seed_cases(40, seed=7)
    first = written()
    transaction.savepoint_rollback(savepoint)
    assert written() == []
    seed_cases(40, seed=7)
    assert len(first) == 40
    assert (InboxLine.objects.count() > 80, SearchDocument.objects.count()) == (True, 40)
    assert min(m.objects.count() for m in (ClockEvent, Consultation, Opinion)) > 0
    # Deadlines and lists say what ledgers and desks say.
    call_command("check_desks", stdout=StringIO())
    assert written() == first


def test_more_can_be_written_beside_what_is_there(loaded_organisations: None) -> None:
    seed_cases(6, seed=1, regions=["76"])
    seed_cases(6, seed=2, regions=["76"])
    assert Case.objects.filter(region="76").count() == 12
    # The numbers given by hand are behind those the database gives.
    factories.community()


def test_a_portal_that_people_use_refuses(settings: Any) -> None:
    settings.DEMO = settings.DEBUG = False
    with pytest.raises(CommandError, match="Rien n’a été écrit"):
        call_command("seed_cases", 5, stdout=StringIO())
