from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import organisation_files
from accounts.organisation_files import OrganisationFilesError


class Command(BaseCommand):
    help = (
        "Charge les ARS, leurs bureaux, guichets, URPS, CPAM et comités. Ce qu’un administrateur "
        "a complété n’est jamais remplacé, sauf avec --overwrite. N’envoie aucun message."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder",
            nargs="?",
            type=Path,
            help="dossier de fichiers CSV ; par défaut, ceux du portail",
        )
        parser.add_argument(
            "--overwrite",
            action="store_true",
            help="donner raison aux fichiers sur ce que l’administration a écrit",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = organisation_files.load(
                options["folder"] or organisation_files.default_folder(),
                overwrite=options["overwrite"],
                report=self.stdout.write,
            )
        except OrganisationFilesError as error:
            raise CommandError(
                "Le chargement est refusé, rien n’a été modifié.\n" + str(error)
            ) from error
        self.stdout.write(
            f"Organismes : {outcome.total} dans les fichiers, {len(outcome.created)} créés, "
            f"{len(outcome.changed)} complétés."
        )
