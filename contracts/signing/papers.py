"""A document signed by hand: sent by a party, checked by another, then as good as a signature."""

from datetime import date
from typing import Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from contracts.models.rounds import RoundPaper, RoundSignature, SigningRound
from contracts.signing import answers, rounds, signers
from cpts_portal.words import day
from documents.services import store_attachment
from outbox.services import publish
from workflow.people import still_holds_their_role
from workflow.services import ActionRefusedError, AlreadyDoneError

PDF: Final = ("application/pdf",)
LONGEST_REASON: Final = 1_000
State = RoundPaper.State


@transaction.atomic
def upload_paper(
    signing_round: SigningRound, file: UploadedFile, *, signed_on: date, by: User
) -> RoundPaper:
    """Send the document signed by hand, on behalf of one's party; another checks it.

    `signed_on`: the last date written on it. Raises PermissionDenied, FileRefusedError for what
    is no PDF, ActionRefusedError for a day to come, or while another copy waits.
    """
    locked = rounds.lock_round(signing_round.pk)
    party = signers.party_of(locked.contract, by)
    if party is None:
        raise PermissionDenied("Seule une partie au contrat envoie un exemplaire signé.")
    still_holds_their_role(by)
    if not locked.is_open:
        raise rounds.ended(locked)
    if signed_on > timezone.localdate():
        raise ActionRefusedError(
            f"Le document ne peut pas être signé le {day(signed_on)}, un jour à venir : vérifiez "
            "la dernière date écrite à la main."
        )
    if waiting := locked.papers.filter(state=State.WAITING).first():
        raise AlreadyDoneError(
            f"Un exemplaire envoyé par {waiting.uploaded_by} attend déjà d’être vérifié : une "
            "autre partie l’accepte ou le renvoie d’abord."
        )
    paper = RoundPaper.objects.create(
        round=locked,
        file=store_attachment(file, content_types=PDF, accept_label="PDF", user=by),
        signed_on=signed_on,
        party=party,
        uploaded_by=by,
    )
    rounds.note(locked, "paper_sent", actor=by)
    publish("contracts.paper_told", key=f"{paper.pk}:waiting", paper_id=paper.pk)
    return paper


@transaction.atomic
def check_paper(paper: RoundPaper, *, accept: bool, by: User, reason: str = "") -> RoundPaper:
    """Accept a signed copy, which completes the round, or send it back with a reason.

    Never by the party that sent it, nor by the person who did. Raises PermissionDenied,
    AlreadyDoneError when it was checked, ActionRefusedError without a reason to send it back, or
    when a power did not stand on the day it was signed.
    """
    locked = rounds.lock_round(paper.round_id)
    paper = RoundPaper.objects.select_related("file", "uploaded_by").get(pk=paper.pk)
    if not may_check(paper, locked, by):
        raise PermissionDenied(
            "Une autre partie que celle qui a envoyé l’exemplaire le vérifie : demandez-le-lui."
        )
    still_holds_their_role(by)
    if paper.state != State.WAITING:
        raise AlreadyDoneError(
            f"Cet exemplaire a déjà été vérifié par {paper.checked_by} : rien n’a changé."
        )
    if not locked.is_open:
        raise rounds.ended(locked)
    if not accept and not reason.strip():
        raise ActionRefusedError("Écrivez ce qui ne va pas : l’autre partie le corrigera.")
    party = signers.party_of(locked.contract, by)
    paper.state = State.ACCEPTED if accept else State.RETURNED
    paper.checked_party, paper.checked_by, paper.checked_at = party or "", by, timezone.now()
    paper.reason = reason.strip()[:LONGEST_REASON]
    paper.save()
    rounds.note(locked, "paper_accepted" if accept else "paper_returned", actor=by)
    if accept:
        _count(paper, locked, by)
    else:
        publish("contracts.paper_told", key=f"{paper.pk}:returned", paper_id=paper.pk)
    return paper


def may_check(paper: RoundPaper, signing_round: SigningRound, user: User) -> bool:
    """Whether the person acts for another party than the one that sent the copy."""
    party = signers.party_of(signing_round.contract, user)
    return party is not None and party != paper.party and user.pk != paper.uploaded_by_id


def _count(paper: RoundPaper, signing_round: SigningRound, by: User) -> None:
    evidence = {
        "file_sha256": paper.file.sha256,
        "signed_on": paper.signed_on.isoformat(),
        "sent_by": paper.party,
        "checked_by": paper.checked_party,
    }
    everybody = signing_round.signers.values_list("pk", flat=True)
    answers.sign_elsewhere(
        signing_round,
        RoundSignature.Method.PAPER,
        dict.fromkeys(everybody, evidence),
        signed_on=paper.signed_on,
        by=by,
    )
