"""The deployment's files, as far as they can be checked without a container engine."""

import re
import shlex

from django.core.management import get_commands

from devstack.checks import PRODUCTION
from devstack.paths import PROJECT
from tests.ops.compose import FILE, required_variables, services

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
ONE_SHOT = {"migrate", "bucket"}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def last_stage() -> list[tuple[str, str]]:
    steps = instructions()
    start = max(i for i, (name, _) in enumerate(steps) if name == "FROM")
    return steps[start:]


def test_every_part_of_the_deployment_is_there() -> None:
    assert set(services()) == {
        *("web", "worker", "scheduler", "migrate"),
        *("postgres", "broker", "storage", "bucket", "clamav", "mail"),
    }


def test_every_service_that_lasts_says_how_it_is() -> None:
    without = [name for name, s in services().items() if not s["healthcheck"].get("test")]

    assert set(without) == ONE_SHOT


def test_services_wait_for_what_they_need() -> None:
    healthy, done = "service_healthy", "service_completed_successfully"
    needs = {
        name: {other: link["condition"] for other, link in service.get("depends_on", {}).items()}
        for name, service in services().items()
    }
    everything = {
        "migrate": done,
        "bucket": done,
        "postgres": healthy,
        "broker": healthy,
        "storage": healthy,
    }

    assert {name: links for name, links in needs.items() if links} == {
        "web": everything,
        "worker": everything,
        "scheduler": everything,
        "migrate": {"postgres": healthy},
        "bucket": {"storage": healthy},
    }


def test_no_port_is_open_to_the_outside() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]

    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_portal_receives_everything_production_requires() -> None:
    given = services()["web"]["environment"].keys()

    assert PRODUCTION.keys() - {"DJANGO_SETTINGS_MODULE"} - given == set()
    assert services()["worker"]["environment"] == services()["web"]["environment"]


def test_no_secret_is_written_in_the_file() -> None:
    secrets = re.findall(r"^\s+\w*(?:SECRET|PASSWORD)\w*:\s*(.*)$", FILE.read_text(), re.MULTILINE)

    assert [value for value in secrets if not value.startswith("${")] == []
    assert len(secrets) >= 4


def test_the_example_names_every_variable_compose_requires() -> None:
    example = (PROJECT / ".env.example").read_text()
    named = set(re.findall(r"^([A-Z0-9_]+)=", example, re.MULTILINE))

    assert required_variables() - named == set()


def test_the_commands_of_the_migration_exist() -> None:
    script = services()["migrate"]["command"][2]
    commands = re.findall(r"manage\.py (\w+)", script)

    assert commands == [
        "migrate",
        "load_territories",
        "load_organisations",
        "load_rates",
        "load_indicators",
    ]
    assert set(commands) - set(get_commands()) == set()


def test_the_image_is_built_in_stages_and_runs_as_an_ordinary_user() -> None:
    stages = [argument for name, argument in instructions() if name == "FROM"]
    users = [argument for name, argument in last_stage() if name == "USER"]

    assert stages == ["python:3.12-slim AS build", "python:3.12-slim"]
    assert users == ["portal"]


def test_the_image_holds_no_test_tool_and_no_embedded_server() -> None:
    (sync,) = [a for name, a in instructions() if name == "RUN" and "uv sync" in a]

    assert shlex.split(sync)[-4:] == ["uv", "sync", "--locked", "--no-default-groups"]


def test_what_the_image_copies_is_there() -> None:
    copied = [
        name
        for instruction, argument in instructions()
        if instruction == "COPY" and "--from" not in argument
        for name in argument.split()[:-1]
    ]

    assert [name for name in copied if not (PROJECT / name).exists()] == []
