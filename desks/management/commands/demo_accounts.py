from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from desks.demo import ACCOUNTS, PASSWORD


class Command(BaseCommand):
    help = "Affiche les comptes de démonstration : un par rôle, et leur mot de passe commun."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("Les comptes de démonstration n’existent qu’en démonstration.")
        width = max(len(person.title) for person in ACCOUNTS)
        for person in ACCOUNTS:
            self.stdout.write(f"  {person.title:<{width}}  {person.email}")
        self.stdout.write(f"  Mot de passe de tous ces comptes : {PASSWORD}")
