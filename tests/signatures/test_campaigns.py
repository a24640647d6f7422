"""A campaign from its preparation to its register: who may, what it costs, what it tells."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pypdf
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cpts_portal.memo import Brief
from documents.services import issue_document
from letters.writing import LETTER
from members import services as members
from members.models import Member
from notifications.models import Notification
from outbox.models import Mail
from outbox.services import deliver_pending
from signatures import board, campaigns, reminders
from signatures.costs import COSTS, Change, ChangeKind, Scope, cost_of
from signatures.counting import MANY, Counted, counted
from signatures.models import Campaign, Invitation, Signature
from signatures.register import register_of, registers_of
from signatures.signing import Seen, record_paper_signature, send_code, sign
from signatures.tasks import follow_campaigns
from tests import factories
from tests.letters import cases
from tests.members import making
from tests.signatures import signing
from workflow.models import CaseDocument, Snapshot
from workflow.official import read_document
from workflow.services import ActionRefusedError, AlreadyDoneError

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.4\n%%EOF\n"


@pytest.fixture
def campaign() -> Campaign:
    return signing.opened()


# --- The cost of a change -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "again"),
    [
        (ChangeKind.CONTACT, set()),
        (ChangeKind.LAYOUT, set()),
        (ChangeKind.MEMBER_ADDED, {2}),
        (ChangeKind.MEMBER_LEFT, set()),
        (ChangeKind.SHEET_ADDED, {2}),
        (ChangeKind.SHEET_CHANGED, {2}),
        (ChangeKind.SHEET_REMOVED, {2}),
        (ChangeKind.TERRITORY, {1, 2, 3}),
        (ChangeKind.GOVERNANCE, {1, 2, 3}),
        (ChangeKind.LEGAL_ENTITY, {1, 2, 3}),
        (ChangeKind.FRAMEWORK, {1, 2, 3}),
        (ChangeKind.CONTENT, {1, 2, 3}),
    ],
)
def test_what_each_change_costs_those_who_had_signed(kind: ChangeKind, again: set[int]) -> None:
    # Member 9 is named by the change but had not signed.
    cost = cost_of([Change(kind, "Un changement", frozenset({2, 9}))], [1, 2, 3])
    assert (cost.again, cost.kept) == (again, {1, 2, 3} - again)


def test_every_nature_of_change_is_in_the_table() -> None:
    assert set(COSTS) == set(ChangeKind)


def test_several_changes_add_up_and_are_said() -> None:
    cost = cost_of(
        [
            Change(ChangeKind.CONTACT, "Adresse de Zoé Roy"),
            Change(ChangeKind.SHEET_ADDED, "Fiche des soins", frozenset({1})),
        ],
        [1, 2, 3],
    )
    assert [(line.label[:5], line.who) for line in cost.lines] == [
        ("Adres", "personne"),
        ("Fiche", "1 membre"),
    ]
    assert cost.sentence == "1 signature à redemander, 2 gardées."


@given(
    st.lists(st.tuples(st.sampled_from(ChangeKind), st.frozensets(st.integers(1, 20)))),
    st.frozensets(st.integers(1, 20)),
)
def test_nobody_is_both_kept_and_asked_and_nobody_is_forgotten(
    changes: list[tuple[ChangeKind, frozenset[int]]], signed: frozenset[int]
) -> None:
    cost = cost_of([Change(kind, "x", named) for kind, named in changes], signed)
    assert cost.again | cost.kept == signed
    assert not cost.again & cost.kept
    if any(COSTS[kind][0] == Scope.EVERYONE for kind, _ in changes):
        assert cost.again == signed


# --- From one version to the next -----------------------------------------------------------------


def new_version(campaign: Campaign) -> None:
    """The case is frozen again, with another PDF."""
    before = campaign.snapshot
    made = Snapshot.objects.create(
        case=campaign.case,
        version=before.version + 1,
        content={**before.content, "title": "Autre"},
        sha256="b" * 64,
        created_by=before.created_by,
    )
    document = issue_document(kind=LETTER, number="V2", title="Version 2", pdf=PDF)
    CaseDocument.objects.create(case=campaign.case, document=document, snapshot=made, kind=LETTER)


def follower(campaign: Campaign) -> Campaign:
    return campaigns.prepare_campaign(
        campaign.case,
        closes_on=timezone.localdate() + timedelta(days=20),
        message="",
        by=campaign.case.created_by,
    )


def test_a_new_version_asks_those_it_concerns_and_keeps_the_others() -> None:
    campaign = signing.opened()
    ones = list(campaign.invitations.order_by("pk"))
    for one in ones:
        signing.member_signs(one)
    named = frozenset({ones[0].member_id})
    new_version(campaign)
    with signing.letters_are_signed(
        changes=lambda _before, _after: [Change(ChangeKind.SHEET_ADDED, "Une fiche", named)]
    ):
        after = follower(campaign)
        cost = campaigns.cost_of_campaign(after)
        assert cost
        assert (cost.again, len(cost.kept)) == (named, 2)
        page = signing.signed_in(campaign.case.created_by).get(signing.url(after)).content.decode()
        assert "1 signature à redemander, 2 gardées." in page
        campaigns.open_campaign(after, by=campaign.case.created_by)

        campaign.refresh_from_db()
        assert (campaign.state, campaign.end_reason != "") == ("cancelled", True)
        states = dict(after.invitations.values_list("member_id", "state"))
        assert states == {
            one.member_id: "waiting" if one.member_id in named else "kept" for one in ones
        }
        signing.member_signs(after.invitations.get(state="waiting"))
        register = register_of(Campaign.objects.get(pk=after.pk))
        assert register.signed == 3
        versions = [line.version for line in (*register.professionals, *register.structures)]
        assert sorted(versions) == ["", "version 1", "version 1"]


def test_a_kind_that_says_nothing_of_costs_asks_everyone() -> None:
    campaign = signing.opened()
    signing.member_signs(signing.first(campaign))
    before = campaign.snapshot
    territory = {**before.content, "territory": []}
    Snapshot.objects.create(
        case=campaign.case, version=2, content=territory, sha256="c" * 64,
        created_by=before.created_by,
    )  # fmt: skip
    after = Campaign(
        case=campaign.case, community=campaign.community, previous=campaign,
        snapshot=Snapshot.objects.get(case=campaign.case, version=2),
    )  # fmt: skip
    cost = campaigns.cost_of_campaign(after)
    assert cost
    assert (len(cost.again), len(cost.kept)) == (1, 0)


# --- Opening --------------------------------------------------------------------------------------


def test_a_draft_invites_nobody_and_can_be_deleted() -> None:
    campaign = signing.draft()
    deliver_pending()
    assert not Mail.objects.filter(text_body__contains="/signer/").exists()
    campaigns.discard_campaign(campaign, by=campaign.case.created_by)
    assert not Campaign.objects.exists()


def test_a_campaign_without_members_or_with_a_date_gone_by_is_not_opened() -> None:
    campaign = signing.draft(members=0)
    with pytest.raises(ActionRefusedError, match="aucun membre"):
        campaigns.open_campaign(campaign, by=campaign.case.created_by)
    making.professional(campaign.community)
    Campaign.objects.update(closes_on=timezone.localdate())
    with pytest.raises(ActionRefusedError, match="date à venir"):
        campaigns.open_campaign(campaign, by=campaign.case.created_by)


def test_one_campaign_is_open_per_case_whoever_writes(campaign: Campaign) -> None:
    with pytest.raises(IntegrityError, match="campaign_one_open_per_case"), transaction.atomic():
        Campaign.objects.create(
            case=campaign.case, community=campaign.community, snapshot=campaign.snapshot,
            document=campaign.document, title="x", state="open", opened_at=timezone.now(),
            closes_on=campaign.closes_on, created_by=campaign.created_by,
        )  # fmt: skip


def test_an_editor_follows_and_does_not_lead() -> None:
    campaign = signing.draft()
    editor = factories.team_member(campaign.community, role="editor").user
    with pytest.raises(PermissionDenied):
        campaigns.open_campaign(campaign, by=editor)


# --- While it is open -----------------------------------------------------------------------------


def test_a_reminder_carries_the_same_link_and_waits_a_day(campaign: Campaign) -> None:
    one, by = signing.first(campaign), campaign.case.created_by
    before = signing.link(one)
    with pytest.raises(ActionRefusedError, match="24 heures"):
        campaigns.remind(one, by=by)
    Invitation.objects.update(told_at=timezone.now() - timedelta(hours=25))
    campaigns.remind(one, by=by)
    assert signing.link(one) == before
    assert Mail.objects.filter(recipient=one.email, subject__startswith="Rappel").count() == 1
    assert campaigns.remind_all(campaign, by=by) == 2
    assert campaigns.remind_all(campaign, by=by) == 0


def test_whoever_answered_before_the_worker_came_is_left_in_peace(campaign: Campaign) -> None:
    one = signing.first(campaign)
    deliver_pending()
    Invitation.objects.update(told_at=None)
    campaigns.remind(one, by=campaign.case.created_by)
    Invitation.objects.filter(pk=one.pk).update(state="ended")
    deliver_pending()
    assert not Mail.objects.filter(subject__startswith="Rappel").exists()


def test_another_address_gets_another_link_and_the_old_one_dies(campaign: Campaign) -> None:
    one, client = signing.first(campaign), signing.signed_in(campaign.case.created_by)
    before = signing.link(one)
    client.post(signing.url(campaign, f"membres/{one.pk}/adresse/"), {"email": "New@exemple.test"})
    one.refresh_from_db()
    one.member.refresh_from_db()
    assert (one.email, one.member.email) == ("new@exemple.test", "new@exemple.test")
    assert client.get(before).status_code == 404
    assert client.get(signing.link(one)).status_code == 200
    assert campaign.invitations.exclude(pk=one.pk).filter(state="waiting").count() == 2


def test_a_member_replaced_gives_way_to_another(campaign: Campaign) -> None:
    one, by = signing.first(campaign), campaign.case.created_by
    before = signing.link(one)
    other = making.professional(campaign.community)
    campaigns.replace_member(one, member=other, by=by)
    one.refresh_from_db()
    assert (one.state, one.end_reason) == ("ended", f"Remplacé par {other.name}")
    assert signing.signed_in(by).get(before).status_code == 404
    with pytest.raises(ActionRefusedError):
        campaigns.replace_member(campaign.invitations.get(member=other), member=one.member, by=by)


def test_a_member_who_leaves_is_no_longer_asked_and_cannot_be_erased(campaign: Campaign) -> None:
    one, by = signing.first(campaign), campaign.case.created_by
    with pytest.raises(members.MemberError, match="campagne de signatures"):
        members.erase_member(one.member, by=by)
    members.record_departure(one.member, on=timezone.localdate(), reason="", by=by)
    one.refresh_from_db()
    assert one.state == "ended"


def test_only_a_large_campaign_keeps_its_counts_and_never_past_an_act(campaign: Campaign) -> None:
    kept: Brief[Counted] = Brief(seconds=3_600, limit=10)

    def signed(last_act: int, many: int = MANY) -> int:
        found = counted(campaign, last_act=last_act, many=many, kept=kept)
        return found.counts.all.signed

    first, second = campaign.invitations.filter(state="waiting").order_by("pk")[:2]
    by = campaign.case.created_by
    seen = [signed(1, many=0), signed(2)]
    record_paper_signature(first, by=by, evidence={})
    seen += [signed(1, many=0), signed(2), signed(3, many=0)]
    record_paper_signature(second, by=by, evidence={})
    assert [*seen, signed(2), signed(3), signed(4)] == [0, 0, 0, 1, 1, 2, 1, 2]


def test_newcomers_are_invited_to_the_open_campaign(campaign: Campaign) -> None:
    making.professional(campaign.community)
    assert board.counts_of(campaign).newcomers == 1
    assert campaigns.invite_newcomers(campaign, by=campaign.case.created_by) == 1
    assert board.counts_of(campaign).newcomers == 0


def test_a_legal_representative_delegates_by_an_act(campaign: Campaign) -> None:
    one, by = signing.of_structure(campaign), campaign.case.created_by
    before = signing.link(one)
    client = signing.signed_in(by)
    at = signing.url(campaign, f"membres/{one.pk}/delegation/")
    data = {"name": "Lou Adam", "function": "cadre", "email": "lou@exemple.test",
            "decided_on": timezone.localdate().isoformat()}  # fmt: skip
    assert "Joignez l’acte" in client.post(at, data).content.decode()
    client.post(at, data | {"act": SimpleUploadedFile("acte.pdf", PDF)})
    one = Invitation.objects.get(pk=one.pk)
    assert client.get(before).status_code == 404
    act = client.get(signing.url(campaign, f"membres/{one.pk}/acte/"))
    assert b"".join(act) == PDF
    signing.member_signs(one)
    row = Signature.objects.get()
    assert (row.name, row.capacity, row.on_behalf_of) == ("Lou Adam", "cadre", one.member.person)


def test_a_professional_does_not_delegate(campaign: Campaign) -> None:
    with pytest.raises(ActionRefusedError, match="signe lui-même"):
        campaigns.record_delegation(
            signing.first(campaign),
            name="X",
            function="y",
            email="x@exemple.test",
            decided_on=timezone.localdate(),
            act=SimpleUploadedFile("acte.pdf", PDF),
            by=campaign.case.created_by,
        )


def test_a_mail_that_came_back_is_shown_to_the_team(campaign: Campaign) -> None:
    one = signing.first(campaign)
    deliver_pending()
    one.refresh_from_db()
    Mail.objects.filter(pk=one.last_mail_id).update(
        sent_at=timezone.now(), bounced_at=timezone.now(), failure="adresse inconnue (5.1.1)"
    )
    page = signing.signed_in(campaign.case.created_by).get(signing.url(campaign, "?etat=revenus"))
    said = page.content.decode()
    assert "adresse inconnue (5.1.1)" in said
    assert said.count('<th scope="row"><a') == 1


def test_the_team_is_told_of_a_refusal_without_its_reason(campaign: Campaign) -> None:
    one, client = signing.first(campaign), Client()
    reader = factories.team_member(campaign.community, role="reader").user
    path = signing.link(one)
    signing.ask_code(client, path)
    answer = {"code": signing.code(one), "answer": "decline", "reason": "Un secret"}
    client.post(f"{path}signer/", answer)
    deliver_pending()
    told = Notification.objects.get(kind="signatures")
    assert (told.user, told.cadence) == (campaign.case.created_by, "daily")
    assert told.path == signing.url(campaign)
    assert "Un secret" not in told.title
    assert not reader.notifications.filter(kind="signatures").exists()


# --- Reminders and closing by the scheduler -------------------------------------------------------


def test_reminders_follow_business_days_and_leave_once(campaign: Campaign) -> None:
    day = date(2026, 3, 2)
    Campaign.objects.update(closes_on=date(2026, 3, 31))
    moment = datetime(2026, 3, 2, 9, tzinfo=UTC)
    Invitation.objects.update(invited_at=moment, told_at=None)
    found = []
    for _ in range(30):
        Invitation.objects.update(told_at=None)
        if sent := reminders.send_reminders(day):
            found.append((day, sent, reminders.send_reminders(day)))
        day += timedelta(days=1)
    assert found == [
        (date(2026, 3, 5), 3, 0),
        (date(2026, 3, 12), 3, 0),
        (date(2026, 3, 27), 3, 0),
    ]


@given(st.dates(date(2026, 1, 1), date(2028, 3, 1)), st.integers(1, 90), st.integers(0, 90))
def test_stages_only_go_up_and_the_last_is_near_the_end(
    invited: date, length: int, gone: int
) -> None:
    closes = invited + timedelta(days=length)
    day = min(invited + timedelta(days=gone), closes)
    stages = [
        reminders.stage_of(invited, closes, invited + timedelta(days=n), "")
        for n in range((day - invited).days + 1)
    ]
    assert stages == sorted(stages)
    assert reminders.stage_of(invited, closes, closes, "") == reminders.LAST_STAGE


def test_a_postponed_member_is_not_reminded_before_the_day(campaign: Campaign) -> None:
    one, by = signing.first(campaign), campaign.case.created_by
    until = timezone.localdate() + timedelta(days=5)
    campaigns.postpone(one, until=until, by=by)
    Invitation.objects.update(told_at=None)
    assert one.pk not in {other.pk for other in campaigns.remindable(campaign)}
    with pytest.raises(ActionRefusedError):
        campaigns.postpone(one, until=timezone.localdate() + timedelta(days=99), by=by)
    signing.member_signs(one)


def test_the_scheduler_closes_once_the_last_day_has_passed(campaign: Campaign) -> None:
    signing.member_signs(signing.first(campaign))
    Campaign.objects.update(closes_on=timezone.localdate() - timedelta(days=1))
    follow_campaigns()
    follow_campaigns()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.logs.filter(action="closed").count()) == ("closed", 1)
    with pytest.raises(AlreadyDoneError):
        campaigns.close_campaign(campaign, by=None)


def test_a_closed_campaign_gives_a_register_and_a_public_copy_without_names(
    campaign: Campaign,
) -> None:
    one = signing.first(campaign)
    signing.member_signs(one)
    signing.member_signs(signing.of_structure(campaign))
    campaigns.close_campaign(campaign, by=campaign.case.created_by)
    deliver_pending()
    deliver_pending()
    texts = {link.kind: pdf_text(read_document(link.document)) for link in registers_of(campaign)}
    assert set(texts) == {"signature_register", "signature_register_public"}
    structure = signing.of_structure(campaign).member
    assert "".join(one.member.person.split()) in texts["signature_register"]
    public = texts["signature_register_public"]
    assert "".join(structure.structure_name.split()) in public
    for member in Member.objects.all():
        assert "".join(member.last_name.split()) not in public
    client = signing.signed_in(campaign.case.created_by)
    for kind in ("complet", "public"):
        assert client.get(signing.url(campaign, f"registre/{kind}.pdf")).status_code == 200


def pdf_text(pdf: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text().split()) for page in pages)


# --- Counts and pages -----------------------------------------------------------------------------


def test_counts_are_by_profession_and_structure(campaign: Campaign) -> None:
    signing.member_signs(signing.first(campaign))
    counts = board.counts_of(campaign)
    assert (counts.all.signed, counts.all.waiting, counts.percent) == (1, 2, 33)
    assert [(one.label, one.signed, one.waiting) for one in counts.professions] == [
        ("Infirmier", 1, 1)
    ]
    assert [(one.label, one.signed, one.waiting) for one in counts.structures] == [
        ("Centre de santé", 0, 1)
    ]


def test_the_page_costs_the_same_with_one_and_thirty_members() -> None:
    found = []
    for number in (1, 30):
        campaign = signing.opened(members=number)
        deliver_pending()
        client = signing.signed_in(campaign.case.created_by)
        client.get(signing.url(campaign))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(signing.url(campaign)).status_code == 200
        found.append(len(queries))
    assert found[0] == found[1]
    assert found[0] <= 14


# --- Who sees and does what -----------------------------------------------------------------------

TAILS = {
    "": None, "document.pdf": None, "date/": None, "clore/": None, "annuler/": None,
    "papier/": None, "membres/{pk}/": None, "membres/{pk}/adresse/": None,
    "membres/{pk}/reporter/": None, "membres/{pk}/arreter/": None,
    "membres/{pk}/remplacer/": None, "membres/{pk}/delegation/": None,
    "membres/{pk}/feuille.pdf": None, "registre/complet.pdf": None, "membres/{pk}/acte/": None,
}  # fmt: skip
POSTS = ("ouvrir/", "supprimer/", "relancer/", "inviter/", "membres/{pk}/relancer/",
         "papier/feuilles/", "papier/confirmer/", "date/", "clore/", "annuler/", "papier/",
         "membres/{pk}/adresse/", "membres/{pk}/arreter/")  # fmt: skip


def ask(campaign: Campaign, person: object) -> tuple[dict[str, int], dict[str, int]]:
    client = signing.signed_in(person)
    pk = signing.first(campaign).pk
    reads = {tail: client.get(signing.url(campaign, tail.format(pk=pk))).status_code
             for tail in TAILS}  # fmt: skip
    writes = {tail: client.post(signing.url(campaign, tail.format(pk=pk))).status_code
              for tail in POSTS}  # fmt: skip
    return reads, writes


def test_strangers_and_consulted_bodies_find_nothing(campaign: Campaign) -> None:
    asked = cases.body("urps", "76")
    campaign.case.desks.get_or_create(organisation=asked, defaults={"kind": "consulted"})
    before = list(Invitation.objects.values())
    for person in (
        factories.community().created_by,
        factories.user(is_staff=True, is_superuser=True),
        cases.agent(cases.body("ars_branch", "32", "59")),
        cases.agent(asked),
    ):
        reads, writes = ask(campaign, person)
        assert reads == dict.fromkeys(reads, 404)
        assert writes == dict.fromkeys(writes, 404)
    assert list(Invitation.objects.values()) == before


def test_a_reader_of_the_team_reads_and_does_nothing(campaign: Campaign) -> None:
    reads, writes = ask(campaign, factories.team_member(campaign.community, role="reader").user)
    assert {tail for tail, status in reads.items() if status == 200} == {
        "", "document.pdf", "membres/{pk}/"}  # fmt: skip
    assert writes == dict.fromkeys(writes, 403)


def test_an_office_reads_names_and_answers_but_no_address_nor_reason(campaign: Campaign) -> None:
    one = signing.first(campaign)
    Invitation.objects.filter(pk=one.pk).update(
        state="declined", decline_reason="Un secret", answered_at=timezone.now()
    )
    agent = cases.agent(cases.body("one_stop_desk", "76"))
    page = signing.signed_in(agent).get(signing.url(campaign))
    said = page.content.decode()
    assert page.status_code == 200
    assert one.member.name in said
    assert "Refusé" in said
    assert [word for word in ("Un secret", one.email, "Relancer") if word in said] == []
    reads, writes = ask(campaign, agent)
    assert {tail for tail, status in reads.items() if status == 200} == {"", "document.pdf"}
    assert set(writes.values()) <= {403, 404}


def test_an_editor_reminds_and_does_not_close(campaign: Campaign) -> None:
    reads, writes = ask(campaign, factories.team_member(campaign.community, role="editor").user)
    led = {"date/", "clore/", "annuler/"}
    assert {tail: reads[tail] for tail in led} == dict.fromkeys(led, 403)
    assert writes["relancer/"] == 302
    assert writes["clore/"] == 403


def test_a_visitor_is_asked_to_sign_in(campaign: Campaign) -> None:
    assert Client().get(signing.url(campaign)).status_code == 302


def test_the_owner_prepares_and_opens_by_the_pages() -> None:
    letter = signing.letter()
    making.professional(letter.community)
    client = signing.signed_in(letter.created_by)
    at = f"/cpts/{letter.community.public_id}/signatures/"
    assert "Aucune campagne" in client.get(at).content.decode()
    closes = (timezone.localdate() + timedelta(days=10)).isoformat()
    answer = client.post(f"{at}nouvelle/", {"case": letter.pk, "closes_on": closes})
    assert answer.status_code == 302, answer.content.decode()
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Ouvrir et inviter 1 membre" in page
    client.post(f"{answer.headers['Location']}ouvrir/")
    assert Campaign.objects.get().state == "open"
    assert (
        client.post(f"{at}nouvelle/", {"case": letter.pk, "closes_on": "2020-01-01"}).status_code
        == 422
    )


# --- At once --------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("loaded_territories")
def test_a_signature_and_a_closing_in_the_same_second_never_contradict() -> None:
    campaign = signing.opened(members=4)
    ones = list(campaign.invitations.all())
    for one in ones:
        send_code(one)
    codes = {one.pk: signing.code(one) for one in ones}
    barrier = Barrier(len(ones) + 1)

    def run(action: Callable[[], object]) -> str:
        try:
            barrier.wait(timeout=30)
            action()
        except ActionRefusedError:
            return "refused"
        else:
            return "done"
        finally:
            connection.close()

    def signs(one: Invitation) -> Callable[[], object]:
        return lambda: sign(one, code=codes[one.pk], seen=Seen())

    with ThreadPoolExecutor(len(ones) + 1) as pool:
        acts = [signs(one) for one in ones]
        acts.append(lambda: campaigns.close_campaign(campaign, by=campaign.case.created_by))
        answers = list(pool.map(run, acts))

    ended = Campaign.objects.get().ended_at
    assert Signature.objects.count() == answers[:-1].count("done")
    assert Invitation.objects.filter(state="signed").count() == Signature.objects.count()
    assert ended is not None
