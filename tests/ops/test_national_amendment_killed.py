"""A national amendment whose worker is killed in the middle: each contract is amended once."""

from collections import Counter

import psycopg
import pytest
from django.db import transaction

from contracts.amendments import national
from contracts.models import ContractVersion, NationalAmendment
from outbox import services
from outbox.tasks import sweep
from tests.contracts import raised, signed
from tests.ops.conftest import Worker, database_url, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


def test_an_amendment_goes_on_after_its_worker_is_killed_and_amends_each_contract_once(
    worker: Worker,
) -> None:
    services._Broker.away_until = 0
    contracts = [signed.contract() for _ in range(national.CHUNK + 3)]
    by = raised.administrator()
    with transaction.atomic():
        amendment = raised.prepared(by)
    wait_for(lambda: NationalAmendment.objects.filter(status="ready").exists())
    applied = amendment.items.filter(outcome="applied")

    # Somebody holds the last contract: the worker waits for it in the middle of its second piece.
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT 1 FROM workflow_case WHERE id = %s FOR UPDATE", [contracts[-1].pk])
        national.start(amendment, by=by)
        wait_for(lambda: applied.count() == national.CHUNK)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        with psycopg.connect(database_url(), autocommit=True) as watch:
            wait_for(lambda: (watch.execute(waiting).fetchone() or (0,))[0])
        worker.kill()
        assert applied.count() == national.CHUNK

    worker.start()
    sweep.delay()
    wait_for(lambda: NationalAmendment.objects.filter(status="done").exists())
    versions = Counter(ContractVersion.objects.values_list("contract_id", flat=True))
    assert versions == {one.pk: 2 for one in contracts}
    assert applied.count() == len(contracts)
