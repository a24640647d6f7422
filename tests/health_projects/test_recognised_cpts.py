"""A recognised CPTS: what is public of it, and what changes in it without an amendment."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from communities import officers
from communities.officers import Role
from health_projects.amending import begin_amendment
from health_projects.models import HealthProject
from outbox.services import deliver_pending
from tests.health_projects import projects
from tests.mailbox import mails
from tests.workflow import asking
from workflow.models import Answer, CaseDocument
from workflow.timeline import read_timeline

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()


def validated(project: HealthProject) -> HealthProject:
    projects.decide(project, **projects.validating())
    deliver_pending()
    return projects.fresh(project)


def test_anyone_reads_the_public_copy_of_what_is_validated_and_nothing_else() -> None:
    project = projects.under_review()
    deliver_pending()
    copies = {
        one.kind: f"/projets/publics/{one.document_id}/"
        for one in CaseDocument.objects.filter(case=project)
    }
    anyone = Client()
    assert {anyone.get(url).status_code for url in copies.values()} == {404}
    project = validated(project)
    page = anyone.get(f"/cpts/{project.community.public_id}/").content.decode()
    assert re.findall(r'href="(/projets/publics/[^"]+)"', page) == [copies["health_project_public"]]
    assert {kind: anyone.get(url).status_code for kind, url in copies.items()} == {
        kind: 200 if kind == "health_project_public" else 404 for kind in copies
    }


def test_its_office_and_its_fund_are_told_who_presides_and_of_a_name_that_changes() -> None:
    project = projects.under_review()
    fund, office = projects.fund(project), projects.agent(project)
    project = validated(project)
    community, owner = project.community, project.created_by
    before = community.name
    reader = asking.member(fund, "agent")

    officers.appoint(community, Role.PRESIDENT, name="Claire Fabre", email="", on=TODAY, by=owner)
    officers.appoint(
        community, Role.COORDINATOR, name="Noé Petit", email="noe@exemple.test", on=TODAY, by=owner
    )
    officers.rename(community, "CPTS des Lacs", on=TODAY, by=owner)
    deliver_pending()
    deliver_pending()
    for person in (office, reader):
        told = [one for one in mails(person.email) if "change" in one.subject]
        assert sum("la présidence de la CPTS change" in one.subject for one in told) == 1
        assert sum("la coordination de la CPTS change" in one.subject for one in told) == 1
        assert sum("la CPTS change d’intitulé" in one.subject for one in told) == 1
        assert any("noe@exemple.test" in one.text_body for one in told)
    lines = read_timeline(project, projects.agent(project))
    assert sum("CPTS des Lacs" in one.label or "Claire Fabre" in one.label for one in lines) == 2
    page = Client().get(f"/cpts/{community.public_id}/").content.decode()
    assert "CPTS des Lacs" in page
    assert "Claire Fabre" not in page
    # What was validated keeps the name it had; the amendment begins with the new one.
    assert projects.fresh(project).title == before
    amendment = begin_amendment(community, sections=["identity"], user=owner, on=TODAY)
    assert Answer.objects.get(case=amendment, key="title").value == "CPTS des Lacs"


def test_a_name_written_in_an_amendment_is_the_cptss_once_it_is_validated() -> None:
    project = validated(projects.under_review())
    community, owner = project.community, project.created_by
    old = community.name
    amendment = begin_amendment(community, sections=["identity"], user=owner, on=TODAY)
    projects.write(amendment, "title", "CPTS du Grand Lac")
    community.refresh_from_db()
    assert (community.name, projects.fresh(amendment).title) == (old, "CPTS du Grand Lac")
    projects.services.freeze_version(projects.fresh(amendment), actor=owner)
    deliver_pending()
    projects.file(projects.sign(projects.fresh(amendment)))
    validated(projects.taken_up(projects.fresh(amendment)))
    community.refresh_from_db()
    assert list(community.renamings.values_list("before", "after", "on")) == [
        (old, "CPTS du Grand Lac", TODAY)
    ]
    assert community.name == "CPTS du Grand Lac"
