"""Published versions: a file that cases were written with is never edited again."""

import hashlib
from pathlib import Path
from typing import Final

from procedures.loader import read_toml
from procedures.registry import PUBLISHED_FILE, REGIONS_FOLDER, procedure_files

HEADER: Final = (
    "# SHA-256 of every published file, written by `manage.py publish_procedures`.\n"
    "# A published file is never edited: a change is a new version, in a new file.\n"
)


class PublishedFileChangedError(ValueError):
    """A published file was edited or removed. `files`: their names."""

    def __init__(self, files: list[str]) -> None:
        self.files = files
        super().__init__(
            "Déjà publié, donc jamais modifié : "
            + ", ".join(files)
            + ". Rendez au fichier son contenu et écrivez le changement dans une nouvelle version."
        )


def published(folder: Path | None = None) -> dict[str, str]:
    """SHA-256 by file name, as recorded."""
    path = (folder or REGIONS_FOLDER) / PUBLISHED_FILE
    return read_toml(path) if path.exists() else {}


def changed_files(folder: Path | None = None) -> list[str]:
    """Names of the published files that are no longer what was published."""
    today = _digests(folder or REGIONS_FOLDER)
    return [name for name, digest in published(folder).items() if today.get(name) != digest]


def publish(folder: Path | None = None) -> list[str]:
    """Record the files not published yet; return their names.

    Raises PublishedFileChangedError, and records nothing, when a published file changed.
    """
    folder = folder or REGIONS_FOLDER
    if changed := changed_files(folder):
        raise PublishedFileChangedError(changed)
    before = published(folder)
    today = _digests(folder)
    lines = [f'"{name}" = "{digest}"\n' for name, digest in today.items()]
    (folder / PUBLISHED_FILE).write_text(HEADER + "".join(lines), encoding="utf-8")
    return [name for name in today if name not in before]


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in procedure_files(folder)
    }
