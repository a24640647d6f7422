"""docker-compose.yml, as data."""

import re
from typing import Any

import yaml

from devstack.paths import PROJECT

FILE = PROJECT / "docker-compose.yml"


def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load(FILE.read_text())["services"]


def compose_variables() -> set[str]:
    """What the file takes from .env: `${NAME…}`, not the `$$NAME` left to a container's shell."""
    return set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", FILE.read_text()))


def required_variables() -> set[str]:
    """Those without which compose refuses to start."""
    return set(re.findall(r"\$\{([A-Z0-9_]+):\?\}", FILE.read_text()))
