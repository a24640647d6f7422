"""Between a deposit and its documents: whatever stops, they come, once."""

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from devstack.paths import PROJECT
from devstack.postgres import Postgres
from devstack.valkey import Valkey
from outbox import services
from outbox.models import Mail, OutboxEvent
from outbox.tasks import sweep
from tests.letters import cases
from tests.ops.conftest import Worker, wait_for
from tests.outbox.conftest import MailCatcher, mail_catcher  # noqa: F401 - a fixture
from workflow.models import CaseDocument, TransitionLog
from workflow.official import read_document
from writing.documents import documents_of
from writing.tasks import after_deposit

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

DEPOSIT = """
from pathlib import Path
from letters.json_import import import_file
import_file(Path("fixtures/scenarios/pays-de-lumbres.json"), deposit=True)
"""


@pytest.fixture(autouse=True)
def broker_not_seen_away() -> None:
    services._Broker.away_until = 0


def mail_identifiers() -> list[str]:
    return sorted(f"<mail-{pk}@localhost>" for pk in Mail.objects.values_list("pk", flat=True))


def test_documents_and_mails_come_once_after_the_worker_was_killed_between_them(
    worker: Worker, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    letter = cases.deposited("32", communes=("62041",))
    wait_for(lambda: list((tmp_path / "media" / "official").rglob("*.pdf")))
    worker.kill()

    worker.start()
    sweep.delay()  # what the scheduler does every thirty seconds
    wait_for(lambda: not OutboxEvent.objects.filter(done_at=None).exists())
    wait_for(lambda: not Mail.objects.filter(sent_at=None).exists())
    sweep.delay()

    links = documents_of(letter)
    assert [link.kind for link in links] == ["letter", "receipt", "paper"]
    assert [hashlib.sha256(read_document(link.document)).hexdigest() for link in links] == [
        link.document.sha256 for link in links
    ]
    assert sorted(worker.mails()) == mail_identifiers()
    assert sorted(Mail.objects.values_list("recipient", flat=True)) == sorted(
        [letter.created_by.email, letter.office.email]
    )


def test_mail_refused_by_its_server_leaves_later_once_with_the_documents(
    mail_catcher: MailCatcher,  # noqa: F811 - the fixture imported above
    deliver_outbox: Callable[[], int],
) -> None:
    mail_catcher.refusal = "451 Try again later"
    letter = cases.deposited("84", communes=("01053",))
    deliver_outbox()
    waiting = Mail.objects.filter(sent_at=None).count()

    mail_catcher.refusal = ""
    Mail.objects.update(available_at=letter.deposited_at)
    deliver_outbox()
    deliver_outbox()

    assert waiting == 2
    assert Counter(message["To"] for message in mail_catcher.messages) == {
        letter.created_by.email: 1,
        letter.office.email: 1,
    }
    assert all(
        part.get_content()[:5] == b"%PDF-"
        for message in mail_catcher.messages
        for part in message.iter_attachments()
    )
    assert CaseDocument.objects.count() == 2


def test_documents_and_mails_come_once_after_the_database_was_stopped(
    tmp_path: Path, broker: Valkey, other_server: Postgres
) -> None:
    worker = Worker(tmp_path, broker.url)
    worker.environment["DATABASE_URL"] = other_server.url

    def manage(*command: str) -> None:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=PROJECT,
            env=worker.environment,
            check=True,
            capture_output=True,
        )

    def rows(query: str) -> list[Any]:
        with other_server.connect("cpts") as connection:
            return connection.execute(query).fetchall()

    def all_sent() -> bool:
        done = rows("SELECT bool_and(done_at IS NOT NULL) FROM outbox_outboxevent")
        sent = rows("SELECT count(*) > 0 AND bool_and(sent_at IS NOT NULL) FROM outbox_mail")
        return (done, sent) == ([(True,)], [(True,)])

    manage("load_organisations")
    manage("shell", "-c", DEPOSIT)

    other_server.stop()
    worker.start()
    wait_for(lambda: b"OperationalError" in worker.log.read_bytes())
    other_server.start()
    try:
        sweep.delay()
        wait_for(all_sent)
        sweep.delay()
        kinds = rows("SELECT kind, count(*) FROM workflow_casedocument GROUP BY kind ORDER BY kind")
        recipients = rows("SELECT recipient, count(*) FROM outbox_mail GROUP BY 1 ORDER BY 1")
        sent = worker.mails()
    finally:
        worker.kill()

    assert kinds == [("letter", 1), ("paper", 1), ("receipt", 1)]
    assert recipients == [
        ("ars-hdf-dos-pole-pasdecalais@ars.sante.fr", 1),
        ("justine.wallart@exemple.test", 1),
        ("olivier.delattre@exemple.test", 1),
    ]
    assert (len(sent), len(set(sent))) == (3, 3)


def test_two_workers_at_once_issue_one_set_of_documents_and_write_one_mail_each() -> None:
    letter = cases.deposited()
    log = TransitionLog.objects.get(case_id=letter.pk, transition="deposit")
    together = Barrier(2)

    def run() -> None:
        together.wait()
        try:
            with transaction.atomic():
                after_deposit(log_id=log.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        for done in [workers.submit(run) for _ in range(2)]:
            done.result()

    assert [link.kind for link in documents_of(letter)] == ["letter", "receipt"]
    assert Mail.objects.count() == 2
