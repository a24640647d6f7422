"""What a server serves once its files are gathered under hashed names."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management import call_command

from cpts_portal.settings import base
from cpts_portal.static_storage import CompressedModulesStorage

IMPORTS = re.compile(r"""^\s*import\b[^"'`;]*["']([^"']+)["']""", re.MULTILINE)


@pytest.fixture
def gathered(tmp_path: Path, settings: Any) -> Path:
    """The static files of the portal's own code, as a deployment gathers them."""
    settings.WHITENOISE_KEEP_ONLY_HASHED_FILES = True
    command = collectstatic.Command()
    # The process's own storage keeps the settings it was made with.
    command.storage = CompressedModulesStorage(location=tmp_path, base_url="/static/")
    call_command(command, interactive=False, verbosity=0, ignore_patterns=["dsfr", "admin"])
    return tmp_path


def test_each_module_imports_a_file_that_is_there(gathered: Path) -> None:
    modules = list((gathered / "js").glob("*.js"))
    imported = [
        (module.name.split(".")[0], (module.parent / name).resolve())
        for module in modules
        for name in IMPORTS.findall(module.read_text(encoding="utf-8"))
    ]
    assert sorted(name for name, _ in imported) == [
        "autosave",
        "coverage-map",
        "portal",
        "territory-map",
    ]
    assert [path.name for _, path in imported if not path.exists()] == []


def test_the_servers_gather_them_so(gathered: Path) -> None:
    backends = (base.STORAGES["staticfiles"]["BACKEND"], base.WHITENOISE_KEEP_ONLY_HASHED_FILES)
    assert backends == ("cpts_portal.static_storage.CompressedModulesStorage", True)
    assert not (gathered / "js" / "autosave.js").exists()


def test_each_style_sheet_closes_what_it_opens() -> None:
    """A block left open hides all that follows it from some screens, and nothing says so."""
    sheets = list((base.BASE_DIR / "static" / "css").glob("*.css"))
    assert len(sheets) > 3
    texts = {one.name: one.read_text(encoding="utf-8") for one in sheets}
    assert [name for name, text in texts.items() if text.count("{") != text.count("}")] == []
