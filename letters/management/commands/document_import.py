from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from letters.json_schema import SCHEMA_FILE, schema_text


class Command(BaseCommand):
    help = "Écrit docs/import/lettre.schema.json d’après les procédures régionales."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="n’écrit rien ; échoue si le fichier n’est pas à jour",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or check the schema. Raises CommandError when `--check` finds it stale."""
        text = schema_text()
        current = SCHEMA_FILE.read_text(encoding="utf-8") if SCHEMA_FILE.exists() else ""
        if text == current:
            self.stdout.write("Le schéma est à jour.")
        elif options["check"]:
            raise CommandError(
                "Le schéma publié n’est plus celui du code : lancez « manage.py document_import »."
            )
        else:
            SCHEMA_FILE.parent.mkdir(parents=True, exist_ok=True)
            SCHEMA_FILE.write_text(text, encoding="utf-8")
            self.stdout.write(f"{SCHEMA_FILE.name} : écrit.")
