"""`make run`, as a newcomer and an impatient one would use it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.paths import PROJECT
from devstack.portal import read_port, refuse_busy_port
from devstack.servers import StackError
from tests.ops.conftest import wait_for

pytestmark = pytest.mark.faults


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Portal:
    """`python -m devstack run` on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.output = folder.parent / "output.txt"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        dropped = ("DATABASE_URL", "CELERY_BROKER_URL", "DJANGO_SETTINGS_MODULE")
        kept = {k: v for k, v in os.environ.items() if k not in dropped}
        return kept | {"VAR_DIR": str(self.folder), "PORT": str(self.port)}

    def start(self) -> float:
        """Start and wait until it says it is ready; returns the seconds it took."""
        start = time.monotonic()
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "devstack", "run"],
                cwd=PROJECT,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        wait_for(lambda: "Ctrl-C" in self.said() or self.process.poll() is not None, seconds=180)
        assert self.process.poll() is None, self.said()
        return time.monotonic() - start

    def stop(self, number: int) -> int:
        """Send a signal; returns the exit code once everything has stopped."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def said(self) -> str:
        return self.output.read_text()

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def shell(self, code: str) -> str:
        """Run code on the portal's data, as `manage.py shell` does beside a running portal."""
        code = f"from django.contrib.auth.models import Group; {code}"
        return subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def processes(self) -> list[str]:
        """The commands of every process, of any parent, that works on this data folder."""
        mark = os.fsencode(str(self.folder))
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != os.getpid():
                try:
                    texts = [(folder / name).read_bytes() for name in ("environ", "cmdline")]
                except OSError:
                    continue
                if any(mark in text for text in texts):
                    found.append(texts[1].replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    # Deeper than a Unix socket's path allows: some people's projects are.
    portal = Portal(tmp_path / "a-folder-with-a-very-long-name" / "é c" / "another-one" / "var")
    portal.folder.parent.mkdir(parents=True)
    yield portal
    if portal.process and portal.process.poll() is None:
        portal.process.terminate()
        portal.process.wait(60)


def test_the_portal_runs_says_where_stops_wholly_and_keeps_its_data(portal: Portal) -> None:
    portal.start()

    assert f"http://localhost:{portal.port}" in portal.said()
    assert (portal.get("/healthz"), json.loads(portal.get("/readyz")[1])) == (
        (200, "ok\n"),
        {"database": "ok", "migrations": "ok", "broker": "ok", "storage": "ok"},
    )
    status, page = portal.get("/")
    assert status == 200
    stylesheet = re.search(r'href="(/static/[^"]+\.css)"', page).group(1)
    assert portal.get(stylesheet)[0] == 200
    assert "Django" not in portal.get("/nowhere/")[1], "no debug page"
    beside = subprocess.run(
        [
            *(sys.executable, "-m", "devstack", "manage", "shell", "--no-imports", "-c"),
            "from django.conf import settings; print(settings.PORTAL_URL)",
        ],
        cwd=PROJECT,
        env=portal.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert beside.stdout.strip() == f"http://localhost:{portal.port}"

    second = subprocess.run(
        [sys.executable, "-m", "devstack", "run"],
        cwd=PROJECT,
        env=portal.environment | {"PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (second.returncode, "tourne déjà depuis ce dossier" in second.stderr) == (1, True)

    portal.shell("Group.objects.create(name='Kept')")
    assert portal.stop(signal.SIGINT) == 0
    assert portal.processes() == []
    first_steps = steps(portal)

    portal.start()
    assert portal.shell("print(Group.objects.filter(name='Kept').count())") == "1\n"
    assert steps(portal) < first_steps, "what has not changed is not done again"

    kill_worker(portal)
    assert portal.process.wait(60) == 1
    assert "« worker » s’est arrêté" in portal.said(), "a part that dies takes the others along"
    assert portal.processes() == []


def steps(portal: Portal) -> set[str]:
    return {line for line in portal.said().splitlines() if line.startswith("→")}


def kill_worker(portal: Portal) -> None:
    children = Path(f"/proc/{portal.process.pid}/task/{portal.process.pid}/children")
    worker = next(
        pid
        for pid in children.read_text().split()
        if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
    os.kill(int(worker), signal.SIGKILL)


def test_sigterm_during_the_first_preparation_stops_everything(portal: Portal) -> None:
    with portal.output.open("wb") as output:
        portal.process = subprocess.Popen(
            [sys.executable, "-m", "devstack", "run"],
            cwd=PROJECT,
            env=portal.environment,
            stdout=output,
            stderr=output,
        )
    wait_for(lambda: "migrations" in portal.said())

    assert portal.stop(signal.SIGTERM) == 0
    assert portal.processes() == []
    assert "Traceback" not in portal.said()


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(StackError) as caught:
        action()
    return str(caught.value)


def test_a_busy_port_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert refusal(lambda: refuse_busy_port(port)) == (
            f"Le port {port} est déjà utilisé par un autre programme. Arrêtez-le, ou choisissez "
            f"un autre port, par exemple : PORT={port + 123 if port < 65413 else 8123} make run"
        )


@pytest.mark.parametrize("text", ["", "0", "-1", "65536", "http", "80 80", "٨٠٠٠"])
def test_a_port_that_is_not_one_is_said_in_words(text: str) -> None:
    assert refusal(lambda: read_port(text)) == (
        f"« {text} » n’est pas un port : il faut un nombre de 1 à 65535. "
        "Par exemple : PORT=8123 make run"
    )


def test_a_port_is_read() -> None:
    assert [read_port(text) for text in ("1", "8000", "65535")] == [1, 8000, 65535]
