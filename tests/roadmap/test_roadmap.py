"""The roadmap: its files, where a CPTS stands, who is invited, what passes between both sides."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from accounts.models import User
from communities.models import Community
from diagnosis import asking
from diagnosis.models import Topic
from notifications.models import Notification
from procedures.toml import ProcedureFilesError
from roadmap import services
from roadmap.board import read_board
from roadmap.models import Accompaniment, Appointment, HelpRequest, Note, StepTick
from roadmap.reading import FOLDER, read_folder, roadmap_of
from roadmap.services import RoadmapError
from roadmap.urls import urlpatterns
from tests import factories
from tests.contracts import signed
from tests.diagnosis import drawing
from tests.letters import cases


def as_(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def in_days(count: int) -> Any:
    return timezone.now() + timedelta(days=count)


def accompanied() -> tuple[Community, User]:
    """A CPTS whose Guichet is invited, and its coordinator."""
    community = drawing.drawn(drawing.LAVAUR)
    coordinator = drawing.agent(drawing.desk())
    services.invite(community, drawing.desk(), by=community.created_by)
    return community, coordinator


def met(community: Community, by: User, **changes: Any) -> Appointment:
    said: dict[str, Any] = {
        "subject": "Premiers pas",
        "starts_at": in_days(3),
        "ends_at": in_days(3) + timedelta(hours=1),
        "place": "Albi",
    }
    return services.plan(community, drawing.desk(), by=by, **{**said, **changes})


# --- The files ------------------------------------------------------------------------------------


def test_each_region_has_the_steps_of_the_memo_and_its_own() -> None:
    read = read_folder()
    assert sorted(read) == ["", "32", "52", "76"]
    common = [step.key for step in read[""].steps]
    assert len(common) == 19
    added = {code: {s.key for s in one.steps} - set(common) for code, one in read.items()}
    assert added == {"": set(), "32": {"meeting"}, "52": {"committees"}, "76": {"cerfa"}}
    assert roadmap_of("84") == read[""]
    guichet = read["76"].step("diagnosis")
    assert guichet is not None
    assert (guichet.helper, guichet.page) == ("one_stop_desk", "diagnosis")


def test_a_wrong_file_says_every_fault_and_its_place(tmp_path: Path) -> None:
    common = (FOLDER / "national.toml").read_text(encoding="utf-8")
    wrong = common.replace('derived = "team"', 'derived = "crew"').replace(
        'helper = "urps"', 'helper = "urp"', 1
    )
    (tmp_path / "national.toml").write_text(wrong, encoding="utf-8")
    (tmp_path / "ailleurs.toml").write_text(
        'region_code = "8"\nlabel = "Ailleurs"\nwithout = ["nothing"]\n[[steps]]\nkey = "lunch"\n'
        'title = "Déjeuner"\ntitel = "?"\n',
        encoding="utf-8",
    )
    with pytest.raises(ProcedureFilesError) as refused:
        read_folder(tmp_path)
    said = "\n".join(refused.value.faults).replace("\u00a0", " ")
    for fault in (
        "« crew » est inconnu",
        "organisme inconnu",
        "« 8 » n’est pas un code INSEE",
        "« nothing » n’est pas une étape commune",
        "dites après quelle étape",
        "clé inconnue ici",
    ):
        assert fault in said
    assert "ailleurs.toml" in said


# --- Steps ----------------------------------------------------------------------------------------


def done(community: Community) -> dict[str, str]:
    board = read_board(community, of_team=True, may_tick=True)
    lines = [line for stage in board.stages for line in stage.lines]
    return {line.step.key: line.said.split(" le ")[0] for line in lines if line.done}


@pytest.mark.django_db
def test_steps_are_known_from_what_was_done_and_ticked_where_they_cannot() -> None:
    letter = cases.deposited("76")
    community = letter.community
    owner = community.created_by
    factories.team_member(community)
    asking.ask(
        community,
        by=owner,
        recipient=drawing.desk(),
        topics=Topic.values,
        wanted_on=timezone.localdate() + timedelta(days=9),
    )
    services.tick(community, "learn", by=owner)
    services.tick(community, "learn", by=owner)

    assert done(community) == {
        "learn": f"Cochée par {owner}",
        "territory": "1 commune dans",
        "pilot": "2 personnes dans l’équipe",
        "diagnosis": "Demandé",
        "letter": "Déposée",
    }
    board = read_board(community, of_team=True, may_tick=True)
    assert board.next is not None
    # The letter is deposited: what was left before it is open still, and is not what comes next.
    assert (board.next.step.key, board.done, board.total) == ("opinions", 5, 20)

    services.untick(community, "learn", by=owner)
    assert "learn" not in done(community)
    kept = StepTick.objects.get()
    assert (kept.ticked_by, kept.unticked_by) == (owner, owner)
    with pytest.raises(RoadmapError, match="d’elle-même"):
        services.tick(community, "funding", by=owner)
    with pytest.raises(RoadmapError, match="déjà faite"):
        services.tick(community, "pilot", by=owner)
    with pytest.raises(RoadmapError, match="n’est pas dans"):
        services.tick(community, "unknown", by=owner)
    with pytest.raises(PermissionDenied):
        services.tick(community, "engage", by=factories.team_member(community, role="reader").user)


@pytest.mark.django_db
def test_a_contract_that_is_signed_leaves_letter_and_project_behind_even_without_a_case() -> None:
    case = signed.contract()
    board = read_board(case.community, of_team=True, may_tick=True)
    lines = {line.step.key: line for stage in board.stages for line in stage.lines}

    behind = "Passée\u00a0: une étape plus avancée est faite"
    assert {
        key: line.said.split(" le ")[0]
        for key, line in lines.items()
        if line.step.phase != "preproject"
    } == {
        **dict.fromkeys(("association", "cerfa", "coordinator", "indicators"), ""),
        **dict.fromkeys(("letter", "opinions", "funding"), behind),
        **dict.fromkeys(("write_project", "deposit_project"), behind),
        "validated": "Projet validé",
        "contract": "Signé",
        **dict.fromkeys(("start", "missions", "adapt"), ""),
    }
    assert board.next == lines["start"]
    assert lines["missions"].link == (
        "Ouvrir le contrat",
        reverse("contract-desk:contract", args=[case.public_id]),
    )


@pytest.mark.django_db
def test_a_newcomer_reads_the_steps_without_an_account_and_a_team_its_next_one() -> None:
    community = drawing.drawn()
    page = reverse("roadmap:steps")
    assert "CERFA" not in text(Client().get(page))
    assert "CERFA 12156" in text(Client().get(page + "?region=76"))
    assert Client().get(page + "?region=zz").status_code == 200
    client = as_(community.created_by)
    url = reverse("roadmap:roadmap", args=[community.public_id])
    assert "La prochaine chose à faire" in text(client.get(url))
    tick = reverse("roadmap:tick", args=[community.public_id, "learn"])
    assert client.post(tick).status_code == 302
    assert "1 étape sur 20" in text(client.get(url))
    client.post(tick, {"undo": "1"})
    assert "0 étape sur 20" in text(client.get(url))


# --- Accompaniment --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_an_invited_office_sees_helps_meets_and_shares_until_it_is_ended(
    deliver_outbox: Any,
) -> None:
    community, coordinator = accompanied()
    owner = community.created_by
    asked = services.ask_help(
        community, drawing.desk(), kind="legal", text="Des statuts ?", by=owner
    )
    services.answer_help(asked, text="Les voici.", by=coordinator)
    with pytest.raises(RoadmapError, match="déjà été donnée"):
        services.answer_help(asked, text="Encore.", by=coordinator)
    made = met(community, coordinator)
    deliver_outbox()
    services.cancel(made, by=owner)
    services.cancel(made, by=owner)
    deliver_outbox()

    kept = HelpRequest.objects.get()
    assert (kept.answer, kept.answered_by) == ("Les voici.", coordinator)
    told = Notification.objects.filter(kind="accompaniment").order_by("pk")
    assert list(told.values_list("recipient", "title")) == [
        (coordinator.email, "Invitation à accompagner une CPTS"),
        (coordinator.email, "Demande d’aide (juridique)"),
        (owner.email, "Réponse à votre demande d’aide"),
        (owner.email, "Rendez-vous"),
        (coordinator.email, "Rendez-vous"),
        (owner.email, "Rendez-vous annulé"),
        (coordinator.email, "Rendez-vous annulé"),
    ]
    event = Calendar.from_ical(services.as_calendar(Appointment.objects.get())).walk("VEVENT")[0]
    assert (event["status"], event["sequence"]) == ("CANCELLED", 1)

    services.end(Accompaniment.objects.get(), by=owner)
    with pytest.raises(PermissionDenied):
        met(community, coordinator)
    with pytest.raises(RoadmapError, match="ne vous accompagne pas"):
        services.ask_help(community, drawing.desk(), kind="method", text="?", by=owner)


@pytest.mark.django_db
def test_notes_are_read_by_their_side_and_by_the_one_they_are_shared_with() -> None:
    community, coordinator = accompanied()
    owner, guichet = community.created_by, drawing.desk()
    urps = factories.organisation("urps", region=community.region)
    services.invite(community, urps, by=owner)
    other = drawing.agent(urps, "president")
    for author, said, shared in (
        (owner, "équipe seule", None),
        (owner, "équipe au guichet", guichet),
        (coordinator, "guichet seul", None),
        (coordinator, "guichet à l’équipe", guichet),
    ):
        services.write_note(community, by=author, text=said, organisation=shared)

    url = reverse("roadmap:accompaniment", args=[community.public_id])
    everything = ["équipe seule", "équipe au guichet", "guichet seul", "guichet à l’équipe"]
    pages = {who: text(as_(person).get(url)) for who, person in
             {"owner": owner, "guichet": coordinator, "urps": other}.items()}  # fmt: skip
    assert {who: [said for said in everything if said in page] for who, page in pages.items()} == {
        "owner": ["équipe seule", "équipe au guichet", "guichet à l’équipe"],
        "guichet": ["équipe au guichet", "guichet seul", "guichet à l’équipe"],
        "urps": [],
    }
    with pytest.raises(PermissionDenied):
        services.erase_note(Note.objects.get(text="équipe seule"), by=coordinator)
    with pytest.raises(PermissionDenied):
        services.write_note(community, by=other, text="?", organisation=guichet)


@pytest.mark.django_db
def test_a_meeting_is_to_come_and_ends_after_it_begins() -> None:
    community, coordinator = accompanied()
    for wrong in (
        {"starts_at": in_days(-1), "ends_at": in_days(1)},
        {"starts_at": in_days(500), "ends_at": in_days(500) + timedelta(hours=1)},
        {"ends_at": in_days(2)},
        {"ends_at": in_days(4)},
    ):
        with pytest.raises(RoadmapError, match="rendez-vous"):
            met(community, coordinator, **wrong)
    assert not Appointment.objects.exists()


@pytest.mark.django_db
def test_each_address_of_the_roadmap_answers_those_it_is_for() -> None:
    community, coordinator = accompanied()
    owner = community.created_by
    asked = services.ask_help(community, drawing.desk(), kind="method", text="?", by=owner)
    made = met(community, owner)
    note = services.write_note(community, by=owner, text="Note", organisation=None)
    one, companion = community.public_id, Accompaniment.objects.get().pk
    reads = {
        "roadmap": [one],
        "accompaniment": [one],
        "calendar": [one, made.public_id],
        "accompanied": [],
    }
    # Each without what it needs: what may be sent is refused with the reason, or sent back.
    writes = {
        "tick": [one, "inconnue"],
        "invite": [one],
        "end": [one, companion + 99],
        "help": [one],
        "help-answer": [one, asked.pk],
        "plan": [one],
        "cancel": [one, one],
        "note": [one],
        "note-erase": [one, note.pk + 99],
    }
    assert {*reads, *writes, "steps"} == {pattern.name for pattern in urlpatterns}
    stranger = [404, 404, 404, 302], [404] * 9
    people = {
        "owner": (owner, [200, 200, 200, 302], [302, 422, 404, 422, 403, 422, 404, 422, 404]),
        "reader": (
            factories.team_member(community, role="reader").user,
            [200, 200, 200, 302],
            [403, 403, 403, 403, 403, 403, 403, 403, 404],
        ),
        "coordinator": (
            coordinator,
            [200, 200, 200, 200],
            [403, 403, 403, 403, 302, 422, 404, 422, 404],
        ),
        "signatory": (
            drawing.agent(drawing.desk(), "signatory"),
            [200, 200, 200, 200],
            [403, 403, 403, 403, 403, 403, 403, 403, 404],
        ),
        "agent elsewhere": (
            drawing.agent(drawing.desk(), "agent", "31"),
            [404, 404, 404, 200],
            stranger[1],
        ),
        "other body": (
            drawing.agent(factories.organisation("urps")),
            [404, 404, 404, 200],
            stranger[1],
        ),
        "stranger": (factories.user(), *stranger),
    }
    for who, (person, read, written) in people.items():
        client = as_(person)
        seen = [client.get(reverse(f"roadmap:{k}", args=v)).status_code for k, v in reads.items()]
        acted = [
            client.post(reverse(f"roadmap:{k}", args=v)).status_code for k, v in writes.items()
        ]
        assert (who, seen, acted) == (who, read, written)
    visitor = Client()
    assert {visitor.get(reverse(f"roadmap:{k}", args=v)).status_code for k, v in reads.items()} == {
        302
    }


@pytest.mark.django_db
def test_pages_of_the_roadmap_go_from_one_side_to_the_other() -> None:
    community = drawing.drawn(drawing.LAVAUR)
    guichet = drawing.desk()
    team, office = as_(community.created_by), as_(drawing.agent(guichet))
    one = [community.public_id]
    sent = {
        "invite": {"invite-organisation": guichet.pk},
        "help": {"help-organisation": guichet.pk, "help-kind": "financial", "help-text": "Quoi ?"},
        "plan": {
            "meeting-organisation": guichet.pk,
            "meeting-subject": "Bilan",
            "meeting-day": (timezone.localdate() + timedelta(days=8)).isoformat(),
            "meeting-starts": "18:30",
            "meeting-ends": "20:00",
            "meeting-place": "Lavaur",
        },
        "note": {"note-organisation": guichet.pk, "note-text": "Le maire soutient."},
    }
    for name, data in sent.items():
        assert team.post(reverse(f"roadmap:{name}", args=one), data).status_code == 302
    assert community.name in text(office.get(reverse("roadmap:accompanied")))
    shown = text(office.get(reverse("roadmap:accompaniment", args=one)))
    for words in ("Aide financière", "Bilan", "18 h 30", "Le maire soutient."):
        assert words in shown
    roadmap = text(office.get(reverse("roadmap:roadmap", args=one)))
    assert "C’est fait" not in roadmap
    asked = HelpRequest.objects.get()
    answer = reverse("roadmap:help-answer", args=[*one, asked.pk])
    assert office.post(answer, {f"answer-{asked.pk}-text": "Une aide."}).status_code == 302
    assert "Une aide." in text(team.get(reverse("roadmap:accompaniment", args=one)))
    made = Appointment.objects.get()
    file = team.get(reverse("roadmap:calendar", args=[*one, made.public_id]))
    assert file["Content-Type"] == "text/calendar; charset=utf-8"


@pytest.mark.django_db
def test_lists_cost_the_same_for_one_and_for_thirty() -> None:
    community, coordinator = accompanied()
    client = as_(coordinator)
    pages = [
        reverse("roadmap:accompanied"),
        reverse("roadmap:accompaniment", args=[community.public_id]),
    ]

    def counts() -> list[int]:
        found = []
        for page in pages:
            client.get(page)
            with CaptureQueriesContext(connection) as queries:
                client.get(page)
            found.append(len(queries))
        return found

    services.write_note(community, by=coordinator, text="Une", organisation=None)
    services.ask_help(community, drawing.desk(), kind="method", text="?", by=community.created_by)
    few = counts()
    owner = factories.user()
    for _ in range(29):
        other = factories.community(owner, region_=community.region)
        Accompaniment.objects.create(community=other, organisation=drawing.desk(), invited_by=owner)
        Note.objects.create(
            community=community,
            organisation=drawing.desk(),
            by_team=False,
            text="Encore",
            author=coordinator,
        )
        HelpRequest.objects.create(
            community=community,
            organisation=drawing.desk(),
            kind="legal",
            text="?",
            asked_by=owner,
        )
    assert counts() == few
    assert "30 CPTS" in text(client.get(pages[0]))
