from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from territories import loading
from territories.reference import ReferenceDataError, Source


class Command(BaseCommand):
    help = (
        "Charge les communes, EPCI, départements et régions. Tout est chargé, ou rien ne change ; "
        "recharger les mêmes fichiers ne change rien."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "path",
            nargs="?",
            type=Path,
            help="dossier ou archive (.zip, .tar.gz) ; par défaut, les fichiers du portail",
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        try:
            source = Source(options["path"]) if options["path"] else loading.default_source()
            loading.load(source, report=self._say)
        except ReferenceDataError as error:
            raise CommandError(
                "Le chargement est refusé, rien n’a été modifié.\n" + str(error)
            ) from error
        except loading.LoadInProgressError as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
