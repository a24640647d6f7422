from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organisation
from desks.play import CIRCUITS, Play, PlayError, file_name, write_documents
from desks.play_amendments import OTHERS
from desks.play_contract import CONTRACTS, ContractPlay
from desks.play_project import FEWEST, MEMBERS, PROJECTS, ProjectPlay
from letters.json_import import ImportRefusedError
from workflow.services import ActionRefusedError, IncompleteError


class Command(BaseCommand):
    help = (
        "Joue le circuit d’une région, du dépôt à la décision, un projet de santé jusqu’à sa "
        "validation, ou un contrat jusqu’à ses avenants, avec tous ceux qu’ils nomment."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "circuit",
            nargs="?",
            choices=[*CIRCUITS, *PROJECTS, *CONTRACTS, "all"],
            default="all",
            help="par défaut, les lettres des trois régions",
        )
        parser.add_argument(
            "--members",
            type=int,
            default=MEMBERS,
            metavar="NOMBRE",
            help="membres de chaque projet de santé (300 par défaut)",
        )
        parser.add_argument(
            "--contracts",
            type=int,
            default=OTHERS,
            metavar="NOMBRE",
            help="autres contrats en vigueur, que l’avenant national atteint "
            f"({OTHERS} par défaut)",
        )
        parser.add_argument(
            "--output", type=Path, metavar="DOSSIER", help="où écrire les PDF produits"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Ce scénario crée des comptes dont le mot de passe est connu de tous : il ne se "
                "joue que là où le réglage DEMO est actif. Rien n’a été écrit."
            )
        name = options["circuit"]
        play = Play(self.stdout.write)
        try:
            if name in PROJECTS:
                play.cast()
                PROJECTS[name](ProjectPlay(play, members=max(FEWEST, options["members"])))
            elif name in CONTRACTS:
                play.cast()
                CONTRACTS[name](ContractPlay(play, others=options["contracts"]))
            else:
                play.run(list(CIRCUITS) if name == "all" else [name])
        except Organisation.DoesNotExist as missing:
            raise CommandError(
                "Un organisme du circuit n’est pas chargé. Lancez d’abord "
                "« manage.py load_organisations »."
            ) from missing
        except (ImportRefusedError, IncompleteError) as refused:
            reasons = (
                refused.problems if isinstance(refused, ImportRefusedError) else refused.missing
            )
            raise CommandError(
                f"Le scénario s’est arrêté : {' '.join(map(str, reasons))}"
            ) from refused
        except (PlayError, ActionRefusedError) as refused:
            raise CommandError(f"Le scénario s’est arrêté : {refused.message}") from refused
        self._sum_up(play)
        if options["output"]:
            written = write_documents(play.letters, play, options["output"])
            self.stdout.write(f"\n{len(written)} PDF écrits dans {options['output']}")

    def _sum_up(self, play: Play) -> None:
        self.stdout.write("\nLes dossiers")
        for letter in play.letters:
            # Others have acted on it since it was read.
            letter.refresh_from_db(fields=["state", "version"])
            self.stdout.write(
                f"  {letter.reference} « {letter.title} » : {letter.get_state_display()}, "
                f"version {letter.version}"
            )
            for one in play.documents(letter):
                self.stdout.write(f"    {file_name(one)}  {one.document.title}")
                self.stdout.write(f"      SHA-256 {one.document.sha256}")
        self.stdout.write("\nLes courriels")
        for recipient, mails in play.mails().items():
            sent = sum(mail.sent_at is not None for mail in mails)
            self.stdout.write(f"  {recipient} : {len(mails)} écrit(s), {sent} envoyé(s)")


def _why(refused: ImportRefusedError | PlayError | ActionRefusedError) -> str:
    if isinstance(refused, ImportRefusedError):
        return " ".join(refused.problems)
    if isinstance(refused, IncompleteError):
        return " ".join(str(reason) for reason in refused.missing)
    return refused.message
