"""Ten people are told of one thing, and something stops meanwhile: each is mailed once."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from devstack.paths import PROJECT
from devstack.postgres import Postgres
from devstack.valkey import Valkey
from notifications.models import Notification
from outbox import services
from outbox.models import Mail
from outbox.tasks import sweep
from tests import factories
from tests.notifications.telling import tell
from tests.ops.conftest import Worker, wait_for
from tests.outbox.conftest import MailCatcher, mail_catcher  # noqa: F401 - a fixture

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

TEN = [f"membre{number}@exemple.test" for number in range(10)]
ONCE_EACH = Counter(dict.fromkeys(TEN, 1))

TELL_TEN = """
from django.db import transaction
from tests import factories
from tests.notifications.telling import tell
with transaction.atomic():
    for number in range(10):
        tell(factories.user(f"membre{number}@exemple.test"))
"""


@pytest.fixture(autouse=True)
def broker_not_seen_away() -> None:
    services._Broker.away_until = 0


@pytest.fixture
def smtp_worker(
    tmp_path: Path,
    broker: Valkey,
    mail_catcher: MailCatcher,  # noqa: F811 - the fixture imported above
    transactional_db: None,
) -> Iterator[Worker]:
    """A worker whose mails go to the test's own mail server."""
    worker = Worker(tmp_path, broker.url, smtp_port=mail_catcher.port)
    worker.start()
    yield worker
    worker.kill()


def tell_ten() -> None:
    people = [factories.user(address) for address in TEN]
    with transaction.atomic():
        for person in people:
            tell(User.objects.get(pk=person.pk))


def received(catcher: MailCatcher) -> Counter[str]:
    return Counter(str(message["To"]) for message in catcher.messages)


def all_sent() -> bool:
    return not Mail.objects.filter(sent_at=None).exists()


def test_a_stopped_broker_delays_ten_mails_and_loses_none(
    smtp_worker: Worker,
    broker: Valkey,
    mail_catcher: MailCatcher,  # noqa: F811 - the fixture imported above
) -> None:
    broker.stop()
    tell_ten()
    assert (received(mail_catcher), Mail.objects.filter(sent_at=None).count()) == (Counter(), 10)

    broker.start()
    services._Broker.away_until = 0
    sweep.delay()  # what the scheduler does every thirty seconds
    wait_for(all_sent)
    sweep.delay()

    assert received(mail_catcher) == ONCE_EACH
    assert {row.delivery_in_words for row in Notification.objects.all()} == {"envoyé"}


def test_a_worker_killed_in_the_middle_of_ten_mails_leaves_each_of_them_once(
    smtp_worker: Worker,
    mail_catcher: MailCatcher,  # noqa: F811 - the fixture imported above
) -> None:
    mail_catcher.hold_at = 5
    tell_ten()
    assert mail_catcher.held.wait(30)
    smtp_worker.kill()
    mail_catcher.let_go.set()
    before = received(mail_catcher)

    smtp_worker.start()
    sweep.delay()
    wait_for(lambda: Mail.objects.filter(sent_at=None).count() == 1)
    # The mail it held is the dead worker's until its claim runs out, five minutes later.
    (claimed,) = Mail.objects.filter(sent_at=None)
    assert claimed.claimed_until is not None
    Mail.objects.filter(sent_at=None).update(
        claimed_until=timezone.now() - timedelta(seconds=1), available_at=timezone.now()
    )
    sweep.delay()
    wait_for(all_sent)
    sweep.delay()

    assert sum(before.values()) == 4
    assert received(mail_catcher) == ONCE_EACH


def test_a_server_that_refuses_one_of_ten_for_good_takes_the_nine_others(
    smtp_worker: Worker,
    mail_catcher: MailCatcher,  # noqa: F811 - the fixture imported above
) -> None:
    mail_catcher.refused = {TEN[3]: "550 5.1.1 User unknown", TEN[7]: "451 4.3.0 Try again later"}
    tell_ten()
    wait_for(lambda: Mail.objects.filter(sent_at=None).exclude(last_error="").count() == 2)
    wait_for(lambda: Mail.objects.exclude(sent_at=None).count() == 8)
    said = {row.recipient: row.delivery_in_words for row in Notification.objects.all()}

    mail_catcher.refused = {TEN[3]: "550 5.1.1 User unknown"}
    Mail.objects.update(available_at=timezone.now())
    sweep.delay()
    wait_for(lambda: Mail.objects.exclude(sent_at=None).count() == 9)
    sweep.delay()

    assert said == dict.fromkeys(TEN, "envoyé") | {
        TEN[3]: "refusé\u00a0: adresse inconnue (5.1.1)",
        TEN[7]: "pas encore parti, nouvel essai prévu",
    }
    assert received(mail_catcher) == ONCE_EACH - Counter([TEN[3]])
    assert list(Mail.objects.filter(sent_at=None).values_list("recipient", "attempts")) == [
        (TEN[3], 1)
    ]


def test_a_database_restarted_while_a_mail_leaves_has_nobody_mailed_twice(
    tmp_path: Path,
    broker: Valkey,
    other_server: Postgres,
    mail_catcher: MailCatcher,  # noqa: F811 - the fixture imported above
) -> None:
    worker = Worker(tmp_path, broker.url, smtp_port=mail_catcher.port)
    worker.environment["DATABASE_URL"] = other_server.url

    def manage(*command: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=PROJECT,
            env=os.environ | worker.environment,
            check=True,
            capture_output=True,
        )

    def rows(query: str) -> list[Any]:
        with other_server.connect("cpts") as connection:
            return connection.execute(query).fetchall()

    def nothing_waits() -> bool:
        return rows("SELECT count(*) FROM outbox_mail WHERE sent_at IS NULL") == [(0,)]

    manage("shell", "-c", TELL_TEN)
    mail_catcher.hold_at = 5
    worker.start()
    try:
        sweep.delay()
        assert mail_catcher.held.wait(30)
        other_server.stop()
        mail_catcher.let_go.set()
        wait_for(lambda: b"the database is away" in worker.log.read_bytes())
        other_server.start()
        sweep.delay()
        wait_for(nothing_waits, seconds=60)
        sweep.delay()
        sent = rows("SELECT count(*), count(sent_at), max(attempts) FROM outbox_mail")
    finally:
        worker.kill()

    assert sent == [(10, 10, 1)]
    assert received(mail_catcher) == ONCE_EACH
