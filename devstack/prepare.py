"""Bring the database and the static files up to date, in one Django process.

A step whose inputs have not changed since it last succeeded is skipped; migrations always run.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands

from devstack.console import say, step
from devstack.paths import PROJECT

# Each reference data or demonstration command: what it brings, a model it fills, and the
# files its result depends on.
LOADERS = {
    "load_territories": (
        "Communes, intercommunalités, départements et régions",
        "territories.Commune",
        ["fixtures/territories/**/*", "territories/**/*.py"],
    ),
    "load_organisations": (
        "ARS, guichet, URPS, CPAM et comités",
        "accounts.Organisation",
        ["fixtures/territories/**/*", "fixtures/organisations/**/*", "accounts/**/*.py"],
    ),
    "load_rates": (
        "Tarifs des contrats",
        "contracts.RateTable",
        ["fixtures/rates/*", "contracts/**/*.py"],
    ),
    "load_indicators": (
        "Chiffres des départements, des régions et de la France",
        "diagnosis.AreaFigures",
        ["fixtures/territories/**/*", "fixtures/diagnosis/**/*", "diagnosis/**/*.py"],
    ),
    "load_demo": (
        "Comptes et dossiers de démonstration",
        "accounts.User",
        ["fixtures/**/*", "*/**/*.py"],
    ),
}
STATIC_INPUTS = ["static/**/*", "*/static/**/*", "uv.lock", "cpts_portal/settings/*.py"]
SKIPPED_FOLDERS = {".venv", ".uv", ".cache", "var", "tests", "node_modules", "__pycache__"}


def main(stamps_path: Path, accounts_path: Path) -> None:
    """Prepare all, and leave the demo accounts' table in `accounts_path`."""
    django.setup()
    stamps = Stamps(stamps_path)
    with step("Structure de la base de données (migrations)"):
        call_command("migrate", interactive=False, verbosity=0)
    for command, (label, model, patterns) in LOADERS.items():
        if command not in get_commands():
            continue
        mark = fingerprint(patterns)
        # An emptied database (flush, dropped by hand) is filled again.
        if stamps.get(command) != mark or not apps.get_model(model).objects.exists():
            with step(label):
                call_command(command)
            stamps.set(command, mark)
    prepare_static_files()
    with accounts_path.open("w") as accounts:
        if "demo_accounts" in get_commands():
            call_command("demo_accounts", stdout=accounts)


def prepare_static_files() -> None:
    """Collect them when they changed. The mark lies among the files: they go together."""
    stamps = Stamps(Path(settings.STATIC_ROOT) / ".prepared.json")
    mark = fingerprint(STATIC_INPUTS)
    if stamps.get("collectstatic") == mark:
        return
    with step("Feuilles de style, scripts et polices"):
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamps.set("collectstatic", mark)


class Stamps:
    """What each step's inputs were when it last succeeded, kept in one small file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.marks: dict[str, str] = json.loads(path.read_text())
        except (OSError, ValueError):
            self.marks = {}

    def get(self, name: str) -> str | None:
        return self.marks.get(name)

    def set(self, name: str, mark: str) -> None:
        self.marks[name] = mark
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.marks, indent=1))
        unfinished.replace(self.path)


def fingerprint(patterns: Iterable[str], root: Path = PROJECT) -> str:
    """A digest of the names and contents of the files the patterns find."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in _files(root, pattern)}):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files(root: Path, pattern: str) -> Iterable[Path]:
    first, _, rest = pattern.partition("/")
    folders = [f for f in root.glob(first) if f.name not in SKIPPED_FOLDERS]
    found = (path for f in folders for path in (f.glob(rest) if rest else [f]))
    return (path for path in found if path.is_file() and "__pycache__" not in path.parts)


if __name__ == "__main__":
    os.chdir(PROJECT)
    try:
        main(*(Path(argument) for argument in sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except CommandError as error:
        say(f"\n{error}")
        sys.exit(1)
    except Exception as error:
        say(f"\nLa préparation s’est arrêtée : {type(error).__name__} : {error}")
        raise
