from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from territories import building


class Command(BaseCommand):
    help = (
        "Construit les fichiers de référence des territoires à partir du paquet npm "
        "@etalab/decoupage-administratif décompressé."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, help="dossier du paquet (celui de package.json)")
        parser.add_argument(
            "--output",
            type=Path,
            default=settings.BASE_DIR / "fixtures" / "territories",
            help="dossier où écrire les fichiers (par défaut : fixtures/territories)",
        )
        parser.add_argument(
            "--archive", type=Path, help="écrire aussi une archive .zip pour l’administration"
        )
        parser.add_argument("--cog-year", type=int, help="année du code officiel géographique")
        parser.add_argument("--population-year", type=int, help="année de la population légale")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            files = building.build(
                options["source"],
                cog_year=options["cog_year"],
                population_year=options["population_year"],
                report=self.stdout.write,
            )
        except building.PackageError as error:
            raise CommandError(str(error)) from error
        building.write_folder(files, options["output"])
        self.stdout.write(f"Écrit dans {options['output']}")
        if options["archive"]:
            options["archive"].write_bytes(building.as_archive(files))
            self.stdout.write(f"Archive : {options['archive']}")
