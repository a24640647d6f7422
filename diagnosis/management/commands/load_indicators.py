from typing import Any

from django.core.management.base import BaseCommand

from diagnosis.loading import load_shipped


class Command(BaseCommand):
    help = (
        "Charge les chiffres qui accompagnent le portail et calcule ceux des départements, des "
        "régions et de la France. Recommencer ne change rien."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for sentence in load_shipped():
            self.stdout.write(sentence)
