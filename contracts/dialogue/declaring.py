"""The CPTS declares the results, proofs and expenses of its year."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from contracts.dialogue.dialogues import State
from contracts.dialogue.moves import guard, locked, party_of, perform
from contracts.dialogue.proofs import keep_proof
from contracts.dialogue.typed import check_value, clean_text
from contracts.models import DialogueLine, DialogueLog, DialogueProof, Spending, YearlyDialogue
from contracts.models.dialogues import MOST_SPENT
from contracts.terms import CPTS
from cpts_portal.words import NBSP, euros
from workflow.services import ActionRefusedError

MOST_PROOFS: Final = 10


def may_edit(dialogue: YearlyDialogue, user: User) -> bool:
    """The team of the CPTS, while it declares."""
    return dialogue.state == State.DECLARING and party_of(dialogue, user) == CPTS


def _editable(dialogue: YearlyDialogue, by: User) -> YearlyDialogue:
    """The dialogue locked, if the person may still change what is declared."""
    found = locked(dialogue)
    if party_of(found, by) != CPTS:
        raise PermissionDenied
    if found.state != State.DECLARING:
        raise ActionRefusedError(
            "La déclaration est déjà transmise : elle ne change plus. Si elle contient une erreur, "
            "demandez à l’ARS ou à la CPAM de vous la renvoyer."
        )
    return found


@transaction.atomic
def declare(
    line: DialogueLine,
    *,
    value: Decimal | None,
    comment: str,
    by: User,
    proof: UploadedFile | None = None,
    is_confirmed: bool = False,
) -> DialogueProof | None:
    """Write what an indicator reached, and keep a proof of it.

    Raises PermissionDenied, ActionRefusedError, or PatientDataError for a proof that shows some.
    """
    _editable(line.dialogue, by)
    if value is not None:
        check_value(value)
    line.value, line.comment = value, clean_text(comment)
    line.save(update_fields=["value", "comment"])
    if proof is None:
        return None
    if line.proofs.count() >= MOST_PROOFS:
        raise ActionRefusedError(
            f"Un indicateur a {MOST_PROOFS} preuves au plus : retirez-en une d’abord."
        )
    kept = keep_proof(proof, by=by, is_confirmed=is_confirmed)
    return DialogueProof.objects.create(
        line=line,
        attachment=kept.attachment,
        confirmed_no_patient=kept.confirmed,
        was_read=kept.is_read,
        by=by,
    )


@transaction.atomic
def remove_proof(proof: DialogueProof, *, by: User) -> None:
    """Take a proof out before it is sent: its bytes go too."""
    _editable(proof.line.dialogue, by)
    attachment = proof.attachment
    proof.delete()
    attachment.delete()
    transaction.on_commit(lambda: attachment.file.delete(save=False))


@transaction.atomic
def declare_spending(
    dialogue: YearlyDialogue, amounts: Mapping[str, Decimal | None], comment: str, *, by: User
) -> None:
    """Write what was spent, by nature of expense, and what the CPTS says of its year.

    Raises PermissionDenied, or ActionRefusedError for an amount that is none.
    """
    found = _editable(dialogue, by)
    for nature, amount in amounts.items():
        if nature not in Spending.Nature.values:
            raise ActionRefusedError("Cette nature de dépense n’existe pas : rechargez la page.")
        if amount is not None and not 0 <= amount <= MOST_SPENT:
            raise ActionRefusedError(
                f"{Spending.Nature(nature).label}{NBSP}: le montant va de 0 à {euros(MOST_SPENT)}."
            )
    found.spendings.all().delete()
    Spending.objects.bulk_create(
        Spending(dialogue=found, nature=nature, amount=amount)
        for nature, amount in amounts.items()
        if amount is not None
    )
    found.comment = clean_text(comment)
    found.save(update_fields=["comment"])


@guard("submit")
def missing_to_submit(dialogue: YearlyDialogue) -> list[str]:
    """What the declaration lacks, as sentences."""
    lines = dialogue.lines.prefetch_related("proofs")
    found = []
    for line in lines:
        if line.value is None:
            found.append(f"{line.label}{NBSP}: dites ce qui a été atteint, même si c’est zéro.")
        elif line.kind == "yes_no" and line.value >= 1 and not line.proofs.all():
            found.append(f"{line.label}{NBSP}: joignez la preuve de ce qui a été fait.")
    if not dialogue.spendings.exists():
        found.append("Dites ce qui a été dépensé dans l’année, par nature de dépense.")
    return found


def submit(dialogue: YearlyDialogue, *, by: User) -> DialogueLog:
    """Send what is declared to the agency and the fund. Raises as `perform` does."""
    return perform(dialogue, "submit", actor=by)
