from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from workflow import projections, search


class Command(BaseCommand):
    help = (
        "Vérifie que les échéances et les lignes des listes disent ce que disent les registres "
        "et les dossiers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--repair", action="store_true", help="corriger ce qui diffère")
        parser.add_argument(
            "--search", action="store_true", help="refaire aussi l’index de la recherche"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        with transaction.atomic():
            projections.settle_lapsed_suspensions()
            # Lines follow the deadlines that are mended: they are compared first.
            lines, deadlines = projections.mend_lines(), projections.mend_deadlines()
            if not options["repair"]:
                transaction.set_rollback(True)
        if options["search"]:
            self.stdout.write(f"Recherche : {search.index_again()} dossiers.")
        if options["repair"]:
            self.stdout.write(f"Corrigé : {_told(deadlines, lines)}.")
        elif deadlines or lines:
            raise CommandError(
                f"À corriger : {_told(deadlines, lines)}. Rien n’a été changé ; relancez avec "
                "--repair, et cherchez ce qui a écrit dans la base."
            )
        else:
            self.stdout.write("Les échéances et les listes sont justes.")


def _told(deadlines: int, lines: int) -> str:
    """« 1 échéance et 3 lignes »: lines are counted by case."""
    plural = ("s" if deadlines > 1 else "", "s" if lines > 1 else "")
    return f"{deadlines} échéance{plural[0]} et {lines} ligne{plural[1]}"
