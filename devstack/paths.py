"""Where the embedded servers live. Read by the settings too: standard library only."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

PROJECT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("VAR_DIR") or PROJECT / "var").resolve()
POSTGRES = VAR / "postgres"
TEST_POSTGRES = VAR / "test-postgres"
VALKEY = VAR / "valkey"

DATABASE_USER = "cpts"
DATABASE_NAME = "cpts"
DATABASE_PORT = 5432

# A Unix socket's path holds 107 bytes on Linux, 103 on macOS.
LONGEST_SOCKET_PATH = 103
LONGEST_SOCKET_NAME = len(f"/.s.PGSQL.{DATABASE_PORT}.lock")


def socket_folder(folder: Path) -> Path:
    """Return the folder of a server's socket: its own, or a short one when its path is too long.

    Nothing is created here: the settings call this for a server that may not be running.
    """
    if len(os.fsencode(folder)) + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return _temporary_folder() / f"cpts-{os.getuid()}-{digest}"


def _temporary_folder() -> Path:
    # TMPDIR may differ from one terminal to the next, and be long itself.
    shared = Path("/tmp")  # noqa: S108 - the folder made in it is private
    return shared if os.access(shared, os.W_OK) else Path(tempfile.gettempdir())


def database_url(folder: Path = POSTGRES) -> str:
    """The address of the embedded PostgreSQL, as DATABASE_URL expects it."""
    host = quote(str(socket_folder(folder)), safe="")
    return f"postgres://{DATABASE_USER}@:{DATABASE_PORT}/{DATABASE_NAME}?host={host}"


def broker_url(folder: Path = VALKEY) -> str:
    """The address of the embedded valkey, as CELERY_BROKER_URL expects it."""
    return f"redis+socket://{quote(str(socket_folder(folder) / 's.sock'))}"
