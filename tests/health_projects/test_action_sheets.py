"""Action sheets: written, refused, put in order, frozen, and what a change of them costs."""

import uuid
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from health_projects import sheet_missing, sheet_showing, sheet_writing, sheets
from health_projects.changes import sheet_changes
from health_projects.matrix import matrix
from health_projects.models import ActionSheet, HealthProject
from health_projects.sheet_writing import Actor, ChangedMeanwhileError, SheetError
from members.services import record_departure
from signatures.costs import ChangeKind
from tests import factories
from tests.documents.pdf import flat_text
from tests.health_projects import projects
from tests.health_projects.sheet_making import posted, sheet, values
from tests.members import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> HealthProject:
    return projects.draft()


def url(project: HealthProject, tail: str = "") -> str:
    return f"/projets/{project.public_id}/fiches/{tail}"


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text(response: Any) -> str:
    return " ".join(response.content.decode().replace("\u00a0", " ").split())


def labels(project: HealthProject) -> list[str]:
    return [one["label"] for one in sheets.sheets_as_data(project)]


# --- Refused ------------------------------------------------------------------------------------


def test_a_coordinator_is_a_member_of_this_cpts_today(project: HealthProject) -> None:
    stranger = making.professional(factories.community())
    gone = making.professional(project.community)
    record_departure(gone, on=timezone.localdate(), reason="", by=project.created_by)
    for coordinator in (stranger.pk, gone.pk, 999_999):
        with pytest.raises(SheetError, match="Le coordinateur est un membre") as refused:
            sheet(project, coordinator=coordinator)
        assert refused.value.field == "coordinator"
    # Whoever writes, the database holds it.
    made = sheet(project)
    with (
        pytest.raises(IntegrityError, match="not a member of this CPTS"),
        transaction.atomic(),
    ):
        ActionSheet.objects.filter(pk=made.pk).update(coordinator=stranger)
    with pytest.raises(SheetError, match="n’est pas membre"):
        sheet(project, actors=[Actor("first_line", member=stranger.pk)])
    with pytest.raises(IntegrityError, match="not a member of this CPTS"), transaction.atomic():
        made.actors.update(member=stranger)


def test_texts_dates_and_actors_are_bounded(project: HealthProject) -> None:
    member = making.professional(project.community)
    twice = [Actor("first_line", member=member.pk), Actor("second_line", member=member.pk)]
    refusals = {
        "means": lambda: sheet(project, means="x" * 4_001),
        "ends_on": lambda: sheet(project, starts_on=date(2027, 3, 1), ends_on=date(2027, 2, 28)),
        "actors": lambda: sheet(project, actors=twice),
    }
    for field, write in refusals.items():
        with pytest.raises(SheetError) as refused, transaction.atomic():
            write()
        assert refused.value.field == field
    crowd = [Actor("other", name=f"Partenaire {n}") for n in range(41)]
    with pytest.raises(SheetError, match="40 acteurs au plus"):
        sheet(project, actors=crowd)
    assert labels(project) == []


def test_only_the_team_that_writes_the_draft_writes_its_sheets(project: HealthProject) -> None:
    made = sheet(project)
    reader = factories.team_member(project.community, role="reader").user
    for by in (reader, factories.user()):
        with pytest.raises(PermissionDenied):
            sheet_writing.save_sheet(project, values(), [], by=by)
        with pytest.raises(PermissionDenied):
            sheet_writing.remove_sheet(project, made.uid, by=by)
    assert len(labels(project)) == 1


# --- What is missing ----------------------------------------------------------------------------


def test_a_sheet_says_what_it_lacks(project: HealthProject) -> None:
    sheet(project, label="Vide", general_objective="", coordinator=None, actors=[], calendar="",
          missions=[])  # fmt: skip
    (data,) = sheets.sheets_as_data(project)
    assert sheet_missing.lacks(data) == [
        "l’objectif général",
        "les acteurs",
        "le coordinateur",
        "le calendrier",
        "une mission ou un thème",
    ]
    assert sheet_missing.missing_sheets(project)[0].sentence.replace("\u00a0", " ") == (
        "Fiche action « Vide » : ajoutez l’objectif général, les acteurs, le coordinateur, "
        "le calendrier, une mission ou un thème."
    )


def test_a_coordinator_who_left_is_to_be_replaced(project: HealthProject) -> None:
    one = making.professional(project.community, first_name="Ana", last_name="Roy")
    sheet(project, coordinator=one.pk, actors=[Actor("first_line", member=one.pk)])
    record_departure(one, on=timezone.localdate(), reason="", by=project.created_by)
    (data,) = sheets.sheets_as_data(project)
    assert [line.replace("\u00a0", " ") for line in sheet_missing.lacks(data)] == [
        "un autre coordinateur (Ana Roy a quitté la CPTS)",
        "d’autres acteurs (Ana Roy : partis de la CPTS)",
    ]


def test_pays_de_la_loire_counts_sheets_that_associate(project: HealthProject) -> None:
    pairs = {
        ("first_line", "structure"): True,
        ("second_line", "prevention"): True,
        ("first_line", "second_line"): False,
        ("structure", "prevention"): False,
        ("first_line", "other"): False,
    }
    for lines in pairs:
        actors = [Actor(line, name=f"Partenaire {rank}") for rank, line in enumerate(lines)]
        sheet(project, actors=actors, themes=["access"])
    rule = sheets.rules_of(project).sheets
    data = sheets.sheets_as_data(project)
    assert [sheet_missing.counts_for(rule, one) for one in data] == list(pairs.values())
    assert sheet_missing.missing_sheets(project) == []


def test_one_sheet_on_a_theme_is_not_two(project: HealthProject) -> None:
    sheet(project, themes=["access"])
    sheet(project)
    (found,) = sheet_missing.missing_sheets(project)
    assert "il en manque 1" in found.sentence


def test_core_missions_block_or_are_signalled_as_the_region_says(project: HealthProject) -> None:
    occitanie = projects.draft("76", communes=("31555",))
    assert [one.sentence for one in sheet_missing.missing_sheets(occitanie)] == [
        "Ajoutez au moins une fiche action."
    ]
    for one in (project, occitanie):
        sheet(one, missions=["access_to_care", "prevention"], themes=[])
    data = sheets.sheets_as_data(occitanie)
    rules = sheets.rules_of(occitanie)
    assert [one.key for one in sheet_missing.uncovered_missions(rules, data)] == [
        "care_pathways",
        "health_crisis",
    ]
    blocking = [one for one in sheet_missing.missing_sheets(occitanie) if "socle" in one.sentence]
    assert (len(blocking), sheet_missing.signalled_in(rules, data)) == (2, [])
    here = sheets.sheets_as_data(project)
    assert len(sheet_missing.signalled_in(sheets.rules_of(project), here)) == 2
    assert not [one for one in sheet_missing.missing_sheets(project) if "socle" in one.sentence]
    drawn = matrix(rules, data)
    assert [(row.numbers, row.is_wanted) for row in drawn.missions] == [
        ("1", False), ("", True), ("1", False), ("", True), ("", False), ("", False),
    ]  # fmt: skip


# --- Order, copies, frozen ----------------------------------------------------------------------


def test_sheets_are_ordered_copied_and_taken_out(project: HealthProject) -> None:
    by = project.created_by
    first, second, third = (sheet(project, label=name) for name in ("A", "B", "C"))
    assert sheet_writing.move_sheet(project, third.uid, up=True, by=by)
    assert not sheet_writing.move_sheet(project, first.uid, up=True, by=by)
    assert labels(project) == ["A", "C", "B"]
    copy = sheet_writing.duplicate_sheet(project, first.uid, by=by)
    sheet_writing.remove_sheet(project, second.uid, by=by)
    assert labels(project) == ["A", "C", "A (copie)"]
    whole, copied = sheets.sheets_as_data(project)[0], sheets.sheets_as_data(project)[-1]
    different = {key for key in whole if whole[key] != copied[key]}
    assert (different, copied["uid"]) == ({"uid", "number", "label"}, str(copy.uid))


def test_an_amendment_starts_from_the_same_sheets(project: HealthProject) -> None:
    sheet(project, label="A", starts_on=date(2027, 1, 1), ends_on=date(2027, 12, 31))
    frozen = sheets.sheets_as_data(project)
    ActionSheet.objects.all().delete()
    sheet_writing.start_from(project, frozen, by=project.created_by)
    assert sheets.sheets_as_data(project) == frozen
    assert list(sheet_changes(frozen, frozen)) == []


def test_a_change_of_sheets_names_those_it_engages(project: HealthProject) -> None:
    by = project.created_by
    kept, changed, removed = (sheet(project, label=name) for name in ("A", "B", "C"))
    before = sheets.sheets_as_data(project)
    data = before[1]
    newcomer = making.professional(project.community)
    sheet_writing.save_sheet(
        project,
        values(label="B", coordinator=newcomer.pk, means="Rien de plus."),
        [Actor(one["line"], member=one["member"], role=one["role"]) for one in data["actors"]],
        by=by, uid=changed.uid, revision=1,
    )  # fmt: skip
    sheet_writing.remove_sheet(project, removed.uid, by=by)
    added = sheet(project, label="D")
    sheet_writing.move_sheet(project, kept.uid, up=False, by=by)
    # A name that is corrected engages nobody again.
    kept.coordinator.last_name = "Corrigée"
    kept.coordinator.save()

    def people(made: ActionSheet) -> set[int]:
        return {made.coordinator_id, *made.actors.values_list("member", flat=True)}

    in_c = {data["member"] for data in [before[2]["coordinator"], *before[2]["actors"]]}
    after = sheets.sheets_as_data(project)
    assert [(one.kind, one.label, set(one.named)) for one in sheet_changes(before, after)] == [
        (ChangeKind.SHEET_ADDED, "Fiche « D » ajoutée", people(added)),
        (ChangeKind.SHEET_CHANGED, "Fiche « B » modifiée",
         people(changed) | {newcomer.pk}),
        (ChangeKind.SHEET_REMOVED, "Fiche « C » retirée", in_c),
        (ChangeKind.LAYOUT, "Ordre des fiches actions", set()),
    ]  # fmt: skip


# --- Pages --------------------------------------------------------------------------------------


def test_the_form_keeps_a_sheet_and_says_what_is_wrong(project: HealthProject) -> None:
    client = signed_in(project.created_by)
    nurse = making.professional(project.community, first_name="Ana", last_name="Roy")
    wrong = posted(
        label="",
        coordinator="Personne d’inconnu",
        means="x" * 4_001,
        starts_on="2027-03-01",
        ends_on="2027-02-01",
        **{"actors-0-who": "Mairie de Rezé", "actors-1-line": "structure"},
    )
    answer = client.post(url(project, "ajouter/"), wrong)
    page = text(answer)
    assert answer.status_code == 422
    for sentence in (
        "Écrivez le libellé",
        "n’est pas un membre de la CPTS",
        "Ce texte dépasse 4000 caractères (il en compte 4001)",
        "La fin ne peut pas précéder le début",
        "Choisissez le titre auquel « Mairie de Rezé » participe",
        "Écrivez le nom de cet acteur",
    ):
        assert page.count(sentence) == 2, sentence  # beside the field, and in the summary
    assert labels(project) == []

    right = posted(
        label="Trouver un médecin",
        coordinator="Ana Roy – Infirmier",
        **{"actors-0-who": "Ana Roy – Infirmier", "actors-0-line": "first_line",
           "actors-1-who": "Mairie de Rezé", "actors-1-line": "other", "actors-1-role": "Local"},
    )  # fmt: skip
    answer = client.post(url(project, "ajouter/"), right, follow=True)
    assert "La fiche « Trouver un médecin » est enregistrée" in text(answer)
    (data,) = sheets.sheets_as_data(project)
    assert data["coordinator"]["member"] == nurse.pk
    assert [(one["member"], one["name"], one["line"], one["role"]) for one in data["actors"]] == [
        (nurse.pk, "Ana Roy", "first_line", ""),
        (None, "Mairie de Rezé", "other", "Local"),
    ]
    page = client.get(url(project, f"{data['uid']}/modifier/")).content.decode()
    assert 'value="Ana Roy – Infirmier"' in page


def test_asking_for_lines_keeps_what_was_written(project: HealthProject) -> None:
    client = signed_in(project.created_by)
    answer = client.post(url(project, "ajouter/"), posted(label="Brouillon", lines="1"))
    page = text(answer)
    assert (answer.status_code, "actors-4-who" in page, "Brouillon" in page) == (200, True, True)
    assert "Rien n’a été enregistré" not in page


def test_two_people_write_one_sheet_and_nothing_is_lost(project: HealthProject) -> None:
    made = sheet(project, label="A", means="Rien.")
    client = signed_in(project.created_by)
    tail = f"{made.uid}/modifier/"
    client.post(url(project, tail), posted(label="A", means="Une voiture.", revision="1"))
    answer = client.post(url(project, tail), posted(label="A", means="Un vélo.", revision="1"))
    page = text(answer)
    assert answer.status_code == 422
    assert [said in page for said in ("Une voiture.", "Un vélo.", "Rien n’est perdu")] == [True] * 3
    with pytest.raises(ChangedMeanwhileError):
        sheet_writing.save_sheet(
            project, values(), [], by=project.created_by, uid=made.uid, revision=1
        )
    client.post(url(project, tail), posted(label="A", means="Un vélo.", revision="2"))
    assert sheets.sheets_as_data(project)[0]["means"] == "Un vélo."


def test_the_buttons_of_the_list_move_copy_and_remove(project: HealthProject) -> None:
    client = signed_in(project.created_by)
    first, second = sheet(project, label="A"), sheet(project, label="B")
    client.post(url(project, "agir/"), {"monter": str(second.uid)})
    client.post(url(project, "agir/"), {"dupliquer": str(first.uid)})
    assert labels(project) == ["B", "A", "A (copie)"]
    client.post(url(project, "agir/"), {"descendre": str(second.uid)})
    client.post(url(project, f"{second.uid}/retirer/"))
    assert labels(project) == ["A", "A (copie)"]
    for wrong in ({}, {"monter": "nulle part"}, {"dupliquer": str(uuid.uuid4())}):
        assert client.post(url(project, "agir/"), wrong).status_code == 302
    assert client.get(url(project, f"{second.uid}/")).status_code == 404


def test_a_sheet_prints_with_its_nine_headings(project: HealthProject) -> None:
    made = sheet(project, label="Trouver un médecin", themes=["access"])
    client = signed_in(project.created_by)
    answer = client.get(url(project, f"{made.uid}/fiche.pdf"))
    said = flat_text(answer.content)
    for heading in ("Trouver un médecin", "Problématique", "Objectif général", "Actions",
                    "Objectifs spécifiques", "Coordinateur", "Calendrier", "Moyens",
                    "Critères d’évaluation", "Acteurs et partenaires"):  # fmt: skip
        assert heading in said
    public = sheet_showing.show(sheets.sheets_as_data(project)[0], public=True)
    names = [one.name for one in project.community.members.filter(kind="professional")]
    assert not [name for name in names if name in str(public)]


def test_pages_cost_the_same_with_one_sheet_and_thirty(project: HealthProject) -> None:
    client = signed_in(project.created_by)
    made = sheet(project)
    counts = []
    for _ in range(2):
        found = []
        for tail in ("", "missions/", f"{made.uid}/", f"{made.uid}/modifier/"):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url(project, tail)).status_code == 200
            found.append(len(queries))
        counts.append(found)
        for _ in range(29):
            sheet_writing.duplicate_sheet(project, made.uid, by=project.created_by)
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 5


# --- Access -------------------------------------------------------------------------------------


def test_everybody_finds_what_is_theirs(project: HealthProject) -> None:
    made = sheet(project)
    reads = ["", "missions/", f"{made.uid}/", f"{made.uid}/fiche.pdf"]
    writes = ["ajouter/", f"{made.uid}/modifier/", f"{made.uid}/retirer/"]
    reader = signed_in(factories.team_member(project.community, role="reader").user)
    stranger = signed_in(factories.community().created_by)
    admin = signed_in(factories.user(is_staff=True, is_superuser=True))
    agent = signed_in(factories.membership(organisation_=factories.organisation()).user)
    for client in (stranger, admin, agent):
        assert [client.get(url(project, tail)).status_code for tail in reads + writes] == [404] * 7
        assert client.post(url(project, "agir/"), {"monter": str(made.uid)}).status_code == 404
    assert [reader.get(url(project, tail)).status_code for tail in reads] == [200] * 4
    assert [reader.get(url(project, tail)).status_code for tail in writes] == [403] * 3
    assert reader.post(url(project, "agir/"), {"dupliquer": str(made.uid)}).status_code == 403
    assert [Client().get(url(project, tail)).status_code for tail in reads] == [302] * 4
    # A sheet of another project is not reached through mine.
    other = projects.draft()
    owner = signed_in(other.created_by)
    tails = reads[2:] + writes[1:]
    assert [owner.get(url(other, tail)).status_code for tail in tails] == [404] * 4
