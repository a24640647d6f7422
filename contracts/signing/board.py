"""What the pages of a round show: who signs, who has, who is awaited, and what there is to do."""

from dataclasses import dataclass
from typing import Final

from accounts.models import User
from contracts.models.rounds import (
    Party,
    RoundLog,
    RoundPaper,
    RoundSignature,
    RoundSigner,
    SigningRound,
)
from contracts.signing import papers, signers
from contracts.signing.evidence import registers_of, signed_when
from contracts.signing.providers import signed_copy
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.words import day, day_and_hour
from workflow.models import CaseDocument

ACTIONS: Final = {
    "opened": "Texte figé et présenté à la signature",
    "signed": "A signé",
    "counted": "Signature comptée",
    "ordered": "Ordre des signatures",
    "refused": "A refusé de signer",
    "reminded": "Relance",
    "paper_sent": "Exemplaire signé sur papier envoyé",
    "paper_accepted": "Exemplaire signé sur papier accepté",
    "paper_returned": "Exemplaire signé sur papier renvoyé",
    "cancelled": "Signature annulée",
    "provider_refused": "Ce que le prestataire a rendu n’est pas accepté : l’administrateur du "
    "portail est à prévenir",
    "completed": "Signé par toutes les parties",
}
_TONES: Final = {
    SigningRound.State.OPEN: "info",
    SigningRound.State.SIGNED: "success",
    SigningRound.State.REFUSED: "error",
}


@dataclass(frozen=True)
class SignerRow:
    """A signer, as the table says them."""

    name: str
    capacity: str
    power: str
    for_whom: str
    # « Signé le 22 novembre 2026 à 7 h 46 », « Attendu », « À son tour ».
    answer: str
    how: str
    tone: str
    is_me: bool


@dataclass(frozen=True)
class RoundBoard:
    """A round as the person may see it, and what they may do now."""

    round: SigningRound
    state: str
    tone: str
    signers: list[SignerRow]
    awaited: list[str]
    # The person among the awaited signers; None: it is not for them to sign now.
    me: RoundSigner | None
    is_party: bool
    paper: RoundPaper | None
    may_check: bool
    # Signed on the portal; else a provider gathers the signatures.
    is_here: bool
    # The document as a provider gave it back.
    sealed: CaseDocument | None
    proofs: list[CaseDocument]
    logs: list[tuple[str, str, str]]

    @property
    def signed_count(self) -> int:
        return sum(one.tone == "success" for one in self.signers)


# Composed once: a page of a round reads them all.
_ROUND: Final = Given("round")
_SIGNERS: Final = ComposedObjects(
    lambda: RoundSigner.objects.filter(round_id=_ROUND).select_related("user", "organisation")
)
_SIGNATURES: Final = ComposedObjects(lambda: RoundSignature.objects.filter(round_id=_ROUND))
_PAPERS: Final = ComposedObjects(
    lambda: RoundPaper.objects.filter(round_id=_ROUND).select_related(
        "file", "uploaded_by", "checked_by"
    )
)
_PROOFS: Final = ComposedObjects(lambda: registers_of(Given("case"), _ROUND))
_LOGS: Final = ComposedObjects(
    lambda: (
        RoundLog.objects.filter(round_id=_ROUND)
        .select_related("signer", "actor")
        .order_by("-at", "-pk")
    )
)


def read_board(signing_round: SigningRound, user: User) -> RoundBoard:
    """A round with all that its page shows: six queries, whatever it holds."""
    number = signing_round.pk
    everybody: list[RoundSigner] = _SIGNERS.objects(round=number)
    for one in everybody:
        one.round = signing_round
    signatures = {one.signer_id: one for one in _SIGNATURES.objects(round=number)}
    left = [one for one in everybody if one.pk not in signatures]
    turn = {one.pk: one for one in signers.turn_of(signing_round, left)}
    here = signing_round.provider == signers.PORTAL
    mine = [one for one in turn.values() if here and signers.is_theirs(one, user)]
    paper: RoundPaper | None = next(iter(_PAPERS.objects(round=number, count=1)), None)
    return RoundBoard(
        round=signing_round,
        state=signing_round.get_state_display(),
        tone=_TONES.get(SigningRound.State(signing_round.state), ""),
        signers=[
            _row(one, signatures.get(one.pk), user, is_turn=one.pk in turn) for one in everybody
        ],
        awaited=[f"{one.name}, {signers.for_whom(one)}" for one in turn.values()],
        me=mine[0] if mine else None,
        is_party=signers.party_of(signing_round.contract, user) is not None,
        paper=paper,
        may_check=bool(
            paper
            and paper.state == RoundPaper.State.WAITING
            and signing_round.is_open
            and papers.may_check(paper, signing_round, user)
        ),
        is_here=here,
        sealed=None if here else signed_copy(signing_round),
        proofs=_PROOFS.objects(case=signing_round.contract_id, round=number),
        logs=_logs(signing_round),
    )


def _row(
    signer: RoundSigner,
    signature: RoundSignature | None,
    user: User,
    *,
    is_turn: bool,
) -> SignerRow:
    if signature is not None:
        answer, tone = f"Signé le {signed_when(signature)}", "success"
        how = signature.get_method_display()
    else:
        how = ""
        if not signer.round.is_open:
            answer, tone = "N’a pas signé", ""
        elif is_turn:
            answer, tone = "Attendu", "info"
        else:
            answer, tone = "À son tour", ""
    return SignerRow(
        name=signer.name,
        capacity=signer.capacity,
        power=power_in_words(signer),
        for_whom=signers.for_whom(signer),
        answer=answer,
        how=how,
        tone=tone,
        is_me=signer.user_id == user.pk,
    )


def power_in_words(signer: RoundSigner) -> str:
    """« Arrêté du 3 mars 2026, jusqu’au 31 décembre 2026 »."""
    return f"{signer.power}, jusqu’au {day(signer.valid_to)}" if signer.valid_to else signer.power


def _logs(signing_round: SigningRound) -> list[tuple[str, str, str]]:
    """What was done, who did it, when: the latest first."""
    found = []
    for line in _LOGS.objects(round=signing_round.pk):
        said = ACTIONS.get(line.action, line.action)
        if line.detail:
            said = f"{said} : {line.detail}"
        who = line.actor or line.signer or "le portail"
        if line.signer and line.actor and line.signer.user_id != line.actor.pk:
            said = f"{said} : {line.signer.name}"
        found.append((said, str(who), day_and_hour(line.at)))
    return found


def party_label(party: str) -> str:
    return str(Party(party).label)
