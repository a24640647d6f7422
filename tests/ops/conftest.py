"""Real processes: a broker, a worker, the whole portal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection

from devstack.paths import PROJECT
from devstack.postgres import Postgres, programs_folder
from devstack.valkey import Valkey

Condition = Callable[[], Any]


def wait_for(condition: Condition, *, seconds: float = 30) -> Any:
    """Return what `condition` gives once it is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return result


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Valkey]:
    """A running broker of the test's own, to which this process publishes."""
    server = Valkey(tmp_path / "valkey")
    server.start()
    before = current_app.conf.broker_url
    use_broker(server.url)
    yield server
    server.stop()
    use_broker(before)


def use_broker(url: str) -> None:
    current_app.pool.force_close_all()
    current_app.conf.broker_url = url
    current_app._after_fork()


class Worker:
    """A real Celery worker on the tests' database; its mails become files, or go to a server."""

    def __init__(self, folder: Path, broker_url: str, *, smtp_port: int = 0) -> None:
        self.mail_folder = folder / "mail"
        self.log = folder / "worker.log"
        self.environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "cpts_portal.settings.dev",
            "VAR_DIR": str(folder),
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": broker_url,
        }
        if smtp_port:
            self.environment |= {
                "DJANGO_SETTINGS_MODULE": "tests.ops.smtp_settings",
                "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
            }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["-m", "celery", "-A", "cpts_portal", "worker", "--concurrency", "1"]
        options = ["--without-gossip", "--without-mingle", "--include", "tests.ops.handlers"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, *options, "--loglevel", "INFO"],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_for(lambda: b" ready." in self.log.read_bytes())

    def kill(self) -> None:
        """As a power cut would."""
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def mails(self) -> list[str]:
        """The identifiers of the messages sent."""
        return [
            line.removeprefix("Message-ID: ")
            for path in sorted(self.mail_folder.glob("*.log"))
            for line in path.read_text().splitlines()
            if line.startswith("Message-ID: ")
        ]


def database_url() -> str:
    options = connection.settings_dict
    return (
        f"postgres://{options['USER']}@:{options['PORT']}/{options['NAME']}?host={options['HOST']}"
    )


@pytest.fixture
def other_server(tmp_path: Path, db: None) -> Iterator[Postgres]:
    """A database server of the test's own, that it may stop: migrated, with the communes."""
    server = Postgres(tmp_path / "postgres")
    server.start()
    server.ensure_database()
    _copy_database(server)
    yield server
    server.stop()


def _copy_database(server: Postgres) -> None:
    """Give it what the tests' own database holds: migrations and files would take a minute."""
    programs = programs_folder()
    copy = subprocess.run(
        [programs / "pg_dump", "--no-owner", "--dbname", database_url()],
        capture_output=True,
        check=True,
    ).stdout
    options = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]
    subprocess.run(
        [programs / "psql", *options, "--dbname", server.url],
        input=copy,
        capture_output=True,
        check=True,
    )


@pytest.fixture
def worker(tmp_path: Path, broker: Valkey, transactional_db: None) -> Iterator[Worker]:
    worker = Worker(tmp_path, broker.url)
    worker.start()
    yield worker
    worker.kill()
