"""A yearly dialogue for tests, brought as far as wanted by those whose turn it is."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from contracts.dialogue import agreeing, declaring, dialogues, minutes, reviewing
from contracts.dialogue.agreeing import Agreed
from contracts.dialogue.minutes import Signer
from contracts.dialogue.reviewing import Reviewed
from contracts.models import Contract, DialogueLine, YearlyDialogue
from contracts.versions import last_version
from tests.contracts import sealing, signed

OPENS = date(2026, 5, 2)
YEAR = 3


@dataclass
class Table:
    """A dialogue and the people around it."""

    dialogue: YearlyDialogue
    lead: User
    fund: User
    agency: User

    @property
    def contract(self) -> Contract:
        return self.dialogue.contract

    def line(self, key: str) -> DialogueLine:
        return self.dialogue.lines.get(key=key)

    def declare(self, value: str = "1", *, submit: bool = True) -> None:
        """Every indicator at this value, each with a proof; one nature of expense."""
        for line in self.dialogue.lines.all():
            proof = SimpleUploadedFile("bilan.csv", b"Action;Nombre\nAtelier;2")
            declaring.declare(line, value=Decimal(value), comment="", by=self.lead, proof=proof)
        declaring.declare_spending(
            self.dialogue, {"salaries": Decimal("52000.50")}, "Une bonne année.", by=self.lead
        )
        if submit:
            declaring.submit(self.dialogue, by=self.lead)

    def review(self, contested: str = "") -> None:
        """Both accept all, but the fund contests the line of this key."""
        for user in (self.fund, self.agency):
            said = {
                line.pk: Reviewed("contested", Decimal(0), "La preuve est d’une autre année.")
                if line.key == contested and user is self.fund
                else Reviewed("accepted")
                for line in self.dialogue.lines.all()
            }
            reviewing.review(self.dialogue, said, by=user, finish=True)

    def propose(self) -> None:
        """What is not settled by the rule is agreed at a half."""
        agreed = {
            line.pk: Agreed(Decimal(1), Decimal("0.5"), "À mi-chemin.")
            for line in self.dialogue.lines.all()
            if line.agreed_rate is None
        }
        agreeing.conclude(self.dialogue, agreed, by=self.agency, finish=True)

    def agree(self) -> None:
        for user in (self.lead, self.fund, self.agency):
            minutes.agree(self.dialogue, self.signer(user), by=user)

    def signer(self, user: User) -> Signer:
        if user is self.lead:
            return Signer("Dominique Martin", "president@exemple.test", "Présidente")
        return Signer(str(user), user.email, "Directeur", user)


def table(contract: Contract | None = None) -> Table:
    """The dialogue of the third year of a contract, just opened."""
    contract = contract or signed.contract()
    assert contract.cpam
    dialogues.open_due(today=OPENS)
    fund, agency = signed.agent(contract.cpam), signed.agent(contract.ars)
    for one in (fund, agency):
        sealing.equip(one)
    dialogue = YearlyDialogue.objects.select_related("contract__community").get(
        contract=contract, year=YEAR
    )
    return Table(dialogue, contract.community.created_by, fund, agency)


def says(contract: Contract, **terms: object) -> None:
    """Let the version in force of a contract say this."""
    version = last_version(contract)
    assert version
    version.terms = version.terms | terms
    version.save(update_fields=["terms"])
