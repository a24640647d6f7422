from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from territories.contours import ContourError, load_contours


class Command(BaseCommand):
    help = (
        "Charge les contours des communes (GeoJSON, un objet par commune, propriété « code »). "
        "Tout est chargé, ou rien ne change ; recharger les mêmes fichiers ne change rien."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="dossier, fichier ou adresse https de GeoJSON")
        parser.add_argument(
            "--force",
            action="store_true",
            help="recharger, même si ces fichiers sont déjà en vigueur",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            load_contours(options["source"], force=options["force"], report=self._say)
        except ContourError as error:
            raise CommandError(error.message) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
