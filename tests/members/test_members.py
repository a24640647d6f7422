"""The members of a CPTS: added, changed, gone, told apart from those of another team."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from communities.models import Community
from members import finess, services
from members.models import Member
from tests import factories
from tests.letters import cases
from tests.members import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def community() -> Community:
    return factories.community(name="CPTS du Lac")


def url(community: Community, tail: str = "") -> str:
    return f"/cpts/{community.public_id}/membres/{tail}"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


NURSE = {
    "last_name": "Petit",
    "first_name": "Noé",
    "profession": "60",
    "email": "Noe.Petit@exemple.test",
    "joined_on": "2026-03-02",
}
CENTRE = {
    "structure_name": "Centre de santé du Lac",
    "structure_kind": "cds",
    "last_name": "Roy",
    "first_name": "Ines",
    "function": "directrice",
    "email": "centre@exemple.test",
    "joined_on": "2026-03-02",
}


@given(st.text("0123456789", min_size=8, max_size=8))
def test_one_key_only_makes_a_finess_number_right(digits: str) -> None:
    right = [key for key in "0123456789" if not finess.problem(digits + key)]
    assert [digits + key for key in right] == [making.luhn(digits)]


@pytest.mark.parametrize("number", ["2A0000014", "2B0000020"])
def test_a_corsican_finess_number_is_judged_by_its_shape(number: str) -> None:
    assert finess.problem(number) == ""


@pytest.mark.parametrize("number", ["12", "2C0000014", "12345678A", "1234567890"])
def test_a_finess_number_of_another_shape_is_refused(number: str) -> None:
    assert "compte 9 chiffres" in finess.problem(number)


def test_the_team_adds_a_professional_and_a_structure(community: Community) -> None:
    client = signed_in(community.created_by)

    client.post(url(community, "ajouter/professionnel/"), NURSE)
    client.post(url(community, "ajouter/structure/"), CENTRE)

    assert list(
        community.members.values_list("kind", "last_name", "email", "profession", "structure_kind")
    ) == [
        ("structure", "Roy", "centre@exemple.test", "", "cds"),
        ("professional", "Petit", "noe.petit@exemple.test", "60", ""),
    ]


def test_a_wrong_rpps_is_refused_beside_its_field(community: Community) -> None:
    answer = signed_in(community.created_by).post(
        url(community, "ajouter/professionnel/"), {**NURSE, "rpps": "10000000001"}
    )
    assert answer.status_code == 422
    assert 'href="#id_rpps"' in answer.content.decode()
    assert community.members.count() == 0


def test_an_rpps_is_that_of_one_member(community: Community) -> None:
    number = making.luhn("1000000000")
    making.professional(community, rpps=number)
    answer = signed_in(community.created_by).post(
        url(community, "ajouter/professionnel/"), {**NURSE, "rpps": number}
    )
    assert "a déjà ce numéro RPPS" in answer.content.decode()
    with pytest.raises(IntegrityError, match="member_one_per_rpps"):
        making.professional(community, rpps=number)


def test_one_address_for_two_members_is_asked_about_then_allowed(community: Community) -> None:
    making.professional(community, email="secretariat@exemple.test")
    client = signed_in(community.created_by)
    same = {**NURSE, "email": "secretariat@exemple.test"}

    asked = client.post(url(community, "ajouter/professionnel/"), same)
    assert asked.status_code == 422
    assert "a la même adresse électronique" in asked.content.decode()
    assert community.members.count() == 1

    client.post(url(community, "ajouter/professionnel/"), {**same, "confirmed": "on"})
    assert community.members.filter(email="secretariat@exemple.test").count() == 2


def test_a_person_of_two_cpts_has_a_row_in_each(community: Community) -> None:
    other = factories.community()
    number = making.luhn("1000000000")
    making.professional(community, rpps=number)
    making.professional(other, rpps=number)

    assert Member.objects.visible_to(community.created_by).count() == 1
    assert Member.objects.visible_to(other.created_by).count() == 1


def test_a_departure_is_dated_and_can_be_undone(community: Community) -> None:
    member = making.professional(community)
    client = signed_in(community.created_by)
    today = timezone.localdate()

    late = client.post(
        url(community, f"{member.pk}/depart/"), {"on": (today + timedelta(days=1)).isoformat()}
    )
    assert "est à venir" in late.content.decode()
    client.post(url(community, f"{member.pk}/depart/"), {"on": today.isoformat(), "reason": "x"})
    member.refresh_from_db()
    assert (member.left_on, community.members.current().count()) == (today, 0)

    client.post(url(community, f"{member.pk}/retour/"))
    member.refresh_from_db()
    assert (member.left_on, member.left_reason) == (None, "")


def test_nobody_leaves_before_joining(community: Community) -> None:
    member = making.professional(community)
    with pytest.raises(services.MemberError):
        services.record_departure(
            member,
            on=timezone.localdate() - timedelta(days=1),
            reason="",
            by=community.created_by,
        )


def test_a_member_entered_by_mistake_is_erased(community: Community) -> None:
    member = making.professional(community)
    signed_in(community.created_by).post(url(community, f"{member.pk}/effacer/"))
    assert not community.members.exists()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=ecouen", ["Écouen"]),
        ("q=zoe+ecouen", ["Écouen"]),
        ("nature=cds", ["Zénith"]),
        ("nature=professional&etat=tous", ["Écouen", "Gonzague"]),
        ("etat=partis", ["Gonzague"]),
        ("etat=sans-adresse", ["Zénith"]),
        ("nature=rien&etat=n-importe", ["Écouen", "Zénith"]),
    ],
)
def test_the_list_finds_by_name_nature_and_state(
    community: Community, asked: str, found: list[str]
) -> None:
    making.professional(community, last_name="Écouen", first_name="Zoé")
    making.structure(community, structure_name="Zénith", email="")
    making.professional(community, last_name="Gonzague", left_on=timezone.localdate())
    page = signed_in(community.created_by).get(f"{url(community)}?{asked}").content.decode()
    assert [name for name in ("Écouen", "Zénith", "Gonzague") if name in page] == found


@pytest.mark.parametrize("number", [1, 30])
def test_the_list_costs_the_same_at_any_size(community: Community, number: int) -> None:
    for _ in range(number):
        making.professional(community)
        making.structure(community)
    client = signed_in(community.created_by)
    client.get(url(community))
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url(community)).status_code == 200
    # Session, person, roles, the CPTS, the page, the counts; savepoint and release of the request.
    assert len(queries) <= 8


PAGES = [
    ("", None),
    ("ajouter/professionnel/", None),
    ("ajouter/structure/", None),
    ("ajouter/professionnel/", NURSE),
    ("{member}/", None),
    ("{member}/", NURSE),
    ("{member}/depart/", None),
    ("{member}/depart/", {"on": "2026-01-01"}),
    ("{member}/retour/", {}),
    ("{member}/effacer/", {}),
    ("importer/", None),
    ("importer/", {}),
    ("importer/{import}/", None),
    ("importer/{import}/", {}),
    ("importer/{import}/abandonner/", {}),
    ("importer/{import}/a-corriger.csv", None),
    ("export.csv", None),
    ("export.xlsx", None),
    ("modele.csv", None),
]


def ask(client: Client, community: Community, tail: str, data: dict[str, str] | None) -> int:
    member = community.members.first()
    waiting = community.member_imports.first()
    assert member
    assert waiting
    address = url(community, tail.format(member=member.pk, **{"import": waiting.pk}))
    return (client.get(address) if data is None else client.post(address, data)).status_code


@pytest.fixture
def filled(community: Community) -> Community:
    making.professional(community)
    community.member_imports.create(file_name="m.csv", created_by=community.created_by)
    return community


def test_whoever_is_not_on_the_team_finds_nothing(filled: Community) -> None:
    cases.reference_rows()
    strangers = [
        factories.community().created_by,
        factories.user(is_staff=True, is_superuser=True),
        cases.agent(cases.body("ars", "76")),
    ]
    before = list(Member.objects.values())
    for person in strangers:
        client = signed_in(person)
        assert [ask(client, filled, *page) for page in PAGES] == [404] * len(PAGES)
    assert list(Member.objects.values()) == before


def test_a_reader_reads_and_writes_nothing(filled: Community) -> None:
    client = signed_in(factories.team_member(filled, role="reader").user)
    before = list(Member.objects.values())
    answers = {page: ask(client, filled, page, None) for page in ("", "export.csv", "export.xlsx")}
    assert answers == dict.fromkeys(answers, 200)
    others = [page for page in PAGES if page[0] not in answers]
    assert [ask(client, filled, *page) for page in others] == [403] * len(others)
    assert list(Member.objects.values()) == before


def test_a_visitor_is_asked_to_sign_in(filled: Community) -> None:
    assert [ask(Client(), filled, *page) for page in PAGES] == [302] * len(PAGES)


def test_a_service_refuses_who_may_not(community: Community) -> None:
    member = making.professional(community)
    reader = factories.team_member(community, role="reader").user
    with pytest.raises(PermissionDenied):
        services.erase_member(member, by=reader)


def test_an_unknown_kind_of_member_is_not_a_page(community: Community) -> None:
    assert signed_in(community.created_by).get(url(community, "ajouter/x/")).status_code == 404
