"""What the pages of a project cost, and that what is read in brief says the same."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from health_projects import sheet_missing, sheets
from health_projects.documents import KINDS
from health_projects.models import ActionSheet, HealthProject
from health_projects.past import read_past
from members.models import Member
from tests.health_projects import projects
from tests.health_projects.sheet_making import sheet
from tests.members import making
from workflow.official import readable_documents
from writing.content import missing_before_deposit, procedure_of, read_content

pytestmark = pytest.mark.django_db


def test_sheets_in_brief_lack_what_whole_sheets_lack() -> None:
    project = projects.draft()
    rules = sheets.rules_of(project)
    said = []
    for changes in ({}, {"means": ""}, {"calendar": "", "starts_on": timezone.localdate()}):
        sheet(project, themes=[rules.themes[0].key], **changes)
    ActionSheet.objects.filter(project=project, means="").update(actions="é", issue="")
    doctor = Member.objects.filter(community=project.community, profession="10").order_by("pk")[0]
    for left_on in (None, timezone.localdate()):
        Member.objects.filter(pk=doctor.pk).update(left_on=left_on)
        brief = sheets.sheets_in_brief(sheets.brief_of(project), rules)
        whole = sheets.sheets_as_data(project)
        assert sheet_missing.missing_in(rules, brief) == sheet_missing.missing_in(rules, whole)
        assert sheet_missing.signalled_in(rules, brief) == sheet_missing.signalled_in(rules, whole)
        said.append([sheet_missing.lacks(one) for one in brief])
    assert said[0] == [[], ["la problématique", "les moyens"], []]
    assert said[1][0] == [
        f"d’autres acteurs ({doctor.first_name} {doctor.last_name} : partis de la CPTS)"
    ]
    assert [one["revision"] for one in brief] == [one["revision"] for one in whole]


def test_what_is_missing_follows_the_sheets() -> None:
    project = projects.complete()

    def lacking() -> list[str]:
        found = missing_before_deposit(read_content(project))
        return [one.sentence for one in found if one.field == "action_sheets"]

    assert lacking() == []
    ActionSheet.objects.filter(project=project).update(means="")
    assert [sentence.endswith("ajoutez les moyens.") for sentence in lacking()] == [True]
    ActionSheet.objects.filter(project=project).update(means="Un poste")
    assert lacking() == []


def test_pages_cost_the_same_whatever_the_size_of_the_project() -> None:
    project = projects.complete()
    client = Client()
    client.force_login(project.created_by)
    at = f"/projets/{project.public_id}/"
    first = procedure_of(project).sections[0].key

    def counts(*paths: str) -> list[int]:
        found = []
        for path in paths:
            client.get(path)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).status_code == 200
            found.append(len(queries))
        return found

    small = counts(at, f"{at}etapes/{first}/")
    for _ in range(9):
        sheet(project)
    assert counts(at, f"{at}etapes/{first}/") == small == [9, 9]
    projects.services.freeze_version(project, actor=project.created_by)
    projects.deliver_pending()
    project = projects.sign(projects.fresh(project))
    frozen = counts(at)
    projects.file(project)
    projects.deliver_pending()
    assert (frozen, counts(at)) == ([19], [6])
    making.professional(project.community)
    assert counts(at) == [6]


def test_the_past_of_a_project_names_the_papers_its_readers_may_open() -> None:
    project = projects.deposited()
    projects.deliver_pending()
    for person in (project.created_by, projects.agent(project)):
        past = read_past([HealthProject.objects.get(pk=project.pk)])[project.pk]
        allowed = readable_documents(project, person).filter(kind__in=KINDS)
        assert sorted((one.document.number, one.kind) for one in past.documents) == sorted(
            (one.document.number, one.kind) for one in allowed
        )
    assert [log.transition for log in past.logs][:2] == ["freeze_version", "deposit"]
