"""What a server serves once its files are gathered under hashed names."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from cpts_portal.settings import base

IMPORTS = re.compile(r"""^\s*import\b[^"'`;]*["']([^"']+)["']""", re.MULTILINE)


@pytest.fixture(scope="module")
def gathered(tmp_path_factory: Any) -> Path:
    """The static files of the portal's own code, as a deployment gathers them."""
    folder = tmp_path_factory.mktemp("static")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "STATIC_ROOT", folder)
        patch.setattr(settings, "STORAGES", base.STORAGES)
        patch.setattr(settings, "WHITENOISE_KEEP_ONLY_HASHED_FILES", True, raising=False)
        call_command(
            "collectstatic", interactive=False, verbosity=0, ignore_patterns=["dsfr", "admin"]
        )
    return folder


def test_each_module_imports_a_file_that_is_there(gathered: Path) -> None:
    modules = list((gathered / "js").glob("*.js"))
    imported = [
        (module.name.split(".")[0], (module.parent / name).resolve())
        for module in modules
        for name in IMPORTS.findall(module.read_text(encoding="utf-8"))
    ]
    assert [name for name, _ in imported] == ["autosave"]
    assert [path.name for _, path in imported if not path.exists()] == []
