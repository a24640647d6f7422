"""An amendment is a case of its own: begun from the project in force, which it replaces."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from health_projects.amending import begin_amendment, in_force, validated
from health_projects.models import HealthProject
from tests.health_projects import projects
from tests.health_projects.sheet_making import sheet
from workflow.models import Answer, Case
from workflow.services import ActionRefusedError, IncompleteError

pytestmark = pytest.mark.django_db


def in_force_since(day: date) -> HealthProject:
    project = projects.deposited()
    Case.objects.filter(pk=project.pk).update(state="accepted")
    HealthProject.objects.filter(pk=project.pk).update(validated_on=day)
    return projects.fresh(project)


def test_an_amendment_begins_with_the_project_in_force_and_says_what_it_changes():
    today = timezone.localdate()
    project = in_force_since(today - timedelta(days=100))
    owner = project.created_by
    client = Client()
    client.force_login(owner)
    url = f"/projets/{project.public_id}/avenant/"
    assert client.post(url, {}).status_code == 422
    begun = client.post(url, {"sections": ["governance"]})
    amendment = HealthProject.objects.get(amends=project)
    assert begun.url == f"/projets/{amendment.public_id}/"
    assert amendment.amended_sections == ["governance"]
    said = dict(project.answers.values_list("key", "value"))
    assert dict(amendment.answers.values_list("key", "value")) == said
    with pytest.raises(ActionRefusedError, match="déjà en cours"):
        begin_amendment(project.community, sections=["governance"], user=owner, on=today)
    Answer.objects.filter(case=amendment, key="contact_name").update(value="Paul Roy")
    with pytest.raises(IncompleteError) as refused:
        projects.services.freeze_version(amendment, actor=owner)
    assert "a changé sans être cochée" in refused.value.missing[0].sentence
    shown = client.get(f"/projets/{amendment.public_id}/ce-que-change-l-avenant/").content.decode()
    assert "Paul" in shown
    client.post(
        f"/projets/{amendment.public_id}/parties-modifiees/",
        {"sections": ["governance", "identity"]},
    )
    assert projects.fresh(amendment).missing_for("freeze_version") == []


def test_the_consolidated_project_of_any_day_is_that_of_its_last_validation():
    today = timezone.localdate()
    first = in_force_since(today - timedelta(days=100))
    second = begin_amendment(
        first.community, sections=["governance"], user=first.created_by, on=today
    )
    Answer.objects.filter(case=second, key="contact_name").update(value="Paul Roy")
    second.amended_sections = ["governance", "identity"]
    HealthProject.objects.filter(pk=second.pk).update(amended_sections=second.amended_sections)
    projects.services.freeze_version(projects.fresh(second), actor=first.created_by)
    found = {
        days: validated(first.community, today - timedelta(days=days)) for days in (101, 100, 0)
    }
    assert found == {101: None, 100: first, 0: first}
    projects.deliver_pending()
    signed = projects.sign(projects.fresh(second))
    projects.file(signed)
    Case.objects.filter(pk=second.pk).update(state="tacitly_accepted")
    HealthProject.objects.filter(pk=second.pk).update(validated_on=today - timedelta(days=5))
    days = (101, 100, 6, 5, 0)
    snapshots = [in_force(first.community, today - timedelta(days=one)) for one in days]
    assert [one and one.case_id for one in snapshots] == [
        None,
        first.pk,
        first.pk,
        second.pk,
        second.pk,
    ]


def test_an_amendment_asks_again_those_whom_its_changes_engage_only():
    project = in_force_since(timezone.localdate() - timedelta(days=100))
    owner = project.created_by
    amendment = begin_amendment(
        project.community, sections=["action_sheets"], user=owner, on=timezone.localdate()
    )
    sheet(amendment, label="Vacciner les plus de 65 ans")
    projects.services.freeze_version(amendment, actor=owner)
    projects.deliver_pending()
    opened = projects.campaign(projects.fresh(amendment))
    states = opened.invitations.values_list("member__profession", "state")
    # The health centre had signed the project, and the new sheet does not name it.
    assert [one for one in states if one[1] == "kept"] == [("", "kept")]
    assert opened.invitations.filter(state="waiting").count() == 5


def test_nothing_is_amended_before_a_validation():
    project = projects.draft()
    with pytest.raises(ActionRefusedError, match="pas encore de projet de santé validé"):
        begin_amendment(
            project.community,
            sections=["governance"],
            user=project.created_by,
            on=timezone.localdate(),
        )
