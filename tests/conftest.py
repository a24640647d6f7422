"""What every test stands on: a real PostgreSQL, no network, files of its own."""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from django.conf import settings as django_settings
from psycopg import sql

from devstack.paths import PROJECT, TEST_POSTGRES
from devstack.postgres import Postgres
from tests.reference_data import (  # noqa: F401 - fixtures
    django_db_setup,
    loaded_organisations,
    loaded_territories,
)
from tests.template import Template

SERVER = pytest.StashKey[Postgres]()

# What a property says must hold on a slow or busy machine too: the clock is no judge of it.
hypothesis.settings.register_profile(
    "portal", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("portal")


# --- PostgreSQL ----------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Start the tests' own server, unless DATABASE_URL names another one."""
    config.option.reuse_db = True
    is_xdist_worker = hasattr(config, "workerinput")
    if is_xdist_worker or config.option.collectonly or os.environ.get("DATABASE_URL"):
        return
    server = Postgres(TEST_POSTGRES, durable=False)
    server.start()
    config.stash[SERVER] = server
    _drop_outdated_databases(server)


def pytest_unconfigure(config: pytest.Config) -> None:
    if server := config.stash.get(SERVER, None):
        server.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Name the database after the migrations it holds.

    A database is kept from one run to the next; one made by other migrations is never taken
    for it.
    """
    names = django_settings.DATABASES["default"]["TEST"]
    names["NAME"] = f"{names['NAME']}_{_migrations_mark()}"


@pytest.fixture(scope="session")
def template(django_db_modify_db_settings: None) -> Template | None:
    """The database that this run's is a copy of; on a server of somebody else's, none."""
    if os.environ.get("DATABASE_URL"):
        return None
    names = django_settings.DATABASES["default"]["TEST"]
    template = Template(f"test_cpts_template_{_migrations_mark()}")
    template.give(names["NAME"])
    return template


def _migrations_mark() -> str:
    digest = hashlib.sha256()
    for path in sorted(PROJECT.glob("*/migrations/*.py")):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return f"m{digest.hexdigest()[:8]}"


def _drop_outdated_databases(server: Postgres) -> None:
    with server.connect() as connection:
        outdated = connection.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '_m[0-9a-f]{8}$' "
            "AND right(datname, 9) <> %s",
            [_migrations_mark()],
        )
        for (name,) in outdated.fetchall():
            # Another run may be using it: it will go next time.
            with suppress(psycopg.errors.ObjectInUse):
                connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


# --- Guard rails ---------------------------------------------------------------------


class NetworkUsedError(AssertionError):
    """A test tried to leave the machine."""


def _refuse_other_machines(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if name not in {"localhost", "::1", "::", "0.0.0.0"} and not name.startswith("127."):  # noqa: S104 - compared, never listened on
        raise NetworkUsedError(f"A test tried to reach {name}: tests use this machine only.")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection but those to this machine, and every other name's look-up."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def check(endpoint: socket.socket, address: Any) -> None:
        if endpoint.family != socket.AF_UNIX:
            _refuse_other_machines(address[0])

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_other_machines(host)
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


@pytest.fixture(autouse=True)
def media_root(tmp_path: Path, settings: Any) -> Path:
    """A folder for the test's own files; nothing it stores is seen by another test."""
    folder = tmp_path / "media"
    settings.MEDIA_ROOT = folder
    return folder


# --- Outbox --------------------------------------------------------------------------


@pytest.fixture
def deliver_outbox(db: None) -> Callable[[], int]:
    """Deliver what waits in the outbox, as the worker would; returns how many were delivered."""
    from outbox.services import deliver_pending  # noqa: PLC0415 - models need Django ready

    return deliver_pending
