import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from outbox.bounces import LONGEST_REPORT, note_bounce


class Command(BaseCommand):
    help = "Lit les courriels revenus : un dossier Maildir, ou un message sur l’entrée standard."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "maildir",
            nargs="?",
            type=Path,
            help="dossier Maildir de l’adresse des retours ; sans lui, un message est lu sur "
            "l’entrée standard",
        )
        parser.add_argument(
            "--keep",
            action="store_true",
            help="laisser à leur place les messages lus (sinon ils sont marqués comme lus)",
        )

    def handle(self, *, maildir: Path | None, keep: bool, **_options: Any) -> None:
        if maildir is None:
            # The mail server starts one command per message: it must never be told to bounce it.
            known = note_bounce(sys.stdin.buffer.read(LONGEST_REPORT))
            self.stdout.write("1 retour noté." if known else "Ce message n’est pas un retour.")
            return
        if not (maildir / "new").is_dir():
            raise CommandError(
                f"{maildir} n’est pas un dossier Maildir : il n’a pas de dossier « new ». "
                "Donnez le dossier qui contient « cur », « new » et « tmp »."
            )
        noted, others = _read(maildir, keep=keep)
        self.stdout.write(f"Retours notés : {noted}. Autres messages laissés : {others}.")


def _read(maildir: Path, *, keep: bool) -> tuple[int, int]:
    """Note the reports not read yet; how many were ours, and how many were something else."""
    noted = others = 0
    (maildir / "cur").mkdir(exist_ok=True)
    for file in sorted((maildir / "new").iterdir()):
        with file.open("rb") as opened:
            known = note_bounce(opened.read(LONGEST_REPORT))
        noted += known
        others += not known
        if not keep:
            # How a Maildir says that a message was seen.
            file.rename(maildir / "cur" / f"{file.name}:2,S")
    return noted, others
