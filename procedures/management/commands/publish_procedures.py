from typing import Any

from django.core.management.base import BaseCommand, CommandError

from procedures.publication import PublishedFileChangedError, publish


class Command(BaseCommand):
    help = "Publie les procédures : leur fichier ne pourra plus changer."

    def handle(self, *args: Any, **options: Any) -> None:
        """Record the new files. Raises CommandError when a published one was edited."""
        try:
            added = publish()
        except PublishedFileChangedError as error:
            raise CommandError(str(error)) from error
        for name in added:
            self.stdout.write(f"{name} : publié.")
        if not added:
            self.stdout.write("Toutes les procédures étaient déjà publiées.")
