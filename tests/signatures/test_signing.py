"""A member signs in three clicks, by their link and a code sent to their own address."""

from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cpts_portal.logs import masked
from outbox.models import Mail
from outbox.services import deliver_pending
from signatures import campaigns
from signatures import signing as services
from signatures.codes import Seen, browser_family, masked_address, network_of
from signatures.models import Campaign, Invitation, Signature
from tests.signatures import signing
from workflow.models import Snapshot
from workflow.services import ActionRefusedError

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    return signing.opened()


def test_every_member_receives_one_personal_link(campaign: Campaign) -> None:
    deliver_pending()
    mails = {mail.recipient: mail for mail in Mail.objects.filter(text_body__contains="/signer/")}
    assert set(mails) == {one.email for one in campaign.invitations.all()}
    links = {signing.link(one) for one in campaign.invitations.all()}
    assert len(links) == 3


def test_the_secret_of_a_link_is_not_in_the_database(campaign: Campaign) -> None:
    one = signing.first(campaign)
    token = signing.link(one).split("/")[2]
    stored = Invitation.objects.filter(pk=one.pk).values()[0]
    assert token not in {str(value) for value in stored.values()}


def test_three_clicks_sign_what_was_frozen(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client(headers={"user-agent": "Firefox/1 Android"})
    path = signing.link(one)

    page = client.get(path).content.decode()
    assert one.member.person in page
    assert client.get(f"{path}document.pdf").content.startswith(b"%PDF")
    assert signing.ask_code(client, path).headers["Location"] == f"{path}signer/"
    assert signing.sign(client, path, signing.code(one)).headers["Location"] == path

    assert "C’est signé" in client.get(path).content.decode()
    row = Signature.objects.get()
    assert (row.member_id, row.name, row.method) == (one.member_id, one.member.person, "email_code")
    assert row.snapshot_sha256 == campaign.snapshot.sha256
    assert row.document_sha256 == campaign.document.document.sha256
    assert row.evidence["browser"] == "Firefox, Android"
    assert row.evidence["network"] == "127.0.0.0/24"
    assert one.email not in str(row.evidence)


def test_a_page_of_a_signer_names_no_other_member(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    pages = [client.get(path), signing.ask_code(client, path), client.get(f"{path}signer/")]
    said = " ".join(page.content.decode() for page in pages)
    for other in signing.members_of(campaign):
        if other.pk != one.member_id:
            assert [word for word in (other.person, other.email, other.structure_name) if word
                    and word in said] == []  # fmt: skip
    assert one.email not in said
    assert client.get(signing.url(campaign)).status_code == 302


def test_a_code_goes_to_the_members_address_whoever_holds_the_link(campaign: Campaign) -> None:
    one = signing.first(campaign)
    signing.ask_code(Client(), signing.link(one))
    assert [
        mail.recipient for mail in Mail.objects.filter(subject__contains="code pour signer")
    ] == [one.email]


def test_a_code_tried_a_hundred_times_signs_nothing(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    signing.ask_code(client, path)
    right = signing.code(one)
    wrong = f"{(int(right.replace(' ', '')) + 1) % 10**6:06d}"
    said = [signing.sign(client, path, wrong).content.decode() for _ in range(100)]
    assert "Il vous reste 4 essais" in said[0]
    assert "il ne sert plus" in said[4]
    # The right code is dead too.
    assert signing.sign(client, path, right).status_code == 422
    assert Signature.objects.count() == 0


def test_wrong_codes_from_one_network_are_limited(campaign: Campaign) -> None:
    seen = Seen(ip="203.0.113.7")
    ones = list(campaign.invitations.all())
    for turn in range(20):
        for one in ones:
            Invitation.objects.update(code_sent_at=None, codes_sent=0)
            if turn % 5 == 0:
                services.send_code(one)
            with pytest.raises(services.WrongCodeError):
                services.sign(one, code="", seen=seen)
    services.send_code(ones[0])
    with pytest.raises(services.WrongCodeError, match="depuis ce réseau"):
        services.sign(ones[0], code=signing.code(ones[0]), seen=seen)
    services.sign(ones[0], code=signing.code(ones[0]), seen=Seen(ip="198.51.100.1"))


def test_a_code_serves_ten_minutes(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    signing.ask_code(client, path)
    Invitation.objects.update(code_expires_at=timezone.now() - timedelta(seconds=1))
    answer = signing.sign(client, path, signing.code(one))
    assert "n’est plus valable" in answer.content.decode()


def test_codes_are_not_sent_without_end(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    assert signing.ask_code(client, path).status_code == 302
    assert signing.ask_code(client, path).status_code == 429
    for _ in range(9):
        Invitation.objects.update(code_sent_at=None)
        assert signing.ask_code(client, path).status_code == 302
    Invitation.objects.update(code_sent_at=None)
    assert "codes vous ont déjà été envoyés" in signing.ask_code(client, path).content.decode()


def test_a_code_of_one_member_signs_for_nobody_else(campaign: Campaign) -> None:
    one, other = campaign.invitations.order_by("pk")[:2]
    client = Client()
    signing.ask_code(client, signing.link(one))
    signing.ask_code(client, signing.link(other))
    assert signing.sign(client, signing.link(other), signing.code(one)).status_code == 422


def test_two_members_of_one_address_each_sign_in_their_name() -> None:
    campaign = signing.draft()
    campaign.community.members.update(email="secretariat@exemple.test")
    campaigns.open_campaign(campaign, by=campaign.case.created_by)
    deliver_pending()
    assert Mail.objects.filter(recipient="secretariat@exemple.test").count() == 3
    names = {
        Mail.objects.get(pk=one.last_mail_id).text_body.splitlines()[0]
        for one in campaign.invitations.all()
    }
    assert len(names) == 3


def test_a_second_press_changes_nothing(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    signing.ask_code(client, path)
    typed = signing.code(one)
    signing.sign(client, path, typed)
    assert signing.sign(client, path, typed).headers["Location"] == path
    assert Signature.objects.count() == 1


def test_a_member_declines_with_a_reason_then_signs(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    signing.ask_code(client, path)
    typed = signing.code(one)
    silent = client.post(f"{path}signer/", {"code": typed, "answer": "decline"})
    assert 'href="#id_reason"' in silent.content.decode()
    said = client.post(
        f"{path}signer/", {"code": typed, "answer": "decline", "reason": "Trop loin."}
    )
    assert "Votre refus est noté" in said.content.decode()
    one.refresh_from_db()
    assert (one.state, one.decline_reason) == ("declined", "Trop loin.")

    Invitation.objects.update(code_sent_at=None)
    signing.member_signs(one)
    one.refresh_from_db()
    assert (one.state, one.decline_reason) == ("signed", "")


def test_this_is_not_me_is_told_and_stops_reminders(campaign: Campaign) -> None:
    one = signing.first(campaign)
    page = Client().post(f"{signing.link(one)}pas-moi/").content.decode()
    assert "Merci" in page
    Invitation.objects.update(told_at=None)
    assert one.pk not in {other.pk for other in campaigns.remindable(campaign)}
    assert Signature.objects.count() == 0


def test_nothing_is_signed_once_closed_by_any_way(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    signing.ask_code(client, path)
    typed = signing.code(one)
    campaigns.close_campaign(campaign, by=campaign.case.created_by)

    assert client.get(path).status_code == 410
    assert "sont closes" in signing.sign(client, path, typed).content.decode()
    with pytest.raises(IntegrityError, match="signature_campaign_open"), transaction.atomic():
        Signature.objects.create(
            campaign=campaign, member=one.member, name="X", capacity="", what="",
            snapshot_sha256="0" * 64, document_sha256="0" * 64, method="email_code",
        )  # fmt: skip
    assert Signature.objects.count() == 0


def test_the_last_day_belongs_to_the_signer_and_the_next_does_not(campaign: Campaign) -> None:
    one = signing.first(campaign)
    Campaign.objects.update(closes_on=timezone.localdate())
    services.send_code(one)
    Campaign.objects.update(closes_on=timezone.localdate() - timedelta(days=1))
    with pytest.raises(ActionRefusedError, match="sont closes"):
        services.sign(one, code=signing.code(one), seen=Seen())


def test_an_old_link_shows_what_changed_and_signs_nothing(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    path = signing.link(one)
    signing.ask_code(client, path)
    typed = signing.code(one)
    before = campaign.snapshot
    field = before.content["sections"][0]["fields"][0]
    content = {
        **before.content,
        "sections": [{"title": "Équipe", "fields": [
            {**field, "display": {"lines": ["Une autre réponse"]}}]}],
    }  # fmt: skip
    Snapshot.objects.create(
        case=campaign.case, version=2, content=content, sha256="a" * 64,
        created_by=campaign.created_by,
    )  # fmt: skip

    page = client.get(path)
    assert page.status_code == 410
    assert "Ce document a changé" in page.content.decode()
    assert "<ins>autre</ins>" in page.content.decode()
    assert "a changé" in signing.sign(client, path, typed).content.decode()
    assert Signature.objects.count() == 0


@pytest.mark.parametrize("write", ["UPDATE signatures_signature SET name = 'X'",
                                   "DELETE FROM signatures_signature"])  # fmt: skip
def test_a_signature_never_changes_whoever_writes(campaign: Campaign, write: str) -> None:
    signing.member_signs(signing.first(campaign))
    with (
        pytest.raises(IntegrityError, match="signature_written_once"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(write)


def test_a_false_link_opens_nothing(campaign: Campaign) -> None:
    for tail in ("", "document.pdf", "signer/"):
        assert Client().get(f"/signer/{'x' * 43}/{tail}").status_code == 404
    for tail in ("code/", "pas-moi/", "signer/"):
        assert Client().post(f"/signer/{'x' * 43}/{tail}").status_code == 404


def test_the_secret_of_a_link_stays_out_of_the_logs() -> None:
    assert masked("GET /signer/abc-DEF_1/code/ 200") == "GET /signer/…/code/ 200"


@pytest.mark.parametrize(
    ("email", "said"),
    [("claire.fabre@exemple.fr", "c…e@exemple.fr"), ("ab@x.fr", "a…@x.fr"), ("", "")],
)
def test_an_address_is_masked(email: str, said: str) -> None:
    assert masked_address(email) == said


@given(st.ip_addresses())
def test_a_network_never_gives_the_whole_address(address: IPv4Address | IPv6Address) -> None:
    network = ip_network(network_of(str(address)))
    assert address in network
    assert network.num_addresses >= 256


def test_a_browser_is_told_without_its_version() -> None:
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0) Version/17.0 Mobile Safari/604.1"
    assert browser_family(agent) == "Safari, iOS"


def test_a_signer_without_cookies_is_told_so(campaign: Campaign) -> None:
    path = signing.link(signing.first(campaign))
    assert Client(enforce_csrf_checks=True).post(f"{path}code/").status_code == 403
