"""The demonstration: one account per role, ready to sign in; letters to look at; nowhere else."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, User
from committees.models import Session
from committees.sessions import quorum
from desks.demo import ACCOUNTS, DRAFT_NAME, PASSWORD
from health_projects.models import HealthProject
from letters.models import LetterOfIntent
from writing.content import missing_before_deposit, read_content
from writing.documents import documents_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def demonstration(settings: Any) -> None:
    settings.DEMO = True
    call_command("load_organisations", stdout=StringIO())
    call_command("load_demo", stdout=StringIO())


def test_every_role_of_the_portal_has_an_account(demonstration: None) -> None:
    roles = set(Membership.objects.values_list("role", flat=True))
    assert roles == set(Membership.Role.values)
    team = LetterOfIntent.objects.get(title=DRAFT_NAME).community.team_members
    assert [(m.user.email, m.role) for m in team.all()] == [
        ("claire.fabre@exemple.test", "owner"),
        ("mathieu.rouquette@exemple.test", "editor"),
        ("paul.cazals@exemple.test", "reader"),
    ]
    assert User.objects.get(is_superuser=True).email == "administration@exemple.test"


def test_each_account_signs_in_with_the_password_and_lands_on_its_desk(
    demonstration: None,
) -> None:
    def desk_of(person: Any) -> str:
        if person.organisation.startswith(("urps-", "comite-", "cpam-")):
            return "/bureau/avis/"
        return "/bureau/" if person.organisation else "/accueil/"

    landed = {}
    for person in ACCOUNTS:
        credentials = {"login": person.email, "password": PASSWORD}
        response = Client().post("/compte/connexion/", credentials, follow=True)
        landed[person.email] = (response.status_code, response.request["PATH_INFO"])
    assert landed == {person.email: (200, desk_of(person)) for person in ACCOUNTS}


def test_the_four_scenarios_are_on_their_desks(demonstration: None, deliver_outbox: Any) -> None:
    year = timezone.localdate().year
    letters = LetterOfIntent.objects.filter(version=1).order_by("title")
    assert [(letter.title, letter.reference, letter.office.code) for letter in letters] == [
        ("CPTS Erdre et Cens", f"LI-52-{year}-0001", "ars-pays-de-la-loire"),
        ("CPTS Noyonnais et Grand Roye", f"LI-32-{year}-0001", "ars-hauts-de-france-60"),
        ("CPTS Tarn Ouest", f"LI-76-{year}-0001", "guichet-cpts-occitanie"),
        ("CPTS du Pays de Lumbres", f"LI-32-{year}-0002", "ars-hauts-de-france-62"),
    ]
    assert [len(documents_of(letter)) for letter in letters] == [0, 0, 0, 0]
    deliver_outbox()
    assert [len(documents_of(letter)) for letter in letters] == [2, 3, 2, 3]


def test_loading_twice_changes_nothing(demonstration: None) -> None:
    def counts() -> tuple[int, int, int]:
        return (
            User.objects.count(),
            Membership.objects.count(),
            LetterOfIntent.objects.count(),
        )

    before = counts()
    call_command("load_demo", stdout=StringIO())
    assert counts() == before


def test_the_draft_is_begun_and_lacks_something(demonstration: None) -> None:
    letter = LetterOfIntent.objects.get(title=DRAFT_NAME)
    content = read_content(letter)
    assert content.territory.commune_count == 7
    assert content.answers["contact_phone"] == "05 63 61 00 00"
    assert missing_before_deposit(content) != []


def test_the_table_of_accounts_names_each_of_them_and_the_password(settings: Any) -> None:
    settings.DEMO = True
    output = StringIO()
    call_command("demo_accounts", stdout=output)
    lines = output.getvalue().splitlines()
    assert len(lines) == len(ACCOUNTS) + 1
    assert all(
        person.title in line and person.email in line
        for person, line in zip(ACCOUNTS, lines, strict=False)
    )
    assert PASSWORD in lines[-1]


@pytest.mark.parametrize("command", ["load_demo", "demo_accounts"])
def test_nothing_of_it_outside_a_demonstration(settings: Any, command: str) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="démonstration"):
        call_command(command, stdout=StringIO())
    assert User.objects.count() == 0


def test_without_the_organisations_the_command_says_what_to_run(settings: Any) -> None:
    settings.DEMO = True
    with pytest.raises(CommandError, match="load_organisations"):
        call_command("load_demo", stdout=StringIO())
    assert User.objects.count() == 0


def test_a_project_of_eight_sheets_and_three_hundred_members_is_ready_to_be_signed(
    demonstration: None,
) -> None:
    project = HealthProject.objects.get()
    members = project.community.members
    assert (project.sheets.count(), members.count()) == (8, 300)
    assert members.values("first_name", "last_name").distinct().count() == 300
    assert [one.sentence for one in missing_before_deposit(read_content(project))] == []


def test_the_committee_has_held_a_session_and_called_the_next_with_the_letter_it_is_asked_about(
    demonstration: None, deliver_outbox: Any
) -> None:
    held, coming = Session.objects.order_by("starts_at")
    assert held.closed_at is not None
    assert held.starts_at < timezone.now() < coming.starts_at
    assert (held.is_open, quorum(held).taking_part, quorum(held).is_reached) == (False, 6, True)
    assert [bool(one.deliberated_at) for one in held.items.all()] == [True, True, False]
    asked = [one.consultation.case.title for one in coming.items.exclude(consultation=None)]
    assert asked == ["CPTS Erdre et Cens"]
    deliver_outbox()
    papers = held.documents.values_list("kind", flat=True)
    assert sorted(papers) == ["convocation", "minutes"]
