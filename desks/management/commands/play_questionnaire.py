from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organisation
from desks.play import PlayError
from desks.play_questionnaire import ANSWERS, play_questionnaire
from letters.json_import import ImportRefusedError
from mobilisation.carrying import annex_pdf
from workflow.services import ActionRefusedError


class Command(BaseCommand):
    help = "Joue un questionnaire aux professionnels, de son ouverture à la lettre qu’il remplit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--answers", type=int, default=ANSWERS, help="nombre de réponses")
        parser.add_argument("--output", type=Path, metavar="FICHIER", help="où écrire l’annexe")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Ce scénario crée des comptes dont le mot de passe est connu de tous : il ne se "
                "joue que là où le réglage DEMO est actif. Rien n’a été écrit."
            )
        try:
            played = play_questionnaire(self.stdout.write, options["answers"])
        except Organisation.DoesNotExist as missing:
            raise CommandError(
                "Un organisme du scénario n’est pas chargé. Lancez d’abord "
                "« manage.py load_organisations »."
            ) from missing
        except ImportRefusedError as refused:
            raise CommandError(" ".join(refused.problems)) from refused
        except (PlayError, ActionRefusedError) as refused:
            raise CommandError(f"Le scénario s’est arrêté : {refused.message}") from refused
        for one in [*played.results.professions, played.results.all]:
            self.stdout.write(
                f"  {one.label} : {one.identified} identifiés, {one.total} réponses, "
                f"{one.willing} souhaitent participer, {one.outside} d’ailleurs"
            )
        questionnaire, letter = played.questionnaire, played.letter
        base = settings.PORTAL_URL
        at = f"{questionnaire.community.public_id}/questionnaires/{questionnaire.public_id}"
        self.stdout.write(f"Résultats : {base}/cpts/{at}/resultats/")
        self.stdout.write(f"Lettre : {base}/lettres/{letter.public_id}/")
        if options["output"]:
            options["output"].write_bytes(annex_pdf(questionnaire))
