"""What the embedded servers share: private folders, users counted, plain errors."""

import fcntl
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from devstack.paths import socket_folder


class StackError(Exception):
    """Something the person at the keyboard can mend; the message says how, in French."""


class Server(ABC):
    """A server shared by every command that runs from this project folder.

    Each user holds a shared lock while it needs the server; the last one to leave stops it.
    So `make manage` beside `make run`, or two test runs, never take it from each other.
    """

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = socket_folder(folder)
        self._users: int | None = None

    @abstractmethod
    def is_running(self) -> bool:
        """Whether the server answers now."""

    @abstractmethod
    def _launch(self) -> None:
        """Start the server and return once it answers. Raises StackError with the reason."""

    @abstractmethod
    def _shut_down(self) -> None:
        """Stop the server and return once it is gone."""

    def start(self) -> None:
        """Make sure the server runs, and hold it until `stop`. Raises StackError."""
        make_private(self.folder)
        make_private(self.sockets)
        with self._alone():
            self._users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if not self.is_running():
                self._launch()

    def stop(self) -> None:
        """Let the server go; stop it when nobody else in this folder uses it."""
        if self._users is None:
            return
        with self._alone():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass
            else:
                self._shut_down()
                if self.sockets != self.folder:
                    with suppress(OSError):
                        self.sockets.rmdir()
            os.close(self._users)
            self._users = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off any other command that starts or stops this server now."""
        handle = os.open(self.folder / "start.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def make_private(folder: Path) -> None:
    """Create a folder only its owner may enter. Raises StackError when another owns it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise StackError(
            f"Le dossier {folder} appartient à un autre compte : le portail ne peut pas y "
            "écrire. Lancez la commande avec ce compte, ou supprimez ce dossier."
        )
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log file, indented, to show with an error."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in lines)
