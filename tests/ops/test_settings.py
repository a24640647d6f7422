"""The deployment's settings: complete or refused, and each one in the README."""

import os
import re
import subprocess
import sys

import pytest

from devstack.checks import PRODUCTION
from devstack.paths import PROJECT
from tests.ops.compose import compose_variables

SAID = {"S3_BUCKET": "S3_BUCKET (ou MEDIA_ROOT)"}
REQUIRED = sorted(PRODUCTION.keys() - {"DJANGO_SETTINGS_MODULE"})


def manage(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_settings_pass_the_deployment_check() -> None:
    done = manage("check", "--deploy", "--fail-level", "WARNING", environment=PRODUCTION)

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "System check identified no issues (0 silenced).\n",
        "",
    )


README = (PROJECT / "README.md").read_text()
DOCUMENTED = set(re.findall(r"^\| `([A-Z0-9_]+)` \|", README, re.MULTILINE))


def names_read(folder: str, pattern: str) -> set[str]:
    return {
        name
        for path in (PROJECT / folder).glob("*.py")
        for name in re.findall(pattern, path.read_text())
    }


def test_the_readme_documents_every_setting_and_no_other() -> None:
    settings = names_read("cpts_portal/settings", r'\benv(?:\.\w+)?\(\s*"([A-Z0-9_]+)"')
    stack = names_read("devstack", r'environ\.get\("([A-Z0-9_]+)"\)')
    deployment = compose_variables() | {"POSTGRES_PASSWORD", "WEB_CONCURRENCY"}
    usual = {"HOME", "DATABASE_URL", "CELERY_BROKER_URL"}

    assert settings | (stack - usual) | deployment == DOCUMENTED


@pytest.mark.parametrize("name", REQUIRED)
def test_production_refuses_to_start_without(name: str) -> None:
    code = (
        "import os, django; "
        f"os.environ.pop({name!r}, None); "
        "from cpts_portal.settings import production"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]} | PRODUCTION,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "Le portail ne peut pas démarrer : variable(s) d’environnement manquante(s) : "
        f"{SAID.get(name, name)}. Le tableau du README dit ce qu’attend chacune."
    )
