"""What the logs keep of an address: never a link that opens something, never what was searched."""

import logging
import re
from typing import Any

from gunicorn import glogging

# Whoever holds one of these links may act as the person it was sent to.
_SECRET = re.compile(
    r"(/signer/(?:contrat/)?|/invitations/(?:role|equipe)/|/adresse/confirmation/|/mot-de-passe/nouveau/)[^/\s?\"']+"
)


def masked(text: str) -> str:
    """The text without the secret part of the links that mails carry."""
    return _SECRET.sub(r"\1…", text)


class MaskSecrets(logging.Filter):
    """Mask the secret part of links in every message of a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = masked(record.getMessage()), ()
        return True


class AccessLogger(glogging.Logger):
    """Gunicorn's lines, without queries: names are searched, and addresses of pages say enough."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        known: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        path = masked(known["U"])
        return known | {
            "r": f"{known['m']} {path} {known['H']}",
            "U": path,
            "q": "",
            "f": masked(known["f"]).partition("?")[0],
        }
