"""An amendment is a case of its own: begun from the project in force, which it replaces."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.utils import timezone

from communities import legal
from health_projects.amending import begin_amendment, in_force, validated
from health_projects.models import HealthProject
from health_projects.sheet_writing import Actor
from health_projects.ticking import unticked
from members.services import record_departure
from signatures.models import Invitation
from territories.services import add_communes
from tests.health_projects import projects
from tests.health_projects.sheet_making import sheet
from tests.members import making
from workflow.models import Answer, Case, CaseDocument, TerritoryClaim
from workflow.services import ActionRefusedError, IncompleteError
from writing.content import read_content

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
        project.community,
        sections=["action_sheets", "members"],
        user=owner,
        on=timezone.localdate(),
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


def _wider_territory(amendment: HealthProject) -> None:
    add_communes(amendment.community.territory, ["69266"])


def _other_members(amendment: HealthProject) -> None:
    community = amendment.community
    leaving = community.members.current().get(last_name="Partant")
    record_departure(
        leaving, on=timezone.localdate(), reason="Départ à la retraite", by=amendment.created_by
    )
    making.professional(community, profession="50")


def _other_governance(amendment: HealthProject) -> None:
    Answer.objects.filter(case=amendment, key="governance_rules").update(value="Une voix chacun.")
    entity = legal.current_entity(amendment.community)
    assert entity
    legal.correct_entity(
        entity, {"city": "Lyon", "postal_code": "69001"}, revision=1, by=amendment.created_by
    )


def _one_sheet_more(amendment: HealthProject) -> None:
    doctor = amendment.community.members.current().get(profession="10")
    centre = amendment.community.members.current().get(kind="structure")
    sheet(
        amendment,
        label="Vacciner les plus de 65 ans",
        coordinator=doctor.pk,
        actors=[Actor("structure", member=centre.pk)],
    )


# Of each part: what its team does, what is then said to it, who signs again of the four members.
_CHANGES: Final[dict[str, tuple[Callable[[HealthProject], None], list[tuple[str, str]], int]]] = {
    "territory": (_wider_territory, [("territory", "")], 4),
    "members": (_other_members, [("members", "1 nouveau membre, 1 membre parti")], 1),
    "governance": (_other_governance, [("legal_entity", ""), ("governance_rules", "")], 4),
    "action_sheets": (
        _one_sheet_more,
        [("action_sheets", "Fiche « Vacciner les plus de 65 ans » ajoutée")],
        2,
    ),
}


def test_amendments_of_every_part_are_ticked_signed_and_validated_one_after_the_other():
    project = projects.finish(projects.draft("84"))
    making.professional(project.community, last_name="Partant")
    owner, community = project.created_by, project.community
    projects.services.freeze_version(project, actor=owner)
    projects.deliver_pending()
    project = projects.signed_by_all(projects.fresh(project))
    projects.file(project)
    projects.decide(projects.taken_up(projects.fresh(project)), **projects.validating())
    day = timezone.localdate() - timedelta(days=90)
    HealthProject.objects.filter(pk=project.pk).update(validated_on=day)
    chain = [project.pk]
    for part, (change, told, signing) in _CHANGES.items():
        amendment = begin_amendment(community, sections=["evaluation"], user=owner, on=day)
        assert unticked(amendment, read_content(amendment)) == []
        change(amendment)
        amendment = projects.fresh(amendment)
        found = unticked(amendment, read_content(amendment))
        assert [
            (one.field, said in one.sentence) for one, (_, said) in zip(found, told, strict=True)
        ] == [(field, True) for field, _ in told]
        with pytest.raises(IncompleteError):
            projects.services.freeze_version(amendment, actor=owner)
        HealthProject.objects.filter(pk=amendment.pk).update(amended_sections=[part])
        amendment = projects.fresh(amendment)
        projects.services.freeze_version(amendment, actor=owner)
        projects.deliver_pending()
        amendment = projects.signed_by_all(projects.fresh(amendment))
        asked = Invitation.objects.filter(campaign__case=amendment)
        assert asked.exclude(state="kept").count() == signing
        projects.file(amendment)
        amendment = projects.taken_up(projects.fresh(amendment))
        projects.decide(amendment, **projects.validating())
        day += timedelta(days=10)
        HealthProject.objects.filter(pk=amendment.pk).update(validated_on=day)
        chain.append(amendment.pk)
    projects.deliver_pending()
    consolidated = [in_force(community, day - timedelta(days=10 * one)) for one in range(5)]
    assert [one and one.case_id for one in consolidated] == chain[::-1]
    said: list[Any] = [one.content for one in reversed(consolidated) if one]
    assert [len(one["territory"]) for one in said] == [1, 2, 2, 2, 2]
    assert [len(one["sheets"]) for one in said] == [1, 1, 1, 1, 2]
    assert [one["entity"]["seat"].split()[-1] for one in said] == ["Nantes"] * 3 + ["Lyon"] * 2
    # The member who left is in the project signed at the time, and in none after.
    left = [any("Partant" in who["name"] for who in one["members"]) for one in said]
    assert left == [True, True, False, False, False]
    held = TerritoryClaim.objects.filter(community=community, stage="decided")
    assert set(held.values_list("case_id", flat=True)) == {chain[-1]}
    # The first validation alone recognises the CPTS.
    assert CaseDocument.objects.filter(case__in=chain, kind="recognition").count() == 1
    assert community.stages.count() == 1
