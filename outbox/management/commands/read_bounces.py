import mailbox
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
        noted, others = _read(mailbox.Maildir(maildir, factory=None, create=False), keep=keep)
        self.stdout.write(f"Retours notés : {noted}. Autres messages laissés : {others}.")


def _read(box: "mailbox.Maildir", *, keep: bool) -> tuple[int, int]:
    """Note the reports not read yet; how many were ours, and how many were something else."""
    noted = others = 0
    for key in sorted(box.keys()):
        message = box.get_message(key)
        if message.get_subdir() != "new":
            continue
        if note_bounce(box.get_bytes(key)):
            noted += 1
        else:
            others += 1
        if not keep:
            message.set_subdir("cur")
            message.add_flag("S")
            box[key] = message
    return noted, others
