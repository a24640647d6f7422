"""What the machines that watch the portal read."""

import logging
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from devstack.valkey import Valkey

READY = {"database": "ok", "migrations": "ok", "broker": "ok", "storage": "ok"}


@pytest.fixture(autouse=True)
def quiet_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


def test_alive_needs_neither_database_nor_session(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
def test_ready_when_every_part_answers(client: Client, broker: Valkey) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, READY)
    assert len(answer.content.splitlines()) == len(READY) + 2, "one line per part"


@pytest.mark.django_db
def test_not_ready_while_the_broker_is_away_and_ready_when_it_is_back(
    client: Client, broker: Valkey
) -> None:
    broker.stop()
    away = client.get("/readyz")
    broker.start()
    back = client.get("/readyz")

    assert (away.status_code, away.json()) == (503, READY | {"broker": "ko"})
    assert (back.status_code, back.json()) == (200, READY)


@pytest.mark.django_db
def test_not_ready_when_files_cannot_be_kept(
    client: Client, broker: Valkey, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "a-file").touch()
    settings.MEDIA_ROOT = tmp_path / "a-file"

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, READY | {"storage": "ko"})


@pytest.mark.django_db
def test_ready_leaves_no_file_behind(client: Client, broker: Valkey, media_root: Path) -> None:
    client.get("/readyz")

    assert [path for path in media_root.rglob("*") if path.is_file()] == []


@pytest.mark.django_db
def test_not_ready_before_the_migrations(client: Client, broker: Valkey) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE app = 'outbox' AND name = "
            "(SELECT max(name) FROM django_migrations WHERE app = 'outbox')"
        )

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (503, READY | {"migrations": "ko"})


def test_not_ready_without_a_database_and_the_reason_is_not_shown(
    client: Client, broker: Valkey
) -> None:
    answer = client.get("/readyz")  # this test is not allowed to touch the database

    assert (answer.status_code, answer.json()) == (
        503,
        READY | {"database": "ko", "migrations": "ko"},
    )


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_watching_changes_nothing(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
