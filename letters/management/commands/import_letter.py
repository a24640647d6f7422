import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from letters.json_import import Imported, ImportRefusedError, import_file
from outbox import services as outbox
from outbox.models import Mail, OutboxEvent
from workflow.models import CaseDocument, TransitionLog
from writing.content import missing_before_deposit, read_content
from writing.documents import case_url, documents_of

WAIT_SECONDS: Final = 120


class Command(BaseCommand):
    help = (
        "Importe une lettre d’intention depuis un fichier JSON (schéma : "
        "docs/import/lettre.schema.json) : la CPTS, son équipe, son territoire, ses réponses et "
        "ses pièces. Tout est importé, ou rien."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FICHIER.json")
        parser.add_argument(
            "--deposit",
            action="store_true",
            help="dépose la lettre, comme le bouton, et attend ses documents",
        )
        parser.add_argument(
            "--owner",
            default="",
            metavar="ADRESSE",
            help="responsable de la CPTS, à la place de celui du fichier",
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="importe même si ce responsable a déjà une CPTS de ce nom dans la région",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then say what was made. Raises CommandError when nothing was imported."""
        try:
            imported = import_file(
                options["file"],
                deposit=options["deposit"],
                owner_email=options["owner"],
                force=options["force"],
            )
        except ImportRefusedError as error:
            raise CommandError(
                "Rien n’a été importé.\n" + "\n".join(f"  - {line}" for line in error.problems)
            ) from error
        self._say_who(imported)
        if imported.log is None:
            self._say_draft(imported)
        else:
            self._say_deposited(imported, imported.log)

    def _say_who(self, imported: Imported) -> None:
        letter = imported.letter
        self.stdout.write(f"CPTS : {letter.title} ({letter.region})")
        for person in imported.new_people:
            self.stdout.write(f"Compte créé, sans mot de passe : {person.email}")

    def _say_draft(self, imported: Imported) -> None:
        missing = missing_before_deposit(read_content(imported.letter))
        self.stdout.write(f"Brouillon : {case_url(imported.letter)}")
        if missing:
            self.stdout.write(f"Il reste {len(missing)} point(s) avant le dépôt :")
        for item in missing:
            self.stdout.write(f"  - {item.sentence}")

    def _say_deposited(self, imported: Imported, log: TransitionLog) -> None:
        letter = imported.letter
        self.stdout.write(f"Référence : {letter.reference}")
        self.stdout.write(f"Adressée à : {letter.office}")
        deliver(letter, log)
        for link in documents_of(letter):
            self.stdout.write(f"{link.document.title} : {path_of(link)}")
        self.stdout.write(f"Dossier : {case_url(letter)}")


def deliver(letter: Any, log: TransitionLog) -> None:
    """Have the documents issued and the mails sent now, by a worker or, failing one, here.

    Raises CommandError when the documents are still not there after two minutes; the deposit
    stands and the worker will go on trying.
    """
    event = OutboxEvent.objects.get(handler="writing.deposited", payload__log_id=log.pk)
    limit = time.monotonic() + WAIT_SECONDS
    while not outbox.deliver(event.pk):
        event.refresh_from_db()
        if event.done_at:
            break
        if event.last_error or time.monotonic() > limit:
            raise CommandError(
                f"La lettre {letter.reference} est déposée, mais ses documents ne sont pas encore "
                f"prêts ({event.last_error or 'un autre processus les prépare'}). "
                "Ils le seront dès que le portail tournera."
            )
        time.sleep(0.2)
    mails = Mail.objects.filter(
        deduplication_key__startswith=f"written-deposited:{log.pk}:", sent_at__isnull=True
    )
    for pk in mails.values_list("pk", flat=True):
        outbox.send(pk)


def path_of(link: CaseDocument) -> str:
    """Where the file is: a path on this machine, else its name in the storage."""
    file = link.document.file
    try:
        return file.path
    except NotImplementedError:
        return str(file.name)
