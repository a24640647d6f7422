"""The guard rails of the tests themselves."""

import socket
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

FOREIGN_ADDRESS = "192.0.2.1"  # RFC 5737: never assigned


@pytest.mark.parametrize(
    "address", [(FOREIGN_ADDRESS, 80), (b"192.0.2.1", 80), ("example.test", 1)]
)
def test_a_test_cannot_reach_another_machine(address: tuple[str, int]) -> None:
    with socket.socket() as client, pytest.raises(AssertionError, match="this machine only"):
        client.connect(address)


def test_a_test_cannot_reach_another_machine_over_ipv6_or_quietly() -> None:
    with socket.socket(socket.AF_INET6) as client, pytest.raises(AssertionError):
        client.connect(("2001:db8::1", 80))
    with socket.socket() as client, pytest.raises(AssertionError):
        client.connect_ex((FOREIGN_ADDRESS, 80))


def test_a_test_cannot_look_up_a_foreign_name() -> None:
    with pytest.raises(AssertionError, match=r"example\.test"):
        socket.create_connection(("example.test", 80))


def test_a_test_may_reach_its_own_machine(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        socket.create_connection(("localhost", server.getsockname()[1])).close()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))


def test_each_test_stores_its_files_in_a_folder_of_its_own(
    tmp_path: Path, media_root: Path
) -> None:
    default_storage.save("letter.txt", ContentFile(b"text"))

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.txt")] == [
        "media/letter.txt"
    ]
