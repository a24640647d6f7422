import socket
import threading
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def unused_tcp_port_listener() -> Iterator[tuple[int, Callable[[], int]]]:
    """A listening port of this machine, and how many connections it has received."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.05)
    received: list[str] = []
    stopped = threading.Event()

    def listen() -> None:
        while not stopped.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            received.append("connection")
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield server.getsockname()[1], lambda: len(received)
    stopped.set()
    thread.join()
    server.close()
