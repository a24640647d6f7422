"""Every address of members and signatures, by everybody: 404 outside, 403 without the role."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from members import urls as member_urls
from signatures import campaigns, paper, signing_urls
from signatures import urls as campaign_urls
from signatures.models import Campaign, PaperPage, Signature
from tests import factories
from tests.letters import cases
from tests.signatures import signing
from tests.signatures.test_paper import blank

pytestmark = pytest.mark.django_db

# Those of the whole CPTS; the others name a campaign, then a member, a page or a file of it.
OF_THE_CPTS = {"list": "GET", "prepare": "GET"}
OF_A_CAMPAIGN = {
    "campaign": "GET", "document": "GET", "register": "GET", "open": "POST", "discard": "POST",
    "move-closing": "GET", "close": "GET", "cancel": "GET", "remind-all": "POST",
    "invite": "POST", "paper": "GET", "ask-sheets": "POST", "confirm-pages": "POST",
}  # fmt: skip
OF_A_MEMBER = {
    "invitation": "GET", "remind": "POST", "address": "GET", "postpone": "GET", "stop": "GET",
    "replace": "GET", "delegate": "GET", "act": "GET", "sheet": "GET",
}  # fmt: skip
OF_A_PAGE = {"page": "GET", "page-image": "GET"}
OF_A_FILE = {"sheets": "GET"}
# What a reader of the team may open; an office opens those of OFFICE.
READER = {"list", "campaign", "document", "invitation"}
OFFICE = {"campaign", "document"}
# Whose row is not there: nothing to read yet for anybody.
ABSENT = {"register", "act"}


@pytest.fixture
def campaign() -> Campaign:
    made = signing.opened()
    by = made.case.created_by
    paper.receive_scans(made, [SimpleUploadedFile("b.png", blank())], by=by)
    paper.ask_for_sheets(made, by=by)
    return made


def ask_all(campaign: Campaign, client: Client) -> dict[str, int]:
    community, of = campaign.community.public_id, campaign.public_id
    one = signing.first(campaign)
    page = PaperPage.objects.get(campaign=campaign)
    groups = (
        (OF_THE_CPTS, [community]),
        (OF_A_CAMPAIGN, [community, of]),
        (OF_A_MEMBER, [community, of, one.pk]),
        (OF_A_PAGE, [community, of, page.pk]),
        (OF_A_FILE, [community, of, campaign.sheets.get().pk]),
    )
    found = {}
    for names, args in groups:
        for name, method in names.items():
            more = ["complet"] if name == "register" else []
            url = reverse(f"signatures:{name}", args=[*args, *more])
            response = client.get(url) if method == "GET" else client.post(url)
            found[name] = response.status_code
            b"".join(response)
    return found


def test_every_address_of_a_campaign_is_asked_for_here() -> None:
    asked = {*OF_THE_CPTS, *OF_A_CAMPAIGN, *OF_A_MEMBER, *OF_A_PAGE, *OF_A_FILE}
    assert asked == {pattern.name for pattern in campaign_urls.urlpatterns}
    # Those of members are in tests/members/test_members.py, those of signers below.
    assert len(member_urls.urlpatterns) == 12
    assert {pattern.name for pattern in signing_urls.urlpatterns} == {
        "page", "document", "code", "answer", "not-me"}  # fmt: skip


STRANGERS: dict[str, Callable[[Campaign], User]] = {
    "someone without a CPTS": lambda _: factories.user(),
    "owner of another CPTS": lambda _: factories.community().created_by,
    "office of another région": lambda _: cases.agent(cases.body("ars_branch", "32", "59")),
    "administrator": lambda _: factories.user(is_staff=True, is_superuser=True),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_a_stranger_finds_nothing(campaign: Campaign, who: str) -> None:
    found = ask_all(campaign, signing.signed_in(STRANGERS[who](campaign)))
    assert found == dict.fromkeys(found, 404)


def test_a_visitor_is_asked_to_sign_in(campaign: Campaign) -> None:
    found = ask_all(campaign, Client())
    assert found == dict.fromkeys(found, 302)


def test_a_reader_reads(campaign: Campaign) -> None:
    reader = factories.team_member(campaign.community, role="reader").user
    found = ask_all(campaign, signing.signed_in(reader))
    assert {name for name, status in found.items() if status == 200} == READER
    assert {name for name, status in found.items() if status == 404} == ABSENT
    assert {found[name] for name in found if name not in READER | ABSENT} == {403}


def test_an_office_reads_the_answers(campaign: Campaign) -> None:
    agent = cases.agent(cases.body("one_stop_desk", "76"))
    found = ask_all(campaign, signing.signed_in(agent))
    assert {name for name, status in found.items() if status == 200} == OFFICE
    assert {found[name] for name in found if name not in OFFICE} <= {403, 404}


def test_rows_of_another_campaign_are_not_reached_through_mine(campaign: Campaign) -> None:
    mine = signing.opened()
    client = signing.signed_in(mine.case.created_by)
    other, page = signing.first(campaign), PaperPage.objects.get(campaign=campaign)
    tails = [
        f"membres/{other.pk}/",
        f"membres/{other.pk}/adresse/",
        f"papier/{page.pk}/",
        f"papier/{page.pk}/image.png",
        f"papier/feuilles/{campaign.sheets.get().pk}.pdf",
    ]
    assert [client.get(signing.url(mine, tail)).status_code for tail in tails] == [404] * 5
    stolen = f"/cpts/{mine.community.public_id}/signatures/{campaign.public_id}/"
    assert client.get(stolen).status_code == 404
    client.post(signing.url(mine, "papier/confirmer/"), {"pages": [page.pk]})
    assert Signature.objects.count() == 0


def test_a_signed_in_signer_still_signs_for_the_member_only(campaign: Campaign) -> None:
    # A member of the team who opens the link of another signs nothing without the code.
    client = signing.signed_in(campaign.case.created_by)
    path = signing.link(signing.first(campaign))
    assert client.get(path).status_code == 200
    assert signing.sign(client, path, "000000").status_code == 422
    assert Signature.objects.count() == 0


def test_a_campaign_that_ended_refuses_every_action(campaign: Campaign) -> None:
    by = campaign.case.created_by
    campaigns.close_campaign(campaign, by=by)
    client, one = signing.signed_in(by), signing.first(campaign)
    before = list(campaign.invitations.order_by("pk").values())
    for tail in ("relancer/", "inviter/", f"membres/{one.pk}/relancer/", "annuler/", "ouvrir/"):
        client.post(signing.url(campaign, tail))
    client.post(signing.url(campaign, f"membres/{one.pk}/adresse/"), {"email": "x@exemple.test"})
    client.post(signing.url(campaign, f"membres/{one.pk}/arreter/"), {"reason": "x"})
    assert list(campaign.invitations.order_by("pk").values()) == before
