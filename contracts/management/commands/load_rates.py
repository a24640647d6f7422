from typing import Any

from django.core.management.base import BaseCommand

from contracts.funding.ratebook import load_delivered_rates


class Command(BaseCommand):
    help = (
        "Publie les tarifs livrés avec le portail (fixtures/rates), s’il n’en a aucun. Un portail "
        "qui a des tarifs les garde : l’administrateur national prépare les suivants."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_delivered_rates()
        if not loaded.tables:
            self.stdout.write("Le portail a déjà des tarifs : rien n’a changé.")
        for table in loaded.tables:
            self.stdout.write(f"Publiée : {table}, à partir du {table.valid_from:%d/%m/%Y}.")
