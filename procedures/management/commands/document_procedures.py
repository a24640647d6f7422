from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.documentation import FORMS_FOLDER, pages, stale_pages


class Command(BaseCommand):
    help = "Écrit les pages docs/formulaires/ d’après les procédures régionales."

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
                    f"Pages à refaire : {names}. Lancez « manage.py document_procedures »."
                )
            self.stdout.write("Les pages des formulaires sont à jour.")
            return
        expected = pages()
        FORMS_FOLDER.mkdir(parents=True, exist_ok=True)
        for path in stale:
            if path in expected:
                path.write_text(expected[path], encoding="utf-8")
                self.stdout.write(f"{path.name} : écrite.")
            else:
                path.unlink()
                self.stdout.write(f"{path.name} : retirée, sa procédure n’existe plus.")
        if not stale:
            self.stdout.write("Les pages des formulaires étaient à jour.")
