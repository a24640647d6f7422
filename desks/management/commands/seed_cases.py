import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organisation
from desks.seeding import seed_cases


class Command(BaseCommand):
    help = "Écrit de nombreux dossiers inventés, pour mesurer et essayer les listes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("count", type=int, metavar="NOMBRE")
        parser.add_argument("--seed", type=int, default=1, help="même graine, mêmes dossiers")
        parser.add_argument(
            "--region", action="append", default=[], help="code INSEE ; toutes par défaut"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not (settings.DEBUG or settings.DEMO):
            raise CommandError(
                "Ces dossiers sont inventés : ils ne s’écrivent que dans une démonstration ou "
                "sur un poste de développement. Rien n’a été écrit."
            )
        count = options["count"]
        if count < 1:
            raise CommandError("Donnez le nombre de dossiers à écrire, à partir de 1.")
        start = time.monotonic()

        def report(done: int) -> None:
            self.stdout.write(f"{done} dossiers sur {count}, {time.monotonic() - start:.0f} s")

        try:
            seed_cases(count, seed=options["seed"], regions=options["region"], report=report)
        except Organisation.DoesNotExist as missing:
            raise CommandError(
                "Il n’y a pas d’ARS dans cette région, ou les organismes ne sont pas chargés. "
                "Lancez d’abord « manage.py load_organisations »."
            ) from missing
