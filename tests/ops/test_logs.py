import logging
from datetime import timedelta

import pytest
from gunicorn.config import Config

from cpts_portal.logs import AccessLogger, MaskSecrets, masked


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/invitations/equipe/q1W2-e3/", "/invitations/equipe/…/"),
        ("/invitations/role/q1W2-e3/?x=1", "/invitations/role/…/?x=1"),
        ("/compte/adresse/confirmation/MQ:1a-b:c_d/", "/compte/adresse/confirmation/…/"),
        ("/compte/mot-de-passe/nouveau/3-abc-def/", "/compte/mot-de-passe/nouveau/…/"),
        ("/lettres/nouvelle/", "/lettres/nouvelle/"),
    ],
)
def test_links_that_open_something_are_masked(address: str, kept: str) -> None:
    assert masked(f"Not Found: {address}") == f"Not Found: {kept}"


def test_messages_of_a_handler_are_masked() -> None:
    record = logging.LogRecord(
        "django.request", logging.WARNING, "", 0, "Gone: %s", ("/invitations/role/abc/",), None
    )

    assert MaskSecrets().filter(record)
    assert record.getMessage() == "Gone: /invitations/role/…/"


def test_the_web_server_logs_neither_secret_nor_search() -> None:
    class Response:
        status, sent, headers = "200 OK", 12, ()

    class Request:
        headers = ()

    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/invitations/role/abc/?next=/x/&q=Martin",
        "PATH_INFO": "/invitations/role/abc/",
        "QUERY_STRING": "next=/x/&q=Martin",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": "https://portail.test/invitations/equipe/def/?q=Martin",
    }
    config = Config()
    line = config.access_log_format % AccessLogger(config).atoms(
        Response(), Request(), environ, timedelta(seconds=1)
    )

    assert line.partition('"')[2] == (
        'GET /invitations/role/…/ HTTP/1.1" 200 12 "https://portail.test/invitations/equipe/…/" "-"'
    )
