"""Who reads which opinion, at each moment: one table, and what two roles of one person leak."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.models import Membership, User
from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.board import communicated_opinions, read_board
from workflow.consultations import close_the_silent
from workflow.models import Consultation, Opinion, Synthesis
from workflow.opinions import send_back, set_communicable, validate_opinion
from workflow.services import perform

pytestmark = pytest.mark.django_db

BODIES = ("Médecins", "Infirmiers", "Pharmaciens")
MOMENTS = ("drafted", "given", "chosen", "transmitted")
# The opinion of the « Médecins », drafted, given, made communicable, then the synthesis leaves;
# the « Infirmiers » have given theirs, the « Pharmaciens » have not.
READS = {
    "reviewer of the body": set(MOMENTS),
    "president of the body": set(MOMENTS),
    "member of the body, elsewhere": set(),
    "body that has given its own": {"transmitted"},
    "body that has not": set(),
    "guichet": {"given", "chosen", "transmitted"},
    "guichet, elsewhere": set(),
    "agency": {"transmitted"},
    "branch informed": {"transmitted"},
    "branch elsewhere": set(),
    "owner": {"transmitted"},
    "reader": {"transmitted"},
    "owner acting for the body": {"transmitted"},
    "owner acting for the guichet": {"transmitted"},
    "owner acting for the agency": {"transmitted"},
    "reader acting for the guichet": {"given", "chosen", "transmitted"},
    "outsider": set(),
    "administrator": set(),
    "anonymous": set(),
}


def people_of(letter: LetterOfIntent, bodies: dict[str, Any]) -> dict[str, Any]:
    body, guichet, agency = bodies["Médecins"], asking.guichet(), asking.agency()

    def also(role: str, organisation: Any, membership_role: str) -> User:
        member = factories.team_member(letter.community, role=role).user
        return asking.acting(factories.membership(member, organisation, role=membership_role))

    return {
        "reviewer of the body": asking.reviewer(body),
        "president of the body": asking.president(body),
        "member of the body, elsewhere": asking.member(body, "reviewer", "31"),
        "body that has given its own": asking.president(bodies["Infirmiers"]),
        "body that has not": asking.president(bodies["Pharmaciens"]),
        "guichet": asking.member(guichet, "reviewer"),
        "guichet, elsewhere": asking.member(guichet, "reviewer", "31"),
        "agency": asking.member(agency, "agent"),
        "branch informed": asking.member(cases.body("ars_branch", "76", "81"), "agent"),
        "branch elsewhere": asking.member(cases.body("ars_branch", "76", "31"), "agent"),
        "owner": letter.created_by,
        "reader": factories.team_member(letter.community, role="reader").user,
        "owner acting for the body": also("owner", body, "reviewer"),
        "owner acting for the guichet": also("owner", guichet, "reviewer"),
        "owner acting for the agency": also("owner", agency, "agent"),
        "reader acting for the guichet": also("reader", guichet, "coordinator"),
        "outsider": factories.user(),
        "administrator": factories.user(is_staff=True, is_superuser=True),
        "anonymous": AnonymousUser(),
    }


def test_each_person_reads_an_opinion_from_the_moment_it_is_for_them_and_no_sooner():
    bodies = {name: asking.urps(name) for name in BODIES}
    letter = asking.deposited_and_asked()
    asking.give(letter, bodies["Infirmiers"])
    request = asking.request_to(letter, bodies["Médecins"])
    opinion = asking.draft(letter, bodies["Médecins"])
    people = people_of(letter, bodies)
    reads: dict[str, set[str]] = {role: set() for role in people}

    def note(moment: str) -> None:
        for role, person in people.items():
            if Opinion.objects.visible_to(person).filter(pk=opinion.pk).exists():
                reads[role].add(moment)

    note("drafted")
    validate_opinion(request, user=people["president of the body"], revision=1)
    note("given")
    set_communicable(opinion, user=asking.coordinator(), communicable=True)
    note("chosen")
    asking.overdue(asking.request_to(letter, bodies["Pharmaciens"]))
    close_the_silent()
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    note("transmitted")
    assert reads == READS


def test_what_was_not_chosen_never_reaches_the_team_nor_another_body():
    bodies = {name: asking.urps(name) for name in BODIES}
    letter = asking.deposited_and_asked()
    for body in bodies.values():
        asking.give(letter, body)
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    counts = {
        role: Opinion.objects.visible_to(person).count()
        for role, person in people_of(letter, bodies).items()
    }
    assert counts == dict.fromkeys(READS, 0) | {
        "reviewer of the body": 1,
        "president of the body": 1,
        "body that has given its own": 1,
        "body that has not": 1,
        "guichet": 3,
        "reader acting for the guichet": 3,
        "agency": 3,
        "branch informed": 3,
    }
    assert communicated_opinions(letter, letter.created_by) == {}


def test_the_team_reads_what_was_communicated_by_body_and_nothing_of_its_making():
    body, other = asking.urps("Médecins"), asking.urps("Infirmiers")
    letter = asking.deposited_and_asked()
    for one in (body, other):
        asking.give(letter, one)
    opinion = Opinion.objects.get(consultation__body=body)
    set_communicable(opinion, user=asking.coordinator(), communicable=True)
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    assert communicated_opinions(letter, letter.created_by) == {body.name: opinion}
    assert read_board(letter, letter.created_by) == []


def test_the_synthesis_is_for_the_office_then_for_the_agencies():
    bodies = {name: asking.urps(name) for name in BODIES}
    letter = asking.deposited_and_asked()
    people = people_of(letter, bodies)
    asking.write_synthesis(letter)

    def readers() -> set[str]:
        return {
            role
            for role, person in people.items()
            if Synthesis.objects.visible_to(person).filter(case=letter).exists()
        }

    office = {"guichet", "reader acting for the guichet"}
    assert readers() == office
    for body in bodies.values():
        asking.give(letter, body)
    perform(letter, "transmit", actor=asking.coordinator())
    assert readers() == office | {"agency", "branch informed"}


def test_each_person_sees_the_requests_made_to_their_body_or_that_they_follow():
    bodies = {name: asking.urps(name) for name in BODIES}
    letter = asking.deposited_and_asked()
    people = people_of(letter, bodies)
    counts = {
        role: Consultation.objects.visible_to(person).filter(case=letter).count()
        for role, person in people.items()
    }
    assert counts == dict.fromkeys(READS, 0) | {
        "reviewer of the body": 1,
        "president of the body": 1,
        "body that has given its own": 1,
        "body that has not": 1,
        "guichet": 3,
        "reader acting for the guichet": 3,
        "agency": 3,
        "branch informed": 3,
    }


def test_a_person_with_three_roles_reads_in_each_what_it_gives_and_nothing_of_the_others():
    """A lead who is also a reviewer of an URPS and an agent of the ARS."""
    body, other = asking.urps("Médecins"), asking.urps("Infirmiers")
    person = factories.user()
    own = asking.deposited_and_asked(owner=person)
    theirs = asking.deposited_and_asked()
    roles = {
        "lead": None,
        "reviewer": factories.membership(person, body, role="reviewer"),
        "agent": factories.membership(person, asking.agency(), role="agent"),
    }
    for letter in (own, theirs):
        for one in (body, other):
            asking.give_as_president(letter, one)
        asking.write_synthesis(letter)
        perform(letter, "transmit", actor=asking.coordinator())

    def reads(membership: Membership | None) -> dict[str, set[str]]:
        user = User.objects.get(pk=person.pk)
        user.acting = membership
        return {
            name: set(
                Opinion.objects.visible_to(user)
                .filter(consultation__case=letter)
                .values_list("consultation__body__name", flat=True)
            )
            for name, letter in (("own", own), ("theirs", theirs))
        }

    assert {name: reads(membership) for name, membership in roles.items()} == {
        "lead": {"own": set(), "theirs": set()},
        "reviewer": {"own": set(), "theirs": {body.name}},
        "agent": {"own": set(), "theirs": {body.name, other.name}},
    }


def test_what_goes_on_inside_a_body_is_not_shown_to_the_office():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    drafted = asking.draft(letter, body)
    request = asking.request_to(letter, body)
    send_back(
        request, user=asking.president(body), revision=drafted.revision, comment="Trop sévère."
    )
    shown = {
        name: [
            (
                row.stage,
                row.opinion is not None,
                [log.action for log in row.logs],
                sorted({notice.kind for notice in row.notices}),
            )
            for row in read_board(letter, user)
        ]
        for name, user in {
            "body": asking.reviewer(body),
            "office": asking.coordinator(),
            "agency": asking.member(asking.agency(), "agent"),
        }.items()
    }
    assert shown == {
        "body": [
            (
                "Rédigé",
                True,
                ["requested", "submitted", "sent_back"],
                ["request", "sent_back", "to_validate"],
            )
        ],
        "office": [("À rendre", False, ["requested"], ["request"])],
        "agency": [("À rendre", False, [], [])],
    }


@pytest.mark.parametrize("count", [1, 10])
def test_ten_opinions_are_read_in_as_few_queries_as_one(count, django_assert_num_queries):
    for number in range(count):
        asking.urps(f"n° {number}")
    letter = asking.deposited_and_asked()
    for consultation in letter.consultations.select_related("body"):
        asking.give(letter, consultation.body)
    coordinator = asking.coordinator()
    # The case; its requests, opinions, log, messages, declarations.
    with django_assert_num_queries(1 + 5):
        case = LetterOfIntent.objects.visible_to(coordinator).get(pk=letter.pk)
        rows = read_board(case, coordinator)
        said = [
            (row.consultation.body.name, str(row.opinion.validated_by), row.stage)
            for row in rows
            if row.opinion
        ]
        messages = [notice.result for row in rows for notice in row.notices]
        actors = [str(log.actor) for row in rows for log in row.logs]
    assert (len(said), len(messages), len(actors)) == (count, 2 * count, 2 * count)
