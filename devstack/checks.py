"""Everything the continuous integration checks, in the order of what fails fastest."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from devstack.console import say
from devstack.paths import PROJECT, TEST_POSTGRES
from devstack.postgres import Postgres

BIN = Path(sys.executable).parent
# One more than the two cores a machine has at least: tests that wait for a browser, a server or
# the database leave theirs to another.
WORKERS = "3"

# What production settings require. `.test` names never exist (RFC 6761).
PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "cpts_portal.settings.production",
    "SECRET_KEY": "only-to-read-the-production-settings-0123456789-abcdefghijklmnop",
    "DATABASE_URL": "postgres://portal:password@database.test/portal",
    "CELERY_BROKER_URL": "redis://broker.test/0",
    "ALLOWED_HOSTS": "portal.test",
    "PORTAL_URL": "https://portal.test",
    "DEFAULT_FROM_EMAIL": "Portail CPTS <portail@portal.test>",
    "EMAIL_URL": "smtp://mail.test:25",
    "S3_BUCKET": "portal",
    "S3_ACCESS_KEY": "key",
    "S3_SECRET_KEY": "secret",
}


class Check(NamedTuple):
    name: str
    command: list[str]
    variables: dict[str, str] = {}


STATIC = [
    Check("Style (ruff check)", [f"{BIN}/ruff", "check"]),
    Check("Mise en forme (ruff format)", [f"{BIN}/ruff", "format", "--check"]),
    Check("Sens des imports (import-linter)", [f"{BIN}/lint-imports", "--no-logo"]),
    Check("Types (mypy)", [f"{BIN}/mypy", "."]),
]
DJANGO = [
    Check(
        "Migrations à jour (makemigrations --check)",
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        {"DJANGO_SETTINGS_MODULE": "cpts_portal.settings.test"},
    ),
    Check(
        "Réglages de production (check --deploy)",
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        PRODUCTION,
    ),
]


def run_static() -> int:
    """Lint, types and import contracts: needs no server."""
    return _report(_run(STATIC))


def run_all(pytest_options: list[str]) -> int:
    """Every check, then the tests. All run even when one fails; returns the exit code."""
    server = Postgres(TEST_POSTGRES, durable=False)
    server.start()
    try:
        server.ensure_database()
        with _database_being_made():
            failed = _run(STATIC + DJANGO)
        # Said before the tests, so that pytest's own closing line is the last one.
        if failed:
            say(f"\n✗ En échec avant les tests : {', '.join(failed)}")
        tests = Check("Tests (pytest)", [f"{BIN}/pytest", "-n", WORKERS, *pytest_options])
        failed += _run([tests])
    finally:
        server.stop()
    return 1 if failed else 0


@contextmanager
def _database_being_made() -> Iterator[None]:
    """Meanwhile, a first test migrates and fills the database that the tests' own are copies of.

    What it says does not count: the same test is played again with the others.
    """
    command = [f"{BIN}/pytest", "-q", "tests/frame/test_database.py"]
    making = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        making.wait()


def _run(checks: list[Check]) -> list[str]:
    """Run each step in turn; returns the names of those that failed."""
    failed = []
    for name, command, variables in checks:
        say(f"\n→ {name}")
        done = subprocess.run(command, cwd=PROJECT, env=_environment() | variables, check=False)
        if done.returncode:
            say(f"✗ {name}")
            failed.append(name)
    return failed


def _environment() -> dict[str, str]:
    """The shell's, without its settings module: that must not decide."""
    return {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}


def _report(failed: list[str]) -> int:
    say(f"\n✗ En échec : {', '.join(failed)}" if failed else "\n✓ Tout est en ordre.")
    return 1 if failed else 0
