"""Coherence, actors, models of sheets, and the parts of a project as fields and as print."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from communities import legal
from documents.models import OfficialDocument
from documents.rendering import html_to_pdf
from health_projects import (
    actors,
    coherence,
    costs,
    library,
    parts,
    services,
    sheet_writing,
    sheets,
)
from health_projects.changes import changes
from health_projects.coherence import ChangedMeanwhileError, Finding
from health_projects.models import CoherenceNote, HealthProject, SheetModel
from health_projects.own_fields import OWN_FIELDS
from health_projects.sheet_writing import Actor, SheetError
from members.models import Member
from procedures.schema import FieldKind
from signatures.models import Campaign, Signature
from tests import factories
from tests.documents.pdf import flat_text
from tests.health_projects import projects
from tests.health_projects.sheet_making import posted, sheet
from tests.letters import cases
from tests.members import making
from tests.workflow import asking, completing
from workflow.complement_asking import save_item, save_request, send, start_request
from workflow.models import CaseDesk, CaseDocument, CompletionRequest, Snapshot
from workflow.services import perform
from writing.content import procedure_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> HealthProject:
    return projects.draft()


def url(project: HealthProject, tail: str = "") -> str:
    return f"/projets/{project.public_id}/{tail}"


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def agent_of(kind: str = "ars") -> User:
    return cases.agent(cases.body(kind, "52"))


def filed(project: HealthProject, agent: User, *others: User) -> None:
    """Put a project in front of its office as the deposit leaves it, and on other desks."""
    content = {"sheets": sheets.sheets_to_freeze(project)}
    Snapshot.objects.create(case=project, version=1, content=content, sha256="0" * 64,
                            created_by=project.created_by)  # fmt: skip
    office = agent.memberships.get().organisation
    HealthProject.objects.filter(pk=project.pk).update(
        state="under_review",
        version=1,
        reference="PS-52-2026-0001",
        office=office,
        deposited_at=timezone.now(),
        department_codes=["44"],
    )
    CaseDesk.objects.create(case=project, organisation=office, kind="in_charge")
    for other in others:
        desk = other.memberships.get().organisation
        CaseDesk.objects.create(case=project, organisation=desk, kind="informed")


# --- Coherence ----------------------------------------------------------------------------------

TO_DISCUSS = {
    "prs-finding": "to_discuss", "prs-comment": "Les délais du plan.",
    "prs-reference": "PRS, p. 12", "prs-revision": "0",
    "ght-finding": "coherent", "ght-revision": "0",
    "cls-finding": "not_applicable", "cls-revision": "0", "ptsm-revision": "0",
}  # fmt: skip


def test_the_team_says_where_the_project_stands_before_the_deposit(project: HealthProject) -> None:
    client = signed_in(project.created_by)
    wrong = {**TO_DISCUSS, "prs-comment": "", "ptsm-reference": "PTSM 44"}
    page = text(client.post(url(project, "coherence/"), wrong))
    for sentence in ("Dites ce qui est à discuter.", "Choisissez un constat"):
        assert page.count(sentence) == 2
    assert len(coherence.missing_coherence(project)) == 4

    client.post(url(project, "coherence/"), TO_DISCUSS)
    (left,) = coherence.missing_coherence(project)
    assert "santé mentale" in left.sentence
    assert coherence.show(coherence.coherence_as_data(project))[0] == (
        "Projet régional de santé (PRS)",
        "Examiné\u00a0: à discuter",
        "Les délais du plan.",
        "PRS, p. 12",
    )
    # Saved again from an older page: told, and what was written is kept.
    again = {**TO_DISCUSS, "prs-comment": "Autre chose."}
    answer = client.post(url(project, "coherence/"), again)
    assert (answer.status_code, "Autre chose." in text(answer)) == (422, True)
    with pytest.raises(ChangedMeanwhileError):
        coherence.save_findings(
            project, [Finding("prs", "coherent", revision=7)], by=project.created_by
        )
    with (
        pytest.raises(IntegrityError, match="coherence_note_to_discuss_says_what"),
        transaction.atomic(),
    ):
        CoherenceNote.objects.filter(framework="prs").update(comment=" ")


def test_the_column_of_the_office_is_for_offices(project: HealthProject) -> None:
    owner = project.created_by
    signed_in(owner).post(url(project, "coherence/"), TO_DISCUSS)
    agent, partner = agent_of(), agent_of("cpam")
    filed(project, agent, partner)
    client = signed_in(agent)
    page = text(client.get(url(project, "coherence/")))
    assert "Les délais du plan." in page
    secret = {**TO_DISCUSS, "prs-comment": "Point dur de l’agence."}
    assert client.post(url(project, "coherence/"), secret).status_code == 302

    readers = {
        who: "Point dur" in text(signed_in(person).get(url(project, "coherence/")))
        for who, person in {"office": agent, "partner": partner, "team": owner}.items()
    }
    assert readers == {"office": True, "partner": False, "team": False}
    for person in (owner, partner):
        assert signed_in(person).post(url(project, "coherence/"), secret).status_code == 403
    stranger = signed_in(factories.community().created_by)
    assert stranger.get(url(project, "coherence/")).status_code == 404
    with pytest.raises(PermissionDenied):
        coherence.save_findings(project, [], by=owner)
    assert [(note.side, note.body is not None) for note in CoherenceNote.objects.filter(
        framework="prs").order_by("side")] == [("office", True), ("team", False)]  # fmt: skip


# --- Actors -------------------------------------------------------------------------------------


def sentences(project: HealthProject) -> list[str]:
    return [one.sentence.replace("\u00a0", " ") for one in actors.missing_actors(project)]


def test_a_cpts_is_not_one_category_and_leaves_no_legal_person_out(project: HealthProject) -> None:
    community = project.community
    assert [one[:18] for one in sentences(project)] == ["Ajoutez les membre"]
    making.professional(community)
    nurse = making.professional(community)
    assert [one.split(" : ")[0] for one in sentences(project)] == [
        "Tous les membres exercent la même profession (Infirmier)",
        "Aucune personne morale n’est parmi les membres ni parmi les acteurs des fiches",
    ]
    making.professional(community, profession="10")
    assert len(sentences(project)) == 1
    sheet(project, coordinator=nurse.pk, actors=[Actor("prevention", name="Mairie")])
    assert sentences(project) == []
    sheet(project)  # with a structure among the members
    assert sentences(project) == []


# --- Models of sheets ---------------------------------------------------------------------------


def test_an_office_shares_a_sheet_that_names_nobody_and_a_team_starts_from_it(
    project: HealthProject,
) -> None:
    community = project.community
    doctor = making.professional(community, profession="10", last_name="Kervella")
    made = sheet(
        project,
        label="Trouver un médecin",
        means="Le cabinet du docteur Kervella.",
        actors=[Actor("first_line", member=doctor.pk, role="Oriente")],
        themes=["access"],
    )
    agent = agent_of()
    filed(project, agent)
    client = signed_in(agent)
    tail = f"fiches/{made.uid}/"
    assert "Partager comme modèle" in text(client.get(url(project, tail)))
    page = text(client.get(url(project, f"{tail}partager/")))
    assert "Le cabinet du docteur Kervella." in page

    form = {"title": "Trouver un médecin", "means": "Le cabinet du docteur Kervella."}
    answer = client.post(url(project, f"{tail}partager/"), form)
    assert (answer.status_code, "nomme encore « Kervella »" in text(answer)) == (422, True)
    client.post(url(project, f"{tail}partager/"), form | {"means": "Un cabinet médical."})
    shared = SheetModel.objects.get()
    assert shared.data["actors"] == [{"what": "Médecin", "line": "first_line", "role": "Oriente"}]

    other = projects.draft()
    team = signed_in(other.created_by)
    assert "Trouver un médecin" in text(team.get(url(other, "fiches/modeles/")))
    answer = team.post(url(other, f"fiches/modeles/{shared.pk}/"))
    (data,) = sheets.sheets_as_data(other)
    assert answer.url == url(other, f"fiches/{data['uid']}/modifier/")
    assert (data["label"], data["means"], data["actors"][0]["name"]) == (
        "Trouver un médecin",
        "Un cabinet médical.",
        "Médecin (à préciser)",
    )
    # Of one region only; withdrawn by the office that shared it.
    elsewhere = projects.draft("76", communes=("31555",))
    assert "Trouver" not in text(signed_in(elsewhere.created_by).get(
        url(elsewhere, "fiches/modeles/")))  # fmt: skip
    assert team.post(f"/projets/modeles/{shared.pk}/retirer/").status_code == 404
    assert "Ne plus proposer" in text(client.get("/projets/modeles/"))
    client.post(f"/projets/modeles/{shared.pk}/retirer/")
    assert team.get(url(other, f"fiches/modeles/{shared.pk}/")).status_code == 404


def test_only_an_office_shares_models(project: HealthProject) -> None:
    made = sheet(project)
    owner = project.created_by
    tail = f"fiches/{made.uid}/partager/"
    assert signed_in(owner).get(url(project, tail)).status_code == 403
    agent, partner = agent_of(), agent_of("cpam")
    filed(project, agent, partner)
    assert signed_in(partner).get(url(project, tail)).status_code == 403
    assert signed_in(owner).get("/projets/modeles/").status_code == 404
    with pytest.raises(PermissionDenied):
        library.publish(project, {}, by=partner)
    # What was deposited is read by everybody on its desks, and written by nobody.
    frozen = [f"fiches/{made.uid}/", "fiches/", "fiches/missions/", "fiches/modeles/"]
    for person in (owner, agent, partner):
        client = signed_in(person)
        assert [client.get(url(project, one)).status_code for one in frozen] == [200] * 4
        assert client.get(url(project, f"fiches/{made.uid}/modifier/")).status_code == 403
    with pytest.raises(PermissionDenied):
        sheet_writing.remove_sheet(project, made.uid, by=owner)
    with pytest.raises(SheetError):
        sheet(projects.draft(), means="x" * 5_000)


def test_lists_of_models_cost_the_same_with_one_model_and_thirty(project: HealthProject) -> None:
    agent = agent_of()
    office = agent.memberships.get().organisation
    filed(project, agent)
    client, counts = signed_in(agent), []
    for number in range(30):
        SheetModel.objects.create(
            region=project.region, title=f"Modèle {number:02}", office=office, published_by=agent
        )
        if number in {0, 29}:
            for path in (url(project, "fiches/modeles/"), "/projets/modeles/"):
                with CaptureQueriesContext(connection) as queries:
                    page = text(client.get(path))
                counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert ("Modèle 19" in page, "Modèle 20" in page) == (True, False)
    assert "Modèle 20" in text(client.get("/projets/modeles/?page=2"))
    page = text(client.get(url(project, "fiches/modeles/")))
    assert "Tenir les modèles de la région" in page


# --- In the form, and in print ------------------------------------------------------------------


def test_the_steps_say_where_the_rows_stand(project: HealthProject) -> None:
    procedure = procedure_of(project)
    fields = {field.kind: field for field in procedure.fields if field.kind in OWN_FIELDS}
    assert set(fields) == {FieldKind.LEGAL_ENTITY, FieldKind.ACTION_SHEETS, FieldKind.MEMBERS}

    def read() -> dict[str, tuple[bool, int, str]]:
        said = {}
        for kind, own in OWN_FIELDS.items():
            field, held = fields[kind], own.read(project, fields[kind])
            step = own.in_step(project, field, held, may_edit=True)
            data = {"label": field.label, **own.as_data(project, field, held)}
            assert isinstance(own.shown(data), str)
            said[kind.value] = (own.is_touched(held), len(own.missing(field, held)), step)
        return said

    before = read()
    assert {key: value[:2] for key, value in before.items()} == {
        "legal_entity": (False, 1),
        "action_sheets": (False, 1),
        "members": (False, 1),
    }
    sheet(project, themes=["access"], general_objective="")
    after = read()
    assert "1 fiche action, dont 1 à compléter" in after["action_sheets"][2]
    assert f"/projets/{project.public_id}/fiches/" in after["action_sheets"][2]
    assert after["members"][:2] == (True, 0)


def test_statutes_joined_to_the_association_are_not_asked_again(project: HealthProject) -> None:
    community, owner = project.community, project.created_by
    values = {
        "name": "CPTS du Lac", "address": "1 rue du Lac", "postal_code": "44000", "city": "Nantes",
        "valid_from": timezone.localdate(),
    }  # fmt: skip
    entity = legal.add_entity(community, values, by=owner)

    def held() -> list[str]:
        rows = project.attachments.current().filter(slot="statutes")
        return list(rows.values_list("attachment__name", flat=True))

    assert held() == []
    first = SimpleUploadedFile("statuts.pdf", completing.PDF)
    entity = legal.correct_entity(entity, {}, revision=1, by=owner, statutes=first)
    # What the project has already is the team's to replace.
    second = SimpleUploadedFile("statuts-2.pdf", completing.PDF)
    legal.correct_entity(entity, {}, revision=2, by=owner, statutes=second)
    assert held() == ["statuts.pdf"]
    # A project begun afterwards has them from its first page.
    HealthProject.objects.filter(pk=project.pk).delete()
    project = services.open_project(community, user=owner)
    assert held() == ["statuts-2.pdf"]


def test_twenty_sheets_print_after_what_they_cover(project: HealthProject) -> None:
    sheet(project, label="Trouver un médecin")
    (data,) = sheets.sheets_to_freeze(project)
    twenty = [{**data, "number": number} for number in range(1, 21)]
    notes = coherence.coherence_as_data(project)
    association = {
        "form": "Association loi de 1901", "name": "CPTS du Lac", "rna": "W442000123",
        "siret": "", "pending_reason": "", "seat": "1 rue du Lac, 44000 Nantes",
        "valid_from": "2026-01-05", "statutes": None,
    }  # fmt: skip
    html = "".join(
        render_to_string(f"pdf/parts/project_{name}.html", {"part": part})
        for name, part in (
            ("entity", parts.printed_entity(association, is_public=False)),
            ("sheets", parts.printed_sheets(twenty, is_public=False)),
            ("coherence", parts.printed_coherence(notes, is_public=False)),
        )
    )
    pdf = html_to_pdf(
        f"<html lang='fr'><head><title>x</title></head><body><h1>x</h1>{html}</body></html>"
    )
    said = flat_text(pdf)
    assert [said.count("Trouver un médecin"), said.count("5 janvier 2026")] == [20, 1]
    assert "1, 2, 3" in said


# --- What a change costs ------------------------------------------------------------------------


def being_signed(project: HealthProject, *members: Member) -> None:
    """An open campaign on the sheets as they are, that these members have signed."""
    document = OfficialDocument.objects.create(
        kind="health_project", number="PS-V1", title="Projet", size=1, sha256="0" * 64
    )
    snapshot = Snapshot.objects.create(
        case=project,
        version=1,
        content={"sheets": sheets.sheets_to_freeze(project)},
        sha256="0" * 64,
        created_by=project.created_by,
    )
    campaign = Campaign.objects.create(
        case=project,
        community=project.community,
        snapshot=snapshot,
        document=CaseDocument.objects.create(
            case=project, snapshot=snapshot, document=document, kind="health_project"
        ),
        title="Projet",
        state="open",
        closes_on=timezone.localdate() + timedelta(days=30),
        opened_at=timezone.now(),
        created_by=project.created_by,
    )
    for member in members:
        Signature.objects.create(
            campaign=campaign,
            member=member,
            name=member.person,
            capacity=member.capacity,
            what=member.what,
            snapshot_sha256="0" * 64,
            document_sha256="0" * 64,
            method="paper",
            recorded_by=project.created_by,
        )


def test_what_a_change_costs_is_said_before_it_is_saved(project: HealthProject) -> None:
    community = project.community
    coordinator, other = making.professional(community), making.professional(community)
    made = sheet(project, label="A", coordinator=coordinator.pk, actors=[])
    being_signed(project, coordinator, other)
    client = signed_in(project.created_by)
    tail = f"fiches/{made.uid}/modifier/"
    name = sheet_writing.member_choices(community).label_of(coordinator.pk)
    form = posted(label="A", coordinator=name, means="Une voiture.", revision="1")

    answer = client.post(url(project, tail), form)
    page = text(answer)
    assert answer.status_code == 422
    assert "1 signature à redemander, 1 gardée." in page
    assert "Une voiture." in page
    assert sheets.sheets_as_data(project)[0]["revision"] == 1
    client.post(url(project, tail), form | {"confirmed": "1"})
    assert sheets.sheets_as_data(project)[0]["means"] == "Une voiture."
    # Who must sign again already is not asked twice; a name nobody signed under costs nothing.
    again = form | {"means": "Un vélo.", "revision": "2"}
    assert client.post(url(project, tail), again).status_code == 302
    page = text(client.get(url(project, f"fiches/{made.uid}/retirer/")))
    assert "Aucune signature n’est à redemander" in page
    assert "les 2 membres qui ont déjà signé" in costs.entity_warning(community)
    assert costs.entity_warning(factories.community()) == ""


def test_each_part_that_changes_asks_those_it_binds() -> None:
    def content(**changes: Any) -> dict[str, Any]:
        fields = {"steering_committee": "Un bureau.", "contact_phone": "1", "evaluation": "Oui."}
        fields |= {key: changes.pop(key) for key in fields.keys() & changes.keys()}
        section = {"steering_committee": "governance", "contact_phone": "identity"}
        return {
            "sections": [
                {
                    "key": section.get(key, key),
                    "title": key,
                    "fields": [{"key": key, "label": key, "value": value}],
                }
                for key, value in fields.items()
            ],
            "territory": [{"code": "44114", "part_name": ""}],
            "entity": {"name": "A"},
            "members": [{"member": 1}, {"member": 2}],
            "attachments": [{"key": "map", "files": [{"sha256": "a"}]}],
            "sheets": [],
        } | changes

    found = {
        name: [(one.kind.value, sorted(one.named)) for one in changes(content(), content(**change))]
        for name, change in {
            "nothing": {},
            "phone": {"contact_phone": "2"},
            "governance": {"steering_committee": "Deux bureaux."},
            "frame": {"evaluation": "Non."},
            "territory": {"territory": []},
            "entity": {"entity": {"name": "B"}},
            "members": {"members": [{"member": 2}, {"member": 3}]},
            "file": {"attachments": []},
        }.items()
    }
    assert found == {
        "nothing": [],
        "phone": [("contact", [])],
        "governance": [("governance", [])],
        "frame": [("framework", [])],
        "territory": [("territory", [])],
        "entity": [("legal_entity", [])],
        "members": [("member_added", [3]), ("member_left", [1])],
        "file": [("content", [])],
    }


# --- What the office asks to complete -----------------------------------------------------------


def asked_to_complete(project: HealthProject, key: str) -> CompletionRequest:
    """A request of the office in charge, for one thing."""
    user = projects.agent(project)
    request = start_request(project, user=user)
    save_item(request, completing.item(key), user=user)
    save_request(request, user=user, message="Merci.", due_on=asking.in_days(20))
    return send(request, user=user)


def test_a_request_unlocks_the_sheets_and_nothing_that_was_not_asked() -> None:
    project = projects.under_review()
    owner, office = project.created_by, projects.agent(project)
    (before,) = sheets.frozen_sheets(project)
    tail = f"fiches/{before['uid']}/"
    with pytest.raises(PermissionDenied):
        sheet(project)
    request = asked_to_complete(project, "action_sheets")
    added = sheet(projects.fresh(project), label="Après la demande")
    newcomer = making.professional(project.community)

    # The team reads what it prepares; the office what was deposited.
    pages = {who: text(signed_in(person).get(url(project, "fiches/")))
             for who, person in {"team": owner, "office": office}.items()}  # fmt: skip
    assert {who: "Après la demande" in page for who, page in pages.items()} == {
        "team": True,
        "office": False,
    }
    assert signed_in(owner).get(url(project, f"{tail}modifier/")).status_code == 200
    assert request.items.get().revision == 1

    completed = projects.fresh(project)
    perform(completed, "answer_completion", actor=owner)
    first, second = Snapshot.objects.filter(case=project).order_by("version")
    assert [one["label"] for one in second.content["sheets"]] == [before["label"], added.label]
    assert second.content["members"] == first.content["members"]
    assert newcomer.pk not in {one["member"] for one in second.content["members"]}
    assert [one.kind.value for one in changes(first.content, second.content)] == ["sheet_added"]
    with pytest.raises(PermissionDenied):
        sheet_writing.remove_sheet(projects.fresh(project), added.uid, by=owner)


def test_what_another_answer_does_not_touch_stays_as_it_was_deposited() -> None:
    project = projects.under_review()
    request = asked_to_complete(project, "evaluation")
    # Rows left by a request that was given up, say: nobody may write them now.
    project.sheets.update(means="Écrit sans que personne l’ait demandé.")
    request.items.update(revision=1, value="Une enquête par an.")
    perform(projects.fresh(project), "answer_completion", actor=project.created_by)
    first, second = Snapshot.objects.filter(case=project).order_by("version")
    assert second.content["sheets"] == first.content["sheets"]
    assert [(one.kind.value, one.label) for one in changes(first.content, second.content)] == [
        ("framework", "Modalités d’évaluation")
    ]
