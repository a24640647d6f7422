"""Those who sign a round: for which party, by which power, whose turn it is, and calling them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from contracts import rules
from contracts.models import Contract
from contracts.models.rounds import Party, RoundSignature, RoundSigner, SigningRound
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.words import day, of_body
from outbox.services import publish

PORTAL: Final = "portal"


def parties_of(contract: Contract) -> list[Party]:
    """The CPTS and the agency; and the CPAM, unless it is an older contract without one."""
    return [Party.CPTS, *([Party.CPAM] if contract.cpam_id else []), Party.ARS]


def party_of(contract: Contract, user: User | None) -> Party | None:
    """The party in whose name the person acts on this contract, if any."""
    found = rules.party_of(contract, user)
    return Party(found) if found else None


def awaited(signing_round: SigningRound) -> list[RoundSigner]:
    """Those who have not signed and whose turn has come, in order: one query."""
    return turn_of(signing_round, left_of(signing_round)) if signing_round.is_open else []


def turn_of(signing_round: SigningRound, left: list[RoundSigner]) -> list[RoundSigner]:
    """Of those who have not signed, in the order of the parties: whose turn has come."""
    if not signing_round.is_open:
        return []
    if signing_round.in_order and left:
        left = [one for one in left if one.position == left[0].position]
    return left


def left_of(signing_round: SigningRound) -> list[RoundSigner]:
    """Those who have not signed, whether or not their turn has come."""
    return list(unsigned(signing_round.signers.select_related("user", "organisation")))


def unsigned(signers: "QuerySet[RoundSigner]") -> "QuerySet[RoundSigner]":
    """Those of them who have not signed, in the order of the parties."""
    done = RoundSignature.objects.filter(signer=OuterRef("pk"))
    return signers.filter(~Exists(done)).order_by("position", "pk")


def awaiting(user: User, most: int) -> list[RoundSigner]:
    """What waits for the person's own signature, in the role they act in, `most` at most: for
    desks and lists."""
    if user.acting is None:
        return _AWAITED_OF_PERSON.objects(person=user.pk, count=most)
    own = user.acting.organisation_id
    return _AWAITED_OF_AGENT.objects(person=user.pk, body=own, count=most)


def _awaiting(person: Any, own: Any = None) -> "QuerySet[RoundSigner]":
    """Of a person in their own name, or for an organisation of this number."""
    before = RoundSigner.objects.filter(
        round=OuterRef("round"), position__lt=OuterRef("position")
    ).filter(~Exists(RoundSignature.objects.filter(signer=OuterRef("pk"))))
    found = RoundSigner.objects.filter(user_id=person, round__state=SigningRound.State.OPEN)
    if own is None:
        found = found.filter(party=Party.CPTS)
    else:
        found = found.filter(Q(organisation_id=own) | Q(organisation__branches__pk=own)).distinct()
    found = unsigned(found).filter(Q(round__in_order=False) | ~Exists(before))
    return found.select_related("round__contract__community").order_by("round__opened_at", "pk")


_AWAITED_OF_PERSON: Final = ComposedObjects(lambda: _awaiting(Given("person")))
_AWAITED_OF_AGENT: Final = ComposedObjects(lambda: _awaiting(Given("person"), Given("body")))


def signer_for(signing_round: SigningRound, user: User) -> RoundSigner | None:
    """The person among the signers, in the role they act in."""
    found = signing_round.signers.filter(user=user).select_related("organisation", "delegation")
    mine = next((one for one in found if is_theirs(one, user)), None)
    if mine is not None:
        mine.round = signing_round
    return mine


def is_theirs(signer: RoundSigner, user: User) -> bool:
    """Whether the person is this signer, in the role they act in."""
    if signer.user_id != user.pk:
        return False
    if signer.party == Party.CPTS:
        return user.acting is None
    acting = user.acting
    return acting is not None and signer.organisation_id in {
        acting.organisation_id,
        acting.organisation.parent_id,
    }


def power_problems(signer: RoundSigner, on: date) -> list[str]:
    """Why the signer may not sign on a day; on the last day of a delegation they still may."""
    found = []
    if signer.valid_from and on < signer.valid_from:
        found.append(
            f"Le pouvoir de signer de {signer.name} commence le {day(signer.valid_from)} : "
            f"rien ne peut être signé avant. L’acte : {signer.power}."
        )
    if signer.valid_to and on > signer.valid_to:
        found.append(ended_power(signer.name, signer.valid_to))
    if signer.delegation and signer.delegation.revoked_at:
        found.append(
            f"La délégation de {signer.name} a été retirée le "
            f"{day(timezone.localdate(signer.delegation.revoked_at))} : un autre signataire est à "
            "désigner."
        )
    return found


def ended_power(name: str, last: date) -> str:
    """That somebody could sign until a day, and what to do."""
    return (
        f"Le pouvoir de signer de {name} a pris fin le {day(last)} : faites renouveler l’acte, ou "
        "désignez un autre signataire."
    )


def needs_second_factor(signer: RoundSigner) -> bool:
    """Agents sign with their second factor; the CPTS, with a code sent by mail."""
    return signer.party != Party.CPTS


def for_whom(signer: RoundSigner) -> str:
    """« CPAM du Tarn », « CPTS du Lauragais »."""
    return signer.organisation.name if signer.organisation else signer.round.contract.title


def on_behalf(signer: RoundSigner) -> str:
    """« de la CPAM du Tarn », « de la CPTS du Lauragais »: after « au nom »."""
    if signer.organisation:
        return of_body(signer.organisation.name)
    return f"de la CPTS {signer.round.contract.title.removeprefix('CPTS ')}"


def tell_next(signing_round: SigningRound) -> None:
    """Call for a mail to those whose turn has come and who were not told yet.

    A provider writes to its own signers.
    """
    if signing_round.provider != PORTAL:
        return
    ask([one for one in awaited(signing_round) if one.told_at is None])


def ask(signers: Sequence[RoundSigner]) -> None:
    """Call for a mail to each of these, in the caller's transaction."""
    for one in signers:
        one.told_at = timezone.now()
        one.told_count += 1
        one.save(update_fields=["told_at", "told_count"])
        publish(
            "contracts.round_ask",
            key=f"{one.pk}:{one.told_count}",
            signer_id=one.pk,
            count=one.told_count,
        )
