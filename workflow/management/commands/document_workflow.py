from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from workflow.documentation import CIRCUITS_FOLDER, pages, stale_pages


class Command(BaseCommand):
    help = "Dessine dans docs/circuits/ les états des dossiers et les circuits régionaux."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="n’écrit rien ; échoue si une page n’est pas à jour",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        """Write or check the pages. Raises CommandError when `--check` finds a stale one."""
        stale = stale_pages()
        if options["check"]:
            if stale:
                names = ", ".join(path.name for path in stale)
                raise CommandError(
                    f"Pages à refaire : {names}. Lancez « manage.py document_workflow »."
                )
            self.stdout.write("Les pages des circuits sont à jour.")
            return
        expected = pages()
        CIRCUITS_FOLDER.mkdir(parents=True, exist_ok=True)
        for path in stale:
            if path in expected:
                path.write_text(expected[path], encoding="utf-8")
                self.stdout.write(f"{path.name} : écrite.")
            else:
                path.unlink()
                self.stdout.write(f"{path.name} : retirée, ce qu’elle montrait n’existe plus.")
        if not stale:
            self.stdout.write("Les pages des circuits étaient à jour.")
