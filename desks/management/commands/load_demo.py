from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organisation
from desks import demo, demo_contracts, demo_projects, demo_sessions


class Command(BaseCommand):
    help = (
        "Prépare la démonstration : comptes, lettres déposées, brouillon, projet de santé, séances."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "La démonstration a un mot de passe connu de tous : elle n’est chargée que là où "
                "le réglage DEMO est actif. Rien n’a été écrit."
            )
        try:
            made = demo.make_accounts()
        except Organisation.DoesNotExist as missing:
            raise CommandError(
                "Un organisme de la démonstration n’est pas chargé. Lancez d’abord "
                "« manage.py load_organisations »."
            ) from missing
        self.stdout.write(f"Comptes créés : {made} sur {len(demo.ACCOUNTS)}")
        for path in demo.scenarios():
            reference = demo.deposit_scenario(path)
            self.stdout.write(f"{path.stem} : {reference or 'déjà là'}")
        draft = "créé" if demo.make_draft() else "déjà là"
        self.stdout.write(f"Brouillon « {demo.DRAFT_NAME} » : {draft}")
        for path in demo_projects.projects():
            project = demo_projects.make_project(path)
            self.stdout.write(f"Projet « {path.stem} » : {'écrit' if project else 'déjà là'}")
        for name in demo_contracts.make_contracts():
            self.stdout.write(f"Contrat « {name} » : écrit")
        sessions = demo_sessions.make_sessions()
        self.stdout.write(f"Séances du comité régional : {sessions or 'déjà là'}")
