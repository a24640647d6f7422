"""One database is migrated and filled; those of the other workers are copies of it."""

from typing import Final

import psycopg
from django.db import connection
from psycopg import sql

from devstack.paths import TEST_POSTGRES
from devstack.postgres import Postgres

# Any number that no other lock of this server uses.
_LOCK: Final = 5_310_294


class Template:
    """A migrated and filled database, kept for as long as the migrations are these."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._building: psycopg.Connection | None = None

    def give(self, name: str) -> None:
        """Make this database, if it is missing, as a copy of the template.

        When there is no template yet, whoever comes first makes their database from nothing and
        then calls `publish`; the others wait here until then.
        """
        server = Postgres(TEST_POSTGRES, durable=False).connect()
        server.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if not self._is_there(server, self.name):
            self._building = server
            return
        if not self._is_there(server, name):
            self._copy(server, self.name, name)
        server.close()

    def publish(self) -> None:
        """Make the template of the database in use, if nobody has: it is complete now."""
        if self._building is None:
            return
        # Nobody may be connected to what is copied.
        connection.close()
        self._copy(self._building, connection.settings_dict["NAME"], self.name)
        self._building.close()
        self._building = None

    @staticmethod
    def _is_there(server: psycopg.Connection, name: str) -> bool:
        known = server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return known.fetchone() is not None

    @staticmethod
    def _copy(server: psycopg.Connection, source: str, name: str) -> None:
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        server.execute(command.format(sql.Identifier(name), sql.Identifier(source)))
