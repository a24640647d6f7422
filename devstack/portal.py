"""`make run`: the portal, its worker and its servers, until Ctrl-C."""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

from devstack.console import say, seconds, step
from devstack.paths import PROJECT, VAR
from devstack.postgres import Postgres
from devstack.servers import Server, StackError, last_lines
from devstack.valkey import Valkey

HOST = "127.0.0.1"
BIN = Path(sys.executable).parent
LOGS = VAR / "log"
READY_SECONDS = 90
# A task that has begun may end; what has not begun waits in the outbox.
STOP_SECONDS = 15


def run(port_text: str) -> int:
    """Start everything, print the address and the demo accounts, stop everything at Ctrl-C.

    Returns 0 after Ctrl-C or SIGTERM, 1 when a process stopped by itself. Raises StackError.
    """
    start = time.monotonic()
    port = read_port(port_text)
    refuse_busy_port(port)
    with signals_as_interrupt(), only_one(port), ExitStack() as stack:
        try:
            return _run(stack, port, start)
        except KeyboardInterrupt:
            say("\nArrêt en cours…")
            return 0
        finally:
            ignore_signals()
            stack.close()
            say("Tout est arrêté. Vos données restent dans var/.")


def _run(stack: ExitStack, port: int, start: float) -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    environment = start_servers(stack) | {
        "DJANGO_SETTINGS_MODULE": "cpts_portal.settings.dev",
        "PORTAL_URL": os.environ.get("PORTAL_URL") or f"http://localhost:{port}",
    }
    accounts = VAR / "demo-accounts.txt"
    prepare(environment, accounts)
    processes: dict[str, subprocess.Popen[bytes]] = {}
    stack.callback(stop_processes, processes)
    with step("Portail et tâches de fond"):
        for name, command in commands(port).items():
            processes[name] = launch(name, command, environment)
        wait_until_ready(port, processes)
    say(f"\nPrêt en {seconds(time.monotonic() - start)}.\n")
    say(accounts.read_text())
    say(f"  Le portail          http://localhost:{port}")
    say(f"  Courriels captés    {shown(VAR / 'mail')}")
    say(f"  Journaux            {shown(LOGS)}")
    say("  Tout arrêter        Ctrl-C\n")
    return watch(processes)


def with_servers(command: list[str]) -> int:
    """Run a command with PostgreSQL and valkey up; stop what nobody else uses afterwards."""
    with ExitStack() as stack:
        environment = start_servers(stack, quiet=True)
        if address := running_address():
            # What the command writes (mails, PDFs) then leads to the portal that is running.
            environment.setdefault("PORTAL_URL", address)
        return subprocess.run(command, cwd=PROJECT, env=environment, check=False).returncode


# --- The port ------------------------------------------------------------------------


def read_port(text: str) -> int:
    """The port as a number. Raises StackError when it cannot be one."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65_535:
        raise StackError(
            f"« {text} » n’est pas un port : il faut un nombre de 1 à 65535. "
            "Par exemple : PORT=8123 make run"
        )
    return int(text)


def refuse_busy_port(port: int) -> None:
    """Raise StackError when another program listens there, or when it takes more rights."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise StackError(
                f"Le port {port} est réservé au système. Choisissez-en un plus grand "
                "que 1023, par exemple : PORT=8123 make run"
            ) from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise StackError(
                f"Le port {port} est déjà utilisé par un autre programme. Arrêtez-le, ou "
                f"choisissez un autre port, par exemple : PORT={other_port(port)} make run"
            ) from error


def other_port(port: int) -> int:
    return port + 123 if port + 123 <= 65_535 else 8123


@contextmanager
def only_one(port: int) -> Iterator[None]:
    """Hold the folder: a second portal on the same data is refused with the first's address."""
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise StackError(
                f"Le portail tourne déjà depuis ce dossier : {lock.read().strip()}. "
                "Arrêtez-le d’abord (Ctrl-C dans son terminal)."
            ) from error
        lock.truncate(0)
        lock.write(f"http://localhost:{port} (processus {os.getpid()})")
        lock.flush()
        yield


def running_address() -> str:
    """Where the portal that runs from this folder listens; empty when none does."""
    try:
        with (VAR / "run.lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read().partition(" ")[0]
    except FileNotFoundError:
        pass
    return ""


# --- Starting ------------------------------------------------------------------------


def start_servers(stack: ExitStack, *, quiet: bool = False) -> dict[str, str]:
    """Start the servers the environment does not name; returns the environment to run with."""
    environment = dict(os.environ)
    if not environment.get("DATABASE_URL"):
        postgres = Postgres()
        start_server(stack, postgres, "Base de données (PostgreSQL)", quiet=quiet)
        postgres.ensure_database()
        environment["DATABASE_URL"] = postgres.url
    if not environment.get("CELERY_BROKER_URL"):
        valkey = Valkey()
        start_server(stack, valkey, "File d’attente des tâches (valkey)", quiet=quiet)
        environment["CELERY_BROKER_URL"] = valkey.url
    return environment


def start_server(stack: ExitStack, server: Server, label: str, *, quiet: bool) -> None:
    stack.callback(server.stop)
    if quiet:
        server.start()
        return
    with step(label):
        server.start()


def prepare(environment: dict[str, str], accounts: Path) -> None:
    """Migrations, reference data, demo, static files. Raises StackError when one fails."""
    # What was prepared is remembered database by database.
    mark = hashlib.sha256(environment["DATABASE_URL"].encode()).hexdigest()[:12]
    stamps = VAR / f"prepared-{mark}.json"
    command = [sys.executable, "-m", "devstack.prepare", str(stamps), str(accounts)]
    process = spawn(command, environment)
    try:
        code = process.wait()
    finally:
        stop_processes({"prepare": process})
    if code:
        raise StackError("La préparation a échoué : la raison est dans les lignes ci-dessus.")


def commands(port: int) -> dict[str, list[str]]:
    """The long-lived processes, by the name of their log."""
    gunicorn = [
        *(str(BIN / "gunicorn"), "cpts_portal.wsgi", "--bind", f"{HOST}:{port}"),
        *("--workers", "2", "--threads", "4", "--timeout", "60", "--no-control-socket"),
        *("--access-logfile", "-", "--logger-class", "cpts_portal.logs.AccessLogger"),
        # DEBUG=1: the portal follows the code; else it starts quicker and shares memory.
        "--reload" if os.environ.get("DEBUG") else "--preload",
    ]
    celery = [str(BIN / "celery"), "-A", "cpts_portal"]
    return {
        "web": gunicorn,
        "worker": [
            *(*celery, "worker", "--concurrency", "2", "--loglevel", "INFO"),
            *("--without-gossip", "--without-mingle"),
        ],
        "scheduler": [*celery, "beat", "--pidfile=", "--loglevel", "INFO"],
    }


def launch(name: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (LOGS / f"{name}.log").open("wb") as log:
        return spawn(command, environment, log)


def spawn(
    command: list[str], environment: dict[str, str], log: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child process that Ctrl-C does not reach: this program stops it in due order."""
    return subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - this program has one thread
        start_new_session=True,
    )


def die_with_parent() -> None:
    """In the child: be told to stop if this program is killed (Linux only)."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def wait_until_ready(port: int, processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Return once every part answers and the worker listens. Raises StackError otherwise."""
    deadline = time.monotonic() + READY_SECONDS
    state = "aucune réponse"
    while time.monotonic() < deadline:
        if name := first_stopped(processes):
            raise StackError(stopped_message(name))
        ready, state = read_readiness(port)
        if ready and b" ready." in (LOGS / "worker.log").read_bytes():
            return
        time.sleep(0.1)
    raise StackError(
        f"Le portail ne répond pas après {READY_SECONDS} s : {state}. "
        f"Les journaux sont dans {shown(LOGS)}."
    )


def read_readiness(port: int) -> tuple[bool, str]:
    """Whether /readyz says yes, and its words."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=10) as answer:
            return True, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            try:
                parts = json.loads(error.read())
            except ValueError:
                return False, f"erreur {error.code}"
        return False, ", ".join(f"{part} : {state}" for part, state in parts.items())
    except OSError as error:
        return False, str(error)


# --- Watching and stopping -----------------------------------------------------------


def watch(processes: dict[str, subprocess.Popen[bytes]]) -> int:
    """Wait for ever; returns 1 when a process stops by itself."""
    while True:
        if name := first_stopped(processes):
            say(stopped_message(name))
            return 1
        time.sleep(0.5)


def first_stopped(processes: dict[str, subprocess.Popen[bytes]]) -> str | None:
    return next((name for name, process in processes.items() if process.poll() is not None), None)


def stopped_message(name: str) -> str:
    log = LOGS / f"{name}.log"
    return f"« {name} » s’est arrêté. La fin de son journal ({shown(log)}) :\n{last_lines(log)}"


def stop_processes(processes: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ask the processes and their children to stop, all at once; insist after a while."""
    for process in processes.values():
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes.values():
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, deadline - time.monotonic()))
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def signals_as_interrupt() -> Iterator[None]:
    """SIGTERM and a closed terminal end the portal as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # A second Ctrl-C must not leave half of the processes behind.
        ignore_signals()
        raise KeyboardInterrupt

    handled = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in handled}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def shown(path: Path) -> str:
    return str(path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path)
