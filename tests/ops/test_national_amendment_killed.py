"""A national amendment whose worker is killed in the middle: each contract is reached once."""

from collections import Counter

import psycopg
import pytest
from django.db import transaction

from contracts.amendments import national
from contracts.models import ContractVersion, Draft, NationalAmendment, SigningRound
from outbox import services
from outbox.tasks import sweep
from tests.contracts import raised, signed
from tests.ops.conftest import Worker, database_url, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("way", ["by_law", "to_sign"])
def test_an_amendment_goes_on_after_its_worker_is_killed_and_reaches_each_contract_once(
    worker: Worker, way: str
) -> None:
    services._Broker.away_until = 0
    contracts = [signed.contract() for _ in range(national.CHUNK + 3)]
    by = raised.administrator()
    if way == "to_sign":
        raised.with_signers(contracts)
    with transaction.atomic():
        amendment = raised.prepared(by, way=way)
    wait_for(lambda: NationalAmendment.objects.filter(status="ready").exists())
    applied = amendment.items.filter(outcome__in=["applied", "to_sign"])

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
    assert applied.count() == len(contracts)
    rows = (
        ContractVersion.objects.filter(number=2) if way == "by_law" else Draft.objects.all()
    ).values_list("contract_id", flat=True)
    assert Counter(rows) == {one.pk: 1 for one in contracts}
    if way == "to_sign":
        called = SigningRound.objects.filter(state="open").values_list("contract_id", flat=True)
        wait_for(lambda: called.count() == len(contracts))
        assert Counter(called) == {one.pk: 1 for one in contracts}
