"""Commands that write the pages of a folder of `docs/` from what the code says."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class PagesCommand(BaseCommand):
    """Writes the pages that are stale and removes those that say nothing any more."""

    # As in « manage.py document_workflow ».
    name: str
    # « Les pages des circuits », and why a page goes: « ce qu’elle montrait n’existe plus ».
    what: str
    gone: str
    folder: Callable[[], Path]
    pages: Callable[[], Mapping[Path, str]]
    stale_pages: Callable[[], Sequence[Path]]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="n’écrit rien ; échoue si une page n’est pas à jour",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or check the pages. Raises CommandError when `--check` finds a stale one."""
        kind = type(self)
        stale = kind.stale_pages()
        if options["check"]:
            if stale:
                names = ", ".join(path.name for path in stale)
                raise CommandError(f"Pages à refaire : {names}. Lancez « manage.py {self.name} ».")
            self.stdout.write(f"{self.what} sont à jour.")
            return
        expected = kind.pages()
        kind.folder().mkdir(parents=True, exist_ok=True)
        for path in stale:
            if path in expected:
                path.write_text(expected[path], encoding="utf-8")
                self.stdout.write(f"{path.name} : écrite.")
            else:
                path.unlink()
                self.stdout.write(f"{path.name} : retirée, {self.gone}.")
        if not stale:
            self.stdout.write(f"{self.what} étaient à jour.")
