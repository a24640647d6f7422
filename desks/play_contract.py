"""A contract played by its three parties, from its shared draft to its amendments.

Each step calls the service that a page calls, as the person who would press the button.
"""

import re
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts import second_factor
from accounts.models import SecondFactor, User
from communities.models import Community
from contracts.dialogue import agreeing, declaring, dialogues, minutes, reviewing
from contracts.dialogue.agreeing import Agreed
from contracts.dialogue.minutes import Signer
from contracts.dialogue.reviewing import Reviewed
from contracts.drafts import concluding
from contracts.funding import balances, payments, totals
from contracts.models import Contract, RoundSigner, SigningRound, YearlyDialogue
from contracts.signing import answers, signers
from cpts_portal.words import euros
from desks.demo_contracts import (
    Parties,
    fill_in,
    freeze,
    open_draft,
    parties,
    recognised,
)
from desks.play import Play, PlayError
from desks.play_amendments import OTHERS, AmendmentsPlay
from outbox.models import Mail
from procedures.rates import Share
from signatures.codes import Seen

# How long before today the contract begins: its first year is over when its dialogue is held.
LONG_AGO: Final = timedelta(days=400)
# Two communes of the Tarn of 93 795 inhabitants: the third size.
_COMMUNES: Final = ("81004", "81065")
_NAME: Final = "CPTS du contrat joué"
_YEAR: Final = Decimal(397_500)


class ContractPlay:
    """The story of one contract, told by the same `Play` as the letters."""

    def __init__(self, play: Play, *, others: int = OTHERS) -> None:
        self.play = play
        self.others = others
        # By account: what signs when the application has no code left for these thirty seconds.
        self.recovery_codes: dict[int, list[str]] = {}

    def live(self) -> Contract:
        """Negotiated, signed by three, paid; its first year closed; its class and rates amended."""
        people = parties()
        for agent in (people.agency, people.fund):
            self.recovery_codes[agent.pk] = self.take_recovery_codes(agent)
        with self.play.scene("Contrat : du projet partagé à la dernière signature"):
            contract = self.negotiate(people)
            self.sign(contract, people)
            contract = self.check(contract)
        with self.play.scene("Contrat : les paiements de la première année"):
            self.pay(contract, people)
        with self.play.scene("Contrat : le dialogue annuel, jusqu’au compte rendu signé"):
            self.review_the_year(contract, people)
        AmendmentsPlay(self.play, people, self.sign_all, self.others).amend(contract)
        self.play.letters.append(contract)
        return contract

    # --- Drawing it up ----------------------------------------------------------------

    def negotiate(self, people: Parties) -> Contract:
        same = Community.objects.filter(name__startswith=_NAME).count()
        name = f"{_NAME} ({same + 1})" if same else _NAME
        contract, draft = open_draft(recognised(name, _COMMUNES, people), people)
        self.play.tell(people.lead, "ouvre le projet de contrat, que les trois parties lisent.")
        draft = fill_in(draft, people, timezone.localdate() - LONG_AGO, size="T3")
        self.play.tell(people.lead, "choisit les six missions, les dates et les signataires.")
        freeze(contract, draft, people)
        self.play.tell(people.lead, "fige la version sur laquelle les trois sont d’accord.")
        self.play.deliver()
        return contract

    def sign(self, contract: Contract, people: Parties) -> None:
        found = concluding.rounds_of(contract)
        if not found:
            raise PlayError("Le contrat figé n’a pas de signature ouverte.")
        self.sign_all(found[0], people)
        self.play.deliver()

    def sign_all(self, opened: SigningRound, people: Parties) -> None:
        """Every signer signs what is before them, each with the code that is theirs."""
        acting = {one.pk: one for one in people.everyone}
        for signer in opened.signers.select_related("user", "organisation", "round"):
            by = acting.get(signer.user_id or 0)
            if by is None:
                raise PlayError(f"{signer.name} n’est pas de la distribution.")
            answers.sign(signer, code=self.code_of(signer, by), seen=Seen(ip=""), by=by)
            self.play.tell(by, f"signe « {opened.title} ».")

    def code_of(self, signer: RoundSigner, by: User) -> str:
        """That of their application for an agent; that of their mail for the CPTS."""
        if signers.needs_second_factor(signer):
            factor = SecondFactor.objects.get(user=by)
            # A code serves once: who signs twice in thirty seconds types the next one, then one
            # of those kept on paper.
            if factor.last_step > second_factor.step_now():
                return self.recovery_codes[by.pk].pop()
            return self.next_code(factor)
        answers.send_code(signer)
        mail = Mail.objects.filter(recipient=signer.email).latest("pk")
        found = re.search(r"(\d{3}\s\d{3})", mail.text_body)
        if found is None:
            raise PlayError("Le code de signature n’est pas dans le courriel.")
        return found[1]

    def next_code(self, factor: SecondFactor) -> str:
        step = max(second_factor.step_now(), factor.last_step + 1)
        return second_factor.code_at(factor.user, factor.nonce, step)

    def take_recovery_codes(self, agent: User) -> list[str]:
        factor, _ = SecondFactor.objects.get_or_create(
            user=agent, defaults={"nonce": f"demo-{agent.pk}"}
        )
        # Played a moment ago: its application has no code that has not served.
        while factor.last_step > second_factor.step_now():
            time.sleep(1)
        return second_factor.renew_recovery_codes(agent, self.next_code(factor))

    def check(self, contract: Contract) -> Contract:
        contract = Contract.objects.get(pk=contract.pk)
        first = [line for line in balances.current_lines(contract)[1] if line.year == 1]
        sums = {
            share: sum((line.amount for line in first if line.share == share), totals.ZERO)
            for share in (Share.OPERATING, Share.FIXED, Share.VARIABLE)
        }
        if sum(sums.values(), totals.ZERO) != _YEAR:
            raise PlayError(f"La première année donne {sums}, au lieu de {euros(_YEAR)}.")
        said = " + ".join(euros(one) for one in sums.values())
        self.play.tell(None, f"met le contrat en vigueur : {said} = {euros(_YEAR)} par an.")
        return contract

    # --- Living -----------------------------------------------------------------------

    def pay(self, contract: Contract, people: Parties) -> None:
        account = balances.account_of(contract, on=timezone.localdate())
        payments.record_payment(
            contract,
            paid_on=timezone.localdate(),
            amount=account.left,
            reference=f"JOUE-{contract.pk}",
            by=people.fund,
        )
        self.play.tell(people.fund, f"paie ce qui est échu : {euros(account.left)}.")

    def review_the_year(self, contract: Contract, people: Parties) -> None:
        dialogues.open_due()
        dialogue = YearlyDialogue.objects.get(contract=contract, year=1)
        for line in dialogue.lines.all():
            proof = SimpleUploadedFile("bilan.csv", b"Action;Nombre\nAtelier;2")
            value = Decimal(1)
            declaring.declare(line, value=value, comment="", by=people.lead, proof=proof)
        declaring.declare_spending(
            dialogue, {"salaries": Decimal(52_000)}, "Une première année bien lancée.",
            by=people.lead,
        )  # fmt: skip
        declaring.submit(dialogue, by=people.lead)
        self.play.tell(people.lead, "déclare les résultats, leurs preuves et les dépenses.")
        for user in (people.fund, people.agency):
            accepted = {line.pk: Reviewed("accepted") for line in dialogue.lines.all()}
            reviewing.review(dialogue, accepted, by=user, finish=True)
            self.play.tell(user, "accepte chaque résultat.")
        dialogue.refresh_from_db()
        agreed = {
            line.pk: Agreed(Decimal(1), Decimal("0.5"), "À mi-chemin.")
            for line in dialogue.lines.all()
            if line.agreed_rate is None
        }
        agreeing.conclude(dialogue, agreed, by=people.agency, finish=True)
        self.play.tell(people.agency, "propose les taux retenus.")
        for user, capacity in zip(
            people.everyone, ("Présidente", "Directeur", "Directeur"), strict=True
        ):
            signer = Signer(str(user), user.email, capacity, user)
            minutes.agree(dialogue, signer, by=user)
        self.play.deliver()
        opened = minutes.round_of(dialogue)
        if opened is None:
            raise PlayError("Le compte rendu n’attend aucune signature.")
        self.sign_all(opened, people)
        self.play.deliver()
        dialogue.refresh_from_db()
        if dialogue.state != YearlyDialogue.State.CLOSED:
            raise PlayError("Le dialogue n’est pas clos après la dernière signature.")
        variable = sum(
            (
                line.amount
                for line in balances.current_lines(contract)[1]
                if line.year == 1 and line.share == Share.VARIABLE
            ),
            totals.ZERO,
        )
        self.play.tell(None, f"clôt le dialogue : part variable de l’année, {euros(variable)}.")


CONTRACTS: Final[Mapping[str, Callable[[ContractPlay], Contract]]] = {
    "contrat": ContractPlay.live,
}
