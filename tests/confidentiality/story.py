"""Two letters in Occitanie, and one person who is lead of the first, reviewer and agent.

Everybody else around them is there too, once each, with a third letter on the same commune as the
second, and a fourth in another region, where two bodies decide together. The letters are asked
about, handed over to the agency, then decided; `tests/confidentiality/secrets.py` says what is
hidden in them, and when.
"""

from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from accounts.models import Membership, Organisation, User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.consultations import close_the_silent
from workflow.services import perform

# The three roles of one person.
LEAD, REVIEWER, AGENT = "lead", "reviewer", "agent"
GUEST = "invitee@exemple.test"


@dataclass
class Person:
    """Somebody in the one role they act in; no membership: in their own name."""

    user: User
    membership: Membership | None = None

    @property
    def acting(self) -> User:
        """The person as the middleware makes them."""
        user = User.objects.get(pk=self.user.pk)
        if self.membership is not None:
            user.acting = Membership.objects.select_related("organisation").get(
                pk=self.membership.pk
            )
        return user

    @property
    def body(self) -> Organisation:
        """The organisation they act for."""
        assert self.membership
        return self.membership.organisation

    def enter(self) -> Client:
        """A browser of this person, who has chosen the role."""
        client = Client()
        client.force_login(self.user)
        chosen = self.membership.pk if self.membership else ""
        # The page that says the role has changed is read too, so that the next one does not.
        client.post("/compte/role/", {"membership": chosen}, follow=True)
        return client


@dataclass
class Story:
    """The letters, the bodies and the people; `secrets` are the words hidden, by name."""

    own: LetterOfIntent
    theirs: LetterOfIntent
    # On the commune of the second, by somebody else; and far away.
    near: LetterOfIntent
    far: LetterOfIntent
    bodies: dict[str, Organisation]
    people: dict[str, Person]
    secrets: dict[str, str] = field(default_factory=dict)

    def who(self, name: str) -> User:
        return self.people[name].acting

    def request(self, letter: LetterOfIntent, body: str) -> Any:
        return asking.request_to(letter, self.bodies[body])

    def hand_over(self) -> None:
        """The Guichet hands both letters over; a body that has not answered has fallen silent."""
        for letter in (self.own, self.theirs):
            asking.overdue(self.request(letter, "Médecins"))
        close_the_silent()
        for letter in (self.own, self.theirs):
            perform(asking.fresh(letter), "transmit", actor=self.who("guichet"))


def tell() -> Story:
    """The story up to the moment the bodies are asked."""
    bodies = {
        name: asking.urps(name, with_members=False)
        for name in ("Médecins", "Infirmiers", "Pharmaciens")
    }
    cases.reference_rows()
    bodies["Comité"] = asking.regional_committee()
    guichet, agency = asking.guichet(), asking.agency()
    someone = factories.user(first_name="Sacha", last_name="Trois-Rôles")

    def person(role: str, body: Organisation, user: User | None = None) -> Person:
        held = factories.membership(user, body, role=role)
        return Person(held.user, held)

    people = {
        LEAD: Person(someone),
        REVIEWER: person("reviewer", bodies["Médecins"], someone),
        AGENT: person("agent", agency, someone),
        "president": person("president", bodies["Médecins"]),
        "nurse": person("reviewer", bodies["Infirmiers"]),
        "nurses' president": person("president", bodies["Infirmiers"]),
        "pharmacist": person("reviewer", bodies["Pharmaciens"]),
        "pharmacists' president": person("president", bodies["Pharmaciens"]),
        "guichet": person("coordinator", guichet),
        "guichet's reviewer": person("reviewer", guichet),
        "agency": person("agent", agency),
        "coordinator": person("coordinator", agency),
        "signatory": person("signatory", agency),
        "secretary": person("secretary", bodies["Comité"]),
        "branch": person("agent", cases.body("ars_branch", "76", "81")),
        "branch elsewhere": person("agent", cases.body("ars_branch", "76", "31")),
        "far agent": person("agent", cases.body("ars_branch", "32", "62")),
        "far signatory": person("signatory", cases.body("ars", "32")),
        "far cpam": person("signatory", cases.body("cpam", "32", "62")),
        "far lead": Person(factories.user()),
        # Invited to a meeting by their address; they see no case.
        "far guest": Person(factories.user(email=GUEST)),
        "owner": Person(factories.user()),
        "outsider": Person(factories.user()),
        "administrator": Person(factories.user(is_staff=True, is_superuser=True)),
    }
    own = asking.deposited_and_asked(owner=someone)
    theirs = asking.deposited_and_asked(communes=("81271",), owner=people["owner"].user)
    near = asking.deposited_and_asked(communes=("81271",), owner=people["outsider"].user)
    far = asking.deposited_and_asked("32", communes=("62041",), owner=people["far lead"].user)
    people["colleague"] = Person(factories.team_member(own.community, role="reader").user)
    return Story(own, theirs, near, far, bodies, people)
