"""A deposited project that the office asks to complete: prepared apart, then a new version."""

import re

import pytest
from django.test import Client

from health_projects.models import HealthProject
from outbox.services import deliver_pending
from tests.health_projects import projects
from tests.mailbox import mails
from tests.workflow import asking, completing
from workflow.complement_asking import save_item, save_request, send, start_request
from workflow.models import Answer, CaseDocument, Snapshot
from workflow.services import IncompleteError, clock_of, perform
from writing.buffer import open_buffer
from writing.rules import may_write

pytestmark = pytest.mark.django_db


def said(project: HealthProject, key: str) -> str:
    return Answer.objects.get(case=project, key=key).value


def test_what_is_asked_of_a_project_is_prepared_apart_then_filed_as_a_new_version_on_its_clock():
    project = projects.under_review()
    owner, office = project.created_by, projects.agent(project)
    before, deposited = said(project, "evaluation"), clock_of(project).deadline
    request = start_request(project, user=office)
    save_item(request, completing.item("evaluation"), user=office)
    save_request(request, user=office, message="Merci.", due_on=asking.in_days(20))
    send(request, user=office)
    stopped = clock_of(project)
    assert (projects.fresh(project).state, stopped.state) == ("completion_requested", "suspended")
    assert projects.fresh(project).missing_for("propose_decision") != []

    with pytest.raises(IncompleteError):
        perform(projects.fresh(project), "answer_completion", actor=owner)
    prepared = projects.fresh(project)
    open_buffer(prepared, owner)
    may = {key: may_write(prepared, owner, key) for key in ("evaluation", "contact_name", "map")}
    assert may == {"evaluation": True, "contact_name": False, "map": False}
    projects.write(project, "evaluation", "Une enquête chaque année.")
    assert (said(project, "evaluation"), projects.fresh(project).version) == (before, 1)

    perform(projects.fresh(project), "answer_completion", actor=owner)
    project = projects.fresh(project)
    clock = clock_of(project)
    first, second = Snapshot.objects.filter(case=project).order_by("version")
    assert (project.state, project.version, clock.state) == ("under_review", 2, "running")
    assert said(project, "evaluation") == "Une enquête chaque année."
    assert clock.deadline is not None
    assert deposited is not None
    assert clock.deadline >= deposited
    assert second.content["completion"]["silence_date"] == clock.deadline.isoformat()
    assert [one["key"] for one in second.content["completion"]["items"]] == ["evaluation"]
    assert "completion" not in first.content

    client = Client()
    client.force_login(office)
    shown = client.get(f"/dossiers/{project.public_id}/versions/").content.decode()
    assert "Une enquête chaque année." in " ".join(re.sub(r"<[^>]+>", "", shown).split())
    deliver_pending()
    numbers = CaseDocument.objects.filter(case=project).values_list("document__number", flat=True)
    assert {one.removeprefix(f"{project.reference}-") for one in numbers} >= {"V1", "V2", "AR"}
    assert any("version 2" in one.text_body for one in mails(owner.email))
