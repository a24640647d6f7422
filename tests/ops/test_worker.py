"""Broker and worker, stopped and killed for real: nothing is lost, nothing happens twice."""

import socket
import time
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import transaction

from devstack.valkey import Valkey
from outbox import services
from outbox.models import Mail, OutboxEvent
from outbox.tasks import sweep
from tests.ops import handlers  # noqa: F401 - registers the handler
from tests.ops.conftest import Worker, use_broker, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def broker_not_seen_away() -> None:
    services._Broker.away_until = 0


def queue_mail(key: str) -> Mail:
    with transaction.atomic():
        return services.queue_mail(
            key=key, recipient="a@example.test", subject="Objet", text_body="Texte"
        )


def identifier(mail: Mail) -> str:
    return f"<mail-{mail.pk}@localhost>"


def test_the_worker_survives_its_broker_and_sends_each_mail_once(
    worker: Worker, broker: Valkey
) -> None:
    first = queue_mail("before")
    wait_for(lambda: worker.mails() == [identifier(first)])

    broker.stop()
    start = time.monotonic()
    second = queue_mail("meanwhile")
    assert time.monotonic() - start < 2
    assert Mail.objects.get(pk=second.pk).sent_at is None

    broker.start()
    sweep.delay()  # what the scheduler does every thirty seconds
    wait_for(lambda: Mail.objects.filter(sent_at=None).count() == 0)
    sweep.delay()
    services._Broker.away_until = 0
    third = queue_mail("after")
    wait_for(lambda: identifier(third) in worker.mails())
    assert sorted(worker.mails()) == sorted(map(identifier, (first, second, third)))


def test_what_a_killed_worker_was_doing_is_done_once_by_the_next(
    worker: Worker, tmp_path: Path
) -> None:
    with transaction.atomic():
        services.publish("tests.ops.wait", key="1", folder=str(tmp_path))
    wait_for((tmp_path / "entered").exists)
    worker.kill()
    assert Group.objects.count() == 0

    (tmp_path / "go").touch()
    worker.start()
    sweep.delay()
    wait_for(lambda: OutboxEvent.objects.exclude(done_at=None).exists())
    assert list(Group.objects.values_list("name", flat=True)) == ["done 0"]


def test_a_broker_that_never_answers_holds_a_request_once_and_briefly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use_broker(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        start = time.monotonic()
        try:
            for number in range(5):
                queue_mail(str(number))
        finally:
            use_broker("memory://")

    assert time.monotonic() - start < 3
    assert Mail.objects.count() == 5
